/* SPDX-License-Identifier: Apache-2.0 */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/limits.h"
#include "base/log.h"
#include "varlink/server-internal.h"

/* One connection. Replies go out in the order of the calls because there is one call at a time: while it
 * waits, nothing more is read. A peer that sends calls without reading the replies is not served until it
 * reads them, so that pipelining needs no queue of its own.
 *
 * connection_run() takes steps until none is left; connection_update() then derives from the state which
 * events to wait for. All other functions only change the state and wake the connection. */

/* Steps for one connection in one turn of the loop. */
#define STEPS_PER_TURN 64
/* Up to this much may wait to be sent while further calls are dispatched. */
#define OUT_BEFORE_NEXT_CALL KIB(64)
/* The size of one read. */
#define READ_SIZE KIB(16)

static const char *const states[_VL_STATE_MAX] = {
        [VL_IDLE] = "idle",
        [VL_CALLING] = "calling",
        [VL_PENDING] = "pending",
};

static void on_ready(LoopIo *io, unsigned events);

void connection_set_state(VlConnection *c, VlState state) {
        if (c->state == state)
                return;

        log_debug("varlink fd %d: %s -> %s", c->fd, states[c->state], states[state]);
        c->state = state;
}

static VlUser *user_ref(VlServer *server, uid_t uid) {
        VlUser *user;

        DL_SEARCH_SCALAR(server->users, user, uid, uid);
        if (!user) {
                user = calloc(1, sizeof(*user));
                if (!user)
                        return NULL;
                user->uid = uid;
                DL_APPEND(server->users, user);
        }
        user->connections++;
        return user;
}

static void user_unref(VlServer *server, VlUser *user) {
        if (--user->connections > 0)
                return;
        assert(user->queued == 0);
        DL_DELETE(server->users, user);
        free(user);
}

/* Takes back size bytes from the counts of queued bytes: the peer has read them, or never will. */
static void count_taken(VlConnection *c, size_t size) {
        c->user->queued -= size;
        c->server->queued -= size;
}

static void forget_woken(VlConnection *c) {
        if (!c->is_woken)
                return;
        c->is_woken = false;
        c->server->n_woken--;
        DL_DELETE2(c->server->woken, c, previous_woken, next_woken);
}

/* Ends a connection and calls on_gone() of the slot that waits in its call. reason, if not NULL, is reported
 * to the owner of the server. Frees the connection. */
void connection_end(VlConnection *c, const char *reason) {
        VlServer *server = c->server;
        VlSlot *slot;

        if (reason)
                server_report(server, &c->peer, reason);

        DL_DELETE(server->connections, c);
        server->n_connections--;
        count_taken(c, connection_queued(c));
        user_unref(server, c->user);
        slot = call_end(&c->call);
        forget_woken(c);
        loop_timer_done(&c->half_sent);
        loop_timer_done(&c->unread);
        loop_io_done(&c->io);
        safe_close(c->fd); /* also out of the set for hang-ups */
        buffer_done(&c->in);
        buffer_done(&c->out);
        free(c);

        if (slot)
                slot->on_gone(slot);
}

/* Begins to serve fd, which is non-blocking; the connection owns it, also on failure. -ENOMEM. */
int connection_new(VlServer *server, int fd, const VlPeer *peer) {
        VlConnection *c;

        c = calloc(1, sizeof(*c));
        if (!c || !(c->user = user_ref(server, peer->uid))) {
                free(c);
                safe_close(fd);
                return -ENOMEM;
        }
        c->server = server;
        c->peer = *peer;
        c->fd = fd;
        c->readable = c->writable = true;
        c->in = BUFFER_INIT(LIMIT_VARLINK_IN + 1);
        c->out = BUFFER_INIT(LIMIT_VARLINK_OUT + LIMIT_VARLINK_REPLY);
        c->call.connection = c;
        DL_APPEND(server->connections, c);
        server->n_connections++;

        connection_wake(c);
        return 0;
}

/* The number of bytes that wait to be sent to the peer. */
size_t connection_queued(const VlConnection *c) {
        return c->out.size - c->sent;
}

static void connections_run(LoopDeferred *deferred);

/* Makes the connection look at its state again before the loop sleeps, after those that were woken
 * earlier. */
void connection_wake(VlConnection *c) {
        VlServer *server = c->server;

        if (!c->is_woken) {
                c->is_woken = true;
                server->n_woken++;
                DL_APPEND2(server->woken, c, previous_woken, next_woken);
        }
        loop_deferred_set(server->loop, &server->wake, connections_run);
}

/* Why `added` bytes more must not be queued; NULL if they may. The first message that waits on a connection
 * may be of any size. */
