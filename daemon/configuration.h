/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/problems.h"
#include "ready/board.h"

#include "options.h"
#include "settings.h"

/* All that the files say, read and checked before anything of it takes effect. */
typedef struct Configuration {
        Settings *settings;
        GateSetup *setups;
        size_t n_setups;
        char **errors; /* of msready.conf; none in a configuration that takes effect */
        char **warnings;
} Configuration;

#define CONFIGURATION_NULL ((Configuration){})

void configuration_done(Configuration *c);
char *const *configuration_folders(const Options *options);
int configuration_load(const Options *options, Configuration *ret, char **reterr_detail);
int configuration_warn_of_kubeconfig(const Settings *settings, const Options *options, char ***warnings);
int configuration_find_problems(const Configuration *c, const Board *board, char *const *order, Problems *p);
int configuration_check(const Options *options);
