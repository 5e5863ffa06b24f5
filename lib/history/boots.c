/* SPDX-License-Identifier: Apache-2.0 */

/* The record of boots: how long each took until the cluster was usable, gate by gate, in the shape of type
 * Boot of the varlink interface, one line per boot. The median of these times is how long a boot usually
 * takes. Boots that pulled images have a median of their own, because they take far longer than the
 * others. */

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

/* Makes a boot without gates. started is realtime, for people to read. -ENOMEM. */
int boot_new(const char *boot_id, usec_t started, Boot **ret) {
        _cleanup_(boot_freep) Boot *b = calloc(1, sizeof(*b));

        assert(boot_id);

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

        gates[b->n_gates] = (BootGate){ .name = copy, .ready = USEC_INFINITY, .required = -1 };
        *ret = &gates[b->n_gates++];
        return 0;
}

/* Notes when a gate opened, in time since PID 1 started (USEC_INFINITY: not yet), and what it last waited
 * for (NULL: nothing). The first opening is the one that is kept: returns 0 if the gate was open already,
 * else 1. -E2BIG with too many gates, -ENOMEM. */
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

/* Notes whether a gate that has been set is one of those that make the verdict. */
void boot_set_required(Boot *b, const char *name, bool required) {
        BootGate *g = find_gate(b, name);

        if (g)
                g->required = required;
}

/* Takes over how the boot went until it was first ready, from the record that was made then: a gate that came later
 * was not required. */
void boot_take_result(Boot *b, const Boot *first) {
        b->ready = first->ready;
        b->pulled_images = first->pulled_images;
        for (size_t i = 0; i < b->n_gates; i++) {
                const BootGate *g = find_gate(first, b->gates[i].name);

                b->gates[i].required = g ? g->required : 0;
        }
}

void boot_to_json(JsonBuilder *b, const char *key, const Boot *boot) {
        jb_object(b, key);
        jb_string(b, "bootId", boot->boot_id);
        jb_usec(b, "startedRealtimeUSec", boot->started);
        jb_usec_unless(b, "readyUSec", boot->ready, USEC_INFINITY);
        jb_bool(b, "pulledImages", boot->pulled_images);
        jb_array(b, "gates");
        for (size_t i = 0; i < boot->n_gates; i++) {
                const BootGate *g = &boot->gates[i];

                jb_object(b, NULL);
                jb_string(b, "name", g->name);
                jb_usec_unless(b, "readyUSec", g->ready, USEC_INFINITY);
                jb_string(b, "waitedFor", g->waited_for);
                if (g->required >= 0)
                        jb_bool(b, "required", g->required > 0);
                jb_end(b);
        }
        jb_end(b);
        jb_end(b);
}

/* The result is the caller's, for boot_free(). Gates without a name, and those over the ceiling, are left
 * out. -EBADMSG if v is not a boot, -ENOMEM. */
int boot_from_json(const JsonValue *v, Boot **ret) {
        const char *boot_id = jv_get_string(v, "bootId");
        usec_t started = jv_get_usec(v, "startedRealtimeUSec", USEC_INFINITY);
        _cleanup_(boot_freep) Boot *b = NULL;
        int r;

        if (isempty(boot_id) || started == USEC_INFINITY)
                return -EBADMSG;
        r = boot_new(boot_id, started, &b);
        if (r < 0)
                return r;
        b->ready = jv_get_usec(v, "readyUSec", USEC_INFINITY);
        b->pulled_images = jv_get_bool(v, "pulledImages", false);

        JSON_FOREACH(g, jv_get(v, "gates")) {
                const char *name = jv_get_string(g, "name");
                const JsonValue *required = jv_get(g, "required");

                if (!name)
                        continue;
                r = boot_set_gate(b, name, jv_get_usec(g, "readyUSec", USEC_INFINITY),
                                  jv_get_string(g, "waitedFor"));
                if (r == -E2BIG)
                        break;
                if (r < 0)
                        return r;
                if (jv_is_bool(required))
                        boot_set_required(b, name, jv_bool(required, false));
        }

        *ret = TAKE_PTR(b);
        return 0;
}

/* Makes a log that keeps the last `limit` boots, at least one. -ENOMEM. */
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

static void drop_boot(BootLog *l, size_t i) {
        boot_free(l->boots[i]);
        l->length--;
        memmove(&l->boots[i], &l->boots[i + 1], (l->length - i) * sizeof(Boot *));
}

/* Records a boot as the newest and owns it from now on. It replaces a boot with the same ID; if the log is
 * full, the oldest boot is dropped. */