static const char *find_full(const VlConnection *c, size_t waiting, size_t added) {
        if ((waiting > 0 && waiting + added > LIMIT_VARLINK_OUT) ||
            c->user->queued + added > LIMIT_VARLINK_OUT_PER_UID)
                return "is not reading what it is sent";
        if (!peer_is_privileged(&c->peer) && c->server->queued + added > LIMIT_VARLINK_OUT_IN_ALL)
                return "all users together leave too much unread";
        return NULL;
}

/* Queues a reply. -EMSGSIZE: it is too large and nothing was queued. Any other failure breaks the
 * connection: -ENOBUFS if the peer does not read what was sent before, -ENOMEM. */
int connection_put_reply(VlConnection *c, const char *error, const JsonValue *parameters, bool continues) {
        size_t before = c->out.size, waiting = connection_queued(c), added;
        const char *full = "is not reading what it is sent";
        int r;

        r = vl_reply_encode(&c->out, error, parameters, continues);
        added = c->out.size - before;
        if (r >= 0 && added > LIMIT_VARLINK_REPLY)
                r = -E2BIG;
        else if (r >= 0 && (full = find_full(c, waiting, added)))
                r = -ENOBUFS;
        if (r < 0) {
                buffer_truncate(&c->out, before);
                if (r == -E2BIG && waiting <= LIMIT_VARLINK_OUT)
                        return -EMSGSIZE;
                c->broken = r == -ENOMEM ? "out of memory" : full;
                connection_wake(c);
                return r == -ENOMEM ? r : -ENOBUFS;
        }

        c->user->queued += added;
        c->server->queued += added;
        c->owes_drained = true;
        connection_wake(c);
        return 0;
}

/* The steps: each does one thing and returns 1, or 0 if there is nothing to do. An error ends the
 * connection; -ECONNRESET does so without a report, because the peer may go when it likes. */

static int step_write(VlConnection *c) {
        ssize_t n;

        if (connection_queued(c) == 0 || !c->writable)
                return 0;

        n = send(c->fd, c->out.data + c->sent, connection_queued(c), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
                if (errno == EINTR)
                        return 1;
                if (errno != EAGAIN)
                        return -ECONNRESET;
                c->writable = false;
                return 0;
        }
        c->sent += (size_t) n;
        count_taken(c, (size_t) n);
        loop_timer_stop(&c->unread);
        if (connection_queued(c) == 0) {
                buffer_done(&c->out); /* thousands may be idle */
                c->sent = 0;
        } else if (c->sent > c->out.size / 2) {
                buffer_consume(&c->out, c->sent);
                c->sent = 0;
        }
        return 1;
}

/* Sends as much as the peer's socket takes now: for a server that stops. */
void connection_flush(VlConnection *c) {
        while (!c->broken && step_write(c) > 0)
                ;
}

static int step_drained(VlConnection *c) {
        VlSlot *slot = c->call.slot;

        if (!c->owes_drained || connection_queued(c) > 0)
                return 0;

        c->owes_drained = false;
        if (slot && slot->on_drained)
                slot->on_drained(slot);
        return 1;
}

static int step_dispatch(VlConnection *c) {
        VlRequest request;
        size_t size;
        int r;

        if (c->state != VL_IDLE || connection_queued(c) > OUT_BEFORE_NEXT_CALL ||
            !vl_frame_find(&c->in, &c->scanned, &size))
                return 0;
        if (size > LIMIT_VARLINK_IN) {
                c->broken = "message is too large";
                return -EBADMSG;
        }

        r = vl_request_decode(c->in.data, size, &request, &c->broken);
        if (r < 0)
                return r;
        buffer_consume(&c->in, size + 1);
        c->scanned = 0;
        loop_timer_stop(&c->half_sent);
        if (c->in.size == 0)
                buffer_done(&c->in);

        call_begin(&c->call, &request);
        r = service_dispatch(c->server, &c->call);
        return r < 0 ? r : 1;
}

static int step_read(VlConnection *c) {
        char data[READ_SIZE];
        size_t room = c->in.limit - c->in.size;
        ssize_t n;
        int r;

        /* Nothing is read while a whole message waits for its turn: the next one can wait. */
        if (c->state != VL_IDLE || c->eof || !c->readable || c->scanned < c->in.size)
                return 0;
        if (room == 0) {
                c->broken = "message is too large";
                return -EBADMSG;
        }

        n = recv(c->fd, data, MIN(room, sizeof(data)), MSG_DONTWAIT);
        if (n < 0) {
                if (errno == EINTR)
                        return 1;
                if (errno != EAGAIN)
                        return -ECONNRESET;
                c->readable = false;
                return 0;
        }
        if (n == 0) {
                c->eof = true;
                return 1;
        }
        r = buffer_put(&c->in, data, (size_t) n);
        if (r < 0)
                return r;
        /* A short read means that the socket is most likely empty now. */
        if ((size_t) n < MIN(room, sizeof(data)))
                c->readable = false;
        return 1;
}

