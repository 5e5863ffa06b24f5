/* SPDX-License-Identifier: Apache-2.0 */

/* The table of the kinds of checks against what a kind has to have: a kind that lacks something
 * fails here. */

#include "test.h"

#include <dirent.h>
#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "ready/check-kinds.h"

/* Two values of each key, neither of them the default, that ask two questions. */
static const struct {
        const char *section, *key, *a, *b;
} values[] = {
        { "Api", "Path", "/livez", "/apis" },
        { "Node", "Name", "*", "other" },
        { "Pods", "Namespace", "a", "b" },
        { "Pods", "Selector", "k=v", "k=w" },
        { "Pods", "Name", "a-*", "b-*" },
        { "Pods", "MinimumReady", "0", "1" },
        { "Pods", "Proof", "none", "observed" },
        { "Workload", "Kind", "Deployment", "DaemonSet" },
        { "Workload", "Namespace", "a", "b" },
        { "Workload", "Name", "a", "b" },
        { "Workload", "MinimumReady", "0", "1" },
        { "Workload", "Revision", "any", "newest" },
        { "Workload", "Proof", "none", "observed" },
        { "Condition", "Resource", "v1/certificates", "a.b/v1/certificates" },
        { "Condition", "Namespace", "a", "b" },
        { "Condition", "Name", "a", "b" },
        { "Condition", "Type", "Ready", "Issuing" },
        { "Condition", "Status", "False", "Unknown" },
        { "Condition", "Field", "status.phase", "spec.a\\.b" },
        { "Condition", "Value", "Bound", "Lost" },
        { "Endpoint", "URL", "http://a/", "http://b/" },
        { "Endpoint", "ExpectStatus", "404", "200-204 404" },
        { "Endpoint", "CAFile", "/a", "/b" },
        { "Endpoint", "IntervalSec", "5", "1min" },
        { "Socket", "Connect", "/run/a", "a.b:1883" },
        { "Socket", "IntervalSec", "5", "1min" },
};

static CheckDefinition *make(const CheckKind *k) {
        CheckDefinition *d;

        assert_ok(check_definition_new(&k->syntax, "label", "F", 1, &d));
        return d;
}

static void set(CheckDefinition *d, const char *key, const char *value) {
        const char *why = "";

        if (check_definition_set(d, key, value, &why) < 0)
                fail_msg("[%s] %s=%s: %s", d->syntax->section, key, value, why);
}

/* A check of that kind with a value for each key. */
static CheckDefinition *make_full(const CheckKind *k) {
        CheckDefinition *d = make(k);

        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                if (streq(values[i].section, k->syntax.section))
                        set(d, values[i].key, values[i].a);
        return d;
}

static void test_descriptors(void **state) {
        for (const CheckKind *const *p = check_kinds; *p; p++) {
                const CheckKind *k = *p;

                assert_ptr_equal(check_find_syntax(k->syntax.section, NULL), &k->syntax);
                assert_non_null(k->syntax.describe);
                assert_non_null(k->judge);
                assert_non_null(k->list);
                assert_true(!k->counts_pods || (k->wants && k->syntax.size >= sizeof(TallyDefinition)));
                assert_true(!k->question || k->syntax.size >= sizeof(QuestionDefinition));
                assert_false(k->syntax.is_controller && k->syntax.needs_controller);
        }
        assert_null(check_find_syntax("Gate", NULL));
}

/* A stream that checks share drops each object that no check wants; its own streams a check has to ask for. */
static void test_streams(void **state) {
        for (const CheckKind *const *p = check_kinds; *p; p++) {
                _cleanup_(check_definition_freep) CheckDefinition *d = make_full(*p);
                unsigned roles;
                Check c;

                check_init(&c, d);
                roles = check_roles(&c);
                if (roles & ~(1U << STREAM_NODES | 1U << STREAM_GENERIC) && !(*p)->wants)
                        fail_msg("[%s] has roles and wants none of their objects", (*p)->syntax.section);
                if (roles & 1U << STREAM_GENERIC && !(*p)->demand)
                        fail_msg("[%s] demands no stream of its own", (*p)->syntax.section);
        }
}

/* check-KIND.c is the descriptor of [Kind], and stands in the table, which is check-kinds.c. */
static void test_a_row_for_each_file(void **state) {
        _cleanup_free_ char *folder = NULL;
        struct dirent *entry;
        unsigned n = 0;
        DIR *files;

        assert_ok(path_join(getenv("MSREADY_SOURCE"), "lib/ready", &folder));
        files = opendir(folder);
        assert_non_null(files);
        while ((entry = readdir(files))) {
                const char *kind = startswith(entry->d_name, "check-"), *end = endswith(entry->d_name, ".c");
                char section[64] = "";

                if (!kind || !end || streq(entry->d_name, "check-kinds.c"))
                        continue;
                snprintf(section, sizeof(section), "%.*s", (int) (end - kind), kind);
                section[0] = (char) (section[0] - 'a' + 'A');
                if (!check_find_syntax(section, NULL))
                        fail_msg("%s has no row", entry->d_name);
                n++;
        }
        closedir(files);
        for (const CheckKind *const *p = check_kinds; *p; p++)
                n--;
        assert_int_equal(n, 0);
}

static void assert_same(const CheckDefinition *a, const CheckDefinition *b, bool same) {
        uint64_t x = 1, y = 1;

        assert_int_equal(check_definition_equal(a, b), same);
        assert_ok(check_definition_hash(a, &x));
        assert_ok(check_definition_hash(b, &y));
        assert_int_equal(x == y, same);
}

