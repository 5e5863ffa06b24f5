/* SPDX-License-Identifier: Apache-2.0 */

/* The transitions of this boot, in the shape of type Transition of the varlink interface.
 *
 * Gates and objects each have a share of their own, so that objects do not push out the transitions of
 * gates, and each object has a share of the objects' share. On disk each transition is a line with one JSON
 * object. The reader skips lines that it cannot read: after a power cut the last line may be half a line,
 * and a timeline with a gap is worth more than none. */

#include "history/timeline.h"

#include <limits.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "history/lines.h"

/* The edges of gates, and those of their objects. */
typedef enum Class {
        CLASS_GATE,
        CLASS_OBJECT,
        _CLASS_MAX,
} Class;

struct Timeline {
        Transition *list; /* oldest first */
        size_t length;
        size_t limits[_CLASS_MAX];
        size_t lengths[_CLASS_MAX];
        uint64_t added[_CLASS_MAX];
};

void transition_done(Transition *t) {
        free(t->gate);
        object_name_done(&t->object);
        free(t->from);
        free(t->to);
        blocker_done(&t->blocker);
        *t = (Transition){};
}

void transition_to_json(JsonBuilder *b, const char *key, const Transition *t) {
        jb_object(b, key);
        jb_usec(b, "boottimeUSec", t->boottime);
        jb_usec(b, "realtimeUSec", t->realtime);
        jb_string(b, "gate", t->gate);
        if (t->object.kind)
                object_name_to_json(b, "object", &t->object);
        jb_string(b, "from", strempty(t->from));
        jb_string(b, "to", strempty(t->to));
        if (t->has_blocker)
                blocker_to_json(b, "blocker", &t->blocker);
        jb_end(b);
}

/* The result is the caller's, for transition_done(). -EBADMSG if v is not a transition, -ENOMEM. */
int transition_from_json(const JsonValue *v, Transition *ret) {
        const JsonValue *object = jv_get(v, "object"), *blocker = jv_get(v, "blocker");
        const char *from = jv_get_string(v, "from"), *to = jv_get_string(v, "to");
        _cleanup_(transition_done) Transition t = {
                .boottime = jv_get_usec(v, "boottimeUSec", USEC_INFINITY),
                .realtime = jv_get_usec(v, "realtimeUSec", USEC_INFINITY),
        };
        int r;

        if (t.boottime == USEC_INFINITY || t.realtime == USEC_INFINITY || !from || !to)
                return -EBADMSG;
        r = set_string(&t.gate, jv_get_string(v, "gate")) ?: set_string(&t.from, from) ?: set_string(&t.to, to);
        if (r >= 0 && object && !jv_is_null(object))
                r = object_name_from_json(object, &t.object);
        if (r >= 0 && blocker && !jv_is_null(blocker)) {
                r = blocker_from_json(blocker, &t.blocker);
                t.has_blocker = r >= 0;
        }
        if (r < 0)
                return r;

        *ret = t;
        t = (Transition){};
        return 0;
}

/* Appends t as a line. -E2BIG over the buffer's ceiling, -ENOMEM; nothing is appended then. */
int transition_print(const Transition *t, Buffer *out) {
        JsonBuilder b = {};

        transition_to_json(&b, NULL, t);
        return lines_put(&b, out);
}

/* Makes a timeline that keeps the newest `limit` transitions of gates and of the verdict, and the newest
 * `objects` transitions of objects; both are at least 1. -ENOMEM. */
int timeline_new(size_t limit, size_t objects, Timeline **ret) {
        Timeline *t;

        assert(limit > 0 && objects > 0);

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->limits[CLASS_GATE] = limit;
        t->limits[CLASS_OBJECT] = objects;

        *ret = t;
        return 0;
}

Timeline *timeline_free(Timeline *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->length; i++)
                transition_done(&t->list[i]);
        free(t->list);
        free(t);
        return NULL;
}

