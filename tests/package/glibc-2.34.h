/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What RHEL 9's glibc has, and that of Debian 11 has not: test_floors.py builds with libraries of the latter. */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>

#define mallinfo2 mallinfo

static inline const char *strerrorname_np(int error) {
        switch (error) {
        case EACCES:
                return "EACCES";
        case EINVAL:
                return "EINVAL";
        case EIO:
                return "EIO";
        case ENOENT:
                return "ENOENT";
        case ENOMEM:
                return "ENOMEM";
        case EMSGSIZE:
                return "EMSGSIZE";
        case ENOBUFS:
                return "ENOBUFS";
        case EPERM:
                return "EPERM";
        default:
                return NULL;
        }
}
