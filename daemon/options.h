/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strv.h"

/* The command line of msreadyd. */
typedef struct Options {
        const char *config;     /* NULL: the default files */
        char **gates_dirs;      /* replaces the default folders */
        const char *kubeconfig; /* NULL: settings, $KUBECONFIG, default */
        const char *socket;
        const char *state_dir; /* NULL: $RUNTIME_DIRECTORY, or nothing is kept */
        const char *boot_id;   /* NULL: BootIdFile= */
        int log_level;         /* -1: as the settings say */
        bool check_config;
} Options;

#define OPTIONS_NULL ((Options){ .log_level = -1 })

void options_done(Options *o);
int options_parse(int argc, char *argv[], Options *ret);
