/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <sys/types.h>

#include "gates/microshift-manifests.h"

#define LIB "usr/lib/microshift/"
#define ETC "etc/microshift/"
#define OLM LIB "manifests.d/001-microshift-olm/"

/* A made-up root, and what MicroShift would deploy of it. */
typedef struct Row {
        const char *title;
        const char *config;
        const char *files[6];
        const char *links[4]; /* name, target */
        const char *yes[6], *no[6];
} Row;

static const Row rows[] = {
        { "nothing is there", "", { NULL }, { NULL }, { NULL }, { "001-microshift-olm", "manifests.d" } },
        { "by default four places, and each name of a kustomization file",
          "",
          { OLM "kustomization.yaml", LIB "manifests/kustomization.yml", ETC "manifests/Kustomization",
            ETC "manifests.d/edge/kustomization.yaml" },
          { NULL },
          { "001-microshift-olm", "manifests", "edge" },
          { "manifests.d", "microshift", ".", "..", "001-microshift-ol", "*" } },
        { "a folder without such a file, and one whose file is elsewhere",
          "",
          { OLM "olm.yaml", LIB "manifests.d/a/b/kustomization.yaml",
            LIB "manifests.d/c/kustomization.json" },
          { NULL },
          { NULL },
          { "001-microshift-olm", "a", "b", "c" } },
        { "null is not set",
          "manifests: {kustomizePaths: null}",
          { OLM "kustomization.yaml" },
          { NULL },
          { "001-microshift-olm" },
          { NULL } },
        { "an empty list deploys nothing",
          "manifests: {kustomizePaths: []}",
          { OLM "kustomization.yaml" },
          { NULL },
          { NULL },
          { "001-microshift-olm" } },
        { "other places than the vendor's",
          "manifests: {kustomizePaths: [/etc/microshift/manifests.d/*, /opt/manifests]}",
          { OLM "kustomization.yaml", ETC "manifests.d/edge/kustomization.yaml",
            "opt/manifests/kustomization.yaml", "opt/kustomization.yaml" },
          { NULL },
          { "edge", "manifests" },
          { "001-microshift-olm", "opt" } },
        { "one folder alone, and a path that is not clean",
          "manifests: {kustomizePaths: ['/usr/lib//./x/../microshift/manifests.d/a/']}",
          { LIB "manifests.d/a/kustomization.yaml", LIB "manifests.d/b/kustomization.yaml" },
          { NULL },
          { "a" },
          { "b", "x" } },
        { "hidden ones match",
          "manifests: {kustomizePaths: ['/srv/*', '/opt/?x']}",
          { "srv/.a/kustomization.yaml", "opt/.x/kustomization.yaml" },
          { NULL },
          { ".a", ".x" },
          { "srv", ".", ".." } },
        { "patterns in any part",
          "manifests: {kustomizePaths: ['/s*/[0-9]?1-micro*/x', '/opt/[^a]']}",
          { "srv/001-microshift/x/kustomization.yaml", "srv/a01-microshift/y/kustomization.yaml",
            "opt/a/kustomization.yaml", "opt/b/kustomization.yaml" },
          { NULL },
          { "x", "b" },
          { "y", "a", "001-microshift" } },
        { "to Go ! in a class is a character, [ another, and \\ makes one of each",
          "manifests: {kustomizePaths: ['/srv/[!a]', '/opt/[[:alpha:]', '/var/\\*', '/mnt/[\\]\\-]']}",
          { "srv/!/kustomization.yaml", "srv/b/kustomization.yaml", "opt/h/kustomization.yaml",
            "opt/z/kustomization.yaml", "var/*/kustomization.yaml", "var/q/kustomization.yaml" },
          { "mnt/-", "../srv/!" },
          { "!", "h", "*", "-" },
          { "b", "z", "q" } },
        { "to Go a class ends at its first ]",
          "manifests: {kustomizePaths: ['/opt/[[:alpha:]]']}",
          { "opt/h/kustomization.yaml", "opt/h]/kustomization.yaml" },
          { NULL },
          { "h]" },
          { "h" } },
        { "a relative path begins where MicroShift's service runs",
          "manifests: {kustomizePaths: [site, '../lib/microshift/manifests.d/*', '']}",
          { "usr/bin/site/kustomization.yaml", OLM "kustomization.yaml", "site/kustomization.yaml",
            "usr/bin/kustomization.yaml" },
          { NULL },
          { "site", "001-microshift-olm", "bin" },
          { NULL } },
        { "a link goes by both names",
          "manifests: {kustomizePaths: ['/etc/microshift/manifests.d/*']}",
          { OLM "kustomization.yaml", LIB "manifests.d/b/kustomization.yaml" },
          { ETC "manifests.d/10-olm", "../../../usr/lib/microshift/manifests.d/001-microshift-olm" },
          { "10-olm", "001-microshift-olm" },
          { "b" } },
        { "links that lead nowhere",
          "",
          { NULL },
          { LIB "manifests.d/a", "b", LIB "manifests.d/c/kustomization.yaml", "gone" },
          { NULL },
          { "a", "b", "c" } },
        { "a link in a circle, and a file for a folder",
          "manifests: {kustomizePaths: ['/usr/lib/microshift/manifests.d/*', '/srv/file/*', '/srv/file/a']}",
          { "srv/file" },
          { LIB "manifests.d/a", "a" },
          { NULL },
          { "a", "b", "file" } },
};

