/* SPDX-License-Identifier: Apache-2.0 */
#include "configuration.h"
#include "folder.h"
#include "joined.h"

/* A configuration on disk: msready.conf, and gates in the folders admin and vendor. */
typedef struct Case {
        Folder root;
        char *config;
        char *folders[3];
        Options options;
        Board board;
        Problems problems;
} Case;

static void begin(Case *c, const char *settings) {
        *c = (Case){ .board = BOARD_INIT };
        folder_begin(&c->root);
        folder_make(&c->root, "admin");
        folder_make(&c->root, "vendor");
        folder_write(&c->root, "msready.conf", settings);
        c->config = folder_path(&c->root, "msready.conf");
        c->folders[0] = folder_path(&c->root, "admin");
        c->folders[1] = folder_path(&c->root, "vendor");
        c->options = OPTIONS_NULL;
        c->options.config = c->config;
        c->options.gates_dirs = c->folders;
}

static void load(Case *c) {
        _cleanup_(configuration_done) Configuration loaded = CONFIGURATION_NULL;
        _cleanup_(strv_freep) char **order = NULL, **removed = NULL;

        assert_ok(configuration_load(&c->options, &loaded, NULL));
        assert_ok(board_set(&c->board, loaded.setups, loaded.n_setups, instant_now(), &order, &removed));
        problems_done(&c->problems);
        assert_ok(configuration_find_problems(&loaded, &c->board, order, &c->problems));
}

static void end(Case *c) {
        folder_end(&c->root);
        board_done(&c->board);
        problems_done(&c->problems);
        free(c->config);
        free(c->folders[0]);
        free(c->folders[1]);
}

/* %s of expected is the root; there may be as many as three. */
static void expect(const Case *c, char *const *list, const char *expected) {
        const char *root = c->root.path;
        _cleanup_free_ char *text = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        assert_ok(asprintf(&text, expected, root, root, root));
#pragma GCC diagnostic pop
        assert_joined(list, "\n", text);
}

#define NODE "[Gate]\nRequired=yes\n[Node]\n"

static void test_nothing_wrong(void **state) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(4));
        Case c;

        begin(&c, "");
        folder_write(&c.root, "vendor/node.gate", NODE);
        load(&c);
        assert_null(c.problems.errors);
        assert_null(c.problems.warnings);
        assert_ok(problems_put(&c.problems, &b));
        assert_string_equal(buffer_cstr(&b), "1 gate, no errors\n");
        end(&c);
}

/* Names that no gate has are told with their place and the name that was meant. */
static void test_names(void **state) {
        Case c;

        begin(&c, "[Readiness]\nRequire=+ingres\nRequire=+shop +ingres\n");
        folder_write(&c.root, "vendor/node.gate", NODE);
        folder_write(&c.root, "vendor/ingress.gate", "[Gate]\nAfter=nodes node\nAfter=zebra\n[Api]\n");
        folder_write(&c.root, "admin/ingress.gate.d/x.conf", "[Gate]\nHoldSec=1\n");
        folder_write(&c.root, "admin/ingres.gate.d/x.conf", "[Gate]\nHoldSec=1\n");
        load(&c);
        expect(&c, c.problems.errors,
               "gate ingres: %s/msready.conf:2: Require= names ingres, but there is no such gate, did you mean "
               "ingress?\n"
               "gate shop: %s/msready.conf:3: Require= names shop, but there is no such gate");
        expect(&c, c.problems.warnings,
               "%s/vendor/ingress.gate:2: After=nodes: there is no such gate, ignoring; did you mean node?\n"
               "%s/vendor/ingress.gate:3: After=zebra: there is no such gate, ignoring\n"
               "%s/admin/ingres.gate.d: there is no such gate, ignoring its drop-ins; did you mean "
               "ingress.gate.d?");
        end(&c);
}

/* Files that are read for no gate are told. */
static void test_strays(void **state) {
        Case c;

        begin(&c, "");
        folder_write(&c.root, "vendor/node.gate", NODE);
        folder_make(&c.root, "admin/node.gate.d");
        folder_make(&c.root, "admin/old");
        folder_write(&c.root, "admin/shop", NODE);
        folder_write(&c.root, "admin/web.gat", NODE);
        folder_write(&c.root, "admin/dns.gate~", NODE);
        folder_write(&c.root, "admin/dns.gate.off", NODE);
        folder_write(&c.root, "admin/.dns.swp", NODE);
        load(&c);
        expect(&c, c.problems.warnings,
               "%s/admin/shop: ignoring; a gate's file is called NAME.gate\n"
               "%s/admin/web.gat: ignoring; a gate's file is called NAME.gate");
        assert_null(c.problems.errors);
        end(&c);
}

