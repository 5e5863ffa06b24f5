/* SPDX-License-Identifier: Apache-2.0 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "ask.h"
#include "base/parse.h"
#include "verbs.h"

/* Carries bytes between the daemon's socket and standard input and output, so that `varlinkctl` can ask a
 * daemon over ssh (ssh-exec:HOST:msready varlink-bridge). Where a varlink client runs us by "exec:", it has
 * handed over a connected socket as descriptor 3 instead. A side that ends is closed towards the other one,
 * which may go on. */

#define CHUNK 65536
#define HANDED_OVER 3

typedef struct Pipe {
        int from, to;
        bool to_is_socket;
        bool closed;
        char data[CHUNK];
        size_t begin, end;
} Pipe;

static bool is_handed_a_socket(void) {
        const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
        uint64_t value;

        return fds && streq(fds, "1") && pid && parse_uint64(pid, &value) >= 0 &&
               value == (uint64_t) getpid();
}

static void pipe_close(Pipe *p) {
        if (p->closed)
                return;
        p->closed = true;
        if (p->to_is_socket)
                (void) shutdown(p->to, SHUT_WR);
        else
                (void) close(p->to);
}

/* Moves what can be moved now. */
static int pipe_move(Pipe *p, short readable, short writable) {
        ssize_t n;

        if (writable && p->end > p->begin) {
                n = write(p->to, p->data + p->begin, p->end - p->begin);
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return -errno;
                p->begin += n > 0 ? (size_t) n : 0;
                if (p->begin == p->end)
                        p->begin = p->end = 0;
                return 0;
        }
        if (readable && p->end == 0) {
                n = read(p->from, p->data, sizeof(p->data));
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return -errno;
                if (n == 0)
                        pipe_close(p);
                p->end = n > 0 ? (size_t) n : 0;
        }
        return 0;
}

/* Ends when the daemon says no more: what it was asked has been answered then. */
static int carry(Pipe *up, Pipe *down) {
        while (!down->closed) {
                struct pollfd fds[4] = {
                        { .fd = up->closed || up->end > 0 ? -1 : up->from, .events = POLLIN },
                        { .fd = up->end > 0 ? up->to : -1, .events = POLLOUT },
                        { .fd = down->end > 0 ? -1 : down->from, .events = POLLIN },
                        { .fd = down->to, .events = down->end > 0 ? POLLOUT : 0 },
                };
                int r;

                if (poll(fds, ELEMENTSOF(fds), -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (fds[3].revents & (POLLERR | POLLHUP)) /* nobody is left to read */
                        return 0;
                r = pipe_move(up, fds[0].revents, fds[1].revents);
                if (r == -EPIPE || r == -ECONNRESET) {
                        /* The daemon hears no more. What it has said is still to be handed on. */
                        up->begin = up->end = 0;
                        pipe_close(up);
                        r = 0;
                }
                if (r >= 0)
                        r = pipe_move(down, fds[2].revents, fds[3].revents);
                if (r < 0)
                        return r;
        }
        return 0;
}

int verb_varlink_bridge(const Options *options) {
        bool handed = is_handed_a_socket();
        _cleanup_(vl_client_freep) VlClient *client = NULL;
        int in = handed ? HANDED_OVER : STDIN_FILENO, out = handed ? HANDED_OVER : STDOUT_FILENO, r;
        static Pipe up, down;

        r = vl_client_connect(options->socket, usec_add(now_monotonic(), REPLY_USEC), &client);
        if (r < 0)
                return tell_unreachable(options, r);

        (void) signal(SIGPIPE, SIG_IGN);
        up = (Pipe){ .from = in, .to = vl_client_fd(client), .to_is_socket = true };
        down = (Pipe){ .from = vl_client_fd(client), .to = out, .to_is_socket = handed };
        r = carry(&up, &down);
        /* Either side may go when it likes. */
        return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}