static MicroShiftConfig *config_of(const char *text) {
        MicroShiftConfig *c = calloc(1, sizeof(*c));

        assert_non_null(c);
        assert_ok(microshift_config_add(c, "F", text, strlen(text)));
        if (c->error)
                fail_msg("%s", c->error);
        return c;
}

static MicroShiftManifests *load(const char *text, const char *root) {
        _cleanup_(microshift_config_freep) MicroShiftConfig *config = config_of(text);
        MicroShiftManifests *m = NULL;

        assert_ok(microshift_manifests_load(config, root, &m));
        return m;
}

static void expect(const MicroShiftManifests *m, const char *title, const char *name, int expected) {
        const char *why = "none";
        int r = microshift_manifests_deploy(m, name, &why);

        if (r != expected)
                fail_msg("%s: %s is %d (%s)", title, name, r, why);
}

static void test_deployed(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(microshift_manifests_freep) MicroShiftManifests *m = NULL;
                const Row *row = rows + i;
                Folder root;

                folder_begin(&root);
                for (size_t k = 0; k < ELEMENTSOF(row->files) && row->files[k]; k++)
                        folder_write(&root, row->files[k], "");
                for (size_t k = 0; k < ELEMENTSOF(row->links) && row->links[k]; k += 2)
                        folder_link(&root, row->links[k], row->links[k + 1]);
                m = load(row->config, root.path);
                for (size_t k = 0; k < ELEMENTSOF(row->yes) && row->yes[k]; k++)
                        expect(m, row->title, row->yes[k], 1);
                for (size_t k = 0; k < ELEMENTSOF(row->no) && row->no[k]; k++)
                        expect(m, row->title, row->no[k], 0);
                folder_end(&root);
        }
}

/* What MicroShift cannot use stops its loader, and then nothing is certain. */
static void test_refused(void **state) {
        static const char *const bad[] = { "[",   "[]",   "[]a]",  "[a",   "[a-]",      "[-a]", "[^]",
                                           "a\\", "[\\]", "[a-\\", "[a/b", "/[a]/[/c/", "x[^",  "[a]\\" };
        _cleanup_(microshift_manifests_freep) MicroShiftManifests *m = NULL;
        _cleanup_free_ char *tall = NULL;
        const char *told = NULL;
        char name[5000];
        Folder root;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(microshift_manifests_freep) MicroShiftManifests *refused = NULL;
                _cleanup_free_ char *text = NULL;
                const char *why = NULL;

                assert_ok(asprintf_ret(&text, "manifests: {kustomizePaths: ['%s']}", bad[i]));
                refused = load(text, "");
                expect(refused, bad[i], "001-microshift-olm", -EBADMSG);
                assert_int_equal(microshift_manifests_deploy(refused, "a", &why), -EBADMSG);
                assert_non_null(strstr(why, ": not a pattern that manifests.kustomizePaths may have"));
        }

        /* Not even what other paths have. */
        folder_begin(&root);
        folder_write(&root, "m/a/kustomization.yaml", "");
        m = load("manifests: {kustomizePaths: [/m/*, '/[', /m/*]}", root.path);
        expect(m, "found before and behind", "a", -EBADMSG);
        m = microshift_manifests_free(m);
        folder_end(&root);

        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_ok(asprintf_ret(&tall, "manifests: {kustomizePaths: ['/%s']}", name));
        m = load(tall, "");
        expect(m, "a path that is too long", "a", -EBADMSG);
        m = microshift_manifests_free(m);

        /* What the path has must not leave its line. */
        m = load("manifests: {kustomizePaths: [\"/a\\n\\e[1mb[\"]}", "");
        assert_int_equal(microshift_manifests_deploy(m, "a", &told), -EBADMSG);
        assert_string_equal(told, "/a [1mb[: not a pattern that manifests.kustomizePaths may have");
}

