/* SPDX-License-Identifier: Apache-2.0 */

/* varlink-load SOCKET METHOD CALLS
 *
 * Makes the calls, without parameters, one after the other on one connection, and prints: microseconds for all,
 * then the median and the 99th percentile of one in nanoseconds, and the size of a reply in bytes. Nothing is
 * parsed: what is measured is the server. */

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/macro.h"
#include "base/parse.h"

static uint64_t now_nsec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return (x > y) - (x < y);
}

static int connect_to(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -1;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Sends the message and reads up to the NUL that ends the reply. An error of varlink is one. */
static ssize_t call(int fd, const char *message, size_t size) {
        static char reply[1 << 20];
        size_t n = 0;

        if (send(fd, message, size, MSG_NOSIGNAL) != (ssize_t) size)
                return -EIO;
        do {
                ssize_t k = recv(fd, reply + n, sizeof(reply) - n, 0);

                if (k <= 0)
                        return k < 0 ? -errno : -ECONNRESET;
                n += (size_t) k;
        } while (reply[n - 1] != '\0' && n < sizeof(reply));
        if (memmem(reply, n, "\"error\"", strlen("\"error\"")) || reply[n - 1] != '\0')
                return -EBADMSG;
        return (ssize_t) n;
}

int main(int argc, char *argv[]) {
        _cleanup_free_ uint64_t *times = NULL;
        _cleanup_free_ char *message = NULL;
        _cleanup_close_ int fd = -1;
        uint64_t begin;
        ssize_t n = 0;
        unsigned calls;
        int size;

        if (argc != 4 || parse_unsigned(argv[3], 10000000, &calls) < 0 || calls == 0) {
                fprintf(stderr, "usage: varlink-load SOCKET METHOD CALLS\n");
                return 2;
        }
        size = asprintf(&message, "{\"method\":\"%s\"}", argv[2]);
        times = calloc(calls, sizeof(*times));
        if (size < 0 || !times)
                return EXIT_FAILURE;
        fd = connect_to(argv[1]);
        if (fd < 0) {
                fprintf(stderr, "varlink-load: %s: %s\n", argv[1], strerror(-fd));
                return EXIT_FAILURE;
        }

        begin = now_nsec();
        for (unsigned i = 0; i < calls; i++) {
                uint64_t before = now_nsec();

                n = call(fd, message, (size_t) size + 1);
                if (n < 0) {
                        fprintf(stderr, "varlink-load: call %u: %s\n", i, strerror((int) -n));
                        return EXIT_FAILURE;
                }
                times[i] = now_nsec() - before;
        }
        begin = now_nsec() - begin;
        qsort(times, calls, sizeof(*times), compare);
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %zd\n", begin / 1000, times[calls / 2],
               times[calls - 1 - calls / 100], n);
        return EXIT_SUCCESS;
}
