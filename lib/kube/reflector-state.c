/* SPDX-License-Identifier: Apache-2.0 */

/* The state of a stream, and whether it is in sync: what all else of the reflector sets. */

#include "base/log.h"
#include "base/string-util.h"
#include "kube/reflector-internal.h"

static const char *const state_table[_REFLECTOR_STATE_MAX] = {
        [REFLECTOR_STOPPED] = "stopped",         [REFLECTOR_WAITING] = "waiting",
        [REFLECTOR_BACKING_OFF] = "backing-off", [REFLECTOR_REQUESTING] = "requesting",
        [REFLECTOR_REFUSED] = "refused",         [REFLECTOR_LISTING] = "listing",
        [REFLECTOR_RESUMING] = "resuming",       [REFLECTOR_WATCHING] = "watching",
};

const char *reflector_state_to_string(ReflectorState state) {
        return state >= 0 && state < _REFLECTOR_STATE_MAX ? state_table[state] : NULL;
}

void reflector_set_state(Reflector *r, ReflectorState state, usec_t deadline) {
        r->deadline = deadline;
        if (r->state == state)
                return;
        log_debug("%s: %s -> %s", r->query.resource->plural, state_table[r->state], state_table[state]);
        r->state = state;
}

void reflector_set_sync(Reflector *r, bool in_sync, ReflectorTrouble trouble, const char *detail) {
        char *copy;

        if (r->in_sync == in_sync && r->trouble == trouble && streq_ptr(r->detail, detail))
                return;

        copy = detail ? strdup(detail) : NULL;
        free(r->detail);
        r->detail = copy;
        r->in_sync = in_sync;
        r->trouble = trouble;
        log_debug("%s: %s%s%s%s", r->query.resource->plural,
                  in_sync ? "in sync" : "not in sync: ", reflector_trouble_to_string(trouble),
                  r->detail ? ": " : "", strempty(r->detail));
        r->sink->ops->sync_changed(r->sink, in_sync, trouble, r->detail);
}

void reflector_in_sync_again(Reflector *r) {
        reflector_set_state(r, REFLECTOR_WATCHING, USEC_INFINITY);
        reflector_set_sync(r, true, REFLECTOR_TROUBLE_NONE, NULL);
}

/* The initial events have ended. Called inside the scanner. */
void reflector_watch_list_complete(Reflector *r) {
        r->traits->watch_list = 1;
        r->sink->ops->listing_complete(r->sink);
        reflector_in_sync_again(r);
}
