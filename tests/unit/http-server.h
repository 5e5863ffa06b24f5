/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A scripted HTTP server on the loop of the test itself: on_request says what happens to each request.
 * What is sent goes out in pieces of a given size, one in a turn of the loop. */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "event/loop.h"

typedef struct Server Server;

typedef struct Peer {
        Server *server;
        int fd;
        LoopIo io;
        LoopDeferred writer;
        Buffer in, out;
        bool close_after;
        bool reset_after;
        unsigned n_requests;
} Peer;

struct Server {
        Loop *loop;
        int fd;
        unsigned port;
        LoopIo io;
        Peer peers[32];
        unsigned n_accepted, n_requests, n_closed;
        size_t piece; /* 0: all at once */
        void (*on_request)(Peer *peer, const char *text);
};

static inline void peer_close(Peer *p) {
        if (p->fd < 0)
                return;
        loop_io_done(&p->io);
        loop_deferred_done(&p->writer);
        if (p->reset_after) {
                const struct linger linger = { .l_onoff = 1 };

                assert(setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
        }
        p->fd = safe_close(p->fd);
        buffer_done(&p->in);
        buffer_done(&p->out);
        p->server->n_closed++;
}

static inline void on_peer_write(LoopDeferred *deferred) {
        Peer *p = container_of(deferred, Peer, writer);
        size_t n = p->server->piece > 0 ? MIN(p->server->piece, p->out.size) : p->out.size;
        ssize_t sent;

        sent = send(p->fd, buffer_cstr(&p->out), n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
                peer_close(p);
                return;
        }
        if (sent > 0)
                buffer_consume(&p->out, (size_t) sent);
        if (p->out.size > 0)
                loop_deferred_set(p->server->loop, &p->writer, on_peer_write);
        else if (p->close_after || p->reset_after)
                peer_close(p);
}

static inline void peer_send_data(Peer *p, const void *data, size_t size) {
        assert(buffer_put(&p->out, data, size) >= 0);
        loop_deferred_set(p->server->loop, &p->writer, on_peer_write);
}

static inline void peer_send(Peer *p, const char *text) {
        peer_send_data(p, text, strlen(text));
}

static inline void peer_reply(Peer *p, const char *status, const char *body) {
        char header[256];

        snprintf(header, sizeof(header),
                 "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", status,
                 strlen(body));
        peer_send(p, header);
        peer_send(p, body);
}

static inline void on_peer_ready(LoopIo *io, unsigned events) {
        Peer *p = container_of(io, Peer, io);
        char buf[4096];
        ssize_t n;

        n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
                return;
        if (n <= 0) {
                peer_close(p);
                return;
        }
        assert(buffer_put(&p->in, buf, (size_t) n) >= 0);
        if (!strstr(buffer_cstr(&p->in), "\r\n\r\n"))
                return;

        p->server->n_requests++;
        p->n_requests++;
        p->server->on_request(p, buffer_cstr(&p->in));
        if (p->fd >= 0)
                buffer_clear(&p->in);
}

static inline void on_server_ready(LoopIo *io, unsigned events) {
        Server *s = container_of(io, Server, io);
        const int on = 1;
        Peer *p;

        assert(s->n_accepted < ELEMENTSOF(s->peers));
        p = &s->peers[s->n_accepted++];
        *p = (Peer){ .server = s, .in = BUFFER_INIT(1 << 20), .out = BUFFER_INIT(1 << 24) };
        p->fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        assert(p->fd >= 0);
        assert(setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
        assert(loop_io_set(s->loop, &p->io, p->fd, LOOP_READ, on_peer_ready) >= 0);
}

/* A socket that listens on 127.0.0.1 (or ::1) at a port of the kernel's choice; -1: no such family. */
static inline int listen_on_loopback(int family, unsigned *ret_port) {
        struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        struct sockaddr *a = family == AF_INET ? (struct sockaddr *) &a4 : (struct sockaddr *) &a6;
        socklen_t size = family == AF_INET ? sizeof(a4) : sizeof(a6);
        int fd;

        fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        if (bind(fd, a, size) < 0 || listen(fd, 64) < 0 || getsockname(fd, a, &size) < 0)
                return safe_close(fd);
        *ret_port = ntohs(family == AF_INET ? a4.sin_port : a6.sin6_port);
        return fd;
}

static inline void server_start_on(Server *s, Loop *loop, int fd, unsigned port) {
        *s = (Server){ .loop = loop, .fd = fd, .port = port };
        assert(loop_io_set(loop, &s->io, s->fd, LOOP_READ, on_server_ready) >= 0);
}

static inline void server_start(Server *s, Loop *loop) {
        unsigned port = 0;
        int fd = listen_on_loopback(AF_INET, &port);

        assert(fd >= 0);
        server_start_on(s, loop, fd, port);
}

static inline void server_stop(Server *s) {
        loop_io_done(&s->io);
        if (s->fd > 0)
                s->fd = safe_close(s->fd);
        for (unsigned i = 0; i < s->n_accepted; i++)
                peer_close(&s->peers[i]);
}
