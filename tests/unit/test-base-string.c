/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/string-util.h"
#include "base/strv.h"

static void test_buffer_ceiling(void **state) {
        Buffer b = BUFFER_INIT(10);
        char *s;

        assert_ok(buffer_puts(&b, "12345"));
        assert_error(buffer_printf(&b, "%d", 678901), E2BIG);
        assert_string_equal(b.data, "12345");
        assert_ok(buffer_puts(&b, "67890"));
        assert_error(buffer_putc(&b, 'x'), E2BIG);
        buffer_consume(&b, 4);
        assert_string_equal(b.data, "567890");
        assert_ok(buffer_putc(&b, 'x'));
        s = buffer_steal(&b);
        assert_string_equal(s, "567890x");
        free(s);
        assert_int_equal(b.size, 0);
        buffer_done(&b);
}

static void test_utf8(void **state) {
        assert_true(utf8_is_valid("caf\xc3\xa9", 5));
        assert_false(utf8_is_valid("\xc0\x80", 2));     /* overlong */
        assert_false(utf8_is_valid("\xed\xa0\x80", 3)); /* a surrogate */
        assert_false(utf8_is_valid("\xf4\x90\x80\x80", 4));
        assert_false(utf8_is_valid("\xc3", 1));
        assert_int_equal(utf8_truncate("caf\xc3\xa9", 4), 3);
        assert_int_equal(utf8_truncate("caf\xc3\xa9", 5), 5);
        assert_int_equal(utf8_truncate("caf\xc3\xa9", 50), 5);
}

static void test_strip_control(void **state) {
        char a[] = "  a\nREADY=1\r\n\tb\x01\x7f c\xc2\x9b!\xff ";

        assert_string_equal(strip_control(a), "a READY=1 b c !?");
}

static void test_ids(void **state) {
        const char *id = "0f2a4c6e81b3d5f70f2a4c6e81b3d5f7";

        assert_true(hex_equal_ignoring_dashes(id, "0F2A4C6E-81B3-D5F7-0F2A-4C6E81B3D5F7"));
        assert_false(hex_equal_ignoring_dashes(id, "0f2a4c6e81b3d5f70f2a4c6e81b3d5f8"));
        assert_false(hex_equal_ignoring_dashes(id, "0f2a4c6e81b3d5f70f2a4c6e81b3d5f"));
        assert_false(hex_equal_ignoring_dashes("", ""));
        assert_false(hex_equal_ignoring_dashes("abc", "abc"));
        assert_false(hex_equal_ignoring_dashes(NULL, id));
}

static void test_strv(void **state) {
        _cleanup_(strv_freep) char **l = NULL;

        assert_ok(strv_split(" b  a,c ", " ,", &l));
        assert_int_equal(strv_length(l), 3);
        strv_sort(l);
        assert_string_equal(l[0], "a");
        assert_string_equal(l[1], "b");
        assert_string_equal(l[2], "c");
        assert_true(strv_contains(l, "b"));
        assert_false(strv_contains(NULL, "b"));
        assert_ok(strv_extendf(&l, "%s-%d", "d", 4));
        assert_int_equal(strv_length(l), 4);
        assert_string_equal(l[3], "d-4");
}

static void test_file(void **state) {
        char folder[] = "/tmp/test-file-XXXXXX";
        _cleanup_free_ char *path = NULL, *data = NULL, *parent = NULL;
        size_t size;

        assert_non_null(mkdtemp(folder));
        assert_ok(path_join(folder, "f", &path));
        assert_ok(file_write_atomic(path, "0123456789", 10, 0600));
        assert_ok(file_read(path, 10, &data, &size));
        assert_int_equal(size, 10);
        data = mfree(data);
        assert_error(file_read(path, 9, &data, NULL), E2BIG);
        assert_error(file_read(folder, 9, &data, NULL), EISDIR);
        assert_error(file_read("/dev/zero", 9, &data, NULL), EINVAL);
        /* Packages may be built where /proc is not mounted. */
        if (access("/proc/sys", F_OK) == 0) {
                assert_ok(file_read("/proc/sys/kernel/random/boot_id", 100, &data, &size));
                assert_int_equal(size, 37);
        }
        assert_ok(path_parent(path, &parent));
        assert_string_equal(parent, folder);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

static char *watched;
static unsigned n_syncs;
static off_t synced, named;
static int sync_error;

/* In the place of libc's: notes what the disk would have now, and under the watched name. */
int fdatasync(int fd) {
        struct stat st;

        n_syncs++;
        assert_int_equal(fstat(fd, &st), 0);
        synced = st.st_size;
        named = stat(watched, &st) == 0 ? st.st_size : -1;
        errno = sync_error;
        return sync_error > 0 ? -1 : 0;
}

/* A power cut finds the old text or the new one whole: the text is on disk before it has the name. */
static void test_durable(void **state) {
        char folder[] = "/tmp/test-file-XXXXXX";
        _cleanup_free_ char *path = NULL, *data = NULL;

        assert_non_null(mkdtemp(folder));
        assert_ok(path_join(folder, "f", &path));
        watched = path;
        assert_ok(file_write_atomic(path, "old", 3, 0600));
        assert_int_equal(n_syncs, 0);
        assert_ok(file_write_durable(path, "newer", 5, 0600));
        assert_int_equal(n_syncs, 1);
        assert_int_equal(synced, 5);
        assert_int_equal(named, 3);

        /* A disk that is broken: what is there stays, and nothing is left beside it. */
        sync_error = EIO;
        assert_error(file_write_durable(path, "x", 1, 0600), EIO);
        assert_ok(file_read(path, 10, &data, NULL));
        assert_string_equal(data, "newer");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_buffer_ceiling), cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_strip_control),  cmocka_unit_test(test_ids),
                cmocka_unit_test(test_strv),           cmocka_unit_test(test_file),
                cmocka_unit_test(test_durable),
        };
        return cmocka_run_group_tests_name("base-string", tests, NULL, NULL);
}
