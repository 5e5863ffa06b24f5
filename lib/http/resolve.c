/* SPDX-License-Identifier: Apache-2.0 */

/* libcurl's own resolver runs in a thread that is joined when a request is dropped, so that a dead name
 * server stops the whole loop for ten seconds. c-ares works on the loop and stops at once. Each question has
 * a channel of its own: questions are rare, and a changed resolv.conf or hosts file counts at once. */

#include "http/resolve.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <strings.h>
#include <sys/time.h>
#include <utlist.h>

#include "base/buffer.h"
#include "base/string-util.h"
#include "http/name-servers.h"

/* Addresses of one name: more than there is time to try. */
#define ADDRESSES_MAX 16
#define ADDRESSES_SIZE ((INET6_ADDRSTRLEN + 3) * ADDRESSES_MAX)
#define SERVER_TIMEOUT_MSEC 2000
#define SERVER_TRIES 2
/* Some name servers, or a proxy before them, leave questions for IPv6 addresses unanswered, and c-ares gives
 * up on those only after twice its time-outs, for each server. So after IPV4_ASKED_USEC IPv4 is asked for
 * alone. Its answer is used at IPV4_TAKEN_USEC, when the question for IPv6 has been sent again and has had
 * its time. */
#define IPV4_ASKED_USEC (1 * USEC_PER_SEC)
#define IPV4_TAKEN_USEC (2500 * USEC_PER_MSEC)
#define LOOPBACK "127.0.0.1,[::1]"

typedef struct Socket Socket;
typedef struct HttpResolveImpl HttpResolveImpl;

struct Socket {
        LoopIo io;
        HttpResolveImpl *impl;
        ares_socket_t fd;
        Socket *next;
};

struct HttpResolveImpl {
        Loop *loop;
        HttpResolve *resolve;
        NameServers name_servers;
        ares_channel channel;
        Socket *sockets;
        LoopTimer timer;
        LoopDeferred conclusion;
        usec_t began, deadline;
        bool ipv4_asked;
        char *ipv4; /* addresses */
        HttpResolveResult result;
        bool concluded, freeing;
        Buffer text;
        char *name;
};

/* The addresses of a name that no name server is asked for: localhost and names below it are this host, IPv4
 * first. NULL for all others. */
const char *http_resolve_locally(const char *name) {
        size_t n = strlen(name);

        if (n > 0 && name[n - 1] == '.')
                n--;
        if (n == 9 && strncasecmp(name, "localhost", 9) == 0)
                return LOOPBACK;
        if (n > 10 && strncasecmp(name + n - 10, ".localhost", 10) == 0)
                return LOOPBACK;

        return NULL;
}

/* This host resolves its own name even if hosts file and name servers lack it. */
static bool is_own_name(const char *name) {
        char own[HOST_NAME_MAX + 1] = "";
        size_t n;

        if (gethostname(own, sizeof(own) - 1) < 0 || isempty(own))
                return false;
        if (strcasecmp(name, own) == 0)
                return true;

        n = strcspn(own, ".");
        return strlen(name) == n && strncasecmp(name, own, n) == 0;
}

static void socket_free(HttpResolveImpl *impl, Socket *s) {
        LL_DELETE(impl->sockets, s);
        loop_io_done(&s->io);
        free(s);
}

static HttpResolveImpl *impl_free(HttpResolveImpl *impl) {
        if (!impl)
                return NULL;

        impl->freeing = true;
        if (impl->channel)
                ares_destroy(impl->channel);
        while (impl->sockets)
                socket_free(impl, impl->sockets);
        loop_timer_done(&impl->timer);
        loop_deferred_done(&impl->conclusion);
        buffer_done(&impl->text);
        free(impl->ipv4);
        free(impl->name);
        return mfree(impl);
}
DEFINE_CLEANUP(HttpResolveImpl, impl_free)

static void on_conclusion(LoopDeferred *deferred) {
        _cleanup_(impl_freep) HttpResolveImpl *impl = container_of(deferred, HttpResolveImpl, conclusion);
        HttpResolve *resolve = impl->resolve;

        resolve->impl = NULL;
        resolve->on_end(resolve, impl->result, buffer_cstr(&impl->text));
}

