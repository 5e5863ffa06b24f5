/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"
#include "joined.h"

#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/file.h"
#include "base/string-util.h"
#include "base/value.h"
#include "kube/name.h"
#include "settings.h"

static int parse(const char *text, Settings **ret, char **detail) {
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;

        assert_ok(conf_parse("msready.conf", "F", text, strlen(text), &conf));
        return settings_parse(conf, ret, detail, NULL);
}

static void test_defaults(void **state) {
        _cleanup_(settings_freep) Settings *s = NULL;

        assert_ok(parse("", &s, NULL));
        assert_null(s->kubeconfig);
        assert_null(s->context);
        assert_null(s->node);
        assert_int_equal(s->scope, SCOPE_NODE);
        assert_false(s->has_require);
        assert_null(s->require);
        assert_true(s->timing.settle == 0);
        assert_true(s->timing.hold == 15 * USEC_PER_SEC);
        assert_true(s->timing.unknown == 5 * USEC_PER_MINUTE);
        assert_null(s->boot_id_file);
        assert_null(s->textfile);
        assert_int_equal(s->log_level, -1);
        assert_null(s->warnings);
        assert_string_equal(s->files[0], "F");
}

static void test_all_keys(void **state) {
        _cleanup_(settings_freep) Settings *s = NULL;

        assert_ok(parse(
                "[Cluster]\nKubeconfig=/k\nContext=a b\nNode=n1\nScope=cluster\n"
                "[Readiness]\nRequire=dns node dns\nRequire=+storage\nSettleSec=1\nHoldSec=2\nUnknownSec=infinity\n"
                "[Host]\nBootIdFile=/b\nMachineIdFile=/m\nCgroupRoot=/c\n"
                "[Metrics]\nTextfile=/t.prom\n[Log]\nLevel=debug\n",
                &s, NULL));
        assert_string_equal(s->kubeconfig, "/k");
        assert_string_equal(s->kubeconfig_place, "F:2");
        assert_string_equal(s->context, "a b");
        assert_string_equal(s->context_place, "F:3");
        assert_string_equal(s->node, "n1");
        assert_int_equal(s->scope, SCOPE_CLUSTER);
        assert_true(s->has_require);
        assert_int_equal(strv_length(s->require), 2);
        assert_string_equal(s->require[1], "node");
        assert_joined(s->require_places, " ", "F:7 F:7");
        assert_joined(s->require_added, " ", "storage");
        assert_joined(s->added_places, " ", "F:8");
        assert_true(s->timing.settle == USEC_PER_SEC && s->timing.hold == 2 * USEC_PER_SEC &&
                    s->timing.unknown == USEC_INFINITY);
        assert_string_equal(s->boot_id_file, "/b");
        assert_string_equal(s->machine_id_file, "/m");
        assert_string_equal(s->cgroup_root, "/c");
        assert_string_equal(s->textfile, "/t.prom");
        assert_int_equal(s->log_level, LOG_DEBUG);
        assert_null(s->warnings);
}

static void test_reset(void **state) {
        _cleanup_(settings_freep) Settings *s = NULL, *added = NULL;

        assert_ok(parse(
                "[Cluster]\nKubeconfig=/k\nKubeconfig=\nNode=x\nNode=local\nScope=cluster\nScope=\n"
                "[Readiness]\nRequire=dns +a\nRequire=\nHoldSec=1\nHoldSec=\n[Log]\nLevel=err\nLevel=\n",
                &s, NULL));
        assert_null(s->kubeconfig);
        assert_null(s->kubeconfig_place);
        assert_null(s->node);
        assert_int_equal(s->scope, SCOPE_NODE);
        assert_false(s->has_require);
        assert_null(s->require_added);
        assert_true(s->timing.hold == GATE_TIMING_DEFAULT.hold);
        assert_int_equal(s->log_level, -1);

        assert_ok(parse("[Readiness]\nRequire=+a +b\n", &added, NULL));
        assert_false(added->has_require);
        assert_int_equal(strv_length(added->require_added), 2);
}

#define TEN "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
#define LONG TEN TEN TEN TEN TEN TEN TEN

#define NOT_PROM "node_exporter reads only files whose names end in .prom"