static void test_cycle(void **state) {
        Case c;

        begin(&c, "");
        folder_write(&c.root, "vendor/a.gate", "[Gate]\nRequired=yes\nAfter=b\n[Api]\n");
        folder_write(&c.root, "vendor/b.gate", "[Gate]\nRequired=yes\nAfter=a\n[Api]\n");
        load(&c);
        expect(&c, c.problems.warnings, "%s/vendor/b.gate:3: After=a makes a cycle, ignoring it");
        end(&c);
}

/* All errors of a gate, and the warnings of settings and gates. */
static void test_all_is_told(void **state) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(4));
        _cleanup_free_ char *text = NULL;
        const char *root;
        Case c;

        begin(&c, "[Cluster]\nKubconfig=/x\n");
        folder_write(&c.root, "vendor/node.gate",
                     "[Gate]\nRequired=maybe\nOnUnknown=keep\nColour=red\n[Node]\n");
        load(&c);
        root = c.root.path;
        assert_ok(problems_put(&c.problems, &b));
        assert_ok(asprintf(
                &text,
                "error: gate node: %s/vendor/node.gate:2: Required=maybe: must be yes or no\n"
                "error: gate node: %s/vendor/node.gate:3: OnUnknown=keep: must be hold or close\n"
                "warning: %s/msready.conf:2: unknown key Kubconfig= in [Cluster], ignoring; did you "
                "mean Kubeconfig=?\n"
                "warning: %s/vendor/node.gate:4: unknown key Colour= in [Gate], ignoring\n"
                "warning: no gate is required, so the cluster waits with the reason "
                "NothingRequired\n",
                root, root, root, root));
        assert_string_equal(buffer_cstr(&b), text);
        end(&c);
}

/* An error of msready.conf hides nothing from --check-config; the daemon itself refuses the file. */
static void test_error_of_settings_hides_nothing(void **state) {
        _cleanup_(configuration_done) Configuration refused = CONFIGURATION_NULL;
        _cleanup_free_ char *detail = NULL;
        Case c;

        begin(&c, "[Log]\nLevel=loud\n[Readiness]\nHoldSec=x\nUnkownSec=9\nRequire=+nod Nod\n");
        folder_write(&c.root, "vendor/node.gate", "[Gate]\nRequired=yes\nOnUnknown=keep\n[Node]\n");
        c.options.check_config = true;
        load(&c);
        expect(&c, c.problems.errors,
               "%1$s/msready.conf:2: Level=loud: must be a log level such as err, warning, info or debug\n"
               "%1$s/msready.conf:4: HoldSec=x: must be a time span such as 90, 2min or 500ms\n"
               "%1$s/msready.conf:6: Require=+nod Nod: must be names of gates, or +NAME\n"
               "gate nod: %1$s/msready.conf:6: Require= names nod, but there is no such gate, did you mean node?\n"
               "gate node: %1$s/vendor/node.gate:3: OnUnknown=keep: must be hold or close");
        expect(&c, c.problems.warnings,
               "%1$s/msready.conf:5: unknown key UnkownSec= in [Readiness], ignoring; did you mean UnknownSec=?");
        c.options.check_config = false;
        assert_error(configuration_load(&c.options, &refused, &detail), EINVAL);
        assert_non_null(strstr(detail, "msready.conf:2: Level=loud: "));
        end(&c);
}