/* A half-closed peer is served up to its last reply. */
static int step_finish(VlConnection *c) {
        if (c->state != VL_IDLE || !c->eof || c->scanned < c->in.size || connection_queued(c) > 0)
                return 0;
        return -ECONNRESET;
}

static int connection_step(VlConnection *c) {
        int r;

        if (c->broken)
                return -EBADMSG;
        r = step_write(c) ?: step_drained(c) ?: step_dispatch(c) ?: step_read(c) ?: step_finish(c);
        if (r == -ENOMEM)
                c->broken = "out of memory";
        return r;
}

static void on_half_sent(LoopTimer *timer) {
        connection_end(container_of(timer, VlConnection, half_sent), "the rest of a message did not arrive");
}

static void on_unread(LoopTimer *timer) {
        connection_end(container_of(timer, VlConnection, unread), "is not reading what it is sent");
}

/* While a call waits, only the end of its client is of interest. */
static int arm_hangup(VlConnection *c, bool arm) {
        struct epoll_event event = { .data.ptr = c };

        if (c->hangup_armed == arm)
                return 0;
        if (epoll_ctl(c->server->hangup_fd, arm ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, c->fd, &event) < 0)
                return -errno;
        c->hangup_armed = arm;
        return 0;
}

/* Derives from the state which events to wait for; nothing else does. */
static int connection_update(VlConnection *c) {
        bool idle = c->state == VL_IDLE && !c->eof, has_part = c->in.size > 0 && c->scanned == c->in.size;
        unsigned events = 0;
        int r = 0;

        if (idle && c->scanned == c->in.size)
                events |= LOOP_READ;
        if (connection_queued(c) > 0)
                events |= LOOP_WRITE;
        r = loop_io_set(c->server->loop, &c->io, c->fd, events, on_ready);
        if (r < 0)
                return r;
        r = arm_hangup(c, c->state == VL_PENDING);
        if (r < 0)
                return r;

        if (connection_queued(c) == 0)
                loop_timer_stop(&c->unread);
        else if (!loop_timer_is_armed(&c->unread))
                loop_timer_set(c->server->loop, &c->unread,
                               usec_add(now_monotonic(), c->server->unread_usec), on_unread);

        if (!idle || !has_part)
                loop_timer_stop(&c->half_sent);
        else if (!loop_timer_is_armed(&c->half_sent))
                loop_timer_set(c->server->loop, &c->half_sent,
                               usec_add(now_monotonic(), c->server->half_sent_usec), on_half_sent);
        return 0;
}

/* Whether this turn of the loop has served peers for long enough. */
static bool is_turn_over(VlServer *server) {
        uint64_t turn = loop_turns(server->loop);
        usec_t now = now_monotonic();

        if (server->turn != turn) {
                server->turn = turn;
                server->turn_ends = usec_add(now, server->turn_usec);
        }
        return now >= server->turn_ends;
}

/* Takes the steps that the state allows. May free the connection. */
static void connection_run(VlConnection *c) {
        unsigned steps = 0;
        int r;

        do
                r = connection_step(c);
        while (r > 0 && ++steps < STEPS_PER_TURN && !is_turn_over(c->server));

        if (r >= 0) {
                int k = connection_update(c);

                if (k < 0) {
                        c->broken = "out of memory";
                        r = k;
                }
        }
        if (r < 0)
                connection_end(c, c->broken);
        else if (r > 0)
                connection_wake(c);
}

/* Runs the woken connections, each once. At least one is served in each turn, and those for which there was
 * no time keep their places: a peer with many calls waits for the others. */
static void connections_run(LoopDeferred *deferred) {
        VlServer *server = container_of(deferred, VlServer, wake);
        size_t n = server->n_woken;

        (void) is_turn_over(server); /* the turn begins now at the latest */
        do {
                VlConnection *c = server->woken;

                if (!c)
                        return;
                forget_woken(c);
                connection_run(c);
        } while (--n > 0 && !is_turn_over(server));
        if (server->woken)
                connection_wake(server->woken);
}

static void on_ready(LoopIo *io, unsigned events) {
        VlConnection *c = container_of(io, VlConnection, io);

        if (events & LOOP_READ)
                c->readable = true;
        if (events & LOOP_WRITE)
                c->writable = true;
        if (c->server->woken || is_turn_over(c->server))
                connection_wake(c);
        else
                connection_run(c);
}
