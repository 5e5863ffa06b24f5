/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/string-util.h"

/* A folder of the test's own, with verbs for what is in it. Paths are relative to it. */
typedef struct Folder {
        char path[64];
} Folder;

static inline void folder_begin(Folder *f) {
        snprintf(f->path, sizeof(f->path), "%s/msready-test-XXXXXX",
                 euidaccess("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(f->path));
        assert_ok(chmod(f->path, 0755));
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        if (type == FTW_DNR)
                return 0;
        (void) (type == FTW_DP ? rmdir(path) : unlink(path));
        return 0;
}

static inline void folder_end(Folder *f) {
        (void) nftw(f->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The whole path, the caller's. */
static inline char *folder_path(const Folder *f, const char *name) {
        char *path;

        assert_ok(path_join(f->path, name, &path));
        return path;
}

static inline void folder_make(const Folder *f, const char *name) {
        _cleanup_free_ char *path = folder_path(f, name);

        assert_ok(mkdir_parents(path, 0755));
        if (mkdir(path, 0755) < 0)
                assert_int_equal(errno, EEXIST);
}

/* Truncates and writes, as a careless program does. */
static inline void folder_write(const Folder *f, const char *name, const char *text) {
        _cleanup_free_ char *path = folder_path(f, name);
        int fd;

        assert_ok(mkdir_parents(path, 0755));
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static inline void folder_link(const Folder *f, const char *name, const char *target) {
        _cleanup_free_ char *path = folder_path(f, name);

        assert_ok(mkdir_parents(path, 0755));
        assert_ok(symlink(target, path));
}

static inline void folder_rename(const Folder *f, const char *from, const char *to) {
        _cleanup_free_ char *a = folder_path(f, from), *b = folder_path(f, to);

        assert_ok(rename(a, b));
}

/* A file, a link, or a folder with all that is in it. */
static inline void folder_remove(const Folder *f, const char *name) {
        _cleanup_free_ char *path = folder_path(f, name);

        assert_int_equal(nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