static Class class_of(const Transition *t) {
        return t->object.kind ? CLASS_OBJECT : CLASS_GATE;
}

static bool is_of_same_object(const Transition *a, const Transition *b) {
        return a->object.kind && b->object.kind && streq_ptr(a->gate, b->gate) &&
               object_name_equal(&a->object, &b->object);
}

/* The oldest transition that has to go for a new one; length if none has to. */
static size_t find_victim(const Timeline *t, const Transition *new) {
        size_t oldest = t->length, own = t->length, n_own = 0;
        Class class = class_of(new);

        for (size_t i = t->length; i-- > 0;) {
                if (class_of(&t->list[i]) != class)
                        continue;
                oldest = i;
                if (is_of_same_object(&t->list[i], new)) {
                        own = i;
                        n_own++;
                }
        }
        if (n_own >= LIMIT_TRANSITIONS_PER_OBJECT)
                return own;
        return t->lengths[class] >= t->limits[class] ? oldest : t->length;
}

static int make_room(Timeline *t, const Transition *new) {
        size_t victim = find_victim(t, new);
        Transition *more;

        if (victim < t->length) {
                transition_done(&t->list[victim]);
                t->length--;
                t->lengths[class_of(new)]--;
                memmove(t->list + victim, t->list + victim + 1, (t->length - victim) * sizeof(*t->list));
                return 0;
        }
        more = reallocarray(t->list, t->length + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        t->list = more;
        return 0;
}

/* Appends a transition and takes over what it holds, leaving it empty; if its share is full, the oldest is
 * dropped. -ENOMEM leaves both as they were. */
int timeline_add(Timeline *t, Transition *transition) {
        Class class = class_of(transition);
        int r;

        assert(transition->from && transition->to);

        r = make_room(t, transition);
        if (r < 0)
                return r;
        t->list[t->length++] = *transition;
        t->lengths[class]++;
        t->added[class]++;
        *transition = (Transition){};
        return 0;
}

size_t timeline_length(const Timeline *t) {
        return t->length;
}

/* The i-th transition, the oldest kept being 0; NULL beyond the last. Valid until the next is added. */
const Transition *timeline_get(const Timeline *t, size_t i) {
        return i < t->length ? &t->list[i] : NULL;
}

/* How many transitions of gates and of the verdict were ever added; those that are not kept have been
 * dropped. */
uint64_t timeline_added(const Timeline *t) {
        return t->added[CLASS_GATE];
}

/* How many transitions of objects were ever added. */
uint64_t timeline_added_of_objects(const Timeline *t) {
        return t->added[CLASS_OBJECT];
}

/* Appends all transitions as lines, oldest first. -E2BIG over the buffer's ceiling, -ENOMEM. */
int timeline_print(const Timeline *t, Buffer *out) {
        for (size_t i = 0; i < t->length; i++) {
                int r = transition_print(timeline_get(t, i), out);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* Adds the transitions of a text of lines. Lines that are not a transition are skipped; returns how many, or
 * -ENOMEM. */
int timeline_parse(Timeline *t, const char *text, size_t size) {
        int skipped = 0;

        for (;;) {
                _cleanup_(transition_done) Transition transition = {};
                _cleanup_(jv_freep) JsonValue *v = NULL;
                int r;

                r = lines_next(&text, &size, &v);
                if (r == 0)
                        return skipped;
                if (r > 0)
                        r = transition_from_json(v, &transition);
                if (r >= 0)
                        r = timeline_add(t, &transition);
                if (r == -ENOMEM)
                        return r;
                if (r < 0 && skipped < INT_MAX)
                        skipped++;
        }
}

/* An array of all transitions, oldest first. */
void timeline_to_json(JsonBuilder *b, const char *key, const Timeline *t) {
        jb_array(b, key);
        for (size_t i = 0; i < t->length; i++)
                transition_to_json(b, NULL, timeline_get(t, i));
        jb_end(b);
}
