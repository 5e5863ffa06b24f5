/* SPDX-License-Identifier: Apache-2.0 */

/* Boots on record: how long it took until the cluster was usable, gate by gate, as type Boot of the varlink
 * interface has it, one line per boot. From them comes how long it usually takes. A boot that pulled images
 * says nothing of one that did not: each kind has a median of its own. */

#include "history/boots.h"

#include <limits.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "history/lines.h"

struct BootLog {
        Boot **boots;
        size_t length;
        size_t limit;
};

/* A boot of which no gate is known yet. started is realtime, for people. */
int boot_new(const char *boot_id, usec_t started, Boot **ret) {
        _cleanup_(boot_freep) Boot *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        b->started = started;
        b->ready = USEC_INFINITY;
        b->boot_id = strdup(boot_id);
        if (!b->boot_id)
                return -ENOMEM;

        *ret = TAKE_PTR(b);
        return 0;
}

Boot *boot_free(Boot *b) {
        if (!b)
                return NULL;
        for (size_t i = 0; i < b->n_gates; i++) {
                free(b->gates[i].name);
                free(b->gates[i].waited_for);
        }
        free(b->gates);
        free(b->boot_id);
        free(b);
        return NULL;
}

static BootGate *find_gate(const Boot *b, const char *name) {
        for (size_t i = 0; i < b->n_gates; i++)
                if (streq(b->gates[i].name, name))
                        return &b->gates[i];
        return NULL;
}

static int add_gate(Boot *b, const char *name, BootGate **ret) {
        BootGate *gates;
        char *copy;

        if (b->n_gates >= LIMIT_GATES)
                return -E2BIG;
        gates = reallocarray(b->gates, b->n_gates + 1, sizeof(BootGate));
        if (!gates)
                return -ENOMEM;
        b->gates = gates;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;

        gates[b->n_gates] = (BootGate){ .name = copy, .ready = USEC_INFINITY };
        *ret = &gates[b->n_gates++];
        return 0;
}

/* Notes when a gate opened, in time since PID 1 started (USEC_INFINITY: not yet), and what it was last seen
 * to wait for (NULL: nothing). Once open, a gate stays as it was noted first: returns 0 then, else 1. -E2BIG
 * with too many gates, -ENOMEM. */
int boot_set_gate(Boot *b, const char *name, usec_t ready, const char *waited_for) {
        BootGate *g = find_gate(b, name);
        int r;

        if (g && g->ready != USEC_INFINITY)
                return 0;
        if (!g) {
                r = add_gate(b, name, &g);
                if (r < 0)
                        return r;
        }
        r = free_and_strdup(&g->waited_for, waited_for);
        if (r < 0)
                return r;
        g->ready = ready;
        return 1;
}

static int add_usec(JsonValue *v, const char *key, usec_t usec) {
        return usec == USEC_INFINITY ? 0 : jv_add_int(v, key, (int64_t) usec);
}

