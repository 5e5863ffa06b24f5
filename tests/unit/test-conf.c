/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"
#include "joined.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "conf/conf.h"

/* One line per ConfLine, in a form that reads well in a test. */
static void dump(const ConfFile *f, Buffer *b) {
        buffer_clear(b);
        for (size_t i = 0; i < f->n_lines; i++) {
                const ConfLine *l = f->lines + i;

                if (l->key)
                        assert_ok(buffer_printf(b, "%s:%u %s=%s\n", l->label, l->line, l->key, l->value));
                else
                        assert_ok(buffer_printf(b, "[%s|%s]:%u\n", l->section, l->label, l->line));
        }
}

static void expect(const char *text, const char *lines, const char *errors) {
        _cleanup_(conf_file_freep) ConfFile *f = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));
        _cleanup_free_ char *exact = malloc(MAX(strlen(text), (size_t) 1));

        memcpy(exact, text, strlen(text));
        assert_ok(conf_parse("x.gate", "F", exact, strlen(text), &f));
        dump(f, &b);
        assert_string_equal(buffer_cstr(&b), lines);
        assert_joined(f->errors, "\n", errors);
}

static void test_syntax(void **state) {
        expect("", "", "");
        expect("[Gate]\nDescription=a = b # c\n", "[Gate|]:1\n:2 Description=a = b # c\n", "");
        expect("# c\n; c\n  # c\n\n \t\n[Gate]\n  A  =  b  \n\tB=\nC=;\n",
               "[Gate|]:6\n:7 A=b\n:8 B=\n:9 C=;\n", "");
        expect("[Pods web]\nA=1\n[ Workload \t a b ]\nB=2\n[Api]",
               "[Pods|web]:1\nweb:2 A=1\n[Workload|a b]:3\na b:4 B=2\n[Api|]:5\n", "");
        expect("\xef\xbb\xbf[Gate]\r\nA=1\r\nB=x \\\r\n y\r\n", "[Gate|]:1\n:2 A=1\n:3 B=x  y\n", "");
        expect("[Gate]\nA=\xc3\xa9", "[Gate|]:1\n:2 A=\xc3\xa9\n", "");
        /* Lines may end in CR, as in systemd: no comment hides what follows it. */
        expect("# c\r[Gate]\rA=1\r\rB=x \\\r y\r", "[Gate|]:2\n:3 A=1\n:5 B=x  y\n", "");
        expect("# c\n\r[Gate]\r\n\r\nA=1\n\nB=2", "[Gate|]:2\n:4 A=1\n:6 B=2\n", "");
}

static void test_continuation(void **state) {
        expect("[G]\nA=a \\\n  b\nB=c\n", "[G|]:1\n:2 A=a  b\n:4 B=c\n", "");
        expect("[G]\nA=a \\\n# comment\n  ; comment \\\nb\\\nc\nB=d\n", "[G|]:1\n:2 A=a  b c\n:7 B=d\n", "");
        expect("[G]\nA=a\\\\\nB=b\n", "[G|]:1\n:2 A=a\\\\\n:3 B=b\n", "");
        expect("[G]\nA=a \\\n\nB=b\n", "[G|]:1\n:2 A=a\n:4 B=b\n", "");
        expect("[G]\nA=a\\", "[G|]:1\n:2 A=a\n", "");
        expect("[G]\nA=a \\ \nB=b\n", "[G|]:1\n:2 A=a \\\n:3 B=b\n", "");
        expect("[G]\nA=\\\n[x]\nB=\\\n", "[G|]:1\n:2 A=[x]\n:4 B=\n", "");
        expect("\\\n\\\n[G]\n", "[G|]:1\n", "");
}

static void test_errors(void **state) {
        expect("A=1\n[G]\nB=2\n", "[G|]:2\n:3 B=2\n", "F:1: an assignment before the first section");
        expect("[G]\nnonsense\n=1\nB=2\n", "[G|]:1\n:4 B=2\n",
               "F:2: must be [SECTION] or KEY=VALUE\nF:3: no key before \"=\"");
        expect("[G\nA=1\n[]\nB=2\n[ ]\n[H]\nC=3\n", "[H|]:6\n:7 C=3\n",
               "F:1: a section does not end in \"]\"\nF:3: a section without a name\nF:5: a section without a name");
        expect("[G]\nA=\xff\n", "", "F:2: not UTF-8");
        expect("[G]\r\rA=\xff\r", "", "F:3: not UTF-8");
        expect("\xff\xfe[", "", "F:1: UTF-16, not UTF-8");
        expect("\xfe\xff", "", "F:1: UTF-16, not UTF-8");
        expect("\xc2\xa0[G]\nA=1\n", "",
               "F:1: must be [SECTION] or KEY=VALUE\nF:2: an assignment before the first section");
        {
                static const char text[] = "[G]\nA=1\0\nB=2\n";
                _cleanup_(conf_file_freep) ConfFile *f = NULL;

                assert_ok(conf_parse("x", "F", text, sizeof(text) - 1, &f));
                assert_int_equal(f->n_lines, 0);
                assert_string_equal(f->errors[0], "F:2: a NUL byte, so this is not text");
        }
}

