/* SPDX-License-Identifier: Apache-2.0 */

/* What MicroShift makes of files in /etc/microshift. tests/data/microshift-config/NAME.txt has a case after
 * each line that begins with "== ". Its lines first lay out the folder,
 *
 *   file PATH               a file of the lines that follow and begin with "| "; "|" alone is an empty one
 *   folder PATH
 *   link PATH TARGET
 *   pipe PATH
 *
 * and then tell what comes of it:
 *
 *   KEY=VALUE, KEY!=VALUE   ConditionMicroShift= holds
 *   KEY is A B C            KEY is a list of these texts, "KEY is" one without any
 *   KEY is unset            KEY has no list
 *   error TEXT              MicroShift does not start; ours begins with TEXT, where paths are in the folder
 *
 * The expectations are what MicroShift's own libraries made of the same files (sigs.k8s.io/yaml 1.4.0,
 * evanphx/json-patch 4.12.0, Go's encoding/json and path/filepath), put together as in its
 * pkg/config/files.go; of errors, only that there is one. Files that are given as arguments are played instead. */

#include "data.h"
#include "folder.h"

#include <limits.h>
#include <time.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "gates/condition-microshift.h"

typedef struct Story {
        const char *name;
        char title[256];
        Folder folder;
        MicroShiftConfig *config;
        char *file; /* that the next "| " belongs to */
        unsigned line, n_expected, n_cases;
} Story;

static void broken(const Story *s, const char *why) {
        fail_msg("%s:%u: %s: %s%s%s", s->name, s->line, s->title, why,
                 s->config && s->config->error ? ": " : "",
                 s->config && s->config->error ? s->config->error : "");
}

static void end_case(Story *s) {
        if (!*s->title)
                return;
        if (s->n_expected == 0)
                broken(s, "expects nothing");
        s->config = microshift_config_free(s->config);
        s->file = mfree(s->file);
        folder_end(&s->folder);
        *s->title = '\0';
}

static void begin_case(Story *s, const char *title) {
        end_case(s);
        snprintf(s->title, sizeof(s->title), "%s", title);
        s->n_expected = 0;
        s->n_cases++;
        folder_begin(&s->folder);
}

static void load(Story *s) {
        _cleanup_free_ char *file = folder_path(&s->folder, "config.yaml"),
                            *folder = folder_path(&s->folder, "config.d");

        s->n_expected++;
        if (!s->config)
                assert_ok(microshift_config_load(file, folder, &s->config));
}

static void add_line(Story *s, const char *text) {
        _cleanup_free_ char *path = folder_path(&s->folder, s->file ?: "?");
        FILE *f = fopen(path, "ae");

        assert_non_null(f);
        fprintf(f, "%s\n", text);
        fclose(f);
}

static void expect_error(Story *s, const char *text) {
        _cleanup_free_ char *begins = NULL;

        load(s);
        assert_ok(asprintf_ret(&begins, "%s/%s", s->folder.path, text));
        if (!s->config->error || !startswith(s->config->error, begins))
                broken(s, begins);
}

static void expect_list(Story *s, const char *key, const char *items) {
        _cleanup_(strv_freep) char **list = NULL, **expected = NULL;
        int r;

        load(s);
        if (s->config->error)
                broken(s, "cannot be read");
        r = microshift_config_get_list(s->config, key, &list);
        assert_ok(r);
        assert_ok(strv_split(items, " ", &expected));
        if (streq(items, "unset") ? r != 0 : r != 1 || !strv_equal(list, expected))
                broken(s, "another list");
}

static void expect_condition(Story *s, char *key, char *value) {
        bool differs = value[-1] == '!';

        load(s);
        if (s->config->error)
                broken(s, "cannot be read");
        value[differs ? -1 : 0] = '\0';
        if (microshift_config_has(s->config, key, value + 1) == differs)
                broken(s, strempty(microshift_config_get(s->config, key)));
}

static void lay_pipe(Story *s, const char *name) {
        _cleanup_free_ char *path = folder_path(&s->folder, name);

        assert_ok(mkdir_parents(path, 0755));
        assert_ok(mkfifo(path, 0644));
}

static void on_line(Story *s, char *line) {
        char *rest = strchr(line, ' '), *value;

        if (*line == '|') {
                add_line(s, rest ? rest + 1 : "");
                return;
        }
        if (startswith(line, "== ")) {
                begin_case(s, line + 3);
                return;
        }
        value = strchr(line, '=');
        if (value && value > line && (!rest || value < rest)) {
                expect_condition(s, line, value);
                return;
        }
        if (!rest) {
                broken(s, line);
                return;
        }
        *rest++ = '\0';
        if (streq(line, "file")) {
                s->file = mfree(s->file);
                assert_non_null((s->file = strdup(rest)));
                folder_write(&s->folder, rest, "");
        } else if (streq(line, "folder"))
                folder_make(&s->folder, rest);
        else if (streq(line, "pipe"))
                lay_pipe(s, rest);
        else if (streq(line, "link") && strchr(rest, ' ')) {
                value = strchr(rest, ' ');
                *value++ = '\0';
                folder_link(&s->folder, rest, value);
        } else if (streq(line, "error"))
                expect_error(s, rest);
        else if (streq(rest, "is") || startswith(rest, "is "))
                expect_list(s, line, rest[2] ? rest + 3 : "");
        else
                broken(s, line);
}