static void test_errors(void **state) {
        static const struct {
                const char *text;
                const char *detail;
        } rows[] = {
                { "[Cluster]\nKubeconfig=k\n",
                  "F:2: Kubeconfig=k: must be an absolute path, which begins with /" },
                { "[Cluster]\nScope=all\n", "F:2: Scope=all: must be node or cluster" },
                { "[Cluster]\nNode=a b\n",
                  "F:2: Node=a b: must be local or a name that a node can have: " KUBE_NAME_WORDS },
                { "[Cluster]\nNode=Edge-1\n",
                  "F:2: Node=Edge-1: must be local or a name that a node can have: " KUBE_NAME_WORDS },
                { "[Cluster]\nNode=%H\n", "F:2: Node=%H: " VALUE_SPECIFIER ", local for this host's node" },
                { "[Cluster]\nNode=\"edge\"\n", "F:2: Node=\"edge\": " VALUE_QUOTED },
                { "[Cluster]\nNode=edge # this host\n", "F:2: Node=edge # this host: " VALUE_COMMENTED },
                { "[Cluster]\nContext=\"main\"\n", "F:2: Context=\"main\": " VALUE_QUOTED },
                { "[Cluster]\nContext='main'\n", "F:2: Context='main': " VALUE_QUOTED },
                { "[Cluster]\nKubeconfig=\"/k\"\n", "F:2: Kubeconfig=\"/k\": " VALUE_QUOTED },
                { "[Cluster]\nKubeconfig=/k # of another host\n",
                  "F:2: Kubeconfig=/k # of another host: " VALUE_COMMENTED },
                { "[Cluster]\nKubeconfig=%h/.kube/config\n",
                  "F:2: Kubeconfig=%h/.kube/config: " VALUE_SPECIFIER },
                { "[Cluster]\nKubeconfig=/home/%u/.kube/config\n",
                  "F:2: Kubeconfig=/home/%u/.kube/config: " VALUE_SPECIFIER },
                { "[Cluster]\nScope=\"node\"\n", "F:2: Scope=\"node\": " VALUE_QUOTED },
                { "[Readiness]\nRequire=\"dns\"\n", "F:2: Require=\"dns\": " VALUE_QUOTED },
                { "[Readiness]\nRequire=dns +\"node\"\n", "F:2: Require=dns +\"node\": " VALUE_QUOTED },
                { "[Readiness]\nRequire=dns # only\n", "F:2: Require=dns # only: " VALUE_COMMENTED },
                { "[Readiness]\nHoldSec='5s'\n", "F:2: HoldSec='5s': " VALUE_QUOTED },
                { "[Readiness]\nHoldSec=5s ; short\n", "F:2: HoldSec=5s ; short: " VALUE_COMMENTED },
                { "[Readiness]\nRequire=dns Node\n",
                  "F:2: Require=dns Node: must be names of gates, or +NAME" },
                { "[Readiness]\nRequire=+\n", "F:2: Require=+: must be names of gates, or +NAME" },
                { "[Readiness]\nSettleSec=infinity\n", "F:2: SettleSec=infinity: no gate would ever open" },
                { "[Readiness]\nHoldSec=x\n",
                  "F:2: HoldSec=x: must be a time span such as 90, 2min or 500ms" },
                { "[Host]\nCgroupRoot=c\n",
                  "F:2: CgroupRoot=c: must be an absolute path, which begins with /" },
                { "[Log]\nLevel=a:b@127.0.0.1\n",
                  "F:2: Level=...: must be a log level such as err, warning, info or debug" },
                { "[Metrics]\nTextfile=t\n",
                  "F:2: Textfile=t: must be an absolute path, which begins with /" },
                { "[Metrics]\nTextfile=/t.txt\n", "F:2: Textfile=/t.txt: " NOT_PROM },
                { "[Metrics]\nTextfile=/metrics\n", "F:2: Textfile=/metrics: " NOT_PROM },
                { "[Metrics]\nTextfile=/t.prom/\n", "F:2: Textfile=/t.prom/: " NOT_PROM },
                { "[Metrics]\nTextfile=/t.PROM\n", "F:2: Textfile=/t.PROM: " NOT_PROM },
                { "[Metrics]\nTextfile=t.prom\n",
                  "F:2: Textfile=t.prom: must be an absolute path, which begins with /" },
                { "[Metrics]\nTextfile=\"/t.prom\"\n", "F:2: Textfile=\"/t.prom\": " VALUE_QUOTED },
                { "[Metrics]\nTextfile=/t.prom # for node_exporter\n",
                  "F:2: Textfile=/t.prom # for node_exporter: " VALUE_COMMENTED },
                { "[Log]\nLevel=loud\n",
                  "F:2: Level=loud: must be a log level such as err, warning, info or debug" },
                { "[Log]\nLevel=info\nbroken\n", "F:3: must be [SECTION] or KEY=VALUE" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *detail = NULL;
                Settings *s = NULL;

                assert_error(parse(rows[i].text, &s, &detail), EINVAL);
                assert_null(s);
                assert_string_equal(detail, rows[i].detail);
                assert_error(parse(rows[i].text, &s, NULL), EINVAL);
        }
}

/* What only looks wrong is taken. */
static void test_taken(void **state) {
        static const char *const rows[] = {
                "[Cluster]\nContext=default/api-edge:6443/system:admin\n",
                "[Cluster]\nContext=a \"b\" c\n",
                "[Cluster]\nContext=#1\n",
                "[Cluster]\nKubeconfig=/my files/a#1;b%20c\n",
                "[Cluster]\nNode=edge-1.example.com\n",
                "[Cluster]\nNode=127.0.0.1.nip.io\n",
                "[Metrics]\nTextfile=/nowhere/.prom\n",
                "[Metrics]\nTextfile=\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                _cleanup_free_ char *detail = NULL;

                if (parse(rows[i], &s, &detail) < 0)
                        fail_msg("%s: %s", rows[i], detail);
                assert_null(s->warnings);
        }
}

static void test_textfile_is_no_folder(void **state) {
        char folder[] = "/tmp/test-settings-XXXXXX", text[256], expected[256];
        _cleanup_free_ char *path = NULL, *detail = NULL;
        Settings *s = NULL;

        assert_non_null(mkdtemp(folder));
        assert_ok(path_join(folder, "x.prom", &path));
        assert_int_equal(mkdir(path, 0755), 0);
        snprintf(text, sizeof(text), "[Metrics]\nTextfile=%s\n", path);
        snprintf(expected, sizeof(expected), "F:2: Textfile=%s: a folder: write the name of a file", path);
        assert_error(parse(text, &s, &detail), EINVAL);
        assert_string_equal(detail, expected);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

static void test_warnings(void **state) {
        _cleanup_(settings_freep) Settings *s = NULL;

        assert_ok(parse("[Cluster]\nKubeConfig=/k\nX-A=b\n[Gate]\nA=b\n[X-B]\nC=d\n[Log x]\nLevel=loud\n",
                        &s, NULL));
        assert_int_equal(strv_length(s->warnings), 3);
        assert_string_equal(
                s->warnings[0],
                "F:2: unknown key KubeConfig= in [Cluster], ignoring; did you mean Kubeconfig=?");
        assert_string_equal(s->warnings[1], "F:4: unknown section [Gate], ignoring");
        assert_string_equal(s->warnings[2], "F:8: unknown section [Log x], ignoring; did you mean [Log]?");
        assert_null(s->kubeconfig);

        {
                _cleanup_(settings_freep) Settings *t = NULL;

                assert_ok(parse("[Readines]\nRequire=a\n[Cluster]\nContext=a # of b\n", &t, NULL));
                assert_joined(t->warnings, "\n",
                              "F:1: unknown section [Readines], ignoring; did you mean [Readiness]?\n"
                              "F:4: Context=a # of b: " VALUE_COMMENTED);
        }

        /* Such a line makes all other gates not required. A line of its own for "+", as a drop-in has it, does not
         * mix. */
        {
                _cleanup_(settings_freep) Settings *t = NULL;

                assert_ok(parse("[Readiness]\nRequire=api node\nRequire=+shop\nRequire=+a b c\n", &t, NULL));
                assert_joined(t->warnings, "\n",
                              "F:4: Require=+a b c: b has no \"+\", so no gates but those of Require= are "
                              "required; did you mean +b?");
        }

        /* Cut between two characters. */
        {
                _cleanup_(settings_freep) Settings *t = NULL;
                char text[512];

                snprintf(text, sizeof(text), "[Log]\nx%s=\n[x%s y%s]\n", LONG, LONG, LONG);
                assert_ok(parse(text, &t, NULL));
                assert_int_equal(strv_length(t->warnings), 2);
                STRV_FOREACH(w, t->warnings)
                        assert_true(utf8_is_valid(*w, strlen(*w)));
        }
}

/* All errors are told, so that a file is mended in one go. */
static void test_all_errors(void **state) {
        static const char text[] = "[Cluster]\nnonsense\nScope=all\n[Readiness]\nHoldSec=x\nUnknownSec=7\n";
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        _cleanup_(strv_freep) char **errors = NULL;

        assert_ok(conf_parse("msready.conf", "F", text, strlen(text), &conf));
        assert_ok(settings_parse(conf, &s, NULL, &errors));
        assert_int_equal(s->timing.unknown, 7 * USEC_PER_SEC);
        assert_joined(errors, "\n",
                      "F:2: must be [SECTION] or KEY=VALUE\n"
                      "F:3: Scope=all: must be node or cluster\n"
                      "F:5: HoldSec=x: must be a time span such as 90, 2min or 500ms");
}

static void test_shipped(void **state) {
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *path = NULL;

        assert_ok(path_join(getenv("MSREADY_SOURCE"), "units/msready.conf", &path));
        assert_ok(conf_load_path(path, NULL, "msready.conf", &conf));
        assert_ok(settings_parse(conf, &s, NULL, NULL));
        assert_null(s->warnings);
        assert_int_equal(s->scope, SCOPE_NODE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_all_keys),
                cmocka_unit_test(test_reset),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_shipped),
                cmocka_unit_test(test_all_errors),
                cmocka_unit_test(test_taken),
                cmocka_unit_test(test_textfile_is_no_folder),
        };
        return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
