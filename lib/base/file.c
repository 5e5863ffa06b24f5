/* SPDX-License-Identifier: Apache-2.0 */

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/string-util.h"

static void buffer_done_erasing(Buffer *b) {
        if (b->data)
                explicit_bzero(b->data, b->allocated);
        buffer_done(b);
}

/* Reads a whole regular file, or a file of a pseudo file system. The caller frees *ret, which is
 * NUL-terminated; ret_size (may be NULL) does not count the NUL. -E2BIG over limit, -EISDIR, -EINVAL for
 * devices, fifos and sockets (which could block), else the system's error. On failure what was read is
 * erased, because the file may be a key. */
int file_read(const char *path, size_t limit, char **ret, size_t *ret_size) {
        _cleanup_(buffer_done_erasing) Buffer b = BUFFER_INIT(limit);
        _cleanup_close_ int fd = -1;
        struct stat st;
        char *data;
        int r;

        assert(limit > 0);

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;

        /* All at once, because growing would leave copies of a key behind. */
        r = buffer_reserve(&b, MIN(limit, (size_t) st.st_size + 1));
        if (r < 0)
                return r;

        for (;;) {
                ssize_t n;

                r = buffer_reserve(&b, b.size < limit ? MIN((size_t) 4096, limit - b.size) : 0);
                if (r < 0)
                        return r;
                if (b.size == limit) {
                        char more;

                        n = read(fd, &more, 1);
                        if (n > 0)
                                return -E2BIG;
                } else
                        n = read(fd, b.data + b.size, MIN(b.allocated - 1, limit) - b.size);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                b.size += (size_t) n;
        }

        b.data[b.size] = '\0';
        if (ret_size)
                *ret_size = b.size;
        data = TAKE_PTR(b.data);
        *ret = data;
        return 0;
}

/* Why file_read() has failed with this error, in words. */
const char *file_read_fault(int error) {
        switch (error) {
        case -E2BIG:
                return "too large";
        case -EINVAL:
        case -ENXIO:
                return "not a regular file or a link to one";
        default:
                return strerror(-error);
        }
}

/* Reads a file of at most 4096 bytes and cuts white space off both its ends. Errors as file_read(). */
int file_read_line(const char *path, char **ret) {
        _cleanup_free_ char *data = NULL;
        char *line;
        int r;

        r = file_read(path, 4096, &data, NULL);
        if (r < 0)
                return r;

        line = strdup(strstrip(data));
        if (!line)
                return -ENOMEM;
        *ret = line;
        return 0;
}

/* Writes all of data, in as many calls as it takes. -errno if one of them fails. */
int fd_write_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

static int write_and_rename(const char *path, const void *data, size_t size, mode_t mode, bool sync) {
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        r = asprintf_ret(&temporary, "%s.XXXXXX", path);
        if (r < 0)
                return r;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;

        r = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, data, size);
        if (r >= 0 && sync && fdatasync(fd) < 0)
                r = -errno;
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}

/* Writes a file beside path and renames it to path: a reader sees the old text or the new one, and a failure
 * leaves the old. Not synced to disk: for files that a power cut makes void anyway. */
int file_write_atomic(const char *path, const void *data, size_t size, mode_t mode) {
        return write_and_rename(path, data, size, mode, false);
}

/* The same for files that survive a power cut: waits for the disk. XFS, for one, may have the new name on
 * disk long before the text, which would leave an empty file. */
int file_write_durable(const char *path, const void *data, size_t size, mode_t mode) {
        return write_and_rename(path, data, size, mode, true);
}

/* folder/name, with one slash between; name alone where it is absolute. */
int path_join(const char *folder, const char *name, char **ret) {
        if (name[0] == '/')
                return asprintf_ret(ret, "%s", name);
        return asprintf_ret(ret, "%s%s%s", folder, endswith(folder, "/") ? "" : "/", name);
}

/* The folder that path lies in: "/" for "/x", "." for "x". */
int path_parent(const char *path, char **ret) {
        const char *slash = strrchr(path, '/');
        char *parent;

        if (!slash)
                parent = strdup(".");
        else if (slash == path)
                parent = strdup("/");
        else
                parent = strndup(path, (size_t) (slash - path));
        if (!parent)
                return -ENOMEM;

        *ret = parent;
        return 0;
}

/* Creates the folders above path that are missing. */
int mkdir_parents(const char *path, mode_t mode) {
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;

        for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
                *p = '\0';
                if (mkdir(copy, mode) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        return 0;
}
