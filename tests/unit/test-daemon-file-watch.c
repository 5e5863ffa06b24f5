/* SPDX-License-Identifier: Apache-2.0 */

/* What happens to a file that somebody else writes, in all the ways in which it does. */

#include "folder.h"

#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/log.h"
#include "file-watch.h"

/* Longer than an event takes, also on a busy machine; much longer than nothing takes. */
#define PATIENCE (5 * USEC_PER_SEC)
#define QUIET (30 * USEC_PER_MSEC)

typedef struct Fixture {
        Folder folder;
        Loop *loop;
        FileWatch watch;
        LoopTimer timer;
        unsigned n_changed;
        bool late;
        void (*in_callback)(struct Fixture *f);
} Fixture;

static void on_changed(FileWatch *w) {
        Fixture *f = container_of(w, Fixture, watch);

        f->n_changed++;
        loop_exit(f->loop, 0);
        if (f->in_callback)
                f->in_callback(f);
}

static void silent(int level, const LogField *fields, const char *message) {
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        folder_begin(&f->folder);
        assert_ok(loop_new(&f->loop));
        file_watch_init(&f->watch, f->loop, on_changed);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        file_watch_done(&f->watch);
        loop_timer_done(&f->timer);
        loop_free(f->loop);
        folder_end(&f->folder);
        free(f);
        return 0;
}

static void watch(Fixture *f, const char *a, const char *b) {
        _cleanup_free_ char *x = folder_path(&f->folder, a), *y = b ? folder_path(&f->folder, b) : NULL;

        assert_int_equal(file_watch_set(&f->watch, (char *[]){ x, y, NULL }), 1);
        assert_int_equal(file_watch_set(&f->watch, (char *[]){ x, y, NULL }), 0);
}

static void on_late(LoopTimer *timer) {
        Fixture *f = container_of(timer, Fixture, timer);

        f->late = true;
        loop_exit(f->loop, 0);
}

static bool comes_within(Fixture *f, usec_t usec) {
        f->late = false;
        loop_timer_set(f->loop, &f->timer, now_monotonic() + usec, on_late);
        assert_ok(loop_run(f->loop));
        loop_timer_stop(&f->timer);
        return !f->late;
}

static void drain(Fixture *f) {
        while (comes_within(f, QUIET))
                ;
}

#define assert_told(f)                                                                                      \
        do {                                                                                                \
                assert_true(comes_within((f), PATIENCE));                                                   \
                drain(f);                                                                                   \
        } while (0)
#define assert_not_told(f) assert_false(comes_within((f), QUIET))

static void test_appears_and_goes(void **state) {
        Fixture *f = *state;

        watch(f, "file", NULL);
        assert_not_told(f);
        for (unsigned i = 0; i < 3; i++) {
                folder_write(&f->folder, "file", "x");
                assert_told(f);
                folder_remove(&f->folder, "file");
                assert_told(f);
        }
}

static void test_every_way_to_write(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = folder_path(&f->folder, "file");

        folder_write(&f->folder, "file", "x");
        watch(f, "file", NULL);
        assert_not_told(f);

        folder_write(&f->folder, "file", "y");
        assert_told(f);
        assert_ok(file_write_atomic(path, "z", 1, 0600));
        assert_told(f);
        assert_ok(chmod(path, 0));
        assert_told(f);
        folder_write(&f->folder, "other", "y");
        folder_rename(&f->folder, "file", "file.old");
        assert_told(f);
        folder_rename(&f->folder, "other", "file");
        assert_told(f);
        folder_remove(&f->folder, "file");
        drain(f);
        folder_link(&f->folder, "file", "file.old");
        assert_told(f);
}

static void test_others_do_not_matter(void **state) {
        Fixture *f = *state;

        folder_write(&f->folder, "file", "x");
        watch(f, "file", NULL);
        folder_write(&f->folder, "file2", "x");
        folder_write(&f->folder, "fil", "x");
        folder_rename(&f->folder, "file2", "file3");
        folder_remove(&f->folder, "file3");
        assert_not_told(f);
}

