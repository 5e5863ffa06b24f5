/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test.h"

#include <stdlib.h>

/* Runs in random order, each from a seed: MSREADY_SEED repeats one of them, MSREADY_RUNS makes more. */

typedef struct Random {
        unsigned seed, state;
} Random;

static inline unsigned random_roll(Random *r, unsigned sides) {
        r->state = r->state * 1664525u + 1013904223u;
        return (r->state >> 8) % sides;
}

#define random_wrong(r, ...)                                                                                \
        do {                                                                                                \
                print_error("MSREADY_SEED=%u: ", (r)->seed);                                                \
                fail_msg(__VA_ARGS__);                                                                      \
        } while (0)

/* Calls run with a seed for each of n runs. */
static inline void random_runs(unsigned base, unsigned n, void (*run)(unsigned seed)) {
        const char *seed = getenv("MSREADY_SEED"), *runs = getenv("MSREADY_RUNS");

        if (seed) {
                run((unsigned) strtoul(seed, NULL, 10));
                return;
        }
        if (runs)
                n = (unsigned) strtoul(runs, NULL, 10);
        for (unsigned i = 0; i < n; i++)
                run(base + i);
}
