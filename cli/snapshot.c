/* SPDX-License-Identifier: Apache-2.0 */

#include "snapshot.h"

#include "base/limits.h"
#include "base/string-util.h"
#include "json/builder.h"

/* The daemon's own ceiling, and room for gates that only Require= names. */
#define GATES_MAX (2 * LIMIT_GATES)

/* The state of a gate or of the verdict; _GATE_STATE_INVALID for NULL and for a state of a later daemon. */
GateState get_state(const JsonValue *gate_or_verdict) {
        return gate_state_from_string(jv_get_string(gate_or_verdict, "state"));
}

/* A time from the daemon in microseconds; 0 where it is absent. */
usec_t get_usec(const JsonValue *object, const char *key) {
        return jv_get_usec(object, key, 0);
}

/* The cause that keeps a gate shut, or NULL. */
const JsonValue *first_blocker(const JsonValue *gate) {
        return jv_first(jv_get(gate, "blockers"));
}

/* Whether a reason says that the daemon has not looked yet. */
bool reason_is_no_answer(const char *reason) {
        return streq_ptr(reason, "NotAsked") || streq_ptr(reason, "NotSynced");
}

/* Whether the gate waits for nothing that is known, because the daemon has yet to ask. */
bool gate_is_unasked(const JsonValue *gate) {
        return streq_ptr(jv_get_string(first_blocker(gate), "reason"), "NotAsked");
}

/* A gate's reply has no other sign that it is invalid than its blocker: itself, with a reason of the daemon's. Its
 * object is compared too, because a pod's reason is the cluster's word. */
bool gate_is_invalid(const JsonValue *gate) {
        const JsonValue *blocker = first_blocker(gate), *object = jv_get(blocker, "object");

        return streq_ptr(jv_get_string(blocker, "reason"), "InvalidGate") &&
               streq_ptr(jv_get_string(object, "kind"), "Gate") &&
               streq_ptr(jv_get_string(object, "name"), jv_get_string(gate, "name"));
}

static bool has_clock(const JsonValue *gate, const char *clock) {
        return streq_ptr(jv_get_string(gate, "clock"), clock);
}

/* What a gate that is ready rests on. A daemon of an earlier version tells it by the clock alone. */
GateRest gate_rests_on(const JsonValue *gate) {
        if (get_state(gate) != GATE_READY)
                return RESTS_ON_EVIDENCE;
        if (jv_get(gate, "failingSinceBoottimeUSec") || has_clock(gate, "hold"))
                return RESTS_ON_HOLD;
        if (jv_get(gate, "doubtSinceBoottimeUSec") || has_clock(gate, "grace"))
                return RESTS_ON_GRACE;
        return RESTS_ON_EVIDENCE;
}

/* "in doubt" or "failing"; NULL for evidence. */
const char *gate_rest_to_string(GateRest rest) {
        return rest == RESTS_ON_GRACE ? "in doubt" : rest == RESTS_ON_HOLD ? "failing" : NULL;
}

/* "Pod openshift-dns/dns-default-x", clean; *ret is the caller's. -ENOMEM. */
int object_to_string(const JsonValue *object, char **ret) {
        const char *namespace = jv_get_string(object, "namespace");
        char *s;
        int r;

        r = asprintf_ret(&s, "%s %s%s%s", strempty(jv_get_string(object, "kind")), strempty(namespace),
                         isempty(namespace) ? "" : "/", strempty(jv_get_string(object, "name")));
        if (r < 0)
                return r;
        *ret = strip_control(s);
        return 0;
}

/* Without the namespace, and without the kind that most blockers have: "dns-default-x: ImagePullBackOff", "DaemonSet
 * dns-default: NotFound", clean; *ret is the caller's. -ENOMEM. */
int blocker_to_short_string(const JsonValue *blocker, char **ret) {
        const JsonValue *object = jv_get(blocker, "object");
        const char *kind = strempty(jv_get_string(object, "kind"));
        bool is_pod = streq(kind, "Pod");
        char *s;
        int r;

        r = asprintf_ret(&s, "%s%s%s: %s", is_pod ? "" : kind, is_pod ? "" : " ",
                         strempty(jv_get_string(object, "name")),
                         strempty(jv_get_string(blocker, "reason")));
        if (r < 0)
                return r;
        *ret = strip_control(s);
        return 0;
}

/* "Pod openshift-dns/dns-default-x: ImagePullBackOff", clean; *ret is the caller's. -ENOMEM. */
int blocker_to_string(const JsonValue *blocker, char **ret) {
        _cleanup_free_ char *object = NULL;
        char *s;
        int r;

        r = object_to_string(jv_get(blocker, "object"), &object);
        if (r >= 0)
                r = asprintf_ret(&s, "%s: %s", object, strempty(jv_get_string(blocker, "reason")));
        if (r < 0)
                return r;
        *ret = strip_control(s);
        return 0;
}

void snapshot_done(Snapshot *s) {
        jv_free(s->verdict);
        for (size_t i = 0; i < s->n_gates; i++)
                jv_free(s->gates[i]);
        free(s->gates);
        *s = (Snapshot){};
}

