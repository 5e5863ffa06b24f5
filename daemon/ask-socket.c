/* SPDX-License-Identifier: Apache-2.0 */

/* [Socket]: connects, and closes the connection once it stands. The addresses of a name are tried one after the other,
 * each for its share of the time that is left. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/string-util.h"
#include "http/resolve.h"
#include "question.h"
#include "ready/check-kinds.h"

/* Pause before a unix listener whose queue is full is tried again: connect() says so at once. */
#define QUEUE_USEC (100 * USEC_PER_MSEC)

typedef struct SocketQuestion {
        Question question;
        char *host; /* NULL: the address is a path */
        unsigned port;

        HttpResolve resolve;
        char *addresses;  /* "192.0.2.1,[2001:db8::1]" */
        const char *next; /* of them, "" behind the last */
        int fd;
        LoopIo io;
        LoopTimer timer;
        usec_t deadline;
        int error; /* errno of the failure that is told */
} SocketQuestion;

static void drop_connection(SocketQuestion *s) {
        loop_io_done(&s->io);
        loop_timer_stop(&s->timer);
        s->fd = safe_close(s->fd);
}

static void socket_done(Question *q) {
        SocketQuestion *s = container_of(q, SocketQuestion, question);

        http_resolve_done(&s->resolve);
        loop_io_done(&s->io);
        loop_timer_done(&s->timer);
        if (s->fd > 0) /* 0: never opened */
                safe_close(s->fd);
        free(s->addresses);
        free(s->host);
}

static int socket_init(Question *q, const CheckDefinition *d) {
        SocketQuestion *s = container_of(q, SocketQuestion, question);

        s->fd = -1;
        return q->address[0] == '/' ? 0 : check_socket_split(q->address, &s->host, &s->port);
}

static void settle(SocketQuestion *s, Evidence evidence, const char *reason, const char *words,
                   const char *detail) {
        char text[QUESTION_TEXT_MAX];

        drop_connection(s);
        s->addresses = mfree(s->addresses);
        snprintf(text, sizeof(text), "%s%s%s", words, isempty(detail) ? "" : ": ", strempty(detail));
        question_settle(&s->question, evidence, reason, text);
}

static void settle_error(SocketQuestion *s) {
        switch (s->error) {
        case ECONNREFUSED:
                settle(s, EVIDENCE_FALSE, REASON_CONNECTION_REFUSED, http_end_describe(HTTP_END_REFUSED),
                       NULL);
                break;
        case ETIMEDOUT:
                settle(s, EVIDENCE_FALSE, REASON_TIMED_OUT, http_end_describe(HTTP_END_TIMEOUT),
                       "no connection within 10 s");
                break;
        case ENOENT:
        case ENOTDIR:
                settle(s, EVIDENCE_FALSE, REASON_NOT_FOUND, "no such socket", NULL);
                break;
        case EACCES:
        case EPERM:
                if (s->host)
                        settle(s, EVIDENCE_FALSE, REASON_UNREACHABLE, "the host's firewall blocks it", NULL);
                else
                        settle(s, EVIDENCE_FALSE, REASON_FORBIDDEN,
                               "the daemon is not allowed to connect to it", NULL);
                break;
        case EAGAIN:
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
                settle(s, EVIDENCE_NONE, REASON_CANNOT_ASK, "it cannot be asked", strerror(s->error));
                break;
        default:
                settle(s, EVIDENCE_FALSE, REASON_UNREACHABLE, http_end_describe(HTTP_END_UNREACHABLE),
                       strerror(s->error));
        }
}

/* A refusal says more than that another address of the host is out of reach. */
static void note_error(SocketQuestion *s, int error) {
        if (s->error == 0 || error == ECONNREFUSED)
                s->error = error;
}

static int open_socket(SocketQuestion *s, int family) {
        drop_connection(s);
        s->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        return s->fd < 0 ? -errno : 0;
}

/* Reads the next address. Returns how many are left with it, 0 behind the last. */
static unsigned take_address(SocketQuestion *s, struct sockaddr_storage *ret, socklen_t *ret_size) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) ret;
        struct sockaddr_in *v4 = (struct sockaddr_in *) ret;
        char text[INET6_ADDRSTRLEN] = "";
        unsigned left = 1;
        size_t n;

        if (isempty(s->next))
                return 0;
        for (const char *p = s->next; *p; p++)
                left += *p == ',';
        n = strcspn(s->next, ",");
        *ret = (struct sockaddr_storage){};
        if (s->next[0] == '[')
                snprintf(text, sizeof(text), "%.*s", (int) n - 2, s->next + 1);
        else
                snprintf(text, sizeof(text), "%.*s", (int) n, s->next);
        s->next += n + (s->next[n] == ',');

        if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
                v4->sin_family = AF_INET;
                v4->sin_port = htons((uint16_t) s->port);
                *ret_size = sizeof(*v4);
        } else {
                (void) inet_pton(AF_INET6, text, &v6->sin6_addr);
                v6->sin6_family = AF_INET6;
                v6->sin6_port = htons((uint16_t) s->port);
                *ret_size = sizeof(*v6);
        }
        return left;
}