/* Deferred, because c-ares may be on the stack and must not be destroyed there. */
static void impl_conclude(HttpResolveImpl *impl, HttpResolveResult result, const char *text) {
        if (impl->concluded || impl->freeing)
                return;

        if ((result == HTTP_RESOLVE_NOT_FOUND || result == HTTP_RESOLVE_TIMEOUT) &&
            is_own_name(impl->name)) {
                result = HTTP_RESOLVE_OK;
                text = LOOPBACK;
        }

        buffer_clear(&impl->text);
        if (buffer_puts(&impl->text, text) < 0)
                result = HTTP_RESOLVE_NO_MEMORY;
        impl->result = result;
        impl->concluded = true;
        loop_deferred_set(impl->loop, &impl->conclusion, on_conclusion);
}

static int format_addresses(const struct ares_addrinfo *info, Buffer *b) {
        char address[INET6_ADDRSTRLEN];
        size_t n = 0;
        int r;

        for (const struct ares_addrinfo_node *i = info->nodes; i && n < ADDRESSES_MAX; i = i->ai_next) {
                bool v6 = i->ai_family == AF_INET6;
                const void *a;

                if (v6)
                        a = &((const struct sockaddr_in6 *) (const void *) i->ai_addr)->sin6_addr;
                else if (i->ai_family == AF_INET)
                        a = &((const struct sockaddr_in *) (const void *) i->ai_addr)->sin_addr;
                else
                        continue;
                if (!inet_ntop(i->ai_family, a, address, sizeof(address)))
                        continue;

                r = buffer_printf(b, "%s%s%s%s", n > 0 ? "," : "", v6 ? "[" : "", address, v6 ? "]" : "");
                if (r < 0)
                        return r;
                n++;
        }

        return n > 0 ? 0 : -ENOENT;
}

/* The addresses of an answer, which is freed. -ENOENT if it has none, -ENOMEM. */
static int take_addresses(int status, struct ares_addrinfo *info, Buffer *b) {
        int r = status == ARES_SUCCESS && info ? format_addresses(info, b) : -ENOENT;

        if (info)
                ares_freeaddrinfo(info);
        return r;
}

static void on_addresses(void *userdata, int status, int timeouts, struct ares_addrinfo *info) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(ADDRESSES_SIZE);
        HttpResolveImpl *impl = userdata;
        int r;

        r = take_addresses(status, info, &b);
        if (r >= 0)
                impl_conclude(impl, HTTP_RESOLVE_OK, buffer_cstr(&b));
        else if (status == ARES_ENOMEM || r == -ENOMEM)
                impl_conclude(impl, HTTP_RESOLVE_NO_MEMORY, "");
        else if (status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED)
                impl_conclude(impl, HTTP_RESOLVE_TIMEOUT, ares_strerror(status));
        else
                impl_conclude(impl, HTTP_RESOLVE_NOT_FOUND,
                              ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status));
}

static void on_ipv4(void *userdata, int status, int timeouts, struct ares_addrinfo *info) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(ADDRESSES_SIZE);
        HttpResolveImpl *impl = userdata;

        if (take_addresses(status, info, &b) >= 0)
                (void) free_and_strdup(&impl->ipv4, buffer_cstr(&b));
}

static void ask_ipv4(HttpResolveImpl *impl) {
        const struct ares_addrinfo_hints hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };

        impl->ipv4_asked = true;
        ares_getaddrinfo(impl->channel, impl->name, NULL, &hints, on_ipv4, impl);
}

static void impl_process(HttpResolveImpl *impl, ares_socket_t in, ares_socket_t out);

