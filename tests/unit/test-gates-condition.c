/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include "kube/object.h"
#include "gates/gate-condition.h"
#include "gates/definition.h"
#include "gates/selector.h"
#include "ready/check-kinds.h"

static MicroShiftConfig *config_of(const char *const *texts, size_t n) {
        MicroShiftConfig *c = calloc(1, sizeof(*c));

        for (size_t i = 0; i < n; i++) {
                char file[8];

                snprintf(file, sizeof(file), "f%zu", i);
                assert_ok(microshift_config_add(c, file, texts[i], strlen(texts[i])));
        }
        return c;
}

static bool has(const MicroShiftConfig *c, const char *key, const char *value) {
        return microshift_config_has(c, key, value);
}

static void test_defaults(void **state) {
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = config_of(NULL, 0);

        assert_true(has(c, "ingress.status", "Managed"));
        assert_false(has(c, "ingress.status", "Removed"));
        assert_true(has(c, "network.cniPlugin", ""));
        assert_true(has(c, "network.multus.status", "Disabled"));
        assert_true(has(c, "storage.driver", ""));
        assert_true(has(c, "storage.optionalCsiComponents", ""));
        assert_true(has(c, "no.such.key", ""));
        assert_true(microshift_config_knows("ingress.status"));
        assert_false(microshift_config_knows("ingress"));
}

static void test_merge(void **state) {
        static const char *const texts[] = {
                ("ingress:\n  status: Removed\n  ports: {http: 80}\nstorage:\n  optionalCsiComponents: [none]\n"
                 "network: {cniPlugin: none, multus: {status: Enabled}}\n"),
                "# nothing\n",
                "ingress:\n  ports: {http: 81}\nstorage:\n  optionalCsiComponents: [a, b]\nnetwork:\n  cniPlugin: null\n",
                "network: {multus: }\n",
        };
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = config_of(texts, 1);

        assert_true(has(c, "network.multus.status", "Enabled"));
        assert_string_equal(microshift_config_get(c, "network.cniPlugin"), "none");
        assert_null(microshift_config_get(c, "network"));
        assert_null(microshift_config_get(c, "node.hostnameOverride"));
        assert_true(has(c, "network.cniPlugin", "none"));
        assert_true(has(c, "storage.optionalCsiComponents", "none"));
        microshift_config_free(c);

        c = config_of(texts, ELEMENTSOF(texts));
        assert_null(c->error);
        assert_true(has(c, "ingress.status", "Removed"));
        assert_true(has(c, "ingress.ports.http", "81"));
        /* Lists are replaced, null removes, a map that is replaced by nothing is gone. */
        assert_false(has(c, "storage.optionalCsiComponents", "none"));
        assert_true(has(c, "storage.optionalCsiComponents", "b"));
        assert_true(has(c, "network.cniPlugin", ""));
        assert_true(has(c, "network.multus.status", "Disabled"));
}

/* What MicroShift reads (by sigs.k8s.io/yaml, tried) must not make gates invalid: a key that somebody put behind an
 * earlier one of its name, aliases and what they merge, and names of another case. */
static void test_as_microshift_reads(void **state) {
        static const char *const texts[] = {
                "storage: {driver: none, optionalCsiComponents: [none]}\nstorage:\n  driver: lvms\n",
                "x-none: &none none\nnetwork: {cniPlugin: *none}\nstorage: {driver: *none}\n",
                "x-removed: &removed {status: Removed}\ningress:\n  <<: *removed\n  ports: {http: 80}\n",
                "x-a: &a {status: Removed}\nx-b: &b {status: Managed}\ningress: {<<: [*a, *b]}\n",
                "x-a: &a {status: Removed}\ningress: {<<: *a, status: Managed}\n",
                "x-a: &a {status: Removed}\nx-b: &b {<<: *a}\ningress: {<<: *b}\n",
                "Ingress: {Status: Removed}\n",
        };
        MicroShiftConfig *c[ELEMENTSOF(texts)];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                c[i] = config_of(texts + i, 1);
                if (c[i]->error)
                        fail_msg("%s", c[i]->error);
        }
        assert_true(has(c[0], "storage.driver", "lvms"));
        assert_true(has(c[0], "storage.optionalCsiComponents", ""));
        assert_true(has(c[1], "network.cniPlugin", "none"));
        assert_true(has(c[1], "storage.driver", "none"));
        assert_true(has(c[2], "ingress.status", "Removed"));
        assert_true(has(c[3], "ingress.status", "Removed"));
        assert_true(has(c[4], "ingress.status", "Managed"));
        assert_true(has(c[5], "ingress.status", "Removed"));
        assert_true(has(c[6], "ingress.status", "Removed"));
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                microshift_config_free(c[i]);
}