/* A port of this host that the kernel may choose for us connects to itself when it is chosen. */
static bool is_own_end(int fd) {
        struct sockaddr_storage a = {}, b = {};
        socklen_t n = sizeof(a), m = sizeof(b);

        return getsockname(fd, (struct sockaddr *) &a, &n) >= 0 &&
               getpeername(fd, (struct sockaddr *) &b, &m) >= 0 && n == m && memcmp(&a, &b, n) == 0;
}

static void try_next(SocketQuestion *s);

/* The attempt has ended with that errno, or 0. */
static void conclude(SocketQuestion *s, int error) {
        if (error == 0 && s->host && is_own_end(s->fd))
                error = ECONNREFUSED;
        if (error == 0) {
                settle(s, EVIDENCE_TRUE, NULL, "", NULL);
                return;
        }
        note_error(s, error);
        try_next(s);
}

static void on_writable(LoopIo *io, unsigned events) {
        SocketQuestion *s = container_of(io, SocketQuestion, io);
        int error = 0;
        socklen_t n = sizeof(error);

        if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
                error = errno;
        conclude(s, error);
}

static void on_slow(LoopTimer *timer) {
        conclude(container_of(timer, SocketQuestion, timer), ETIMEDOUT);
}

static void try_next(SocketQuestion *s) {
        struct sockaddr_storage address;
        usec_t now = now_monotonic();
        unsigned left;
        socklen_t n;
        int r;

        while ((left = take_address(s, &address, &n)) > 0) {
                r = open_socket(s, address.ss_family);
                if (r >= 0 && connect(s->fd, (struct sockaddr *) &address, n) < 0)
                        r = -errno;
                if (r >= 0 || r == -EINPROGRESS || r == -EINTR)
                        r = loop_io_set(s->question.hub->loop, &s->io, s->fd, LOOP_WRITE, on_writable);
                if (r >= 0) {
                        loop_timer_set(s->question.hub->loop, &s->timer,
                                       usec_add(now, usec_sub(s->deadline, now) / left), on_slow);
                        return;
                }
                note_error(s, -r);
        }
        settle_error(s);
}

static void try_addresses(SocketQuestion *s, const char *addresses) {
        s->addresses = strdup(addresses);
        s->next = s->addresses;
        if (!s->addresses)
                s->error = ENOMEM;
        try_next(s);
}

static void on_resolved(HttpResolve *resolve, HttpResolveResult result, const char *text) {
        SocketQuestion *s = container_of(resolve, SocketQuestion, resolve);
        char detail[QUESTION_TEXT_MAX / 2];

        snprintf(detail, sizeof(detail), "%s: %s", s->host, text);
        switch (result) {
        case HTTP_RESOLVE_OK:
                try_addresses(s, text);
                break;
        case HTTP_RESOLVE_NOT_FOUND:
                settle(s, EVIDENCE_FALSE, REASON_NAME_NOT_FOUND, http_end_describe(HTTP_END_RESOLVE),
                       detail);
                break;
        case HTTP_RESOLVE_TIMEOUT:
                settle(s, EVIDENCE_FALSE, REASON_NAME_SERVER_SILENT,
                       http_end_describe(HTTP_END_RESOLVE_TIMEOUT), detail);
                break;
        default:
                s->error = ENOMEM;
                settle_error(s);
        }
}

static bool is_literal(const char *host) {
        struct in6_addr a;

        return inet_pton(AF_INET, host, &a) == 1 || inet_pton(AF_INET6, host, &a) == 1;
}

static void ask_host(SocketQuestion *s) {
        const char *local = is_literal(s->host) ? s->host : http_resolve_locally(s->host);
        int r;

        if (local) {
                try_addresses(s, local);
                return;
        }
        r = http_resolve_start(s->question.hub->loop, &s->resolve, s->host,
                               http_client_name_servers(s->question.hub->http), s->deadline, on_resolved);
        if (r < 0) {
                s->error = -r;
                settle_error(s);
        }
}

static void on_queue(LoopTimer *timer);

static void ask_path(SocketQuestion *s) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r;

        assert(strlen(s->question.address) < sizeof(address.sun_path));
        memcpy(address.sun_path, s->question.address, strlen(s->question.address));

        r = open_socket(s, AF_UNIX);
        if (r >= 0 && connect(s->fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                r = -errno;
        if (r >= 0) {
                settle(s, EVIDENCE_TRUE, NULL, "", NULL);
                return;
        }
        if (r == -EAGAIN && now_monotonic() < s->deadline) {
                loop_timer_set(s->question.hub->loop, &s->timer, usec_add(now_monotonic(), QUEUE_USEC),
                               on_queue);
                return;
        }
        s->error = r == -EAGAIN ? ETIMEDOUT : -r;
        settle_error(s);
}

static void on_queue(LoopTimer *timer) {
        ask_path(container_of(timer, SocketQuestion, timer));
}

static void socket_ask(Question *q) {
        SocketQuestion *s = container_of(q, SocketQuestion, question);

        s->error = 0;
        s->deadline = usec_add(now_monotonic(), QUESTION_TIMEOUT_SEC * USEC_PER_SEC);
        if (s->host)
                ask_host(s);
        else
                ask_path(s);
}

const Asker asker_socket = {
        .kind = &check_kind_socket,
        .size = sizeof(SocketQuestion),
        .init = socket_init,
        .ask = socket_ask,
        .done = socket_done,
};
