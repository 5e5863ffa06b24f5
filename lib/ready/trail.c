/* SPDX-License-Identifier: Apache-2.0 */

/* The trail that a gate's objects leave on the timeline.
 *
 * Each judgement of a gate is a round: every object that is judged is seen, and a difference from what was last told
 * is an edge. An object that two checks look at passes when both say so. NO-EVIDENCE does not change the state of a
 * known object, or a restart of MicroShift would be told for every pod. An object that was not seen counts as gone
 * only while all streams are in sync, and after a while. While an object waits each reason is told once, and counts
 * since then: a kubelet alternates between ErrImagePull and ImagePullBackOff for hours.
 *
 * Objects nearly always come in the same order, so that finding one again takes one comparison. */

#include "ready/trail.h"

#include "base/hash.h"
#include "base/limits.h"

/* A reason that was told, and since when it is given. */
typedef struct Told {
        char *reason;
        usec_t since; /* boottime */
} Told;

struct TrailEntry {
        ObjectName object;
        ObjectState state; /* as it was told */
        Evidence evidence; /* in this round */
        bool is_doubtful; /* in this round: whether there is such an object is not known, or not asked yet */
        Blocker blocker; /* what keeps it from passing, or last did; reason is NULL where that is not known */
        Told *told;      /* in this wait */
        size_t n_told;
        usec_t missed;   /* monotonic: when it was first found missing; 0: it is there */
        uint64_t uid;    /* a hash; 0: not known */
        uint64_t status; /* likewise of what is shown of it */
        usec_t changed;  /* boottime: when that changed; 0: nothing is shown */
        bool is_shown;   /* in this round */
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

static void forget_told(TrailEntry *e) {
        for (size_t i = 0; i < e->n_told; i++)
                free(e->told[i].reason);
        e->told = mfree(e->told);
        e->n_told = 0;
}

static const Told *find_told(const TrailEntry *e, const char *reason) {
        for (size_t i = 0; i < e->n_told; i++)
                if (streq(e->told[i].reason, reason))
                        return &e->told[i];
        return NULL;
}

/* Returns 1; 0 where the blocker's reason was told before, or where too many were. */
static int add_told(TrailEntry *e, const Blocker *b) {
        Told *more;
        char *reason;

        if (e->n_told >= LIMIT_TRANSITIONS_PER_OBJECT || find_told(e, b->reason))
                return 0;
        more = reallocarray(e->told, e->n_told + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        e->told = more;
        reason = strdup(b->reason);
        if (!reason)
                return -ENOMEM;
        more[e->n_told++] = (Told){ .reason = reason, .since = b->since };
        return 1;
}

static void entry_done(TrailEntry *e) {
        object_name_done(&e->object);
        blocker_done(&e->blocker);
        forget_told(e);
}

void trail_done(Trail *t) {
        for (size_t i = 0; i < t->n; i++)
                entry_done(&t->entries[i]);
        free(t->entries);
        *t = (Trail){};
}

/* Begins a round. Objects that were told to be gone are forgotten, and those that were in doubt and not seen again. */
void trail_begin(Trail *t) {
        size_t n = 0;

        for (size_t i = 0; i < t->n; i++) {
                TrailEntry e = t->entries[i];

                if (e.state == OBJECT_ABSENT && !e.is_doubtful) {
                        entry_done(&e);
                        continue;
                }
                e.is_doubtful = false;
                t->entries[n++] = e;
        }
        t->n = n;
        t->seen = 0;
        t->told = SIZE_MAX; /* nothing, until the round is over */
        t->gone = 0;
}

static bool is_named(const TrailEntry *e, const char *kind, const char *namespace, const char *name) {
        return streq(e->object.name, name) && streq(e->object.kind, kind) &&
               streq(strempty(e->object.namespace), strempty(namespace));
}

/* The object's index; n where it is new. The one that was seen last is asked about most. */
static size_t find(const Trail *t, const char *kind, const char *namespace, const char *name) {
        if (t->seen > 0 && is_named(&t->entries[t->seen - 1], kind, namespace, name))
                return t->seen - 1;
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
        e.is_shown = false;
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

/* Another object may have the name of one that was there before: its reasons are its own. */
static void take_uid(TrailEntry *e, const char *uid) {
        uint64_t hash = isempty(uid) ? 0 : fnv_bytes(FNV_INIT, uid, strlen(uid));

        if (hash == 0)
                return;
        if (e->uid != 0 && e->uid != hash) {
                forget_told(e);
                blocker_done(&e->blocker);
        }
        e->uid = hash;
}

/* An object is judged; its uid and its reason may be NULL. Returns 1 where the caller has to write the blocker, all of
 * it or nothing, before the next object is seen. */
int trail_see(Trail *t, const char *kind, const char *namespace, const char *name, const char *uid,
              const Finding *f, Blocker **ret_wanted) {
        TrailEntry *e;
        size_t i;
        int r;

        r = reach(t, kind, namespace, name, &i);
        if (r <= 0)
                return r;

        if (!pass(t, &i) && t->entries[i].evidence != EVIDENCE_TRUE)
                return 0; /* the first blocker of the round stays */
        e = &t->entries[i];
        take_uid(e, uid);
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

        r = waits && e->blocker.reason ? add_told(e, &e->blocker) : 0;
        if (r < 0 || (r == 0 && to == e->state))
                return r;
        if (!waits)
                forget_told(e);

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
                forget_told(e);
        else if (blocker) {
                blocker_done(&e->blocker);
                r = blocker_copy(blocker, &e->blocker);
                if (r >= 0)
                        r = add_told(e, &e->blocker);
        }
        return MIN(r, 0);
}

/* What is shown of an object's status, after it was seen in this round. Of two checks the first counts. now is
 * boottime. */
void trail_show(Trail *t, const char *kind, const char *namespace, const char *name, const char *status,
                usec_t now) {
        uint64_t hash = fnv_bytes(FNV_INIT, status, strlen(status));
        size_t i = find(t, kind, namespace, name);
        TrailEntry *e = i < t->seen ? &t->entries[i] : NULL;

        if (!e || e->is_shown)
                return;
        e->is_shown = true;
        if (e->changed > 0 && e->status == hash)
                return;
        e->status = hash;
        e->changed = now;
}

/* Since when (boottime) the object has given this reason, in its present wait; 0: it has not, as far as is known. */
usec_t trail_since(const Trail *t, const char *kind, const char *namespace, const char *name,
                   const char *reason) {
        size_t i = find(t, kind, namespace, name);
        const Told *told = i < t->n ? find_told(&t->entries[i], reason) : NULL;

        return told ? told->since : 0;
}

/* When (boottime) what is shown of the object changed; 0: nothing is shown of it. */
usec_t trail_changed(const Trail *t, const char *kind, const char *namespace, const char *name) {
        size_t i = find(t, kind, namespace, name);

        return i < t->n ? t->entries[i].changed : 0;
}
