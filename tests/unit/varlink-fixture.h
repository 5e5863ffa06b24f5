/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A varlink service with one method for each way of answering, on a loop that is turned by hand, and the
 * client's end of its sockets as bytes. */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "json-of.h"
#include "varlink/server-internal.h"

#define MAX_WAITERS 2048

typedef struct Fixture Fixture;

typedef struct Waiter {
        VlSlot slot;
        Fixture *fixture;
        int64_t shown; /* the newest state that was sent */
} Waiter;

struct Fixture {
        Loop *loop;
        VlServer *server;
        VlService service;
        Waiter waiters[MAX_WAITERS];
        size_t n_waiters, gone, drained;
        int64_t state; /* what Watch publishes */
        size_t calls, reports;
        char reason[128];
        uid_t reason_uid;
        LoopDeferred turn;
        unsigned turns_left;
};

static int on_echo(VlService *service, VlCall *call) {
        container_of(service, Fixture, service)->calls++;
        (void) vl_call_reply(call, vl_call_parameters(call));
        return 0;
}

static void on_waiter_gone(VlSlot *slot) {
        Waiter *w = container_of(slot, Waiter, slot);

        assert_null(slot->call);
        w->fixture->gone++;
}

/* A publisher as it should be: only the newest state, and only when the last one has been taken. */
static void waiter_publish(Waiter *w) {
        _cleanup_(jv_freep) JsonValue *p = NULL;

        if (!w->slot.call || w->shown == w->fixture->state || !vl_call_can_send(w->slot.call))
                return;
        w->shown = w->fixture->state;
        p = json_of_int("state", w->shown);
        assert_ok(vl_call_notify(w->slot.call, p));
}

static void on_waiter_drained(VlSlot *slot) {
        Waiter *w = container_of(slot, Waiter, slot);

        w->fixture->drained++;
        waiter_publish(w);
}

static int on_later(VlService *service, VlCall *call) {
        Fixture *f = container_of(service, Fixture, service);
        Waiter *w = &f->waiters[f->n_waiters++];

        assert_true(f->n_waiters <= MAX_WAITERS);
        f->calls++;
        *w = (Waiter){ .slot.on_gone = on_waiter_gone, .fixture = f, .shown = -1 };
        if (vl_call_wants_more(call))
                w->slot.on_drained = on_waiter_drained;
        vl_call_defer(call, &w->slot);
        if (vl_call_wants_more(call))
                waiter_publish(w);
        return 0;
}

static int on_later_fail(VlService *service, VlCall *call) {
        (void) on_later(service, call);
        return -ENOBUFS;
}

static int on_count(VlService *service, VlCall *call) {
        int64_t n = jv_get_int(vl_call_parameters(call), "to", 0);

        container_of(service, Fixture, service)->calls++;
        for (int64_t i = 1; i <= n; i++) {
                _cleanup_(jv_freep) JsonValue *p = NULL;

                p = json_of_int("i", i);

                if (i == n)
                        return vl_call_reply(call, p);
                if (vl_call_wants_more(call))
                        assert_ok(vl_call_notify(call, p));
                else
                        assert_error(vl_call_notify(call, p), EINVAL);
        }
        return vl_call_reply(call, NULL);
}

static int on_fail(VlService *service, VlCall *call) {
        return -ENOENT;
}

static int on_big(VlService *service, VlCall *call) {
        _cleanup_(jv_freep) JsonValue *p = NULL;
        size_t size = (size_t) jv_get_int(vl_call_parameters(call), "size", 0);
        _cleanup_free_ char *s = malloc(size + 1);

        container_of(service, Fixture, service)->calls++;
        memset(s, 'x', size);
        s[size] = '\0';
        p = json_of_string("s", s);
        (void) vl_call_reply(call, p);
        return 0;
}