void boot_log_put(BootLog *l, Boot *boot) {
        for (size_t i = 0; i < l->length; i++)
                if (hex_equal_ignoring_dashes(l->boots[i]->boot_id, boot->boot_id) ||
                    streq(l->boots[i]->boot_id, boot->boot_id)) {
                        drop_boot(l, i);
                        break;
                }
        if (l->length == l->limit)
                drop_boot(l, 0);
        l->boots[l->length++] = boot;
}

/* Records the boots of a text of lines, oldest first. Lines that are not a boot are skipped; returns how
 * many, or -ENOMEM. */
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

/* The i-th boot, the oldest being 0; NULL beyond the last. */
const Boot *boot_log_get(const BootLog *l, size_t i) {
        return i < l->length ? l->boots[i] : NULL;
}

/* The boot with that ID, or NULL. Dashes and case do not count. */
const Boot *boot_log_find(const BootLog *l, const char *boot_id) {
        for (size_t i = 0; i < l->length; i++)
                if (hex_equal_ignoring_dashes(l->boots[i]->boot_id, boot_id))
                        return l->boots[i];
        return NULL;
}

/* Appends all boots as lines, oldest first. -E2BIG over the buffer's ceiling, -ENOMEM. */
int boot_log_print(const BootLog *l, Buffer *out) {
        for (size_t i = 0; i < l->length; i++) {
                JsonBuilder b = {};
                int r;

                boot_to_json(&b, NULL, l->boots[i]);
                r = lines_put(&b, out);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* An array of all boots, oldest first. */
void boot_log_to_json(JsonBuilder *b, const char *key, const BootLog *l) {
        jb_array(b, key);
        for (size_t i = 0; i < l->length; i++)
                boot_to_json(b, NULL, l->boots[i]);
        jb_end(b);
}

static int compare_times(const void *a, const void *b) {
        const usec_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

/* The median of the times that boots of that kind took until they were ready; of an even number, the mean of
 * the two in the middle. The boot `except` (NULL: none) does not count, so that the current boot is not
 * compared with itself. -ENODATA if no such boot was ever ready, -ENOMEM. */
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

        qsort(times, n, sizeof(usec_t), compare_times);
        *ret = times[(n - 1) / 2] + (times[n / 2] - times[(n - 1) / 2]) / 2;
        return 0;
}

/* "Pod openshift-dns/dns-default-x: ImagePullBackOff", as it is on record, into a blocker. Returns 1, 0 if s
 * has another form, or -ENOMEM. */
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
        /* Paths and addresses have slashes of their own, but do not begin as a namespace does: with a DNS
         * label and "/". */
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

/* gate is NULL where the verdict turned ready; waited: the gate whose wait it was, or NULL. */
static int add_opening(const Boot *b, const char *gate, usec_t ready, const BootGate *waited,
                       Timeline *timeline) {
        _cleanup_(transition_done)
                Transition t = { .boottime = ready, .realtime = usec_add(b->started, ready) };
        int r;

        r = set_string(&t.gate, gate) ?: set_string(&t.from, "waiting") ?: set_string(&t.to, "ready");
        if (r >= 0 && waited && waited->waited_for)
                r = parse_waited_for(waited->waited_for, &t.blocker);
        t.has_blocker = r > 0;
        if (t.has_blocker)
                r = set_string(&t.blocker.gate, waited->name);
        return r < 0 ? r : timeline_add(timeline, &t);
}

static int compare_ready(const void *a, const void *b) {
        const BootGate *x = *(BootGate *const *) a, *y = *(BootGate *const *) b;

        return x->ready < y->ready ? -1 : x->ready > y->ready;
}

/* The required gate that opened last before the boot was ready, which took the boot's time. NULL: there is none. */
static const BootGate *last_gate(const Boot *b) {
        const BootGate *last = NULL;

        for (size_t i = 0; i < b->n_gates; i++)
                if (b->gates[i].required != 0 && b->gates[i].ready <= b->ready &&
                    (!last || b->gates[i].ready > last->ready))
                        last = &b->gates[i];
        return last;
}

/* Adds a recorded boot to a timeline as transitions: the opening of each gate, and the first ready of the
 * verdict. Their boottime counts from the start of PID 1. -ENOMEM. */
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
                        r = add_opening(b, NULL, b->ready, last_gate(b), timeline);
                }
                if (r >= 0)
                        r = add_opening(b, gates[i]->name, gates[i]->ready, gates[i], timeline);
        }
        return was_ready || r < 0 ? r : add_opening(b, NULL, b->ready, last_gate(b), timeline);
}