static void test_bounds(void **state) {
        _cleanup_(conf_file_freep) ConfFile *f = NULL, *g = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(256));

        assert_ok(buffer_puts(&b, "[G]\n"));
        for (unsigned i = 0; i < LIMIT_CONFIG_LINES; i++)
                assert_ok(buffer_puts(&b, "a=b\n"));
        assert_ok(conf_parse("x", "F", b.data, b.size, &f));
        assert_int_equal(f->n_lines, LIMIT_CONFIG_LINES);
        assert_int_equal(strv_length(f->errors), 1);

        buffer_clear(&b);
        for (unsigned i = 0; i < 100000; i++)
                assert_ok(buffer_puts(&b, "x\n"));
        assert_ok(conf_parse("x", "F", b.data, b.size, &g));
        assert_int_equal(strv_length(g->errors), 16);
}

/* A tree of folders on the disk. */

static char root[] = "/tmp/test-conf-XXXXXX";

static char *at(const char *name) {
        char *path = NULL;

        assert_ok(path_join(root, name, &path));
        return path;
}

static void put(const char *name, const char *text) {
        _cleanup_free_ char *path = at(name);

        assert_ok(mkdir_parents(path, 0755));
        assert_ok(file_write_atomic(path, text, strlen(text), 0644));
}

