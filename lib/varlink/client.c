/* SPDX-License-Identifier: Apache-2.0 */

#include "varlink/client.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/limits.h"
#include "base/log.h"

struct VlClient {
        int fd;
        bool more; /* the call under way may be answered more than once */
        Buffer in;
        size_t scanned;
};

/* Makes a client of a connected socket, which it owns on success. -ENOMEM, or fcntl()'s errors. */
int vl_client_new_fd(int fd, VlClient **ret) {
        VlClient *client;
        int flags;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        client = calloc(1, sizeof(*client));
        if (!client)
                return -ENOMEM;
        client->fd = fd;
        client->in = BUFFER_INIT(LIMIT_VARLINK_REPLY + 1);

        *ret = client;
        return 0;
}

/* A Unix socket has no event for room in its backlog, so connect() blocks, at most for as long as this
 * allows. */
static int set_send_timeout(int fd, usec_t deadline) {
        usec_t left = deadline == USEC_INFINITY ? 0 : MAX(usec_sub(deadline, now_monotonic()), (usec_t) 1);
        struct timeval tv = { .tv_sec = (time_t) (left / USEC_PER_SEC),
                              .tv_usec = (suseconds_t) (left % USEC_PER_SEC) };

        return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0 ? -errno : 0;
}

/* Connects to the socket at path, which may begin with "unix:". -ENOENT, -ECONNREFUSED: no server is there;
 * -EACCES; -ENOTSOCK if path is not a socket; -ETIMEDOUT at the deadline (monotonic, USEC_INFINITY: none);
 * -ENAMETOOLONG. */
int vl_client_connect(const char *path, usec_t deadline, VlClient **ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -1;
        int r;

        path = startswith(path, "unix:") ?: path;
        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path) + 1);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        for (;;) {
                r = set_send_timeout(fd, deadline);
                if (r < 0)
                        return r;
                if (connect(fd, (struct sockaddr *) &address, sizeof(address)) >= 0)
                        break;
                if (errno == EAGAIN)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }

        r = vl_client_new_fd(fd, ret);
        if (r >= 0)
                (void) TAKE_FD(fd);
        return r;
}

VlClient *vl_client_free(VlClient *client) {
        if (!client)
                return NULL;

        safe_close(client->fd);
        buffer_done(&client->in);
        return mfree(client);
}

/* The socket, for poll() with other descriptors; when it is readable, vl_client_receive() with a deadline of
 * 0 takes what is there. */
int vl_client_fd(const VlClient *client) {
        return client->fd;
}

/* Waits for events. -ETIMEDOUT at the deadline. */
static int wait_for(const VlClient *client, short events, usec_t deadline) {
        struct pollfd p = { .fd = client->fd, .events = events };

        for (;;) {
                usec_t left =
                        deadline == USEC_INFINITY ? USEC_INFINITY : usec_sub(deadline, now_monotonic());
                int n, timeout = -1;

                if (left != USEC_INFINITY)
                        timeout = (int) usec_min((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC, INT_MAX);
                n = poll(&p, 1, timeout);
                if (n > 0)
                        return 0;
                if (n == 0 && now_monotonic() >= deadline)
                        return -ETIMEDOUT;
                if (n < 0 && errno != EINTR)
                        return -errno;
        }
}

/* Sends a call, with at most one flag. parameters (may be NULL) stay the caller's. -E2BIG: larger than a
 * server accepts. -ETIMEDOUT, -EPIPE. */
int vl_client_send(VlClient *client, const char *method, const JsonValue *parameters, unsigned flags,
                   usec_t deadline) {
        _cleanup_(buffer_done) Buffer out = BUFFER_INIT(LIMIT_VARLINK_IN + 1);
        size_t sent = 0;
        int r;

        r = vl_request_encode(&out, method, parameters, flags);
        if (r < 0)
                return r;
        while (sent < out.size) {
                ssize_t n = send(client->fd, out.data + sent, out.size - sent, MSG_NOSIGNAL);

                if (n >= 0) {
                        sent += (size_t) n;
                        continue;
                }
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;
                r = wait_for(client, POLLOUT, deadline);
                if (r < 0)
                        return r;
        }

        client->more = flags & VL_MORE;
        return 0;
}

/* Reads what is there. Returns 1, or 0 if nothing is. */
static int client_read(VlClient *client) {
        size_t room;
        ssize_t n;
        int r;

        r = buffer_reserve(&client->in, MIN(KIB(16), client->in.limit - client->in.size));
        if (r < 0)
                return r;
        room = MIN(client->in.allocated - 1, client->in.limit) - client->in.size;
        if (room == 0)
                return -EMSGSIZE;

        n = recv(client->fd, client->in.data + client->in.size, room, 0);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        client->in.size += (size_t) n;
        client->in.data[client->in.size] = '\0';
        return 1;
}

static int client_decode(VlClient *client, size_t size, VlReply *ret) {
        const char *reason = NULL;
        int r;

        r = vl_reply_decode(client->in.data, size, ret, &reason);
        if (r == -EBADMSG || (r >= 0 && ret->continues && !client->more)) {
                log_debug("varlink: not a reply: %s", reason ?: "it continues, and that was not asked for");
                if (r >= 0)
                        vl_reply_done(ret);
                return -EPROTO;
        }
        if (r < 0)
                return r;

        buffer_consume(&client->in, size + 1);
        client->scanned = 0;
        if (client->in.size == 0)
                buffer_done(&client->in);
        return 0;
}

/* Waits for the next reply, which is the caller's, for vl_reply_done(); it may be an error of the method.
 * -ETIMEDOUT: none yet, the caller may try again. -ECONNRESET: the server closed the connection. -EPROTO:
 * the message is not a reply. -EMSGSIZE: it is larger than a reply may be. */
int vl_client_receive(VlClient *client, usec_t deadline, VlReply *ret) {
        VlReply reply;
        size_t size;
        int r;

        while (!vl_frame_find(&client->in, &client->scanned, &size)) {
                r = client_read(client);
                if (r == 0)
                        r = wait_for(client, POLLIN, deadline);
                if (r < 0)
                        return r;
        }

        r = client_decode(client, size, &reply);
        if (r < 0)
                return r;
        *ret = reply;
        return 0;
}

/* Sends a call and waits for its only reply. Errors as vl_client_send() and vl_client_receive(). */
int vl_client_call(VlClient *client, const char *method, const JsonValue *parameters, usec_t deadline,
                   VlReply *ret) {
        int r;

        r = vl_client_send(client, method, parameters, 0, deadline);
        if (r < 0)
                return r;
        return vl_client_receive(client, deadline, ret);
}
