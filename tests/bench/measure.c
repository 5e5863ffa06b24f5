/* SPDX-License-Identifier: Apache-2.0 */

/* measure ROUNDS COMMAND...
 *
 * Runs the command so many times, one after the other, and prints for each run on descriptor 3: wall time and CPU time
 * in microseconds, peak memory in KiB, voluntary context switches, and exit status (128 and the signal). A program of
 * its own, because a child's peak begins with that of the process which it was spawned from. */

#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/parse.h"

extern char **environ;

static uint64_t timeval_usec(struct timeval t) {
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_usec;
}

static int measure(char *argv[]) {
        struct rusage usage;
        usec_t started;
        int status, r;
        pid_t pid;

        started = now_monotonic();
        r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
        if (r != 0)
                return -r;
        if (wait4(pid, &status, 0, &usage) < 0)
                return -errno;
        dprintf(3, "%" PRIu64 " %" PRIu64 " %ld %ld %d\n", now_monotonic() - started,
                timeval_usec(usage.ru_utime) + timeval_usec(usage.ru_stime), usage.ru_maxrss, usage.ru_nvcsw,
                WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        return 0;
}

int main(int argc, char *argv[]) {
        unsigned rounds;
        int r;

        if (argc < 3 || parse_unsigned(argv[1], 1000000, &rounds) < 0) {
                fprintf(stderr, "usage: measure ROUNDS COMMAND... 3>FILE\n");
                return 2;
        }
        for (unsigned i = 0; i < rounds; i++) {
                r = measure(argv + 2);
                if (r < 0) {
                        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(-r));
                        return EXIT_FAILURE;
                }
        }
        return EXIT_SUCCESS;
}