/* MicroShift makes its folders hours after us, and an administrator may take them away again. */
static void test_folders_at_every_depth(void **state) {
        static const char *const folders[] = { "a", "a/b", "a/b/c", "a/b/c/d" };
        Fixture *f = *state;

        watch(f, "a/b/c/d/file", NULL);
        for (size_t present = 0; present <= ELEMENTSOF(folders); present++) {
                for (size_t i = 0; i < present; i++)
                        folder_make(&f->folder, folders[i]);
                drain(f);
                folder_write(&f->folder, "a/b/c/d/file", "x");
                assert_told(f);
                folder_write(&f->folder, "a/b/c/d/file", "y");
                assert_told(f);
                folder_remove(&f->folder, "a");
                assert_told(f);
        }
}

static void test_each_folder_vanishes(void **state) {
        static const char *const folders[] = { "a", "a/b", "a/b/c", "a/b/c/d" };
        Fixture *f = *state;

        watch(f, "a/b/c/d/file", NULL);
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                folder_write(&f->folder, "a/b/c/d/file", "x");
                drain(f);
                folder_remove(&f->folder, folders[i]);
                assert_told(f);
                folder_write(&f->folder, "a/b/c/d/file", "x");
                assert_told(f);

                folder_rename(&f->folder, folders[i], "aside");
                assert_told(f);
                folder_write(&f->folder, "a/b/c/d/file", "y");
                assert_told(f);
                folder_remove(&f->folder, folders[i]);
                assert_told(f);
                folder_rename(&f->folder, "aside", folders[i]);
                assert_told(f);
                folder_write(&f->folder, "a/b/c/d/file", "z");
                assert_told(f);
        }
}

/* All at once, before we come to look. */
static void test_made_in_one_go(void **state) {
        Fixture *f = *state;

        watch(f, "a/b/c/file", NULL);
        folder_write(&f->folder, "a/b/c/file", "x");
        assert_told(f);
        folder_write(&f->folder, "a/b/c/file", "y");
        assert_told(f);
}

static void test_a_file_where_a_folder_should_be(void **state) {
        Fixture *f = *state;

        folder_write(&f->folder, "a", "a file");
        watch(f, "a/b/file", NULL);
        assert_not_told(f);
        folder_remove(&f->folder, "a");
        assert_told(f);
        folder_write(&f->folder, "a/b/file", "x");
        assert_told(f);
}

/* As Kubernetes projects secrets: the file is a link through a link that is swapped. */
static void test_projected(void **state) {
        Fixture *f = *state;

        folder_write(&f->folder, "secret/..1/token", "one");
        folder_write(&f->folder, "secret/..2/token", "two");
        folder_link(&f->folder, "secret/..data", "..1");
        folder_link(&f->folder, "secret/token", "..data/token");
        watch(f, "secret/token", NULL);
        drain(f);
        folder_link(&f->folder, "secret/..data_tmp", "..2");
        folder_rename(&f->folder, "secret/..data_tmp", "secret/..data");
        assert_told(f);
        folder_write(&f->folder, "secret/..2/token", "three");
        assert_told(f);
}

/* A link is where it leads to, too. */
static void test_links(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *far = folder_path(&f->folder, "far/away/file");

        folder_link(&f->folder, "etc/file", "../relative/file");
        folder_link(&f->folder, "relative/file", far);
        watch(f, "etc/file", NULL);
        drain(f);
        folder_write(&f->folder, "far/away/file", "x");
        assert_told(f);
        folder_write(&f->folder, "far/away/file", "y");
        assert_told(f);
        folder_remove(&f->folder, "relative/file");
        assert_told(f);
        folder_write(&f->folder, "relative/file", "z");
        assert_told(f);
        folder_write(&f->folder, "far/away/file", "not ours any more");
        assert_not_told(f);
}