static JsonValue **find_slot(const Snapshot *s, const char *name) {
        for (size_t i = 0; name && i < s->n_gates; i++)
                if (streq_ptr(jv_get_string(s->gates[i], "name"), name))
                        return &s->gates[i];
        return NULL;
}

/* The gate of that name, or NULL; valid until the next snapshot_update(). */
const JsonValue *snapshot_find(const Snapshot *s, const char *name) {
        JsonValue **slot = find_slot(s, name);

        return slot ? *slot : NULL;
}

/* Whether there is no answer yet about a gate, as when the daemon has just started. It is worth waiting for where the
 * daemon began to ask less than a second ago: what takes longer has a fault. */
bool snapshot_awaits_answer(const Snapshot *s) {
        for (size_t i = 0; i < s->n_gates; i++)
                JSON_FOREACH(blocker, jv_get(s->gates[i], "blockers"))
                        if (reason_is_no_answer(jv_get_string(blocker, "reason")) &&
                            usec_sub(snapshot_now(s), get_usec(blocker, "sinceBoottimeUSec")) < USEC_PER_SEC)
                                return true;
        return false;
}

/* The state that the gates make together: the verdict, or of named gates, which have none, the worst. */
static GateState state_of_all(const Snapshot *s, bool named) {
        static const GateState worst[] = { GATE_LOST, GATE_UNKNOWN, GATE_WAITING };

        if (!named)
                return get_state(s->verdict);
        for (size_t i = 0; i < ELEMENTSOF(worst); i++)
                for (size_t k = 0; k < s->n_gates; k++)
                        if (get_state(s->gates[k]) == worst[i])
                                return worst[i];
        return GATE_READY;
}

/* Whether they make that state because of this gate. */
static bool is_cause(const JsonValue *gate, bool named, GateState all) {
        GateState state = get_state(gate);

        if (!named && !jv_get_bool(gate, "required", false))
                return false;
        if (all == GATE_WAITING)
                return state == GATE_WAITING || state == GATE_LOST || state == GATE_UNKNOWN;
        return all != GATE_READY && state == all;
}

/* The gates in the order in which to tell what blocks them: first those that make the verdict, or the state of those
 * that were named. The array, s->n_gates long, is the caller's; the gates are valid until the next
 * snapshot_update(). NULL without memory. */
const JsonValue **snapshot_by_cause(const Snapshot *s, bool named) {
        const JsonValue **gates = calloc(s->n_gates + 1, sizeof(*gates));
        GateState all = state_of_all(s, named);
        size_t n = 0;

        for (int causes = 1; gates && causes >= 0; causes--)
                for (size_t i = 0; i < s->n_gates; i++)
                        if (is_cause(s->gates[i], named, all) == causes)
                                gates[n++] = s->gates[i];
        return gates;
}

static int put_gate(Snapshot *s, const JsonValue *gate) {
        JsonValue **slot = find_slot(s, jv_get_string(gate, "name")), **more;
        _cleanup_(jv_freep) JsonValue *copy = jv_copy(gate);

        if (!copy)
                return -ENOMEM;
        if (!slot) {
                if (s->n_gates >= GATES_MAX)
                        return -E2BIG;
                more = reallocarray(s->gates, s->n_gates + 1, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                s->gates = more;
                slot = &s->gates[s->n_gates++];
                *slot = NULL;
        }
        jv_free(*slot);
        *slot = TAKE_PTR(copy);
        return 0;
}

static void drop_gate(Snapshot *s, const char *name) {
        JsonValue **slot = find_slot(s, name);

        if (!slot)
                return;
        jv_free(*slot);
        memmove(slot, slot + 1, (size_t) (s->gates + s->n_gates - slot - 1) * sizeof(*slot));
        s->n_gates--;
}

/* Takes in a reply of Describe, Monitor or Wait, which replaces the verdict and the gates that it has. -ENOMEM;
 * -E2BIG for more gates than a daemon can have. */
int snapshot_update(Snapshot *s, const JsonValue *parameters) {
        const JsonValue *verdict = jv_get(parameters, "verdict");
        JsonValue *copy;
        int r;

        if (jv_is_object(verdict)) {
                copy = jv_copy(verdict);
                if (!copy)
                        return -ENOMEM;
                jv_free(s->verdict);
                s->verdict = copy;
                s->told = get_usec(verdict, "nowBoottimeUSec");
                s->came = now_boottime();
        }
        JSON_FOREACH(gate, jv_get(parameters, "gates")) {
                r = put_gate(s, gate);
                if (r < 0)
                        return r;
        }
        JSON_FOREACH(name, jv_get(parameters, "removedGates"))
                drop_gate(s, jv_string(name));
        return 0;
}

/* The present boottime of the daemon. */
usec_t snapshot_now(const Snapshot *s) {
        return usec_add(s->told, usec_sub(now_boottime(), s->came));
}

/* Makes the snapshot a reply of Describe; *ret is the caller's. -ENOMEM. */
int snapshot_to_json(const Snapshot *s, JsonValue **ret) {
        JsonBuilder b = {};

        if (s->verdict)
                jb_copy(&b, "verdict", s->verdict);
        jb_array(&b, "gates");
        for (size_t i = 0; i < s->n_gates; i++)
                jb_copy(&b, NULL, s->gates[i]);
        jb_end(&b);
        return jb_finish(&b, ret);
}