static void test_empty_list(void **state) {
        static const char *const texts[] = { "storage: {optionalCsiComponents: []}\n" };
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = config_of(texts, 1);

        assert_true(has(c, "storage.optionalCsiComponents", ""));
        assert_false(has(c, "storage.optionalCsiComponents", "none"));
}

static void test_broken_config(void **state) {
        static const char *const texts[] = { "a: 1\n", "a:\n  b: [\n", "- x\n" };
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = config_of(texts, 3),
                                                            *list = config_of(texts + 2, 1);

        assert_non_null(strstr(c->error, "f1: line 3"));
        assert_string_equal(list->error, "f0: line 1: not a map of settings");
}

static bool has_x(const GateFacts *facts, const char *path) {
        return streq(path, "/x");
}

static int hold_on(const char *conditions, const GateFacts *facts, char **ret_cause) {
        _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        _cleanup_free_ char *text = NULL;

        assert_ok(asprintf_ret(&text, "[Gate]\n%s\n[Api]\n", conditions));
        assert_ok(conf_parse("g", "F", text, strlen(text), &conf));
        assert_ok(gate_definition_parse("g", conf, check_find_syntax, &d));
        assert_null(d->invalid);
        return gate_conditions_hold(d, facts, ret_cause);
}

static int hold(const char *conditions, const MicroShiftConfig *config, char **ret_cause) {
        GateFacts facts = { .path_exists = has_x, .microshift = config };

        return hold_on(conditions, &facts, ret_cause);
}

#define P "ConditionPathExists="
#define M "ConditionMicroShift="

static void test_conditions(void **state) {
        static const struct {
                const char *text;
                int known, broken; /* with a configuration that can be read, and with one that cannot */
                const char *cause;
        } rows[] = {
                { "", 1, 1, NULL },
                { P "/x", 1, 1, NULL },
                { P "/y", 0, 0, "ConditionPathExists=/y does not hold (F:2)" },
                { P "! /y", 1, 1, NULL },
                { P "!/x", 0, 0, "ConditionPathExists=!/x does not hold (F:2)" },
                { P "/x\n" P "/y", 0, 0, "ConditionPathExists=/y does not hold (F:3)" },
                { M "ingress.status=Managed", 1, -EBADMSG, NULL },
                { M "ingress.status = Managed", 1, -EBADMSG, NULL },
                { M "ingress.status!=Managed", 0, -EBADMSG,
                  "ConditionMicroShift=ingress.status!=Managed does not hold (F:2)" },
                { M "!ingress.status!=Managed", 1, -EBADMSG, NULL },
                { M "network.cniPlugin=", 1, -EBADMSG, NULL },
                { P "|/y\n" P "|/x", 1, 1, NULL },
                { P "|/y\n" P "|/z", 0, 0, "ConditionPathExists=|/y does not hold (F:2)" },
                { P "|/y\n" M "|storage.driver!=none", 1, -EBADMSG, NULL },
                { P "|/x\n" M "|storage.driver=none", 1, 1, NULL },
                { P "/y\n" M "storage.driver!=none", 0, 0, "ConditionPathExists=/y does not hold (F:2)" },
                { M "storage.driver!=none\n" P "/y", 0, 0, "ConditionPathExists=/y does not hold (F:3)" },
                { P "/x\n" P "|/y", 0, 0, "ConditionPathExists=|/y does not hold (F:3)" },
        };
        static const char *const bad[] = { "[" };
        _cleanup_(microshift_config_freep) MicroShiftConfig *known = config_of(NULL, 0),
                                                            *broken = config_of(bad, 1);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *cause = NULL, *broken_cause = NULL;

                assert_int_equal(hold(rows[i].text, known, &cause), rows[i].known);
                if (rows[i].cause)
                        assert_string_equal(cause, rows[i].cause);
                else
                        assert_null(cause);
                assert_int_equal(hold(rows[i].text, broken, &broken_cause), rows[i].broken);
                if (rows[i].broken < 0)
                        assert_string_equal(broken_cause, broken->error);
        }
}

