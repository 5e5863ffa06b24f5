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

/* Listening, accepting, and who may connect how often. A connection is connection.c's, a call is call.c's,
 * and what can be called is service.c's.
 *
 * A peer whose call waits is not read from, so that what it may queue is bounded by its socket. The one
 * thing to learn from it then is that it went away for good, which a half-closed peer has not. libev cannot
 * tell the two apart: it knows readable and writable. So those connections are also in an epoll set of our
 * own that asks for nothing, and epoll always tells of a hang-up; that set is what libev watches. */

/* How long the rest of a message may take, how long a peer may take nothing of what waits for it (a stopped one
 * would keep its reply for ever), and how long accepting pauses where descriptors ran out. */
#define HALF_SENT_USEC (10 * USEC_PER_SEC)
#define UNREAD_USEC (5 * USEC_PER_MINUTE)
#define RESUME_USEC (1 * USEC_PER_SEC)
/* How long one turn of the loop may be at the peers' service, however many there are: the streams of the API server
 * wait for it. */
#define TURN_USEC (50 * USEC_PER_MSEC)
/* Descriptors, or an eighth of them where that is less, which are not for peers: streams of the API server,
 * cgroups, files. */
#define DESCRIPTORS_KEPT 64
/* What one turn of the loop accepts, so that a storm of connections does not starve the others. */
#define ACCEPTS_PER_TURN 32
/* Reports to the owner: a peer must not be able to fill the journal. */
#define REPORTS_MAX 20
#define REPORTS_INTERVAL_USEC (30 * USEC_PER_SEC)

static void on_hangup(LoopIo *io, unsigned events);
static void on_connect(LoopIo *io, unsigned events);

/* A server without listening sockets. service stays the caller's and has to outlive it. */
int vl_server_new(Loop *loop, VlService *service, VlServer **ret) {
        _cleanup_(vl_server_freep) VlServer *server = NULL;
        int r;

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

/* Removes the socket that we bound, unless another process has replaced it since. */
static void remove_path(VlServer *server) {
        struct stat st;

        if (server->path && lstat(server->path, &st) >= 0 && st.st_dev == server->path_device &&
            st.st_ino == server->path_inode)
                (void) unlink(server->path);
        server->path = mfree(server->path);
}

/* Ends all connections: what has been replied is sent, as far as the peers' sockets take it, and calls that still
 * wait are told by their on_gone(). Not from within a callback. */
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

/* Tells the owner why a peer was cut off, or accepting paused, but not more often than a journal bears. */
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
                reason = "many protocol errors, not telling of more for half a minute";
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

        DL_FOREACH(server->users, user)
        if (user->uid == uid)
                return user->connections;
        return 0;
}

/* Root or our own user, whom the others must not be able to keep out. */
bool peer_is_privileged(const VlPeer *peer) {
        return peer->uid == 0 || peer->uid == geteuid();
}

/* Whether one more connection of the peer is served; -EUSERS. */
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

/* Serves a connected Unix socket, which becomes the server's in any case. -EUSERS where there are too many
 * connections already, of this user or in all. */
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

/* Sets what the listening sockets wait for: connections, unless accepting is paused. */
int server_update_listeners(VlServer *server) {
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

/* Descriptors or memory ran out. A listening socket stays readable then: to go on accepting would spin. */
static int pause_accepting(VlServer *server, const char *reason) {
        server_report(server, NULL, reason);
        loop_timer_set(server->loop, &server->resume, usec_add(now_monotonic(), server->resume_usec),
                       on_resume);
        return server_update_listeners(server);
}

/* Whether a connection would leave the rest of the process the descriptors that it needs for its own work.
 * New ones are the lowest that are free, so that the number of one tells how many are taken. */
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

/* Accepts one connection: 1, or 0 where there is none to accept for now. */
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

/* Accepts connections from a listening socket, as systemd hands one over. It is the server's on success. */
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

/* Whether somebody answers at this address. 0: nobody, the socket is dead or there is none. -EADDRINUSE,
 * also for what is no socket. */
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

/* Binds beside path, opens it to everybody, listens, and moves it to path: a client sees the dead socket or
 * one that answers. */
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

/* Binds path and accepts connections from everybody there. A socket that nobody answers on is replaced;
 * -EADDRINUSE where somebody does, or where path is something else. Removed again by vl_server_free(). */
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
