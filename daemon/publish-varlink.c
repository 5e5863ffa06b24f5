/* SPDX-License-Identifier: Apache-2.0 */

/* The varlink socket. Most methods answer at once from the present state. Wait and Monitor keep their calls:
 * after each judgement of the board the publisher goes through them once, answers those waits that have come
 * true or never can, and sends the changes to the subscribers that have read everything sent before. A slow
 * subscriber gets the newest state when it has caught up, however many changes came between. */

#include "publish-varlink.h"

#include "base/log.h"
#include "base/string-util.h"
#include "base/version.h"
#include "varlink-json.h"
#include "varlink/server.h"

/* Without timeoutUSec: generic clients give up after 45 s. */
#define WAIT_DEFAULT_USEC (40 * USEC_PER_SEC)
#define INTERFACE "io.msready.Readiness"

typedef struct Waiter Waiter;

/* A Wait or a Monitor that is under way. */
struct Waiter {
        VlSlot slot;
        PublishVarlink *publisher;
        char **names; /* empty: the verdict, or all gates */
        GateState state;
        LoopTimer timeout;
        bool monitor;
        bool verdict_dirty;
        char **dirty;   /* names of gates that have changed since the last notification */
        char **removed; /* likewise, of gates that are gone */
        Waiter *previous, *next;
};

struct PublishVarlink {
        VlService service;
        Loop *loop;
        const Readiness *readiness;
        PublishVarlinkOps *ops;
        VlServer *server;
        Waiter *waiters;
        bool dirty;
};

static PublishVarlink *publisher_of(VlService *service) {
        return container_of(service, PublishVarlink, service);
}

static Waiter *waiter_free(Waiter *w) {
        if (!w)
                return NULL;
        if (w->previous)
                w->previous->next = w->next;
        else if (w->publisher->waiters == w)
                w->publisher->waiters = w->next;
        if (w->next)
                w->next->previous = w->previous;
        vl_slot_done(&w->slot);
        loop_timer_done(&w->timeout);
        strv_free(w->names);
        strv_free(w->dirty);
        strv_free(w->removed);
        return mfree(w);
}

static bool is_named(char *const *names, const Gate *g) {
        return names ? strv_contains(names, gate_name(g)) : gate_state(g) != GATE_DISABLED;
}

/* Adds "verdict" and "gates": the gates in names, or all enabled ones if that is NULL; if only is not NULL,
 * just the gates in it. */
static void build_state(JsonBuilder *b, const Readiness *readiness, char *const *names, char *const *only,
                        bool with_verdict) {
        Instant now = instant_now();

        if (with_verdict)
                vj_verdict(b, "verdict", readiness);
        jb_array(b, "gates");
        BOARD_FOREACH(g, &readiness->board) {
                if (only ? strv_contains(only, gate_name(g)) : is_named(names, g))
                        vj_gate(b, NULL, g, now);
        }
        jb_end(b);
}

/* Answers with the verdict and the gates, as an error, or as a reply if error is NULL. */
static int answer_state(const Readiness *readiness, VlCall *call, char *const *names, const char *error) {
        JsonBuilder b = {};

        build_state(&b, readiness, names, NULL, true);
        return vl_call_answer(call, error, &b);
}

static int no_such_gate(VlCall *call, const char *name) {
        return vl_call_error_string(call, INTERFACE ".NoSuchGate", "gate", name);
}

static int gate_error(VlCall *call, const char *error, const Gate *g) {
        JsonBuilder b = {};

        jb_string(&b, "gate", gate_name(g));
        jb_string(&b, "cause", g->setup.definition->invalid ?: strna(g->setup.cause));
        return vl_call_answer(call, error, &b);
}

/* The gates that the call names, each once; NULL: none. Returns 1 if the call has been answered with an
 * error. */