/* How many cases the file has. */
static unsigned play(const char *path) {
        _cleanup_free_ char *text = NULL;
        Story s = { .name = path };

        assert_ok(file_read(path, LIMIT_CONFIG_FILE, &text, NULL));
        for (char *line = text, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                s.line++;
                if (*line && *line != '#')
                        on_line(&s, line);
        }
        end_case(&s);
        return s.n_cases;
}

static void test_table(void **state) {
        _cleanup_(strv_freep) char **texts = data_texts("microshift-config");
        unsigned n = 0;

        STRV_FOREACH(text, texts)
                n += play(*text);
        assert_true(n >= 70);
}

static void test_keys(void **state) {
        assert_true(microshift_config_knows("ingress.status"));
        assert_true(microshift_config_knows("network.cniPlugin"));
        assert_false(microshift_config_knows("ingress"));
        assert_false(microshift_config_knows("Ingress.status"));
}

/* For keys that a release may know and we do not. */
static void test_get(void **state) {
        static const char text[] = "a: [x, {}, ~, 1]\nb: []\nc: {d: no}\ne:\n";
        static const char *const no_lists[] = { "c", "c.d", "e", "f", "a.b", "", ".", "c.", "c..d" };
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));
        _cleanup_(strv_freep) char **a = NULL, **b = NULL, **none = NULL;

        assert_ok(microshift_config_add(c, "F", text, strlen(text)));
        assert_ok(microshift_config_check(c));
        assert_null(c->error);
        assert_int_equal(microshift_config_get_list(c, "a", &a), 1);
        assert_int_equal(strv_length(a), 2);
        assert_string_equal(a[0], "x");
        assert_string_equal(a[1], "1");
        assert_int_equal(microshift_config_get_list(c, "b", &b), 1);
        assert_int_equal(strv_length(b), 0);
        for (size_t i = 0; i < ELEMENTSOF(no_lists); i++)
                assert_int_equal(microshift_config_get_list(c, no_lists[i], &none), 0);
        assert_null(none);
        assert_string_equal(microshift_config_get(c, "C.D"), "no");
        assert_null(microshift_config_get(c, "c"));
        assert_null(microshift_config_get(c, "a"));
        assert_null(microshift_config_get(c, "e"));
        assert_null(microshift_config_get(c, "f.g"));
}

static char *error_of(const Folder *f) {
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = NULL;
        _cleanup_free_ char *file = folder_path(f, "config.yaml"), *folder = folder_path(f, "config.d");

        assert_ok(microshift_config_load(file, folder, &c));
        return TAKE_PTR(c->error);
}

static void expect_refused(const Folder *f, const char *ending) {
        _cleanup_free_ char *error = error_of(f);

        if (!error || !endswith(error, ending))
                fail_msg("%s", strna(error));
}

/* As Windows' editors write a file. Its text is invisible in a table of texts. */
static void test_encodings(void **state) {
        static const char text[] = "network: {cniPlugin: none}\ningress: {status: Removed}\n";
        static const char mark[] = "\xef\xbb\xbf";

        for (unsigned encoding = 0; encoding < 3; encoding++) {
                _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));
                _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(1));

                if (encoding == 0)
                        assert_ok(buffer_printf(&b, "%s%s", mark, text));
                else
                        assert_ok(buffer_put(&b, encoding == 1 ? "\xff\xfe" : "\xfe\xff", 2));
                for (const char *t = text; encoding > 0 && *t; t++)
                        assert_ok(buffer_put(
                                &b, (const char[]){ encoding == 1 ? *t : 0, encoding == 1 ? 0 : *t }, 2));
                assert_ok(microshift_config_add(c, "F", b.data, b.size));
                assert_ok(microshift_config_check(c));
                assert_null(c->error);
                assert_true(microshift_config_has(c, "network.cniPlugin", "none"));
                assert_true(microshift_config_has(c, "ingress.status", "Removed"));
        }
}

/* A byte order mark alone is no empty file: MicroShift does not merge it with others. */
static void test_mark_alone(void **state) {
        static const char text[] = "ingress: {status: Removed}\n", mark[] = "\xef\xbb\xbf";
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));

        assert_ok(microshift_config_add(c, "F", text, strlen(text)));
        assert_ok(microshift_config_add(c, "G", mark, strlen(mark)));
        assert_non_null(startswith(c->error, "G: holds no settings"));
}