static const VlInterface example_interface = {
        .name = "test.Example",
        .description = "interface test.Example\n",
        .methods =
                (const VlMethod[]){
                        { "Echo", on_echo,
                          (const VlParameter[]){
                                  { "text", VL_STRING, true },
                                  { "number", VL_INT, true },
                                  { "list", VL_STRINGS, true },
                                  { "on", VL_BOOL, true },
                                  { "object", VL_OBJECT, true },
                                  {},
                          } },
                        { "Later", on_later },
                        { "LaterFail", on_later_fail },
                        { "Watch", on_later, .requires_more = true },
                        { "Count", on_count, (const VlParameter[]){ { "to", VL_INT }, {} } },
                        { "Fail", on_fail },
                        { "Big", on_big, (const VlParameter[]){ { "size", VL_INT }, {} } },
                        { "Missing" },
                        {},
                },
};

static const VlInterface *const example_interfaces[] = { &example_interface, NULL };

static void on_report(VlService *service, const VlPeer *peer, const char *reason) {
        Fixture *f = container_of(service, Fixture, service);

        f->reports++;
        f->reason_uid = peer ? peer->uid : (uid_t) -1;
        snprintf(f->reason, sizeof(f->reason), "%s", reason);
}

static void on_turn(LoopDeferred *deferred) {
        Fixture *f = container_of(deferred, Fixture, turn);

        if (--f->turns_left == 0)
                loop_exit(f->loop, 0);
        else
                loop_deferred_set(f->loop, &f->turn, on_turn);
}

/* Turns the loop some times without letting it sleep. */
static _unused_ void pump_turns(Fixture *f, unsigned turns) {
        f->turns_left = turns;
        loop_deferred_set(f->loop, &f->turn, on_turn);
        assert_ok(loop_run(f->loop));
}

static _unused_ void pump(Fixture *f) {
        pump_turns(f, 12);
}

static _unused_ Fixture *fixture_new(void) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        f->service = (VlService){
                .vendor = "v",
                .product = "p",
                .version = "1",
                .url = "https://example.org/",
                .interfaces = example_interfaces,
                .on_protocol_error = on_report,
        };
        assert_ok(loop_new(&f->loop));
        assert_ok(vl_server_new(f->loop, &f->service, &f->server));
        return f;
}

static _unused_ void fixture_free(Fixture *f) {
        vl_server_free(f->server);
        loop_deferred_done(&f->turn);
        loop_free(f->loop);
        free(f);
}

/* The client's end of a new connection, non-blocking. */
static _unused_ int fixture_connect(Fixture *f) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
        assert_ok(vl_server_add_connection(f->server, fds[1]));
        return fds[0];
}

static _unused_ void send_all(int fd, const char *data, size_t size) {
        assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
}

/* Sends calls, written with '|' for the NUL. */
static _unused_ void send_calls(int fd, const char *calls) {
        _cleanup_free_ char *s = strdup(calls);
        size_t size = strlen(s);

        for (size_t i = 0; i < size; i++)
                if (s[i] == '|')
                        s[i] = '\0';
        send_all(fd, s, size);
}

/* Takes what has come, with '|' for each NUL and '$' at the end of file. */
static _unused_ const char *received(int fd) {
        static char text[8192];
        size_t size = 0;

        for (;;) {
                ssize_t n = recv(fd, text + size, sizeof(text) - 2 - size, MSG_DONTWAIT);

                if (n == 0 || (n < 0 && errno == ECONNRESET)) {
                        text[size++] = '$';
                        break;
                }
                if (n < 0)
                        break;
                size += (size_t) n;
        }
        for (size_t i = 0; i < size; i++)
                if (text[i] == '\0')
                        text[i] = '|';
        text[size] = '\0';
        return text;
}

/* What a new connection is answered to calls that all come at once. */
static _unused_ const char *answer_to(Fixture *f, const char *calls) {
        int fd = fixture_connect(f);
        const char *text;

        send_calls(fd, calls);
        pump(f);
        text = received(fd);
        close(fd);
        pump(f);
        return text;
}
