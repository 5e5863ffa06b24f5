/* SPDX-License-Identifier: Apache-2.0 */

/* What the API server takes for a name is taken, and nothing else. The rules are apimachinery's, those of its
 * pkg/util/validation and of the names of path segments. */

#include "test.h"

#include "base/string-util.h"
#include "kube/name.h"
#include "random.h"

#define SIXTY "012345678901234567890123456789012345678901234567890123456789"
#define L63 SIXTY "abc"
#define L253 L63 "." L63 "." L63 "." SIXTY "a"

typedef struct Row {
        const char *name;
        bool valid;
} Row;

static void check(const Row *rows, size_t n, bool (*is_valid)(const char *s)) {
        for (size_t i = 0; i < n; i++)
                if (is_valid(rows[i].name) != rows[i].valid)
                        fail_msg("\"%s\" is %s", rows[i].name, rows[i].valid ? "refused" : "taken");
}

/* Nodes, pods, workloads, custom resources. */
static void test_names(void **state) {
        static const Row rows[] = {
                { "a", true },
                { "0", true },
                { "dns-default", true },
                { "edge-1.example.com", true },
                { "127.0.0.1.nip.io", true },
                { "a--b", true },
                { "xn--bcher-kva", true },
                { L253, true },
                /* Only the whole is limited, not what is between two dots. */
                { L63 "d", true },
                { "", false },
                { L253 "b", false },
                { "Edge", false },
                { "edge_1", false },
                { "-a", false },
                { "a-", false },
                { ".a", false },
                { "a.", false },
                { "a..b", false },
                { "a.-b", false },
                { "a-.b", false },
                { "a b", false },
                { "a/b", false },
                { "%H", false },
                { "\"a\"", false },
                { "a*", false },
                { "sys:a", false },
                { "b\u00fccher", false },
        };

        check(rows, ELEMENTSOF(rows), kube_name_is_valid);
}

static void test_namespaces(void **state) {
        static const Row rows[] = {
                { "openshift-dns", true }, { "1", true },    { L63, true },  { L63 "d", false },
                { "a.b", false },          { "A", false },   { "", false },  { "-a", false },
                { "a-", false },           { "a_b", false }, { "*", false }, { "'a'", false },
        };

        check(rows, ELEMENTSOF(rows), kube_namespace_is_valid);
}

static void test_path_segments(void **state) {
        static const Row rows[] = {
                { "tls", true },
                { "system:node", true },
                { "v1.", true },
                { "-a", true },
                { "Upper_Case", true },
                { "sha256~aBc", true },
                { "image:tag@sha256", true },
                { "a,b=c", true },
                { "b\u00fccher", true },
                { "...", true },
                { "a\"b", true },
                { L253, true },
                { L253 "b", false },
                { "", false },
                { ".", false },
                { "..", false },
                { "a/b", false },
                { "%H", false },
                { "a%2Fb", false },
                { "a b", false },
                { "a\tb", false },
                { "\"tls\"", false },
                { "'tls'", false },
        };

        check(rows, ELEMENTSOF(rows), kube_name_is_path_segment);
}

static void test_patterns(void **state) {
        static const Row rows[] = {
                { "a", true },
                { "*", true },
                { "?", true },
                { "web-*", true },
                { "*-web", true },
                { "web-[0-9]", true },
                { "web-[!0-9]*", true },
                { "web-[^a]", true },
                { "web-[]a]", true },
                { "web-[!]a]b", true },
                { "[[:digit:]]*", true },
                { "a[[:alpha:][:digit:]]", true },
                { "a[[=a=]]", true },
                { "a[\\]]b", true },
                { "[![:?:]", true },
                { "[0[::]0]", true },
                { "[][:0:]", true },
                { "a\\-b", true },
                { "a.b", true },
                { "[A-Z]*", true }, /* matches nothing, which a pattern may */
                { L253, true },
                { L253 "*", false },
                { "Web-*", false },
                { "web_*", false },
                { "web-[0-9", false },
                { "web-[]", false },
                { "web-[!]", false },
                { "web-]", false },
                { "{a,b}*", false },
                { "\"web-*\"", false },
                { "a\\", false },
                { "a\\*", true },
                { "-*", false },
                { ".*", false },
                { "*-", false },
                { "a/*", false },
                { "%H*", false },
                { "a *", false },
        };

        check(rows, ELEMENTSOF(rows), kube_name_pattern_is_valid);
}

static void make_text(Random *r, const char *characters, unsigned max, char *ret) {
        unsigned n = 1 + random_roll(r, max);

        for (unsigned i = 0; i < n; i++)
                ret[i] = characters[random_roll(r, (unsigned) strlen(characters))];
        ret[n] = '\0';
}

/* No pattern is refused that matches a name. */
static void match_patterns(unsigned seed) {
        Random r = { .seed = seed, .state = seed };
        char pattern[16], name[8];

        for (unsigned i = 0; i < 100000; i++) {
                make_text(&r, "aab0-.*?[]!^\\:=A_", 9, pattern);
                make_text(&r, "ab0-.", 4, name);
                if (kube_name_is_valid(name) && glob_matches(pattern, name) &&
                    !kube_name_pattern_is_valid(pattern))
                        random_wrong(&r, "%s matches %s", pattern, name);
        }
}

static void test_random_patterns(void **state) {
        random_runs(1, 4, match_patterns);
}

static bool is_group(const char *s) {
        return kube_group_is_valid(s, strlen(s));
}

static bool is_word(const char *s) {
        return kube_word_is_valid(s, strlen(s));
}

static bool is_label_key(const char *s) {
        return kube_label_key_is_valid(s, strlen(s));
}

static bool is_label_value(const char *s) {
        return kube_label_value_is_valid(s, strlen(s));
}

static void test_resources(void **state) {
        static const Row groups[] = { { "apps", true },  { "cert-manager.io", true },
                                      { "a..b", false }, { "A.io", false },
                                      { "", false },     { "a/b", false } };
        static const Row words[] = { { "v1", true },  { "v1beta1", true }, { "pods", true },
                                     { "1v", false }, { "v1.", false },    { "V1", false },
                                     { "", false },   { L63 "d", false } };

        check(groups, ELEMENTSOF(groups), is_group);
        check(words, ELEMENTSOF(words), is_word);
}

static void test_labels(void **state) {
        static const Row keys[] = {
                { "app", true },
                { "App_1.x-y", true },
                { "app.kubernetes.io/name", true },
                { L253 "/" L63, true },
                { L63, true },
                { L63 "d", false },
                { "Example.com/a", false },
                { "/a", false },
                { "a/", false },
                { "a/b/c", false },
                { "-a", false },
                { "a_", false },
                { "\"app", false },
                { "", false },
                { L253 "b/a", false },
                { "a..b/c", false },
        };
        static const Row values[] = {
                { "", true },       { "web", true },    { "Web_1.0-x", true }, { L63, true },
                { L63 "d", false }, { "-a", false },    { "a.", false },       { "a b", false },
                { "a/b", false },   { "\"a\"", false },
        };

        check(keys, ELEMENTSOF(keys), is_label_key);
        check(values, ELEMENTSOF(values), is_label_value);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),           cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_path_segments),   cmocka_unit_test(test_patterns),
                cmocka_unit_test(test_random_patterns), cmocka_unit_test(test_resources),
                cmocka_unit_test(test_labels),
        };
        return cmocka_run_group_tests_name("kube-name", tests, NULL, NULL);
}
