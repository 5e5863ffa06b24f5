/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

/* The exit statuses, see msready(1). */
enum {
        STATUS_READY = 0,
        STATUS_ERROR = 1,
        STATUS_USAGE = 2,
        STATUS_NOT_READY = 3, /* as systemctl is-active has it */
        STATUS_NO_SUCH_GATE = 4,
        STATUS_TIMED_OUT = 5,
        STATUS_UNKNOWN = 6,
        STATUS_UNREACHABLE = 69, /* EX_UNAVAILABLE */
};

typedef enum Format {
        FORMAT_TEXT,
        FORMAT_SHORT,
        FORMAT_PRETTY,
        _FORMAT_MAX,
        _FORMAT_INVALID = -EINVAL,
} Format;

typedef struct Verb Verb;

typedef struct Options {
        const Verb *verb;
        char **arguments; /* the words after the verb; ends with NULL */
        const char *socket;
        bool quiet;
        bool all;
        bool fresh; /* what is ready without evidence counts as not ready */
        bool legend;
        bool pager;
        Format format;
        usec_t timeout; /* USEC_INFINITY: none */
        usec_t stall;
        bool if_enabled;
        const char *boot;
        bool boots;
        const char *root; /* of an offline system, "" for this one; NULL: this system, live */
        bool force;
} Options;

/* Options that only some verbs take: bits above the letters of all others. */
enum {
        OPTION_ALL = 1 << 16,
        OPTION_TIMEOUT = 1 << 17,
        OPTION_STALL = 1 << 18,
        OPTION_IF_ENABLED = 1 << 19,
        OPTION_BOOT = 1 << 20,
        OPTION_BOOTS = 1 << 21,
        OPTION_ROOT = 1 << 22,
        OPTION_FRESH = 1 << 23,
        OPTION_FORCE = 1 << 24,
};

/* A verb returns an exit status, or a negative errno that main() prints. */
struct Verb {
        const char *name;
        const char *arguments; /* as help shows them */
        unsigned min_arguments;
        unsigned max_arguments;
        unsigned options;
        const char *help;
        int (*run)(const Options *options);
};

/* verbs.c: ends with a NULL name; the first is the default. */
extern const Verb verbs[];

int options_parse(int argc, char **argv, Options *ret);
