/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <sys/socket.h>

#include "base/limits.h"
#include "varlink/server-internal.h"

/* The whole server over a socketpair. Of the input the first byte says how it is cut into pieces and how the
 * peer behaves, the rest is what it sends. In any case another connection is served, the peer gets whole
 * replies, and at the end nothing is left. */

#define WAITERS 8

typedef struct Fuzz {
        Loop *loop;
        VlService service;
        VlServer *server;
        VlSlot waiters[WAITERS];
        size_t n_waiters;
        LoopDeferred turn;
        unsigned turns;
        Buffer told;
} Fuzz;

static int on_echo(VlService *service, VlCall *call) {
        (void) vl_call_reply(call, vl_call_parameters(call));
        return 0;
}

static int on_fail(VlService *service, VlCall *call) {
        return -EIO;
}

static void on_gone(VlSlot *slot) {
        assert(!slot->call);
}

static int on_later(VlService *service, VlCall *call) {
        Fuzz *f = container_of(service, Fuzz, service);
        VlSlot *slot = &f->waiters[f->n_waiters++ % WAITERS];

        vl_slot_done(slot);
        slot->on_gone = on_gone;
        vl_call_defer(call, slot);
        if (vl_call_wants_more(call))
                (void) vl_call_notify(call, NULL);
        return 0;
}

static const VlInterface interface = {
        .name = "a.b",
        .description = "interface a.b\n",
        .methods =
                (const VlMethod[]){
                        { "Echo", on_echo,
                          (const VlParameter[]){ { "s", VL_STRING, true },
                                                 { "i", VL_INT, true },
                                                 { "b", VL_BOOL, true },
                                                 { "l", VL_STRINGS, true },
                                                 { "o", VL_OBJECT, true },
                                                 {} } },
                        { "Later", on_later },
                        { "Watch", on_later, .requires_more = true },
                        { "Fail", on_fail },
                        { "None" },
                        {},
                },
};

static const VlInterface *const interfaces[] = { &interface, NULL };

static void on_turn(LoopDeferred *deferred) {
        Fuzz *f = container_of(deferred, Fuzz, turn);

        if (--f->turns == 0)
                loop_exit(f->loop, 0);
        else
                loop_deferred_set(f->loop, &f->turn, on_turn);
}

static void turn(Fuzz *f, unsigned turns) {
        f->turns = turns;
        loop_deferred_set(f->loop, &f->turn, on_turn);
        assert(loop_run(f->loop) == 0);
}

static int connect_to(Fuzz *f) {
        int fds[2];

        assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
        assert(vl_server_add_connection(f->server, fds[1]) == 0);
        return fds[0];
}

static void take(Fuzz *f, int fd) {
        char data[4096];
        ssize_t n;

        while ((n = recv(fd, data, sizeof(data), 0)) > 0)
                (void) buffer_put(&f->told, data, (size_t) n);
}

static void check_told(Fuzz *f) {
        size_t scanned = 0, size;

        while (vl_frame_find(&f->told, &scanned, &size)) {
                _cleanup_(vl_reply_done) VlReply reply = {};
                const char *reason = NULL;

                assert(vl_reply_decode(f->told.data, size, &reply, &reason) == 0);
                buffer_consume(&f->told, size + 1);
                scanned = 0;
        }
}

static void answer_waiters(Fuzz *f, unsigned how) {
        for (size_t i = 0; i < WAITERS; i++) {
                VlCall *call = f->waiters[i].call;

                if (!call)
                        continue;
                if (how & 1)
                        (void) vl_call_reply(call, NULL);
                else if (how & 2)
                        (void) vl_call_error_errno(call, EIO);
                else
                        vl_slot_done(&f->waiters[i]);
        }
}

/* Another connection is served all the while. */
static void check_other(Fuzz *f, int other) {
        static const char call[] = "{\"method\":\"a.b.Echo\",\"parameters\":{\"i\":1}}";
        char reply[200];
        ssize_t n;

        assert(send(other, call, sizeof(call), MSG_NOSIGNAL) == sizeof(call));
        turn(f, 4);
        n = recv(other, reply, sizeof(reply), 0);
        assert(n == sizeof("{\"parameters\":{\"i\":1}}"));
        assert(streq(reply, "{\"parameters\":{\"i\":1}}"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Fuzz f = {
                .service = { "v", "p", "1", "u", interfaces },
                .told = BUFFER_INIT(MIB(32)),
        };
        unsigned how = size > 0 ? data[0] : 0;
        size_t chunk = how & 8 ? 1 : how & 16 ? 143 : size;
        int peer, other;

        /* Bytes one at a time cost a turn each. */
        if (chunk == 1 && size > 2000)
                chunk = 143;
        assert(loop_new(&f.loop) == 0);
        assert(vl_server_new(f.loop, &f.service, &f.server) == 0);
        peer = connect_to(&f);
        other = connect_to(&f);

        for (size_t at = 1; at < size;) {
                size_t n = size - at < chunk ? size - at : chunk;
                ssize_t sent = send(peer, data + at, n, MSG_NOSIGNAL);

                if (sent < 0)
                        break;
                at += (size_t) sent;
                turn(&f, 2);
                if (how & 32)
                        take(&f, peer);
                if (how & 64)
                        answer_waiters(&f, how);
        }
        if (how & 4)
                (void) shutdown(peer, SHUT_WR);
        check_other(&f, other);
        answer_waiters(&f, how);
        turn(&f, 4);
        take(&f, peer);
        check_told(&f);
        check_other(&f, other);

        close(peer);
        turn(&f, 4);
        close(other);
        vl_server_free(f.server);
        for (size_t i = 0; i < WAITERS; i++)
                assert(!f.waiters[i].call);
        loop_deferred_done(&f.turn);
        loop_free(f.loop);
        buffer_done(&f.told);
        return 0;
}