static void on_timer(LoopTimer *timer) {
        HttpResolveImpl *impl = container_of(timer, HttpResolveImpl, timer);
        usec_t now = now_monotonic();

        if (impl->ipv4 && now >= usec_min(impl->deadline, usec_add(impl->began, IPV4_TAKEN_USEC)))
                impl_conclude(impl, HTTP_RESOLVE_OK, impl->ipv4);
        else if (now >= impl->deadline)
                impl_conclude(impl, HTTP_RESOLVE_TIMEOUT, ares_strerror(ARES_ETIMEOUT));
        else {
                if (!impl->ipv4_asked && now >= usec_add(impl->began, IPV4_ASKED_USEC))
                        ask_ipv4(impl);
                impl_process(impl, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        }
}

/* Sleeps until c-ares wants to ask again, or until the deadline. */
static void impl_rearm(HttpResolveImpl *impl) {
        usec_t due = impl->deadline;
        struct timeval tv;

        if (impl->concluded) {
                loop_timer_stop(&impl->timer);
                return;
        }

        if (!impl->ipv4_asked)
                due = usec_min(due, usec_add(impl->began, IPV4_ASKED_USEC));
        if (impl->ipv4)
                due = usec_min(due, usec_add(impl->began, IPV4_TAKEN_USEC));
        if (ares_timeout(impl->channel, NULL, &tv))
                due = usec_min(due, usec_add(now_monotonic(), (usec_t) tv.tv_sec * USEC_PER_SEC +
                                                                      (usec_t) tv.tv_usec + USEC_PER_MSEC));
        loop_timer_set(impl->loop, &impl->timer, due, on_timer);
}

static void impl_process(HttpResolveImpl *impl, ares_socket_t in, ares_socket_t out) {
        ares_process_fd(impl->channel, in, out);
        impl_rearm(impl);
}

static void on_ready(LoopIo *io, unsigned events) {
        Socket *s = container_of(io, Socket, io);

        impl_process(s->impl, events & LOOP_READ ? s->fd : ARES_SOCKET_BAD,
                     events & LOOP_WRITE ? s->fd : ARES_SOCKET_BAD);
}

static int socket_watch(HttpResolveImpl *impl, Socket *s, ares_socket_t fd, unsigned events) {
        if (!s) {
                s = calloc(1, sizeof(Socket));
                if (!s)
                        return -ENOMEM;
                *s = (Socket){ .impl = impl, .fd = fd };
                LL_PREPEND(impl->sockets, s);
        }

        return loop_io_set(impl->loop, &s->io, fd, events, on_ready);
}

static void on_socket_state(void *userdata, ares_socket_t fd, int readable, int writable) {
        HttpResolveImpl *impl = userdata;
        Socket *s;

        LL_SEARCH_SCALAR(impl->sockets, s, fd, fd);
        if (!readable && !writable) {
                if (s)
                        socket_free(impl, s);
        } else if (socket_watch(impl, s, fd, (readable ? LOOP_READ : 0) | (writable ? LOOP_WRITE : 0)) < 0)
                impl_conclude(impl, HTTP_RESOLVE_NO_MEMORY, "");
}

static int impl_open(HttpResolveImpl *impl, const char *servers) {
        const struct ares_options options = {
                .timeout = SERVER_TIMEOUT_MSEC,
                .tries = SERVER_TRIES,
                .sock_state_cb = on_socket_state,
                .sock_state_cb_data = impl,
        };

        return name_servers_open(&impl->name_servers, servers, &options,
                                 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB,
                                 &impl->channel);
}

/* Asks for the addresses of name until deadline (monotonic). servers ("ADDRESS:PORT,...") are asked instead
 * of the system's name servers and hosts file; NULL: the system's. on_end comes in a later turn of the loop.
 * -EINVAL for bad servers, -ENOMEM; the error in reading the system's. */
int http_resolve_start(Loop *loop, HttpResolve *resolve, const char *name, const char *servers,
                       usec_t deadline,
                       void (*on_end)(HttpResolve *resolve, HttpResolveResult result, const char *text)) {
        const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
        _cleanup_(impl_freep) HttpResolveImpl *impl = NULL;
        int r;

        assert(!resolve->impl && on_end);

        impl = calloc(1, sizeof(HttpResolveImpl));
        if (!impl)
                return -ENOMEM;
        impl->loop = loop;
        impl->resolve = resolve;
        impl->began = now_monotonic();
        impl->deadline = deadline;
        impl->text = BUFFER_INIT(ADDRESSES_SIZE);
        impl->name = strdup(name);
        if (!impl->name)
                return -ENOMEM;

        r = impl_open(impl, servers);
        if (r < 0)
                return r;

        ares_getaddrinfo(impl->channel, name, NULL, &hints, on_addresses, impl);
        impl_rearm(impl);

        resolve->on_end = on_end;
        resolve->impl = TAKE_PTR(impl);
        return 0;
}

/* Drops the question at once: on_end does not come any more. */
void http_resolve_done(HttpResolve *resolve) {
        resolve->impl = impl_free(resolve->impl);
}
