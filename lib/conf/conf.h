/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include "base/strv.h"
#include "conf/folders.h"

/* Files in systemd's syntax, with drop-ins, overrides and masks. */

typedef struct ConfLine {
        char *section;    /* "Workload" of [Workload web] */
        char *label;      /* "web"; "" where there is none */
        char *key;        /* NULL: the line that opens the section */
        char *value;      /* "" for an empty assignment, which resets; NULL where key is */
        const char *file; /* one of ConfFile.files */
        unsigned line;    /* where the assignment begins */
} ConfLine;

/* All that was said under one name, in the order of reading: the file, then its drop-ins. */
typedef struct ConfFile {
        char *name;
        char *main;    /* the file itself; NULL where there are only drop-ins, or nothing */
        bool masked;   /* the file is a link to /dev/null; nothing was read then */
        char **files;  /* that were read, or could not be */
        char **errors; /* what could not be read or understood: "FILE:LINE: why", "FILE: why" */
        ConfLine *lines;
        size_t n_lines;
} ConfFile;

ConfFile *conf_file_free(ConfFile *f);
DEFINE_CLEANUP(ConfFile, conf_file_free)

int conf_keep_places(const ConfLine *l, char *const *names, char ***places);
int conf_parse(const char *name, const char *file, const char *text, size_t size, ConfFile **ret);
int conf_load(char *const *folders, const char *name, ConfFile **ret);
int conf_load_path(const char *path, char *const *folders, const char *name, ConfFile **ret);