static void put_link(const char *name, const char *target) {
        _cleanup_free_ char *path = at(name);

        assert_ok(mkdir_parents(path, 0755));
        assert_int_equal(symlink(target, path), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static int setup(void **state) {
        memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
        return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state) {
        return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char **two_folders(void) {
        char **folders = NULL;

        assert_ok(strv_consume(&folders, at("etc")));
        assert_ok(strv_consume(&folders, at("usr/")));
        return folders;
}

static void expect_load(const char *name, const char *values, size_t errors) {
        _cleanup_(strv_freep) char **folders = two_folders();
        _cleanup_(conf_file_freep) ConfFile *f = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));

        assert_ok(conf_load(folders, name, &f));
        for (size_t i = 0; i < f->n_lines; i++)
                if (f->lines[i].key)
                        assert_ok(buffer_printf(&b, "%s ", f->lines[i].value));
        assert_string_equal(buffer_cstr(&b), values);
        assert_int_equal(strv_length(f->errors), errors);
}

static void test_override(void **state) {
        put("usr/dns.gate", "[Gate]\nA=vendor\n");
        put("usr/node.gate", "[Gate]\nA=vendor-node\n");
        expect_load("dns.gate", "vendor ", 0);
        put("etc/dns.gate", "[Gate]\nA=admin\n");
        expect_load("dns.gate", "admin ", 0);
        expect_load("node.gate", "vendor-node ", 0);
        expect_load("absent.gate", "", 0);
        /* Empty while it is written: there, and not masked. */
        put("etc/dns.gate", "");
        expect_load("dns.gate", "", 0);
}

static void test_dropins(void **state) {
        put("usr/dns.gate", "[Gate]\nA=main\n");
        put("usr/dns.gate.d/50-b.conf", "[Gate]\nA=usr-b\n");
        put("usr/dns.gate.d/20-c.conf", "[Gate]\nA=usr-c\n");
        put("etc/dns.gate.d/30-a.conf", "[Gate]\nA=etc-a\n");
        put("etc/dns.gate.d/not-read.txt", "[Gate]\nA=no\n");
        put("etc/dns.gate.d/.hidden.conf", "[Gate]\nA=no\n");
        expect_load("dns.gate", "main usr-c etc-a usr-b ", 0);

        /* The same name higher up hides; a mask hides and brings nothing. */
        put("etc/dns.gate.d/50-b.conf", "[Gate]\nA=etc-b\n");
        expect_load("dns.gate", "main usr-c etc-a etc-b ", 0);
        put_link("etc/dns.gate.d/20-c.conf", "/dev/null");
        expect_load("dns.gate", "main etc-a etc-b ", 0);

        /* They also apply to the administrator's own file, and a section of a file ends with it. */
        put("etc/dns.gate", "[Gate]\nA=etc\n");
        put("etc/dns.gate.d/60.conf", "A=outside\n");
        expect_load("dns.gate", "etc etc-a etc-b ", 1);
}

static void test_mask(void **state) {
        _cleanup_(strv_freep) char **folders = two_folders();
        _cleanup_(conf_file_freep) ConfFile *f = NULL;

        put("usr/dns.gate", "[Gate]\nA=vendor\n");
        put("etc/dns.gate.d/x.conf", "[Gate]\nA=dropin\n");
        put_link("etc/dns.gate", "/dev/null");
        assert_ok(conf_load(folders, "dns.gate", &f));
        assert_true(f->masked);
        assert_int_equal(f->n_lines, 0);
        assert_null(f->files);
}

static void test_unreadable(void **state) {
        _cleanup_(strv_freep) char **folders = two_folders(), **names = NULL;
        _cleanup_(conf_file_freep) ConfFile *f = NULL, *g = NULL;
        _cleanup_free_ char *detail = NULL;

        put("usr/dns.gate", "[Gate]\nA=vendor\n");
        put_link("etc/dns.gate", "nowhere");
        assert_ok(conf_load(folders, "dns.gate", &f));
        assert_false(f->masked);
        assert_non_null(strstr(f->errors[0], "etc/dns.gate: cannot be read: No such file or directory"));
        assert_int_equal(f->n_lines, 0);

        put("etc/api.gate/x", "");
        assert_ok(conf_load(folders, "api.gate", &g));
        assert_non_null(strstr(g->errors[0], "Is a directory"));

        put_link("etc/loop", "loop");
        free(folders[0]);
        folders[0] = at("etc/loop");
        assert_true(conf_enumerate(folders, ".gate", &names, &detail) < 0);
        assert_non_null(strstr(detail, "etc/loop: cannot be listed"));
}

static void test_enumerate(void **state) {
        _cleanup_(strv_freep) char **folders = two_folders(), **names = NULL, **none = NULL;

        assert_ok(conf_enumerate(folders, ".gate", &none, NULL));
        assert_null(none);
        put("usr/dns.gate", "");
        put("usr/b.gate", "");
        put("usr/b.gate.d/x.conf", "");
        put("etc/dns.gate", "");
        put("etc/a.gate", "");
        put("etc/a.gate~", "");
        put("etc/.c.gate", "");
        put_link("etc/masked.gate", "/dev/null");
        assert_ok(conf_enumerate(folders, ".gate", &names, NULL));
        assert_joined(names, " ", "a.gate b.gate dns.gate masked.gate");
}

static void test_load_path(void **state) {
        _cleanup_(strv_freep) char **folders = two_folders();
        _cleanup_(conf_file_freep) ConfFile *f = NULL, *g = NULL;
        _cleanup_free_ char *path = at("own.conf");

        put("own.conf", "[Cluster]\nA=own\n");
        put("etc/msready.conf.d/x.conf", "[Cluster]\nA=dropin\n");
        assert_ok(conf_load_path(path, folders, "msready.conf", &f));
        assert_string_equal(f->main, path);
        assert_int_equal(f->n_lines, 4);
        assert_string_equal(f->lines[3].value, "dropin");
        assert_string_equal(f->lines[3].file, f->files[1]);

        assert_ok(conf_load_path(path, NULL, "msready.conf", &g));
        assert_int_equal(g->n_lines, 2);
}

static void test_too_large(void **state) {
        _cleanup_(strv_freep) char **folders = two_folders();
        _cleanup_(conf_file_freep) ConfFile *f = NULL;
        _cleanup_free_ char *text = malloc(LIMIT_CONFIG_FILE + 2);

        memset(text, '#', LIMIT_CONFIG_FILE + 1);
        text[LIMIT_CONFIG_FILE + 1] = '\0';
        put("etc/a.gate", text);
        assert_ok(conf_load(folders, "a.gate", &f));
        assert_non_null(strstr(f->errors[0], "larger than 256 KiB"));
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_syntax),
                cmocka_unit_test(test_continuation),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_bounds),
                ON_DISK(test_override),
                ON_DISK(test_dropins),
                ON_DISK(test_mask),
                ON_DISK(test_unreadable),
                ON_DISK(test_enumerate),
                ON_DISK(test_load_path),
                ON_DISK(test_too_large),
        };
        return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
