/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/check.h"

/* Common part of the sections that the daemon answers by asking an address. */
typedef struct QuestionDefinition {
        CheckDefinition definition;
        char *address;
        usec_t interval; /* IntervalSec=, 0 where unset */
} QuestionDefinition;

static inline const QuestionDefinition *question_definition(const CheckDefinition *d) {
        assert(check_kind(d)->question);
        return (const QuestionDefinition *) d;
}

extern const CheckKeyType question_key_interval;

const char *question_host_fault(const char *host, bool bracketed);
const char *question_port_fault(const char *port, unsigned *ret);
int question_list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata);
