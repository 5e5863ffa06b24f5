/* SPDX-License-Identifier: Apache-2.0 */

#include "varlink/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <utlist.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "varlink/server-internal.h"

/* Listening, accepting, and the limits on connections. connection.c serves a connection, call.c a call, and
 * service.c finds its method.
 *
 * While a peer's call waits, the server does not read from the peer, so that its socket bounds what it can
 * queue. The server still has to notice when the peer is gone for good, which a half-closed peer is not.
 * libev cannot tell the two apart: it knows only readable and writable. So these connections are also in an
 * epoll set of our own that asks for no events, because epoll always reports a hang-up; libev watches that
 * set. */

/* How long the rest of a message may take, how long a peer may leave queued bytes unread (a stopped peer
 * would keep its reply queued for ever), and how long accepting pauses when descriptors ran out. */
#define HALF_SENT_USEC (10 * USEC_PER_SEC)
#define UNREAD_USEC (5 * USEC_PER_MINUTE)
#define RESUME_USEC (1 * USEC_PER_SEC)
/* How long one turn of the loop may serve peers, however many there are: meanwhile the streams of the API
 * server wait. */
#define TURN_USEC (50 * USEC_PER_MSEC)
/* Descriptors that peers do not get, or an eighth of all if that is less: for streams of the API server,
 * cgroups, files. */
#define DESCRIPTORS_KEPT 64
/* How many connections one turn of the loop accepts, so that a storm of them does not starve the others. */
#define ACCEPTS_PER_TURN 32
/* Reports to the owner: a peer must not be able to fill the journal. */
#define REPORTS_MAX 20
#define REPORTS_INTERVAL_USEC (30 * USEC_PER_SEC)

static void on_hangup(LoopIo *io, unsigned events);
static void on_connect(LoopIo *io, unsigned events);

/* A server without listening sockets. service stays the caller's and must outlive the server. -ENOMEM, or
 * the errors of epoll. */
int vl_server_new(Loop *loop, VlService *service, VlServer **ret) {
        _cleanup_(vl_server_freep) VlServer *server = NULL;
        int r;

        assert(service);

        server = calloc(1, sizeof(*server));
        if (!server)
                return -ENOMEM;
        server->loop = loop;
        server->service = service;
        server->half_sent_usec = HALF_SENT_USEC;
        server->unread_usec = UNREAD_USEC;
        server->resume_usec = RESUME_USEC;
        server->turn_usec = TURN_USEC;
        server->limit_connections = LIMIT_VARLINK_CONNECTIONS;
        server->limit_connections_of_root = LIMIT_VARLINK_CONNECTIONS_OF_ROOT;
        server->limit_connections_per_uid = LIMIT_VARLINK_CONNECTIONS_PER_UID;

        server->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
        if (server->hangup_fd < 0)
                return -errno;
        r = loop_io_set(loop, &server->hangup_io, server->hangup_fd, LOOP_READ, on_hangup);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(server);
        return 0;
}

static void listener_free(VlListener *l) {
        DL_DELETE(l->server->listeners, l);
        loop_io_done(&l->io);
        safe_close(l->fd);
        free(l);
}

/* Removes the socket that the server bound, unless another process has replaced it since. */
static void remove_path(VlServer *server) {
        struct stat st;

        if (server->path && lstat(server->path, &st) >= 0 && st.st_dev == server->path_device &&
            st.st_ino == server->path_inode)
                (void) unlink(server->path);
        server->path = mfree(server->path);
}

/* Ends all connections: queued replies are sent as far as the peers' sockets take them, and on_gone() is
 * called for calls that still wait. Must not be called from within a callback. */
VlServer *vl_server_free(VlServer *server) {
        if (!server)
                return NULL;

        while (server->listeners)
                listener_free(server->listeners);
        remove_path(server);
        while (server->connections) {
                connection_flush(server->connections);
                connection_end(server->connections, NULL);
        }
        assert(!server->users && !server->woken);
        loop_deferred_done(&server->wake);
        loop_timer_done(&server->resume);
        loop_io_done(&server->hangup_io);
        safe_close(server->hangup_fd);
        free(server);
        return NULL;
}

size_t vl_server_connections(const VlServer *server) {
        return server->n_connections;
}