static void test_too_large(void **state) {
        _cleanup_free_ char *text = malloc(LIMIT_CONFIG_FILE + 2);
        Folder f;

        folder_begin(&f);
        memset(text, '#', LIMIT_CONFIG_FILE + 1);
        memcpy(text, "{}\n", 3);
        text[LIMIT_CONFIG_FILE + 1] = '\0';
        folder_write(&f, "config.yaml", text);
        expect_refused(&f, "config.yaml: too large");

        text[LIMIT_CONFIG_FILE] = '\0';
        folder_write(&f, "config.yaml", text);
        for (unsigned i = 1; i < LIMIT_MICROSHIFT_CONFIG / LIMIT_CONFIG_FILE; i++) {
                char name[32];

                snprintf(name, sizeof(name), "config.d/%u.yaml", i);
                folder_write(&f, name, text);
        }
        assert_null(error_of(&f));
        folder_write(&f, "config.d/9.yaml", "{}\n");
        expect_refused(&f, "9.yaml: too large, together with the files before it");
        folder_end(&f);
}

static void test_too_deep(void **state) {
        _cleanup_(buffer_done) Buffer deep = BUFFER_INIT(KIB(4));
        Folder f;

        folder_begin(&f);
        assert_ok(buffer_puts(&deep, "config.d"));
        for (unsigned i = 1; i < LIMIT_CONFIG_DEPTH; i++)
                assert_ok(buffer_puts(&deep, "/a"));
        folder_make(&f, buffer_cstr(&deep));
        assert_null(error_of(&f));
        assert_ok(buffer_puts(&deep, "/b"));
        folder_make(&f, buffer_cstr(&deep));
        expect_refused(&f, "a/b: nested too deeply");
        folder_end(&f);
}

static void test_too_many(void **state) {
        Folder f;

        folder_begin(&f);
        for (unsigned i = 0; i < LIMIT_CONFIG_NAMES; i++) {
                char name[32];

                snprintf(name, sizeof(name), "config.d/%u.yaml", i);
                folder_link(&f, name, "/dev/null");
        }
        folder_write(&f, "config.d/README", "");
        assert_null(error_of(&f));
        folder_make(&f, "config.d/sub");
        expect_refused(&f, "config.d: cannot be listed: too many files");
        folder_end(&f);
}

static void test_unreadable(void **state) {
        _cleanup_free_ char *path = NULL;
        uid_t uid = geteuid();
        Folder f;

        /* Root may read it all. */
        if (uid == 0 && seteuid(65534) < 0)
                skip_test("no user but root can be had here");
        folder_begin(&f);
        folder_write(&f, "config.d/sub/a.yaml", "{}\n");
        path = folder_path(&f, "config.d/sub");
        assert_ok(chmod(path, 0));
        expect_refused(&f, "config.d/sub: cannot be listed: Permission denied");
        assert_ok(chmod(path, 0755));
        folder_end(&f);
        assert_ok(seteuid(uid));
}

/* Clock ticks, at best, for reading files of that many keys, each file having them all. */
static clock_t time_of_keys(unsigned n_files, unsigned n_keys) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(LIMIT_CONFIG_FILE);
        clock_t best = LONG_MAX;

        for (unsigned i = 0; i < n_keys; i++)
                assert_ok(buffer_printf(&text, "%x:\n", i * 2654435761U));
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));
                clock_t begin = clock();

                for (unsigned k = 0; k < n_files; k++)
                        assert_ok(microshift_config_add(c, "F", text.data, text.size));
                assert_ok(microshift_config_check(c));
                assert_null(c->error);
                best = MIN(best, clock() - begin);
        }
        return best;
}

/* Eight times the keys take no more than some ten times as long, where it might be sixty-four times. */
static void test_many_keys(void **state) {
        clock_t few = time_of_keys(4, 2000), many = time_of_keys(4, 16000);

        if (many > 30 * few)
                fail_msg("%ld and %ld", few, many);
}

static char **files;

static void test_files(void **state) {
        STRV_FOREACH(file, files)
                assert_true(play(*file) > 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest named[] = { cmocka_unit_test(test_files) };
        const struct CMUnitTest all[] = {
                cmocka_unit_test(test_table),      cmocka_unit_test(test_keys),
                cmocka_unit_test(test_get),        cmocka_unit_test(test_encodings),
                cmocka_unit_test(test_mark_alone), cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_too_deep),   cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_many_keys),  cmocka_unit_test(test_unreadable),
        };

        files = argv + 1;
        return argc > 1 ? cmocka_run_group_tests(named, NULL, NULL)
                        : cmocka_run_group_tests(all, NULL, NULL);
}