static void test_links_in_a_circle(void **state) {
        Fixture *f = *state;

        folder_link(&f->folder, "a", "b");
        folder_link(&f->folder, "b", "a");
        folder_link(&f->folder, "self", "self/self");
        watch(f, "a", "self");
        drain(f);
        folder_remove(&f->folder, "b");
        assert_told(f);
        folder_write(&f->folder, "b", "x");
        assert_told(f);
}

/* The second path's folder lies above the first's. */
static void test_several(void **state) {
        Fixture *f = *state;

        folder_make(&f->folder, "etc/more");
        watch(f, "etc/more/a", "etc/b");
        folder_write(&f->folder, "etc/b", "x");
        assert_told(f);
        folder_write(&f->folder, "etc/more/a", "x");
        assert_told(f);
        folder_write(&f->folder, "etc/c", "x");
        assert_not_told(f);
        folder_rename(&f->folder, "etc", "etc.old");
        assert_told(f);
        folder_write(&f->folder, "etc/b", "x");
        assert_told(f);

        watch(f, "other", NULL);
        folder_write(&f->folder, "etc/b", "y");
        assert_not_told(f);
        folder_write(&f->folder, "other", "x");
        assert_told(f);
        assert_ok(file_watch_set(&f->watch, NULL));
        folder_write(&f->folder, "other", "y");
        assert_not_told(f);
}

static void stop_watching(Fixture *f) {
        file_watch_done(&f->watch);
}

static void watch_another(Fixture *f) {
        watch(f, "another", NULL);
}

static void test_changed_from_inside(void **state) {
        Fixture *f = *state;

        watch(f, "file", NULL);
        f->in_callback = watch_another;
        folder_write(&f->folder, "file", "x");
        assert_told(f);
        folder_write(&f->folder, "file", "y");
        assert_not_told(f);
        f->in_callback = stop_watching;
        folder_write(&f->folder, "another", "x");
        assert_true(comes_within(f, PATIENCE));
        folder_write(&f->folder, "another", "y");
        assert_not_told(f);
}

/* Without a descriptor for inotify files are looked at now and then. */
static void test_polled(void **state) {
        struct rlimit limit, none;
        Fixture *f = *state;

        assert_ok(getrlimit(RLIMIT_NOFILE, &limit));
        none = limit;
        none.rlim_cur = 0;
        assert_ok(setrlimit(RLIMIT_NOFILE, &none));
        watch(f, "a/file", NULL);
        assert_ok(setrlimit(RLIMIT_NOFILE, &limit));
        assert_true(f->watch.polling);

        folder_write(&f->folder, "a/file", "x");
        assert_true(comes_within(f, PATIENCE));
        folder_write(&f->folder, "a/file", "y");
        assert_true(comes_within(f, PATIENCE));
        f->in_callback = stop_watching;
        folder_remove(&f->folder, "a");
        assert_true(comes_within(f, PATIENCE));
}

static bool write_sysctl(const char *name, const char *value) {
        char path[128];
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), "/proc/sys/user/%s", name);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        n = write(fd, value, strlen(value));
        close(fd);
        return n > 0;
}

enum {
        CANNOT_TELL = 77,
};

/* In a user namespace of its own, where limits may be set. */
static int poll_beyond(Fixture *f, const char *limit, const char *value) {
        if (unshare(CLONE_NEWUSER) < 0 || !write_sysctl(limit, value))
                return CANNOT_TELL;
        watch(f, "a/b/file", NULL);
        if (!f->watch.polling)
                return 1;
        folder_write(&f->folder, "a/b/file", "x");
        return comes_within(f, PATIENCE) ? 0 : 2;
}