static int take_names(const Readiness *readiness, VlCall *call, char ***ret) {
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        JSON_FOREACH(v, jv_get(vl_call_parameters(call), "gates")) {
                const char *name = jv_string(v);

                if (!board_find(&readiness->board, name)) {
                        r = no_such_gate(call, name);
                        return r < 0 ? r : 1;
                }
                r = strv_contains(names, name) ? 0 : strv_extend(&names, name);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(names);
        return 0;
}

static int on_describe(VlService *service, VlCall *call) {
        const Readiness *readiness = publisher_of(service)->readiness;
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        r = take_names(readiness, call, &names);
        return r != 0 ? MIN(r, 0) : answer_state(readiness, call, names, NULL);
}

/* Monitor. */

static void on_gone(VlSlot *slot) {
        waiter_free(container_of(slot, Waiter, slot));
}

/* Builds what the subscriber has not been told yet. */
static int take_changes(Waiter *w, JsonValue **ret) {
        JsonBuilder b = {};
        int r;

        build_state(&b, w->publisher->readiness, w->names, w->dirty ?: (char *[]){ NULL }, w->verdict_dirty);
        jb_strings(&b, "removedGates", w->removed);
        r = jb_finish(&b, ret);
        if (r < 0)
                return r;

        w->verdict_dirty = false;
        w->dirty = strv_free(w->dirty);
        w->removed = strv_free(w->removed);
        return 0;
}

static int notify_changes(Waiter *w) {
        _cleanup_(jv_freep) JsonValue *reply = NULL;
        int r;

        if (!w->slot.call || (!w->verdict_dirty && !w->dirty && !w->removed) ||
            !vl_call_can_send(w->slot.call))
                return 0;
        r = take_changes(w, &reply);
        return r < 0 ? r : vl_call_notify(w->slot.call, reply);
}

static void on_drained(VlSlot *slot) {
        Waiter *w = container_of(slot, Waiter, slot);

        if (notify_changes(w) < 0)
                waiter_free(w);
}

static int waiter_new(PublishVarlink *p, char **names, Waiter **ret) {
        Waiter *w = calloc(1, sizeof(Waiter));

        if (!w)
                return -ENOMEM;
        w->publisher = p;
        w->names = names;
        w->slot.on_gone = on_gone;
        w->next = p->waiters;
        if (w->next)
                w->next->previous = w;
        p->waiters = w;
        *ret = w;
        return 0;
}

static int on_monitor(VlService *service, VlCall *call) {
        PublishVarlink *p = publisher_of(service);
        _cleanup_(strv_freep) char **names = NULL;
        _cleanup_(jv_freep) JsonValue *reply = NULL;
        JsonBuilder b = {};
        Waiter *w;
        int r;

        r = take_names(p->readiness, call, &names);
        if (r != 0)
                return MIN(r, 0);
        build_state(&b, p->readiness, names, NULL, true);
        jb_strings(&b, "removedGates", NULL);
        r = jb_finish(&b, &reply);
        if (r < 0)
                return r;
        r = waiter_new(p, names, &w);
        if (r < 0)
                return r;
        names = NULL;

        w->monitor = true;
        w->slot.on_drained = on_drained;
        vl_call_defer(call, &w->slot);
        return vl_call_notify(call, reply);
}

/* Wait. */

static bool gates_in_state(const Readiness *readiness, char *const *names, GateState state) {
        if (!names)
                return readiness->board.verdict.state == state;
        STRV_FOREACH(n, names) {
                const Gate *g = board_find(&readiness->board, *n);

                if (!g || gate_state(g) != state)
                        return false;
        }
        return true;
}

/* Answers with an error if the wait can never come true. Returns 1 if it has. */
static int refuse_hopeless(const Readiness *readiness, VlCall *call, char *const *names, GateState state) {
        int r = 0;

        STRV_FOREACH(n, names) {
                const Gate *g = board_find(&readiness->board, *n);

                if (!g)
                        r = no_such_gate(call, *n);
                else if (gate_state(g) == GATE_DISABLED && state != GATE_DISABLED)
                        r = gate_error(call, INTERFACE ".GateDisabled", g);
                else if (gate_setup_trouble(&g->setup) && state == GATE_READY)
                        r = gate_error(call, INTERFACE ".GateInvalid", g);
                else
                        continue;
                return r < 0 ? r : 1;
        }
        return 0;
}

static void on_wait_timeout(LoopTimer *timer) {
        Waiter *w = container_of(timer, Waiter, timeout);

        if (w->slot.call)
                (void) answer_state(w->publisher->readiness, w->slot.call, w->names, INTERFACE ".TimedOut");
        waiter_free(w);
}

static int on_wait(VlService *service, VlCall *call) {
        PublishVarlink *p = publisher_of(service);
        const JsonValue *parameters = vl_call_parameters(call);
        const char *state_name = jv_get_string(parameters, "state");
        GateState state = state_name ? gate_state_from_string(state_name) : GATE_READY;
        int64_t timeout = jv_get_int(parameters, "timeoutUSec", (int64_t) WAIT_DEFAULT_USEC);
        _cleanup_(strv_freep) char **names = NULL;
        Waiter *w;
        int r;

        if (state < 0)
                return vl_call_invalid_parameter(call, "state");
        if (timeout < -1)
                return vl_call_invalid_parameter(call, "timeoutUSec");
        r = take_names(p->readiness, call, &names);
        if (r != 0)
                return MIN(r, 0);
        if (gates_in_state(p->readiness, names, state))
                return answer_state(p->readiness, call, names, NULL);
        r = refuse_hopeless(p->readiness, call, names, state);
        if (r != 0)
                return MIN(r, 0);
        if (timeout == 0)
                return answer_state(p->readiness, call, names, INTERFACE ".TimedOut");

        r = waiter_new(p, names, &w);
        if (r < 0)
                return r;
        names = NULL;
        w->state = state;
        if (timeout > 0)
                loop_timer_set(p->loop, &w->timeout, usec_add(now_monotonic(), (usec_t) timeout),
                               on_wait_timeout);
        vl_call_defer(call, &w->slot);
        return 0;
}

static void look_after_waiter(Waiter *w) {
        const Readiness *readiness = w->publisher->readiness;
        int r;

        if (w->monitor) {
                if (notify_changes(w) < 0)
                        waiter_free(w);
                return;
        }

        if (gates_in_state(readiness, w->names, w->state))
                r = answer_state(readiness, w->slot.call, w->names, NULL) < 0 ? -EIO : 1;
        else
                r = refuse_hopeless(readiness, w->slot.call, w->names, w->state);
        if (r != 0)
                waiter_free(w);
}

/* The rest of the interface. */

static int on_list_objects(VlService *service, VlCall *call) {
        const Readiness *readiness = publisher_of(service)->readiness;
        const char *gate = jv_get_string(vl_call_parameters(call), "gate");
        JsonBuilder b = {};

        if (gate && !board_find(&readiness->board, gate))
                return no_such_gate(call, gate);
        vj_objects(&b, "objects", readiness, gate);
        return vl_call_answer(call, NULL, &b);
}

static int on_list_gates(VlService *service, VlCall *call) {
        const Readiness *readiness = publisher_of(service)->readiness;
        JsonBuilder b = {};

        jb_array(&b, "definitions");
        BOARD_FOREACH(g, &readiness->board) {
                vj_definition(&b, NULL, g);
        }
        jb_end(&b);
        jb_strings(&b, "errors", readiness->problems.errors);
        jb_strings(&b, "warnings", readiness->problems.warnings);
        return vl_call_answer(call, NULL, &b);
}

static int on_get_timeline(VlService *service, VlCall *call) {
        const Readiness *readiness = publisher_of(service)->readiness;
        const char *boot_id = jv_get_string(vl_call_parameters(call), "bootId");
        bool is_this = !boot_id || hex_equal_ignoring_dashes(boot_id, readiness->world->host.boot_id);
        const Boot *boot = is_this ? NULL : boot_log_find(readiness->boots, boot_id);
        _cleanup_(timeline_freep) Timeline *earlier = NULL;
        JsonBuilder b = {};
        int r = 0;

        if (!is_this && !boot)
                return vl_call_error(call, INTERFACE ".NoSuchBoot", NULL);

        if (boot && (r = timeline_new(LIMIT_GATES + 1, 1, &earlier)) >= 0)
                r = boot_retell(boot, earlier);
        if (r < 0)
                return r;
        timeline_to_json(&b, "transitions", earlier ?: readiness->timeline);
        boot_log_to_json(&b, "boots", readiness->boots);
        return vl_call_answer(call, NULL, &b);
}

static int on_ping(VlService *service, VlCall *call) {
        return vl_call_reply(call, NULL);
}

static int on_set_log_level(VlService *service, VlCall *call) {
        int64_t level = jv_get_int(vl_call_parameters(call), "level", -1);

        if (!vl_call_is_privileged(call))
                return vl_call_permission_denied(call);
        if (level < LOG_EMERG || level > LOG_DEBUG)
                return vl_call_invalid_parameter(call, "level");
        log_set_max_level((int) level);
        return vl_call_reply(call, NULL);
}

static int on_reload(VlService *service, VlCall *call) {
        PublishVarlink *p = publisher_of(service);
        _cleanup_free_ char *detail = NULL;
        int r;

        if (!vl_call_is_privileged(call))
                return vl_call_permission_denied(call);
        r = p->ops->reload(p->ops, &detail);
        if (r < 0 && detail)
                return vl_call_error_string(call, INTERFACE ".ReloadFailed", "cause", detail);
        return r < 0 ? vl_call_error_errno(call, r) : vl_call_reply(call, NULL);
}

static const VlParameter gates_parameter[] = { { "gates", VL_STRINGS, true }, {} };
static const VlParameter wait_parameters[] = {
        { "gates", VL_STRINGS, true },
        { "state", VL_STRING, true },
        { "timeoutUSec", VL_INT, true },
        {},
};
static const VlParameter gate_parameter[] = { { "gate", VL_STRING, true }, {} };
static const VlParameter boot_parameter[] = { { "bootId", VL_STRING, true }, {} };
static const VlParameter level_parameter[] = { { "level", VL_INT, true }, {} };
static const VlParameter reload_parameters[] = { { "allowInteractiveAuthentication", VL_BOOL, true }, {} };

static const VlMethod readiness_methods[] = {
        { "Describe", on_describe, gates_parameter, false },
        { "Monitor", on_monitor, gates_parameter, true },
        { "Wait", on_wait, wait_parameters, false },
        { "ListObjects", on_list_objects, gate_parameter, false },
        { "ListGates", on_list_gates, NULL, false },
        { "GetTimeline", on_get_timeline, boot_parameter, false },
        {},
};

static const VlMethod service_methods[] = {
        { "Ping", on_ping, NULL, false },
        { "SetLogLevel", on_set_log_level, level_parameter, false },
        { "Reload", on_reload, reload_parameters, false },
        {},
};

static const VlInterface readiness_interface = { INTERFACE, vl_text_io_msready_Readiness,
                                                 readiness_methods };
static const VlInterface service_interface = { "io.systemd.service", vl_text_io_systemd_service,
                                               service_methods };
const VlInterface *const publish_varlink_interfaces[] = { &readiness_interface, &service_interface, NULL };

static void on_protocol_error(VlService *service, const VlPeer *peer, const char *reason) {
        if (peer)
                log_notice("Varlink client, process %d of user %u: %s", (int) peer->pid,
                           (unsigned) peer->uid, reason);
        else
                log_warning("Varlink socket: %s", reason);
}

/* Edges. */

static void add_name(PublishVarlink *p, char ***l, const char *name) {
        if (!strv_contains(*l, name) && strv_extend(l, name) < 0)
                loop_fail(p->loop, -ENOMEM);
}

void publish_varlink_gate_changed(PublishVarlink *p, const Gate *gate, GateState before, unsigned what) {
        for (Waiter *w = p->waiters; w; w = w->next)
                if (w->monitor && (is_named(w->names, gate) || before != GATE_DISABLED) &&
                    (!w->names || strv_contains(w->names, gate_name(gate)))) {
                        add_name(p, &w->dirty, gate_name(gate));
                        strv_remove(w->removed, gate_name(gate)); /* the gate is back */
                }
        p->dirty = true;
}

void publish_varlink_verdict_changed(PublishVarlink *p) {
        for (Waiter *w = p->waiters; w; w = w->next)
                w->verdict_dirty = true;
        p->dirty = true;
}

void publish_varlink_gates_removed(PublishVarlink *p, char *const *names) {
        for (Waiter *w = p->waiters; w; w = w->next)
                STRV_FOREACH(n, names)
                        if (w->monitor && (!w->names || strv_contains(w->names, *n)))
                                add_name(p, &w->removed, *n);
        p->dirty = true;
}

void publish_varlink_flush(PublishVarlink *p) {
        Waiter *next;

        if (!p->dirty)
                return;
        p->dirty = false;
        for (Waiter *w = p->waiters; w; w = next) {
                next = w->next;
                look_after_waiter(w);
        }
}

/* The daemon stops: the last reply tells subscribers so. A Wait has no answer to get; its client sees the
 * connection close. */
void publish_varlink_stopping(PublishVarlink *p) {
        for (Waiter *w = p->waiters; w; w = w->next) {
                _cleanup_(jv_freep) JsonValue *reply = NULL;

                if (w->monitor && w->slot.call && vl_call_can_send(w->slot.call) &&
                    take_changes(w, &reply) >= 0)
                        (void) vl_call_reply(w->slot.call, reply);
        }
}

int publish_varlink_new(Loop *loop, const Readiness *readiness, PublishVarlinkOps *ops, int listen_fd,
                        const char *path, PublishVarlink **ret) {
        _cleanup_(publish_varlink_freep) PublishVarlink *p = NULL;
        int r;

        p = calloc(1, sizeof(PublishVarlink));
        if (!p)
                return -ENOMEM;
        p->loop = loop;
        p->readiness = readiness;
        p->ops = ops;
        p->service = (VlService){
                .vendor = "msready",
                .product = "msreadyd",
                .version = PROJECT_VERSION,
                .url = "man:msreadyd(8)",
                .interfaces = publish_varlink_interfaces,
                .on_protocol_error = on_protocol_error,
        };

        r = vl_server_new(loop, &p->service, &p->server);
        if (r < 0)
                return r;
        r = listen_fd >= 0 ? vl_server_listen_fd(p->server, listen_fd)
                           : vl_server_listen_path(p->server, path);
        if (r < 0) {
                log_error("Cannot listen on %s: %s", listen_fd >= 0 ? "the socket of msready.socket" : path,
                          strerror(-r));
                return r;
        }

        *ret = TAKE_PTR(p);
        return 0;
}

PublishVarlink *publish_varlink_free(PublishVarlink *p) {
        if (!p)
                return NULL;
        while (p->waiters)
                waiter_free(p->waiters);
        vl_server_free(p->server);
        return mfree(p);
}