/* A masked gate is disabled, and is missed where its own file would make it required on this host. */
static void test_masked(void **state) {
        static const struct {
                const char *settings, *own;
                bool missed;
                const char *drop_in;
        } rows[] = {
                { "", NODE, true },
                { "", NODE, false, "[Gate]\nRequired=no\n" },
                { "", "[Node]\n", true, "[Gate]\nRequired=yes\n" },
                { "", "[Gate]\nRequired=yes\nConditionPathExists=/\n[Node]\n", true },
                { "", "[Gate]\nRequired=yes\nConditionPathExists=!/\n[Node]\n", false },
                { "", "[Node]\n", false },
                { "", NULL, false },
                /* The administrator says what is required. */
                { "[Readiness]\nRequire=api\n", NODE, false },
                { "[Readiness]\nRequire=+api\n", NODE, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *mask = NULL, *cause = NULL;
                const Gate *g;
                size_t required;
                Case c;

                begin(&c, rows[i].settings);
                folder_write(&c.root, "vendor/api.gate", "[Gate]\nRequired=yes\nAfter=ovn\n[Api]\n");
                if (rows[i].own)
                        folder_write(&c.root, "vendor/ovn.gate", rows[i].own);
                if (rows[i].drop_in)
                        folder_write(&c.root, "admin/ovn.gate.d/10-x.conf", rows[i].drop_in);
                folder_link(&c.root, "admin/ovn.gate", "/dev/null");
                load(&c);
                g = board_find(&c.board, "ovn");
                mask = folder_path(&c.root, "admin/ovn.gate");
                assert_ok(asprintf(&cause, "masked by %s", mask));
                assert_string_equal(g->setup.definition->masked, mask);
                assert_string_equal(g->setup.cause, cause);
                assert_int_equal(gate_state(g), GATE_DISABLED);
                assert_false(gate_is_required(g));
                assert_int_equal(g->setup.missed, rows[i].missed);
                assert_null(gate_setup_trouble(&g->setup));
                (void) board_count_open(&c.board, &required);
                assert_int_equal(required, 1);
                assert_int_equal(c.problems.n_gates, 1);
                assert_null(c.problems.errors);
                assert_null(c.problems.warnings);
                end(&c);
        }
}

/* A masked gate that the administrator requires all the same waits. */
static void test_masked_but_required(void **state) {
        const Gate *g;
        Case c;

        begin(&c, "[Readiness]\nRequire=ovn\n");
        folder_write(&c.root, "vendor/ovn.gate", NODE);
        folder_link(&c.root, "admin/ovn.gate", "/dev/null");
        load(&c);
        g = board_find(&c.board, "ovn");
        assert_true(gate_is_required(g));
        assert_int_equal(gate_state(g), GATE_WAITING);
        assert_false(g->setup.missed);
        expect(&c, c.problems.errors,
               "gate ovn: %s/msready.conf:2: Require= names ovn, which is masked by %s/admin/ovn.gate");

        /* Without its mask it is as any other. */
        folder_remove(&c.root, "admin/ovn.gate");
        load(&c);
        g = board_find(&c.board, "ovn");
        assert_null(gate_setup_trouble(&g->setup));
        assert_true(gate_is_asked(g));
        assert_null(c.problems.errors);
        end(&c);
}

static void test_ceiling(void **state) {
        _cleanup_(strv_freep) char **list = NULL;

        for (unsigned i = 0; i < 2 * LIMIT_PROBLEMS; i++)
                assert_ok(problems_add(&list, "%u", i));
        assert_int_equal(strv_length(list), LIMIT_PROBLEMS);
        assert_string_equal(list[LIMIT_PROBLEMS - 1], "there is more, which is not listed");
}

/* A name that no gate has is looked for only as long as there is room to say so. */
static void test_ceiling_of_names(void **state) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(LIMIT_CONFIG_FILE);
        _cleanup_(configuration_done) Configuration loaded = CONFIGURATION_NULL;
        Case c;

        begin(&c, "");
        assert_ok(buffer_puts(&text, NODE "[Gate]\n"));
        for (unsigned i = 0; i < LIMIT_GATES; i++)
                assert_ok(buffer_printf(&text, "After=nobody-%u\n", i));
        folder_write(&c.root, "admin/a.gate", buffer_cstr(&text));
        folder_write(&c.root, "admin/b.gate", buffer_cstr(&text));
        assert_ok(configuration_load(&c.options, &loaded, NULL));
        assert_int_equal(strv_length(loaded.warnings), LIMIT_PROBLEMS);
        end(&c);
}

/* Names and values come from files, and what is said of them may go to a terminal. */
static void test_told_clean(void **state) {
        _cleanup_(problems_done) Problems p = PROBLEMS_NULL;
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(4096);

        assert_ok(problems_add(&p.errors, "a.gate:1: \033[31mred\n\r\xc2\x9b"));
        assert_ok(problems_add(&p.warnings, "b.gate:2: \033]0;title\a \xffgr\xc3\xbcn"));
        assert_ok(problems_put(&p, &text));
        assert_string_equal(buffer_cstr(&text), "error: a.gate:1: [31mred\n"
                                                "warning: b.gate:2: ]0;title ?gr\xc3\xbcn\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_wrong),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_cycle),
                cmocka_unit_test(test_all_is_told),
                cmocka_unit_test(test_masked),
                cmocka_unit_test(test_masked_but_required),
                cmocka_unit_test(test_strays),
                cmocka_unit_test(test_ceiling),
                cmocka_unit_test(test_ceiling_of_names),
                cmocka_unit_test(test_told_clean),
                cmocka_unit_test(test_error_of_settings_hides_nothing),
        };
        return cmocka_run_group_tests_name("configuration", tests, NULL, NULL);
}