/* Others have used up what the host has to give: a known trouble of MicroShift hosts. */
static void test_polled_beyond_limits(void **state) {
        static const struct {
                const char *name, *value;
        } limits[] = { { "max_inotify_instances", "0" }, { "max_inotify_watches", "1" } };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                pid_t pid;
                int status;

                folder_make(&f->folder, "a");
                pid = fork();
                assert_true(pid >= 0);
                if (pid == 0)
                        _exit(poll_beyond(f, limits[i].name, limits[i].value));
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFEXITED(status));
                folder_remove(&f->folder, "a");
                if (WEXITSTATUS(status) == CANNOT_TELL)
                        skip_test("no limits can be set here");
                assert_int_equal(WEXITSTATUS(status), 0);
        }
}

/* What is mounted over a folder hides the inodes that are watched. The mount itself may be all that changes. */
static int mount_over(Fixture *f) {
        _cleanup_free_ char *a = folder_path(&f->folder, "a"), *b = folder_path(&f->folder, "b");
        uid_t uid = getuid();
        uint64_t turns;

        if (unshare((uid == 0 ? 0 : CLONE_NEWUSER) | CLONE_NEWNS) < 0 ||
            mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
                return CANNOT_TELL;
        watch(f, "a/c/file", NULL);
        turns = loop_turns(f->loop);
        if (comes_within(f, QUIET) || loop_turns(f->loop) > turns + 10)
                return 1; /* that the mounts can be read is no event */
        if (mount(b, a, "none", MS_BIND, NULL) < 0)
                return CANNOT_TELL;
        if (comes_within(f, QUIET))
                return 2; /* the file is there in neither */
        folder_write(&f->folder, "a/c/file", "x");
        if (!comes_within(f, PATIENCE))
                return 3;
        drain(f);

        /* One that was beneath the mount, and appears when that goes. */
        if (umount2(a, MNT_DETACH) < 0 || !comes_within(f, PATIENCE))
                return 4;
        folder_write(&f->folder, "a/c/file", "y");
        if (!comes_within(f, PATIENCE))
                return 5;
        drain(f);
        if (mount(b, a, "none", MS_BIND, NULL) < 0 || !comes_within(f, PATIENCE))
                return 6;
        return comes_within(f, QUIET) ? 7 : 0;
}

static void in_child(Fixture *f, int (*run)(Fixture *f)) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(run(f));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == CANNOT_TELL)
                skip_test("nothing can be mounted here");
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_mounts(void **state) {
        Fixture *f = *state;

        if (access("/proc/self/mountinfo", R_OK) < 0)
                skip_test("/proc is not mounted");
        folder_make(&f->folder, "a");
        folder_make(&f->folder, "b");
        in_child(f, mount_over);
}

/* A look finds what no event tells, and sets the watches where the folders are now. */
static void test_looked_at(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = folder_path(&f->folder, "a/file");
        int fd;

        folder_write(&f->folder, "a/file", "x");
        watch(f, "a/file", NULL);
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_true(fd >= 0);
        file_watch_look(&f->watch);
        assert_int_equal(f->n_changed, 0);
        assert_int_equal(write(fd, "y", 1), 1);
        assert_not_told(f); /* until the writer closes it */
        f->n_changed = 0;
        file_watch_look(&f->watch);
        file_watch_look(&f->watch);
        assert_int_equal(f->n_changed, 1);
        close(fd);
        folder_write(&f->folder, "a/file", "z");
        assert_told(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_appears_and_goes),
                TEST(test_every_way_to_write),
                TEST(test_others_do_not_matter),
                TEST(test_folders_at_every_depth),
                TEST(test_each_folder_vanishes),
                TEST(test_made_in_one_go),
                TEST(test_a_file_where_a_folder_should_be),
                TEST(test_projected),
                TEST(test_links),
                TEST(test_links_in_a_circle),
                TEST(test_several),
                TEST(test_changed_from_inside),
                TEST(test_polled),
                TEST(test_polled_beyond_limits),
                TEST(test_mounts),
                TEST(test_looked_at),
        };

        log_set_sink(silent);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
