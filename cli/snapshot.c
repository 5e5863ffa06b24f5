/* SPDX-License-Identifier: Apache-2.0 */

#include "snapshot.h"

#include "base/limits.h"
#include "base/string-util.h"
#include "json/builder.h"
#include "options.h"

/* The daemon's own ceiling, and room for names that only Require= knows. */
#define GATES_MAX (2 * LIMIT_GATES)

static const char *const states[_STATE_MAX] = {
        [STATE_WAITING] = "waiting", [STATE_READY] = "ready",       [STATE_LOST] = "lost",
        [STATE_UNKNOWN] = "unknown", [STATE_DISABLED] = "disabled",
};

static const Style styles[_STATE_MAX] = {
        [STATE_WAITING] = STYLE_WAIT,  [STATE_READY] = STYLE_GOOD,   [STATE_LOST] = STYLE_BAD,
        [STATE_UNKNOWN] = STYLE_DOUBT, [STATE_DISABLED] = STYLE_DIM,
};

/* _STATE_INVALID for NULL and for a state that a later daemon may know: nothing that is ready. */
State state_from_string(const char *s) {
        for (State state = 0; s && state < _STATE_MAX; state++)
                if (streq(states[state], s))
                        return state;
        return _STATE_INVALID;
}

Style state_style(State state) {
        return state >= 0 ? styles[state] : STYLE_NONE;
}

State get_state(const JsonValue *gate_or_verdict) {
        return state_from_string(jv_get_string(gate_or_verdict, "state"));
}

/* A time that the daemon told; 0 where it is absent. */
usec_t get_usec(const JsonValue *object, const char *key) {
        return jv_get_usec(object, key, 0);
}

const JsonValue *first_blocker(const JsonValue *gate) {
        return jv_first(jv_get(gate, "blockers"));
}

/* An invalid gate waits, and says so by its reason. */
bool gate_is_invalid(const JsonValue *gate) {
        return streq_ptr(jv_get_string(first_blocker(gate), "reason"), "InvalidGate") &&
               streq_ptr(jv_get_string(first_blocker(gate), "gate"), jv_get_string(gate, "name"));
}

/* "Pod openshift-dns/dns-default-x", clean. */
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

/* The gate of that name, or NULL. */
const JsonValue *snapshot_find(const Snapshot *s, const char *name) {
        JsonValue **slot = find_slot(s, name);

        return slot ? *slot : NULL;
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

/* Takes in a reply of Describe, Monitor or Wait: what is in it replaces what was known. -ENOMEM, -E2BIG. */
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

/* The time on the daemon's clock. */
usec_t snapshot_now(const Snapshot *s) {
        return usec_add(s->told, usec_sub(now_boottime(), s->came));
}

/* The shape of a reply of Describe. */
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

static int status_of_state(State state) {
        switch (state) {
        case STATE_READY:
                return STATUS_READY;
        case STATE_UNKNOWN:
                return STATUS_UNKNOWN;
        case STATE_DISABLED:
                return STATUS_ERROR;
        default:
                return STATUS_NOT_READY;
        }
}

/* What the exit status says of it: the verdict, or of the gates that were named the worst. */
int snapshot_status(const Snapshot *s, char *const *named) {
        int worst = STATUS_READY;

        if (!*named)
                return status_of_state(get_state(s->verdict));
        for (; *named; named++) {
                const JsonValue *gate = snapshot_find(s, *named);
                int one = gate && gate_is_invalid(gate) ? STATUS_ERROR : status_of_state(get_state(gate));

                if (worst == STATUS_READY || one == STATUS_ERROR ||
                    (one == STATUS_NOT_READY && worst == STATUS_UNKNOWN))
                        worst = one;
        }
        return worst;
}
