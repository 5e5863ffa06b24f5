/* SPDX-License-Identifier: Apache-2.0 */

/* The trail that a gate's objects leave on the timeline.
 *
 * Each judgement of a gate is a round: every object that is judged is seen, and a difference from what was last told
 * is an edge. An object that two checks look at passes when both say so. NO-EVIDENCE does not change the state of a
 * known object, or a restart of MicroShift would be told for every pod. An object that was not seen counts as gone
 * only while all streams are in sync, and after a while. While an object waits each reason is told once: a kubelet
 * alternates between ErrImagePull and ImagePullBackOff for hours.
 *
 * Objects nearly always come in the same order, so that finding one again takes one comparison. */

#include "ready/trail.h"

#include "base/limits.h"
#include "base/strv.h"

struct TrailEntry {
        ObjectName object;
        ObjectState state; /* as it was told */
        Evidence evidence; /* in this round */
        bool is_doubtful; /* in this round: whether there is such an object is not known, or not asked yet */
        Blocker blocker; /* what keeps it from passing, or last did; reason is NULL where that is not known */
        char **told;     /* the reasons that were told in this wait */
        usec_t missed;   /* monotonic: when it was first found missing; 0: it is there */
};

/* A pod that is bound to a node moves from one stream to another, and may be in neither for a moment. */
#define GONE_USEC USEC_PER_SEC

static const char *const names[_OBJECT_STATE_MAX] = {
        [OBJECT_ABSENT] = "absent",
        [OBJECT_WAITING] = "waiting",
        [OBJECT_READY] = "ready",
        [OBJECT_LOST] = "lost",
};

const char *object_state_to_string(ObjectState s) {
        return s >= 0 && s < _OBJECT_STATE_MAX ? names[s] : NULL;
}

ObjectState object_state_from_string(const char *s) {
        for (ObjectState i = 0; i < _OBJECT_STATE_MAX; i++)
                if (streq(names[i], s))
                        return i;
        return _OBJECT_STATE_INVALID;
}

static void entry_done(TrailEntry *e) {
        object_name_done(&e->object);
        blocker_done(&e->blocker);
        e->told = strv_free(e->told);
}

void trail_done(Trail *t) {
        for (size_t i = 0; i < t->n; i++)
                entry_done(&t->entries[i]);
        free(t->entries);
        *t = (Trail){};
}

/* Begins a round. Objects that were told to be gone are forgotten. */
void trail_begin(Trail *t) {
        size_t n = 0;

        for (size_t i = 0; i < t->n; i++)
                if (t->entries[i].state == OBJECT_ABSENT)
                        entry_done(&t->entries[i]);
                else
                        t->entries[n++] = t->entries[i];
        t->n = n;
        t->seen = 0;
        t->told = SIZE_MAX; /* nothing, until the round is over */
        t->gone = 0;
}

static bool is_named(const TrailEntry *e, const char *kind, const char *namespace, const char *name) {
        return streq(e->object.name, name) && streq(e->object.kind, kind) &&
               streq(strempty(e->object.namespace), strempty(namespace));
}

/* The object's index; n where it is new. */
static size_t find(const Trail *t, const char *kind, const char *namespace, const char *name) {
        for (size_t i = t->seen; i < t->n; i++)
                if (is_named(&t->entries[i], kind, namespace, name))
                        return i;
        for (size_t i = 0; i < t->seen; i++)
                if (is_named(&t->entries[i], kind, namespace, name))
                        return i;
        return t->n;
}