/* A pattern that covers the whole disk ends soon; what was found until then is certain. */
static void test_bounded(void **state) {
        static const char *const text =
                "manifests: {kustomizePaths: [/usr/lib/microshift/manifests.d/a, '/x/*/*/*/*', /y]}";
        _cleanup_(microshift_manifests_freep) MicroShiftManifests *m = NULL;
        const char *why = NULL;
        Folder root;

        folder_begin(&root);
        folder_write(&root, LIB "manifests.d/a/kustomization.yaml", "");
        for (size_t i = 0; i < 20 * 20 * 20; i++) {
                _cleanup_free_ char *name = NULL;

                assert_ok(asprintf_ret(&name, "x/%zu/%zu/%zu", i / 400, i / 20 % 20, i % 20));
                folder_make(&root, name);
        }
        m = load(text, root.path);
        expect(m, "found before", "a", 1);
        assert_int_equal(microshift_manifests_deploy(m, "b", &why), -EBADMSG);
        assert_non_null(strstr(why, "manifests.kustomizePaths covers too many files"));
        folder_end(&root);
}

/* Root may look everywhere, so this is looked at as another user. */
static void test_not_to_be_looked_into(void **state) {
        static const char *const text =
                "manifests: {kustomizePaths: ['/home/me/manifests.d/[0-9]*', /home/me/own, '/opt/*']}";
        _cleanup_free_ char *home = NULL, *closed = NULL;
        _cleanup_(microshift_manifests_freep) MicroShiftManifests *m = NULL;
        bool root_user = geteuid() == 0;
        const char *why = NULL;
        Folder root;

        folder_begin(&root);
        folder_write(&root, "opt/001-microshift-olm/kustomization.yaml", "");
        folder_write(&root, "opt/closed/kustomization.yaml", "");
        folder_make(&root, "home/me");
        home = folder_path(&root, "home/me");
        closed = folder_path(&root, "opt/closed");
        assert_ok(chmod(home, 0));
        assert_ok(chmod(closed, 0));
        if (root_user)
                assert_ok(seteuid(65534));
        m = load(text, root.path);
        if (root_user)
                assert_ok(seteuid(0));
        /* What is found elsewhere is deployed whatever is in there. */
        expect(m, "found", "001-microshift-olm", 1);
        assert_int_equal(microshift_manifests_deploy(m, "010-x", &why), -EBADMSG);
        assert_non_null(strstr(why, "/home/me/manifests.d: Permission denied"));
        assert_int_equal(microshift_manifests_deploy(m, "own", &why), -EBADMSG);
        assert_non_null(strstr(why, "/home/me/own: Permission denied"));
        assert_int_equal(microshift_manifests_deploy(m, "closed", &why), -EBADMSG);
        assert_non_null(strstr(why, "/opt/closed: Permission denied"));
        /* No path that cannot be looked at has such a name. */
        expect(m, "no such name", "edge", 0);
        assert_ok(chmod(home, 0755));
        assert_ok(chmod(closed, 0755));
        folder_end(&root);
}

static void test_no_manifests(void **state) {
        expect(NULL, "nothing loaded", "a", 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_deployed),     cmocka_unit_test(test_refused),
                cmocka_unit_test(test_bounded),      cmocka_unit_test(test_not_to_be_looked_into),
                cmocka_unit_test(test_no_manifests),
        };
        return cmocka_run_group_tests_name("gates-microshift-manifests", tests, NULL, NULL);
}