/* Tells the owner why a peer was cut off or accepting is paused, at most REPORTS_MAX times per interval. */
void server_report(VlServer *server, const VlPeer *peer, const char *reason) {
        usec_t now = now_monotonic();

        if (!server->service->on_protocol_error)
                return;
        if (usec_sub(now, server->reports_since) >= REPORTS_INTERVAL_USEC) {
                server->reports_since = now;
                server->reports = 0;
        }
        if (server->reports >= REPORTS_MAX)
                return;
        if (++server->reports == REPORTS_MAX) {
                peer = NULL;
                reason = "many protocol errors, reporting no more for half a minute";
        }
        server->service->on_protocol_error(server->service, peer, reason);
}

static int get_peer(int fd, VlPeer *ret) {
        struct ucred cred;
        socklen_t size = sizeof(cred);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
                return -errno;

        *ret = (VlPeer){ .uid = cred.uid, .gid = cred.gid, .pid = cred.pid };
        return 0;
}

static size_t connections_of(const VlServer *server, uid_t uid) {
        const VlUser *user;

        DL_SEARCH_SCALAR(server->users, user, uid, uid);
        return user ? user->connections : 0;
}

/* Whether the peer is root or the daemon's own user, whom other users must not be able to keep out. */
bool peer_is_privileged(const VlPeer *peer) {
        return peer->uid == 0 || peer->uid == geteuid();
}

/* Checks whether one more connection of the peer may be served: 0, or -EUSERS, which is reported. */
int server_admit(VlServer *server, const VlPeer *peer) {
        size_t limit = server->limit_connections;

        if (!peer_is_privileged(peer))
                limit -= MIN(limit, server->limit_connections_of_root);
        if (server->n_connections >= limit) {
                server_report(server, peer, "too many connections");
                return -EUSERS;
        }
        if (connections_of(server, peer->uid) >= server->limit_connections_per_uid) {
                server_report(server, peer, "too many connections of this user");
                return -EUSERS;
        }
        return 0;
}

/* Serves a connected Unix socket, which the server owns, also on failure. -EUSERS: too many connections, of
 * this user or in all. */
int vl_server_add_connection(VlServer *server, int fd) {
        _cleanup_close_ int owned = fd;
        int flags, r;
        VlPeer peer;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        r = get_peer(fd, &peer);
        if (r < 0)
                return r;

        r = server_admit(server, &peer);
        if (r < 0)
                return r;
        return connection_new(server, TAKE_FD(owned), &peer);
}