static int gate_to_json(const BootGate *g, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        int r;

        if (!v)
                return -ENOMEM;
        r = jv_add_string(v, "name", g->name);
        if (r >= 0)
                r = add_usec(v, "readyUSec", g->ready);
        if (r >= 0)
                r = jv_add_string(v, "waitedFor", g->waited_for);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

int boot_to_json(const Boot *b, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object(), *gates = jv_new_array();
        int r;

        if (!v || !gates)
                return -ENOMEM;
        for (size_t i = 0; i < b->n_gates; i++) {
                JsonValue *gate = NULL;

                r = gate_to_json(&b->gates[i], &gate);
                if (r >= 0)
                        r = jv_append(gates, gate);
                if (r < 0)
                        return r;
        }

        r = jv_add_string(v, "bootId", b->boot_id);
        if (r >= 0)
                r = jv_add_int(v, "startedRealtimeUSec", (int64_t) b->started);
        if (r >= 0)
                r = add_usec(v, "readyUSec", b->ready);
        if (r >= 0)
                r = jv_add_bool(v, "pulledImages", b->pulled_images);
        if (r >= 0)
                r = jv_add(v, "gates", TAKE_PTR(gates));
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

static usec_t get_usec(const JsonValue *v, const char *key) {
        int64_t i = jv_get_int(v, key, -1);

        return i < 0 ? USEC_INFINITY : (usec_t) i;
}

/* -EBADMSG where v is no boot, -ENOMEM. Gates without a name, and those over the ceiling, are left out. */
int boot_from_json(const JsonValue *v, Boot **ret) {
        const char *boot_id = jv_get_string(v, "bootId");
        int64_t started = jv_get_int(v, "startedRealtimeUSec", -1);
        _cleanup_(boot_freep) Boot *b = NULL;
        int r;

        if (isempty(boot_id) || started < 0)
                return -EBADMSG;
        r = boot_new(boot_id, (usec_t) started, &b);
        if (r < 0)
                return r;
        b->ready = get_usec(v, "readyUSec");
        b->pulled_images = jv_get_bool(v, "pulledImages", false);

        JSON_FOREACH(g, jv_get(v, "gates")) {
                const char *name = jv_get_string(g, "name");

                if (!name)
                        continue;
                r = boot_set_gate(b, name, get_usec(g, "readyUSec"), jv_get_string(g, "waitedFor"));
                if (r == -E2BIG)
                        break;
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(b);
        return 0;
}

/* A log that keeps the last `limit` boots, at least one. */
int boot_log_new(size_t limit, BootLog **ret) {
        _cleanup_(boot_log_freep) BootLog *l = calloc(1, sizeof(*l));

        assert(limit > 0);

        if (!l)
                return -ENOMEM;
        l->limit = limit;
        l->boots = calloc(limit, sizeof(Boot *));
        if (!l->boots)
                return -ENOMEM;

        *ret = TAKE_PTR(l);
        return 0;
}

BootLog *boot_log_free(BootLog *l) {
        if (!l)
                return NULL;
        for (size_t i = 0; i < l->length; i++)
                boot_free(l->boots[i]);
        free(l->boots);
        free(l);
        return NULL;
}

static void drop(BootLog *l, size_t i) {
        boot_free(l->boots[i]);
        l->length--;
        memmove(&l->boots[i], &l->boots[i + 1], (l->length - i) * sizeof(Boot *));
}

/* Records a boot as the newest and owns it from now on: it takes the place of one with its ID; the oldest
 * gives way where the log is full. */
void boot_log_put(BootLog *l, Boot *boot) {
        for (size_t i = 0; i < l->length; i++)
                if (hex_equal_ignoring_dashes(l->boots[i]->boot_id, boot->boot_id) ||
                    streq(l->boots[i]->boot_id, boot->boot_id)) {
                        drop(l, i);
                        break;
                }
        if (l->length == l->limit)
                drop(l, 0);
        l->boots[l->length++] = boot;
}

/* Records the boots of a text of lines, oldest first. What is none is skipped; returns how many lines that
 * were, or -ENOMEM. */
int boot_log_parse(BootLog *l, const char *text, size_t size) {
        int skipped = 0;

        for (;;) {
                _cleanup_(jv_freep) JsonValue *v = NULL;
                Boot *b = NULL;
                int r;

                r = lines_next(&text, &size, &v);
                if (r == 0)
                        return skipped;
                if (r > 0)
                        r = boot_from_json(v, &b);
                if (r == -ENOMEM)
                        return r;
                if (r >= 0)
                        boot_log_put(l, b);
                else if (skipped < INT_MAX)
                        skipped++;
        }
}

size_t boot_log_length(const BootLog *l) {
        return l->length;
}

/* The i-th boot, the oldest being 0; NULL behind the last. */
const Boot *boot_log_get(const BootLog *l, size_t i) {
        return i < l->length ? l->boots[i] : NULL;
}

/* The boot of that ID, dashes and case not counting, or NULL. */
const Boot *boot_log_find(const BootLog *l, const char *boot_id) {
        for (size_t i = 0; i < l->length; i++)
                if (hex_equal_ignoring_dashes(l->boots[i]->boot_id, boot_id))
                        return l->boots[i];
        return NULL;
}

/* Appends all as lines, oldest first. */
int boot_log_print(const BootLog *l, Buffer *out) {
        for (size_t i = 0; i < l->length; i++) {
                _cleanup_(jv_freep) JsonValue *v = NULL;
                int r;

                r = boot_to_json(l->boots[i], &v);
                if (r >= 0)
                        r = lines_put(v, out);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* All of them as an array, oldest first. */
int boot_log_to_json(const BootLog *l, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *array = jv_new_array();

        if (!array)
                return -ENOMEM;
        for (size_t i = 0; i < l->length; i++) {
                JsonValue *v = NULL;
                int r;

                r = boot_to_json(l->boots[i], &v);
                if (r >= 0)
                        r = jv_append(array, v);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(array);
        return 0;
}

static int compare(const void *a, const void *b) {
        const usec_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

/* How long boots of that kind took until they were ready: the median, of an even number what
 * lies halfway between the two in the middle. The boot `except` (NULL: none) does not count: this boot tells
 * nothing of itself. -ENODATA where no such boot was ever ready, -ENOMEM. */
int boot_log_typical(const BootLog *l, bool pulled_images, const char *except, usec_t *ret) {
        _cleanup_free_ usec_t *times = NULL;
        size_t n = 0;

        if (l->length == 0)
                return -ENODATA;
        times = calloc(l->length, sizeof(usec_t));
        if (!times)
                return -ENOMEM;

        for (size_t i = 0; i < l->length; i++) {
                const Boot *b = l->boots[i];

                if (b->ready == USEC_INFINITY || b->pulled_images != pulled_images ||
                    hex_equal_ignoring_dashes(b->boot_id, except))
                        continue;
                times[n++] = b->ready;
        }
        if (n == 0)
                return -ENODATA;

        qsort(times, n, sizeof(usec_t), compare);
        *ret = times[(n - 1) / 2] + (times[n / 2] - times[(n - 1) / 2]) / 2;
        return 0;
}

/* "Pod openshift-dns/dns-default-x: ImagePullBackOff", as it stands on record, into a blocker. 0: it is none. */
static int parse_waited_for(const char *s, Blocker *ret) {
        const char *name = strchr(s, ' '), *slash = NULL, *colon = NULL;
        _cleanup_free_ char *kind = NULL, *namespace = NULL, *rest = NULL;
        size_t n;

        for (const char *p = name; p && (p = strstr(p, ": ")); p++)
                colon = p;
        if (!name || !colon)
                return 0;
        kind = strndup(s, (size_t) (name - s));
        if (!kind)
                return -ENOMEM;
        name++;
        /* Paths and addresses have slashes of their own, and nothing in front of them that could be a namespace. */
        n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
        if (n > 0 && name[n] == '/' && name + n < colon)
                slash = name + n;
        if (slash && !(namespace = strndup(name, (size_t) (slash - name))))
                return -ENOMEM;
        if (slash)
                name = slash + 1;
        rest = strndup(name, (size_t) (colon - name));
        if (!rest || object_name_set(&ret->object, kind, namespace, rest) < 0)
                return -ENOMEM;
        ret->reason = strdup(colon + 2);
        return ret->reason ? 1 : -ENOMEM;
}

static int add_opening(const Boot *b, const char *gate, usec_t ready, const char *waited_for,
                       Timeline *timeline) {
        _cleanup_(transition_done)
                Transition t = { .boottime = ready, .realtime = usec_add(b->started, ready) };
        int r;

        r = free_and_strdup(&t.gate, gate);
        if (r >= 0)
                r = free_and_strdup(&t.from, "waiting");
        if (r >= 0)
                r = free_and_strdup(&t.to, "ready");
        if (r < 0)
                return r;
        r = waited_for ? parse_waited_for(waited_for, &t.blocker) : 0;
        if (r < 0)
                return r;
        t.has_blocker = r > 0;
        if (t.has_blocker && (r = free_and_strdup(&t.blocker.gate, gate)) < 0)
                return r;
        return timeline_add(timeline, &t);
}

static int compare_ready(const void *a, const void *b) {
        const BootGate *x = *(BootGate *const *) a, *y = *(BootGate *const *) b;

        return x->ready < y->ready ? -1 : x->ready > y->ready;
}

/* What the record tells of a boot, as transitions: that the gates opened, and when the verdict was first ready.
 * Their boottime counts from the start of PID 1. */
int boot_retell(const Boot *b, Timeline *timeline) {
        _cleanup_free_ BootGate **gates = calloc(b->n_gates + 1, sizeof(BootGate *));
        bool was_ready = b->ready == USEC_INFINITY;
        int r = 0;

        if (!gates)
                return -ENOMEM;
        for (size_t i = 0; i < b->n_gates; i++)
                gates[i] = &b->gates[i];
        qsort(gates, b->n_gates, sizeof(BootGate *), compare_ready);

        for (size_t i = 0; i < b->n_gates && gates[i]->ready != USEC_INFINITY && r >= 0; i++) {
                if (!was_ready && gates[i]->ready > b->ready) {
                        was_ready = true;
                        r = add_opening(b, NULL, b->ready, NULL, timeline);
                }
                if (r >= 0)
                        r = add_opening(b, gates[i]->name, gates[i]->ready, gates[i]->waited_for, timeline);
        }
        return was_ready || r < 0 ? r : add_opening(b, NULL, b->ready, NULL, timeline);
}