#define D "ConditionMicroShiftDeploys="

/* A path that is too long leaves every name in doubt but those that were found. */
static void test_deploys(void **state) {
        static const struct {
                const char *text;
                int known, doubtful, broken;
                const char *cause;
        } rows[] = {
                { D "001-a", 1, 1, -EBADMSG, NULL },
                { D "! 001-a", 0, 0, -EBADMSG, "ConditionMicroShiftDeploys=!001-a does not hold (F:2)" },
                { D "001-b", 0, -EBADMSG, -EBADMSG, "ConditionMicroShiftDeploys=001-b does not hold (F:2)" },
                { D "!001-b", 1, -EBADMSG, -EBADMSG, NULL },
                { D "|001-b\n" D "|001-a", 1, 1, -EBADMSG, NULL },
                { D "|001-b\n" P "|/x", 1, 1, 1, NULL },
                { D "|001-b\n" P "|/y", 0, -EBADMSG, -EBADMSG,
                  "ConditionMicroShiftDeploys=|001-b does not hold (F:2)" },
                { D "001-b\n" P "/y", 0, 0, 0, NULL },
                { M "network.cniPlugin=none\n" D "001-b", 0, 0, -EBADMSG,
                  "ConditionMicroShift=network.cniPlugin=none does not hold (F:2)" },
        };
        char tall[5000];
        const char *const texts[] = { "manifests: {kustomizePaths: [/m/*]}", tall, "[" };
        _cleanup_(microshift_config_freep) MicroShiftConfig *known = NULL, *doubtful = NULL, *broken = NULL;
        _cleanup_(microshift_manifests_freep) MicroShiftManifests *m = NULL, *doubts = NULL;
        Folder root;

        snprintf(tall, sizeof(tall), "manifests: {kustomizePaths: [/m/*, '/%04500d']}", 0);
        known = config_of(texts, 1);
        doubtful = config_of(texts + 1, 1);
        broken = config_of(texts + 2, 1);
        folder_begin(&root);
        folder_write(&root, "m/001-a/kustomization.yaml", "");
        assert_ok(microshift_manifests_load(known, root.path, &m));
        assert_ok(microshift_manifests_load(doubtful, root.path, &doubts));
        folder_end(&root);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *cause = NULL, *doubt = NULL, *error = NULL;
                GateFacts facts = { .path_exists = has_x, .microshift = known, .manifests = m };

                assert_int_equal(hold_on(rows[i].text, &facts, &cause), rows[i].known);
                if (rows[i].cause)
                        assert_string_equal(cause, rows[i].cause);
                facts = (GateFacts){ .path_exists = has_x, .microshift = doubtful, .manifests = doubts };
                assert_int_equal(hold_on(rows[i].text, &facts, &doubt), rows[i].doubtful);
                if (rows[i].doubtful < 0)
                        assert_non_null(endswith(doubt, ": File name too long"));
                facts = (GateFacts){ .path_exists = has_x, .microshift = broken };
                assert_int_equal(hold_on(rows[i].text, &facts, &error), rows[i].broken);
                if (rows[i].broken < 0)
                        assert_string_equal(error, broken->error);
        }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void test_load(void **state) {
        char root[] = "/tmp/test-microshift-XXXXXX";
        _cleanup_free_ char *file = NULL, *folder = NULL, *one = NULL, *two = NULL, *other = NULL;

        assert_non_null(mkdtemp(root));
        assert_ok(path_join(root, "config.yaml", &file));
        assert_ok(path_join(root, "config.d", &folder));
        assert_ok(path_join(folder, "10-a.yaml", &one));
        assert_ok(path_join(folder, "20-b.yaml", &two));
        assert_ok(path_join(folder, "30-c.yml", &other));
        {
                _cleanup_(microshift_config_freep) MicroShiftConfig *c = NULL;

                assert_ok(microshift_config_load(file, folder, &c));
                assert_null(c->error);
                assert_true(has(c, "ingress.status", "Managed"));
        }
        assert_ok(mkdir_parents(one, 0755));
        assert_ok(file_write_atomic(file, "ingress: {status: A}\n", 21, 0600));
        assert_ok(file_write_atomic(two, "ingress: {status: C}\n", 21, 0600));
        assert_ok(file_write_atomic(one, "ingress: {status: B}\n", 21, 0600));
        assert_ok(file_write_atomic(other, "ingress: {status: D}\n", 21, 0600));
        {
                _cleanup_(microshift_config_freep) MicroShiftConfig *c = NULL;

                assert_ok(microshift_config_load(file, folder, &c));
                assert_true(has(c, "ingress.status", "C"));
        }
        assert_ok(file_write_atomic(one, "x: [\n", 5, 0600));
        {
                _cleanup_(microshift_config_freep) MicroShiftConfig *c = NULL;

                assert_ok(microshift_config_load(file, folder, &c));
                assert_non_null(strstr(c->error, "config.d/10-a.yaml: line"));
        }
        assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_selector(void **state) {
        static const struct {
                const char *selector;
                bool matches;
        } rows[] = {
                { "", true },
                { " \t", true },
                { "app=web", true },
                { "app==web", true },
                { " app = web ", true },
                { "app=db", false },
                { "app!=db", true },
                { "app!=web", false },
                { "gone!=x", true },
                { "app", true },
                { "gone", false },
                { "!gone", true },
                { "! app", false },
                { "app in (db,web)", true },
                { "app in ( db , web )", true },
                { "app in(db)", false },
                { "app notin (db)", true },
                { "gone notin (db)", true },
                { "app notin (web,db)", false },
                { "empty=", true },
                { "empty in ()", true },
                { "example.com/tier=front,app=web", true },
                { "example.com/tier=front,app=db", false },
                { "in=x", true },
                { "notin", false },
        };
        /* clang-format off */
        static const char *const bad[] = {
                ",",        "app=web,", ",app",     "=web",     "app=web db", "app in web", "app in (web", "app in web)",
                "app in (web,db", "app ~ web", "!",  "app=-x",  "-app=x",     "app=x!",    "/app",        "a/b/c",
                "app in (web)x",  "app=(web)", "a b", "!app=web", "app>1",
        };
        /* clang-format on */
        char *labels[] = { (char *) "app=web", (char *) "empty=", (char *) "example.com/tier=front",
                           (char *) "in=x", NULL };
        KubeObject o = { .labels = (void *) labels };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                SelectorRequirement *q = NULL;
                size_t n = 0;

                assert_ok(selector_parse(rows[i].selector, &q, &n, NULL));
                if (selector_matches(q, n, &o) != rows[i].matches)
                        fail_msg("%s", rows[i].selector);
                selector_free(q, n);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                const char *why = NULL;
                SelectorRequirement *q = NULL;
                size_t n = 0;

                if (selector_parse(bad[i], &q, &n, &why) != -EINVAL || !why)
                        fail_msg("taken: %s", bad[i]);
                assert_null(q);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_merge),
                cmocka_unit_test(test_as_microshift_reads),
                cmocka_unit_test(test_empty_list),
                cmocka_unit_test(test_broken_config),
                cmocka_unit_test(test_conditions),
                cmocka_unit_test(test_deploys),
                cmocka_unit_test(test_load),
                cmocka_unit_test(test_selector),
        };
        return cmocka_run_group_tests_name("ready-gate-condition", tests, NULL, NULL);
}
