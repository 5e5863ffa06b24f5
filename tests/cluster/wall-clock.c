/* SPDX-License-Identifier: Apache-2.0 */

/* To be preloaded: two clocks of a program are off by the seconds that the file named by WALL_CLOCK holds (two
 * int64_t), which a test changes while it runs. By the first its wall clock is wrong; by the second, its boottime,
 * the host has slept meanwhile. */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The build hides what is not marked. */
#pragma GCC visibility push(default)

static const volatile int64_t *offset;

__attribute__((constructor)) static void find_offset(void) {
        const char *path = getenv("WALL_CLOCK");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *map = fd >= 0 ? mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

        if (map == MAP_FAILED)
                abort();
        offset = map;
        close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts) {
        long r = syscall(SYS_clock_gettime, id, ts);

        if (r == 0 && offset && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
                ts->tv_sec += offset[0];
        if (r == 0 && offset && id == CLOCK_BOOTTIME)
                ts->tv_sec += offset[1];
        return (int) r;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone) {
        struct timespec ts;

        (void) zone;
        (void) clock_gettime(CLOCK_REALTIME, &ts);
        *tv = (struct timeval){ .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000 };
        return 0;
}

time_t time(time_t *ret) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        if (ret)
                *ret = ts.tv_sec;
        return ts.tv_sec;
}
