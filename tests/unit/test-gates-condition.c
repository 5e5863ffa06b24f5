/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <stdio.h>

#include "base/string-util.h"
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
                { P "/y", 0, 0, "ConditionPathExists= not met, line 2" },
                { P "! /y", 1, 1, NULL },
                { P "!/x", 0, 0, "ConditionPathExists= not met, line 2" },
                { P "/x\n" P "/y", 0, 0, "ConditionPathExists= not met, line 3" },
                { M "ingress.status=Managed", 1, -EBADMSG, NULL },
                { M "ingress.status = Managed", 1, -EBADMSG, NULL },
                { M "ingress.status!=Managed", 0, -EBADMSG, "ConditionMicroShift= not met, line 2" },
                { M "!ingress.status!=Managed", 1, -EBADMSG, NULL },
                { M "network.cniPlugin=", 1, -EBADMSG, NULL },
                { P "|/y\n" P "|/x", 1, 1, NULL },
                { P "|/y\n" P "|/z", 0, 0, "ConditionPathExists= not met, line 2" },
                { P "|/y\n" M "|storage.driver!=none", 1, -EBADMSG, NULL },
                { P "|/x\n" M "|storage.driver=none", 1, 1, NULL },
                { P "/y\n" M "storage.driver!=none", 0, 0, "ConditionPathExists= not met, line 2" },
                { M "storage.driver!=none\n" P "/y", 0, 0, "ConditionPathExists= not met, line 3" },
                { P "/x\n" P "|/y", 0, 0, "ConditionPathExists= not met, line 3" },
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

/* The cause is short; the condition in full has its value, and where it stands. */
static void test_describe(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        _cleanup_free_ char *first = NULL, *second = NULL;
        const char *text = "[Gate]\n" P "| ! /x\n" M "ingress.status!=Removed\n[Api]\n";

        assert_ok(conf_parse("g", "F", text, strlen(text), &conf));
        assert_ok(gate_definition_parse("g", conf, check_find_syntax, &d));
        assert_ok(gate_condition_describe(&d->conditions[0], &first));
        assert_string_equal(first, P "|!/x (F:2)");
        assert_ok(gate_condition_describe(&d->conditions[1], &second));
        assert_string_equal(second, M "ingress.status!=Removed (F:3)");
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
                { D "! 001-a", 0, 0, -EBADMSG, "ConditionMicroShiftDeploys= not met, line 2" },
                { D "001-b", 0, -EBADMSG, -EBADMSG, "ConditionMicroShiftDeploys= not met, line 2" },
                { D "!001-b", 1, -EBADMSG, -EBADMSG, NULL },
                { D "|001-b\n" D "|001-a", 1, 1, -EBADMSG, NULL },
                { D "|001-b\n" P "|/x", 1, 1, 1, NULL },
                { D "|001-b\n" P "|/y", 0, -EBADMSG, -EBADMSG,
                  "ConditionMicroShiftDeploys= not met, line 2" },
                { D "001-b\n" P "/y", 0, 0, 0, NULL },
                { M "network.cniPlugin=none\n" D "001-b", 0, 0, -EBADMSG,
                  "ConditionMicroShift= not met, line 2" },
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
                cmocka_unit_test(test_conditions),
                cmocka_unit_test(test_describe),
                cmocka_unit_test(test_deploys),
                cmocka_unit_test(test_selector),
        };
        return cmocka_run_group_tests_name("ready-gate-condition", tests, NULL, NULL);
}