/* Makes the listening sockets wait for connections, unless accepting is paused. */
static int server_update_listeners(VlServer *server) {
        unsigned events = loop_timer_is_armed(&server->resume) ? 0 : LOOP_READ;
        VlListener *l;
        int r;

        DL_FOREACH(server->listeners, l) {
                r = loop_io_set(server->loop, &l->io, l->fd, events, on_connect);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void on_resume(LoopTimer *timer) {
        VlServer *server = container_of(timer, VlServer, resume);
        int r;

        r = server_update_listeners(server);
        if (r < 0)
                loop_fail(server->loop, r);
}

/* Pauses because descriptors or memory ran out. The listening socket stays readable, so accepting again at
 * once would spin. */
static int pause_accepting(VlServer *server, const char *reason) {
        server_report(server, NULL, reason);
        loop_timer_set(server->loop, &server->resume, usec_add(now_monotonic(), server->resume_usec),
                       on_resume);
        return server_update_listeners(server);
}

/* Whether one more connection leaves the daemon the descriptors that it needs itself. The kernel gives out
 * the lowest free descriptor, so its number tells how many are in use. */
static bool has_descriptors_left(int fd) {
        struct rlimit limit;
        int next;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return true;
        next = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (next < 0)
                return false;
        safe_close(next);
        return (rlim_t) next < limit.rlim_cur - MIN(limit.rlim_cur / 8, (rlim_t) DESCRIPTORS_KEPT);
}

/* Accepts one connection: 1, or 0 if there is none to accept for now. */
static int accept_one(VlServer *server, int fd) {
        int connection, r;

        if (!has_descriptors_left(fd))
                return pause_accepting(server, "out of file descriptors, accepting paused");
        connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (connection < 0) {
                if (errno == EAGAIN)
                        return 0;
                if (errno == EINTR || errno == ECONNABORTED)
                        return 1;
                return pause_accepting(server, errno == EMFILE || errno == ENFILE
                                                       ? "out of file descriptors, accepting paused"
                                                       : "cannot accept connections, accepting paused");
        }

        r = vl_server_add_connection(server, connection);
        return r == -ENOMEM ? pause_accepting(server, "out of memory, accepting paused") : 1;
}

static void on_connect(LoopIo *io, unsigned events) {
        VlListener *l = container_of(io, VlListener, io);
        int r = 1;

        for (unsigned i = 0; r > 0 && i < ACCEPTS_PER_TURN; i++)
                r = accept_one(l->server, l->fd);
        if (r < 0)
                loop_fail(l->server->loop, r);
}

static void on_hangup(LoopIo *io, unsigned events) {
        VlServer *server = container_of(io, VlServer, hangup_io);
        struct epoll_event found[64];
        int n;

        n = epoll_wait(server->hangup_fd, found, ELEMENTSOF(found), 0);
        for (int i = 0; i < n; i++)
                connection_end(found[i].data.ptr, NULL);
}

/* Accepts connections from a listening socket, such as systemd passes, which the server owns on success.
 * -EINVAL if it does not listen. */
int vl_server_listen_fd(VlServer *server, int fd) {
        int flags, listening = 0, r;
        socklen_t size = sizeof(listening);
        VlListener *l;

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
                return -errno;
        if (!listening)
                return -EINVAL;
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        *l = (VlListener){ .server = server, .fd = fd };
        DL_APPEND(server->listeners, l);
        r = server_update_listeners(server);
        if (r < 0) {
                l->fd = -1;
                listener_free(l);
        }
        return r;
}

/* Whether the address is free: 0 if no socket is there or none that answers, -EADDRINUSE if one answers or
 * the path is not a socket. */
static int probe_address(const struct sockaddr_un *address) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        if (lstat(address->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EADDRINUSE;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) >= 0)
                return -EADDRINUSE;
        return errno == ECONNREFUSED || errno == ENOENT ? 0 : -EADDRINUSE;
}

static int make_address(const char *path, struct sockaddr_un *ret) {
        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        if (strlen(path) >= sizeof(ret->sun_path))
                return -ENAMETOOLONG;

        memcpy(ret->sun_path, path, strlen(path) + 1);
        return 0;
}

/* Binds a socket beside path, makes it accessible to every user, listens, and renames it to path: a client
 * sees the dead socket or one that answers. */
static int bind_path(const char *path, struct stat *ret_stat) {
        _cleanup_free_ char *temporary = NULL;
        struct sockaddr_un address;
        _cleanup_close_ int fd = -1;
        int r;

        r = asprintf_ret(&temporary, "%s.%d", path, (int) getpid());
        if (r < 0)
                return r;
        r = make_address(temporary, &address);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;

        (void) unlink(temporary);
        if (bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        if (chmod(temporary, 0666) < 0 || listen(fd, SOMAXCONN) < 0 || lstat(temporary, ret_stat) < 0 ||
            rename(temporary, path) < 0) {
                r = -errno;
                (void) unlink(temporary);
                return r;
        }
        return TAKE_FD(fd);
}

/* Binds path and accepts connections from every user. A dead socket at path is replaced; -EADDRINUSE if a
 * server answers there or path is not a socket. vl_server_free() removes the socket. */
int vl_server_listen_path(VlServer *server, const char *path) {
        _cleanup_free_ char *copy = NULL;
        struct sockaddr_un address;
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r;

        assert(!server->path);

        r = make_address(path, &address);
        if (r < 0)
                return r;
        r = probe_address(&address);
        if (r < 0)
                return r;
        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        fd = bind_path(path, &st);
        if (fd < 0)
                return fd;

        server->path = TAKE_PTR(copy);
        server->path_device = st.st_dev;
        server->path_inode = st.st_ino;
        r = vl_server_listen_fd(server, fd);
        if (r < 0) {
                remove_path(server);
                return r;
        }
        (void) TAKE_FD(fd);
        return 0;
}