/* Each key counts in the comparison of two checks, by which a reload tells whether a gate keeps its past, and in
 * the hash, by which a restart does. */
static void test_each_key_counts(void **state) {
        for (const CheckKind *const *p = check_kinds; *p; p++)
                for (const CheckKey *key = (*p)->syntax.keys; key->name; key++) {
                        _cleanup_(check_definition_freep) CheckDefinition *a = make(*p), *b = make(*p);
                        size_t i = 0;

                        while (i < ELEMENTSOF(values) && !(streq(values[i].section, (*p)->syntax.section) &&
                                                           streq(values[i].key, key->name)))
                                i++;
                        if (i == ELEMENTSOF(values))
                                fail_msg("[%s] %s= is tested nowhere", (*p)->syntax.section, key->name);
                        set(a, key->name, values[i].a);
                        assert_same(a, b, false);
                        set(b, key->name, values[i].b);
                        assert_same(a, b, false);
                        set(b, key->name, "");
                        set(b, key->name, values[i].a);
                        assert_same(a, b, true);
                        set(a, key->name, "");
                        assert_same(a, b, false);
                }
}

static void test_missing_keys(void **state) {
        for (const CheckKind *const *p = check_kinds; *p; p++) {
                _cleanup_(check_definition_freep) CheckDefinition *d = make_full(*p);
                _cleanup_free_ char *words = NULL, *question = NULL;

                assert_null(check_definition_missing(d));
                assert_ok(check_definition_describe(d, &words));
                assert_true(*words);
                if ((*p)->question) {
                        assert_ok((*p)->question(d, &question));
                        /* Answers below paths are the API server's and forgotten with it. */
                        assert_true(question[0] != '/');
                }
                for (const CheckKey *key = (*p)->syntax.keys; key->name; key++) {
                        set(d, key->name, "");
                        assert_true(
                                streq_ptr(check_definition_missing(d), key->is_required ? key->name : NULL));
                        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                                if (streq(values[i].section, (*p)->syntax.section) &&
                                    streq(values[i].key, key->name))
                                        set(d, key->name, values[i].a);
                }
        }
}

static char *read_man_page(const char *name) {
        _cleanup_free_ char *folder = NULL, *path = NULL;
        char *text;
        size_t size;

        assert_ok(path_join(getenv("MSREADY_SOURCE"), "man", &folder));
        assert_ok(path_join(folder, name, &path));
        assert_ok(file_read(path, MIB(1), &text, &size));
        return text;
}

/* The man page has each section, and each key in it. */
static void test_man_page(void **state) {
        _cleanup_free_ char *text = read_man_page("msready.gate.5");

        for (const CheckKind *const *p = check_kinds; *p; p++) {
                _cleanup_free_ char *section = NULL;
                char *begin, *end;

                assert_ok(asprintf_ret(&section, "\n.Ss [%s]\n", (*p)->syntax.section));
                begin = strstr(text, section);
                if (!begin)
                        fail_msg("the man page lacks [%s]", (*p)->syntax.section);
                end = strstr(begin + 1, "\n.S");
                for (const CheckKey *key = (*p)->syntax.keys; key->name; key++) {
                        char item[64];
                        const char *found;

                        snprintf(item, sizeof(item), " Cm %s=", key->name);
                        found = strstr(begin, item);
                        if (!found || found > end)
                                fail_msg("the man page lacks %s= in [%s]", key->name, (*p)->syntax.section);
                }
        }
}

/* Judges the check in a world without objects. Returns how many blockers it had, whose kinds text has as words. */
static size_t expect_kinds(const CheckDefinition *d, const World *w, const char *text) {
        Report report = REPORT_INIT;
        Judging j = { .world = w, .report = &report };
        size_t n;
        Check c;

        check_init(&c, d);
        assert_ok(check_judge(&c, &j));
        n = report.n_blockers;
        for (size_t i = 0; i < n; i++) {
                const char *kind = report.blockers[i].object.kind;
                char word[64];

                snprintf(word, sizeof(word), " %s ", kind);
                if (!strstr(text, word))
                        fail_msg("io.msready.Readiness(7) lacks the kind %s of an Object", kind);
        }
        report_done(&report);
        return n;
}

/* The interface's man page has the kinds of all objects that can be in the way. */
static void test_kinds_of_objects(void **state) {
        _cleanup_free_ char *page = read_man_page("io.msready.Readiness.7");
        _cleanup_(world_freep) World *w = NULL;
        char *text = strstr(page, "\n.Ss Object\n"), *end;

        assert_non_null(text);
        end = strstr(text, "\n.It Va namespace\n");
        assert_non_null(end);
        *end = '\0';
        for (char *p = text; *p; p++)
                if (*p == '\n')
                        *p = ' ';
        assert_ok(world_new(&w));
        for (const CheckKind *const *p = check_kinds; *p; p++) {
                _cleanup_(check_definition_freep) CheckDefinition *d = make_full(*p);
                size_t n = expect_kinds(d, w, text);

                for (size_t i = 0; i < ELEMENTSOF(values); i++)
                        if (streq(values[i].section, (*p)->syntax.section)) {
                                set(d, values[i].key, values[i].b);
                                n += expect_kinds(d, w, text);
                        }
                assert_true(n > 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_descriptors),      cmocka_unit_test(test_a_row_for_each_file),
                cmocka_unit_test(test_each_key_counts),  cmocka_unit_test(test_missing_keys),
                cmocka_unit_test(test_man_page),         cmocka_unit_test(test_streams),
                cmocka_unit_test(test_kinds_of_objects),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