/* Finds or makes the entry of an object. Returns 1; 0 where there are too many objects, so that none is followed. */
static int reach(Trail *t, const char *kind, const char *namespace, const char *name, size_t *ret) {
        size_t i = t->is_off ? 0 : find(t, kind, namespace, name);
        TrailEntry *more;
        int r;

        if (i == t->n && t->n >= LIMIT_TRAIL) {
                trail_done(t);
                t->is_off = true;
        }
        if (t->is_off)
                return 0;
        if (i == t->n) {
                more = reallocarray(t->entries, t->n + 1, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                t->entries = more;
                more[i] = (TrailEntry){};
                r = object_name_set(&more[i].object, kind, namespace, name);
                if (r < 0)
                        return r;
                t->n++;
        }
        *ret = i;
        return 1;
}

/* Moves an entry to those that have been seen. Returns whether it was not among them before. */
static bool pass(Trail *t, size_t *i) {
        TrailEntry e;

        if (*i < t->seen)
                return false;
        e = t->entries[*i];
        t->entries[*i] = t->entries[t->seen];
        t->entries[t->seen] = e;
        *i = t->seen++;
        return true;
}

static ObjectState next_state(const TrailEntry *e, bool seen) {
        if (!seen)
                return OBJECT_ABSENT;
        switch (e->evidence) {
        case EVIDENCE_TRUE:
                return OBJECT_READY;
        case EVIDENCE_FALSE:
                return e->state == OBJECT_READY || e->state == OBJECT_LOST ? OBJECT_LOST : OBJECT_WAITING;
        default:
                return e->state == OBJECT_ABSENT && !e->is_doubtful ? OBJECT_WAITING : e->state;
        }
}

/* An object is judged; its reason may be NULL. Returns 1 where the caller has to write the blocker, all of it or
 * nothing, before the next object is seen. */
int trail_see(Trail *t, const char *kind, const char *namespace, const char *name, const Finding *f,
              Blocker **ret_wanted) {
        TrailEntry *e;
        size_t i;
        int r;

        r = reach(t, kind, namespace, name, &i);
        if (r <= 0)
                return r;

        if (!pass(t, &i) && t->entries[i].evidence != EVIDENCE_TRUE)
                return 0; /* the first blocker of the round stays */
        e = &t->entries[i];
        e->evidence = f->evidence;
        e->missed = 0;
        e->is_doubtful = f->evidence == EVIDENCE_NONE &&
                         (f->proof == PROOF_MISSING || streq_ptr(f->reason, REASON_NOT_ASKED));
        if (e->state == OBJECT_READY)
                blocker_done(&e->blocker); /* it waited for that, and that has been told */
        if (f->evidence == EVIDENCE_TRUE || !f->reason || streq_ptr(e->blocker.reason, f->reason) ||
            e->is_doubtful || (f->evidence == EVIDENCE_NONE && e->state != OBJECT_ABSENT))
                return 0;

        blocker_done(&e->blocker);
        *ret_wanted = &e->blocker;
        return 1;
}

/* Ends the round. Whether the objects that were not seen exist is not known. */
void trail_end(Trail *t) {
        t->told = 0;
}

/* Ends the round. The objects that were not seen do not exist; that is told later, and deadline is lowered to then.
 * Where deadline is NULL it is told now. Both are monotonic. */
void trail_end_whole(Trail *t, usec_t now, usec_t *deadline) {
        trail_end(t);
        t->gone = deadline ? usec_sub(now, GONE_USEC) : now;
        for (size_t i = t->seen; i < t->n; i++) {
                TrailEntry *e = &t->entries[i];

                if (e->missed == 0)
                        e->missed = MAX(now, (usec_t) 1);
                if (deadline && e->missed > t->gone)
                        *deadline = usec_min(*deadline, usec_add(e->missed, GONE_USEC));
        }
}

/* Makes the edge of an entry. On -ENOMEM nothing is told, and the next round tries again. */
static int tell(TrailEntry *e, ObjectState to, ObjectEdge *ret) {
        bool waits = to == OBJECT_WAITING || to == OBJECT_LOST;
        int r;

        if (waits && e->blocker.reason && strv_length(e->told) < LIMIT_TRANSITIONS_PER_OBJECT &&
            !strv_contains(e->told, e->blocker.reason)) {
                r = strv_extend(&e->told, e->blocker.reason);
                if (r < 0)
                        return r;
        } else if (to == e->state)
                return 0;
        if (!waits)
                e->told = strv_free(e->told);

        *ret = (ObjectEdge){ .object = &e->object,
                             .from = e->state,
                             .to = to,
                             .blocker = e->blocker.reason && to != OBJECT_ABSENT ? &e->blocker : NULL };
        e->state = to;
        return 1;
}

/* The next edge of this round; false after the last. */
bool trail_next(Trail *t, ObjectEdge *ret) {
        while (t->told < t->n) {
                TrailEntry *e = &t->entries[t->told];
                bool seen = t->told++ < t->seen;

                if ((seen || (e->missed > 0 && e->missed <= t->gone)) &&
                    tell(e, next_state(e, seen), ret) > 0)
                        return true;
        }
        return false;
}

/* Takes over what an earlier run told of an object. To be called between rounds, oldest first. */
int trail_restore(Trail *t, const ObjectName *object, ObjectState to, const Blocker *blocker) {
        TrailEntry *e;
        size_t i;
        int r;

        r = reach(t, object->kind, object->namespace, object->name, &i);
        if (r <= 0)
                return r;

        e = &t->entries[i];
        e->state = to;
        if (to == OBJECT_READY || to == OBJECT_ABSENT)
                e->told = strv_free(e->told);
        else if (blocker) {
                blocker_done(&e->blocker);
                r = blocker_copy(blocker, &e->blocker);
                if (r >= 0)
                        r = strv_extend(&e->told, e->blocker.reason);
        }
        return r;
}
