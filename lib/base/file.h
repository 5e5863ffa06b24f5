/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>

#include "base/macro.h"

static inline void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}
#define _cleanup_closedir_ _cleanup_(closedirp)

int file_read(const char *path, size_t limit, char **ret, size_t *ret_size);
const char *file_read_fault(int error);
int file_read_line(const char *path, char **ret);
int fd_write_all(int fd, const char *data, size_t size);
int file_write_atomic(const char *path, const void *data, size_t size, mode_t mode);
int file_write_durable(const char *path, const void *data, size_t size, mode_t mode);
int path_join(const char *folder, const char *name, char **ret);
int path_parent(const char *path, char **ret);
int mkdir_parents(const char *path, mode_t mode);
