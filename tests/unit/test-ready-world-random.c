/* SPDX-License-Identifier: Apache-2.0 */

/* Streams in random order: pods are made, bound to a node, changed, deleted and made again under their names, and come
 * by two streams, those with a node and those without, each of which tells at its own pace, loses sync, resumes, lists
 * again, and has another one take its place in the middle of that; some versions cannot be read; and the server restarts, sometimes with a backup.
 * Beside them nodes are registered, deleted and registered again under their names, and come by a stream of all nodes or
 * of one, whose place another one takes as it does with pods.
 * Whenever those that are wanted have told all, what is known is what the server has, no more and no less.
 * MSREADY_SEED repeats one run, MSREADY_RUNS makes more. */

#include "random.h"

#include <stdio.h>

#include "ready/world.h"

#define BASE_SEED 20251104u
#define RUNS 2000
#define STEPS 120
#define NAMES 3

typedef struct Pod {
        unsigned uid, version; /* uid 0: there is none */
        bool bound;
} Pod;

/* All that the server has after one change; the change is what differs from the entry before. A node is never bound. */
typedef struct Entry {
        Pod pods[NAMES], nodes[NAMES];
} Entry;

typedef enum Asked {
        PODS_ON_NODES,
        PODS_UNSCHEDULED,
        NODES,
        _ASKED_MAX,
} Asked;

#define ANY NAMES

typedef struct Stream {
        WorldStream *world;
        Asked asked;
        unsigned only; /* of NODES: the name that it is asked for, or ANY */
        bool listing, lost, has_version;
        unsigned snapshot, next; /* while listing: of what entry, and the name that comes next */
        unsigned cursor;         /* entries told */
        struct Stream *older;
} Stream;

typedef struct Sim {
        Random random;
        unsigned uids;
        Instant now;
        World *world;
        Entry log[STEPS + 1];
        unsigned n; /* entries behind the first, in which there is nothing */
        Stream *streams[_ASKED_MAX];
} Sim;

static unsigned roll(Sim *s, unsigned sides) {
        return random_roll(&s->random, sides);
}

/* --- the server --- */

static void change(Sim *s) {
        Entry *e = &s->log[s->n + 1];
        bool is_node;
        Pod *p;

        if (s->n == STEPS)
                return;
        *e = s->log[s->n++];
        is_node = roll(s, 3) == 0;
        p = is_node ? &e->nodes[roll(s, NAMES)] : &e->pods[roll(s, NAMES)];
        if (p->uid == 0)
                *p = (Pod){ .uid = ++s->uids };
        else if (!is_node && !p->bound && roll(s, 2))
                p->bound = true;
        else if (roll(s, 2))
                *p = (Pod){};
        p->version = s->n;
}

/* --- the streams --- */

static bool is_unreadable(const Pod *p) {
        return p->version % 4 == 1;
}

static KubeObject *make_unreadable(const Stream *t, unsigned name, const Pod *p) {
        char name_text[16], uid[16], version[16];
        KubeObject *o = NULL;

        snprintf(name_text, sizeof(name_text), "web-%u", name);
        snprintf(uid, sizeof(uid), "%u", p->uid);
        snprintf(version, sizeof(version), "%u", p->version);
        assert_ok(kube_object_unreadable(t->asked == NODES ? KUBE_NODE : KUBE_POD,
                                         &(KubeBrief){ .namespace = t->asked == NODES ? "" : "shop",
                                                       .name = name_text,
                                                       .uid = uid,
                                                       .resource_version = version,
                                                       .owner_kind = "",
                                                       .owner_name = "",
                                                       .owner_uid = "",
                                                       .is_partial = p->version % 8 == 1 },
                                         "it is odd", &o));
        return o;
}

static void upsert(Sim *s, Stream *t, unsigned name, const Pod *p) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        KubeObject *o = NULL;
        char text[256];

        if (is_unreadable(p)) {
                assert_ok(world_stream_upsert(t->world, make_unreadable(t, name, p), s->now, NULL));
                return;
        }
        if (t->asked == NODES)
                snprintf(text, sizeof(text),
                         "{\"metadata\":{\"name\":\"web-%u\",\"uid\":\"%u\",\"resourceVersion\":\"%u\"}}",
                         name, p->uid, p->version);
        else
                snprintf(
                        text, sizeof(text),
                        "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"web-%u\",\"uid\":\"%u\",\"resourceVersion\":\"%u\"},"
                        "\"spec\":{%s}}",
                        name, p->uid, p->version, p->bound ? "\"nodeName\":\"edge\"" : "");
        assert_ok(jv_parse(text, strlen(text), &v));
        assert_ok(kube_object_parse(t->asked == NODES ? KUBE_NODE : KUBE_POD, v, &o, NULL, 0));
        assert_ok(world_stream_upsert(t->world, o, s->now, NULL));
}

static const Pod *objects(const Stream *t, const Entry *e) {
        return t->asked == NODES ? e->nodes : e->pods;
}

static bool is_of(const Stream *t, const Pod *p, unsigned name) {
        if (p->uid == 0)
                return false;
        return t->asked == NODES ? t->only == ANY || t->only == name
                                 : p->bound == (t->asked == PODS_ON_NODES);
}

static void set_sync(Sim *s, Stream *t, bool in_sync) {
        assert_true(world_stream_set_sync(t->world, in_sync, REASON_NOT_SYNCED, NULL, s->now) >= 0);
}

static void begin_listing(Sim *s, Stream *t) {
        t->listing = true;
        t->lost = t->has_version = false;
        t->snapshot = s->n;
        t->next = 0;
        world_stream_listing_begins(t->world);
}

static void tell_listed(Sim *s, Stream *t) {
        if (t->next < NAMES) {
                const Pod *p = &objects(t, &s->log[t->snapshot])[t->next];

                if (is_of(t, p, t->next))
                        upsert(s, t, t->next, p);
                t->next++;
                return;
        }
        world_stream_listing_complete(t->world);
        set_sync(s, t, true);
        t->listing = false;
        t->has_version = true;
        t->cursor = t->snapshot;
}

static void tell_change(Sim *s, Stream *t) {
        const Entry *before = &s->log[t->cursor], *after = before + 1;

        for (unsigned i = 0; i < NAMES; i++) {
                const Pod *a = &objects(t, before)[i], *b = &objects(t, after)[i];
                char name[16], uid[16];

                if (a->version == b->version)
                        continue;
                snprintf(name, sizeof(name), "web-%u", i);
                snprintf(uid, sizeof(uid), "%u", a->uid);
                if (is_of(t, b, i))
                        upsert(s, t, i, b);
                else if (is_of(t, a, i))
                        world_stream_remove(t->world, t->asked == NODES ? KUBE_NODE : KUBE_POD,
                                            t->asked == NODES ? "" : "shop", name, uid);
        }
        t->cursor++;
}

static void lose(Sim *s, Stream *t) {
        t->lost = true;
        t->listing = false;
        set_sync(s, t, false);
}

/* Then nobody goes on from where he was. */
static void restart_server(Sim *s) {
        assert_true(world_set_api(s->world, API_UNREACHABLE, NULL, NULL, s->now) >= 0);
        for (unsigned i = 0; i < _ASKED_MAX; i++)
                for (Stream *t = s->streams[i]; t; t = t->older) {
                        lose(s, t);
                        t->has_version = false;
                }
        if (roll(s, 2))
                s->n -= roll(s, MIN(s->n, 10U) + 1);
        assert_true(world_set_api(s->world, API_READY, NULL, NULL, s->now) >= 0);
}

static void go_on(Sim *s, Stream *t) {
        if (t->lost && t->has_version && roll(s, 2)) {
                t->lost = false;
                set_sync(s, t, true);
        } else if (t->lost)
                begin_listing(s, t);
        else if (t->listing)
                tell_listed(s, t);
        else if (t->cursor < s->n)
                tell_change(s, t);
}

static void replace(Sim *s, unsigned i) {
        static const StreamRole roles[] = { STREAM_PODS, STREAM_PODS_UNSCHEDULED, STREAM_NODES };
        Stream *t = calloc(1, sizeof(Stream));
        char name[16];

        assert_non_null(t);
        t->asked = i;
        t->only = i == NODES && roll(s, 2) ? roll(s, NAMES) : ANY;
        snprintf(name, sizeof(name), "web-%u", t->only);
        assert_ok(world_add_stream(s->world, roles[i], NULL, t->only == ANY ? NULL : name, &t->world));
        t->older = s->streams[i];
        s->streams[i] = t;
        begin_listing(s, t);
}

/* As the daemon does: an older one speaks on while it is in sync and the one that is wanted is not. */
static void sweep(Sim *s) {
        for (unsigned i = 0; i < _ASKED_MAX; i++)
                for (Stream **p = &s->streams[i]->older; *p;) {
                        Stream *t = *p;

                        if (t->world->in_sync && !s->streams[i]->world->in_sync) {
                                p = &t->older;
                                continue;
                        }
                        *p = t->older;
                        world_stream_free(t->world);
                        free(t);
                }
}

/* --- what has to be true --- */

static void compare_nodes(Sim *s) {
        const Stream *t = s->streams[NODES];

        for (unsigned i = 0; i < NAMES; i++) {
                const Pod *p = &s->log[s->n].nodes[i];
                const WorldObject *o;
                char name[16], uid[16];

                snprintf(name, sizeof(name), "web-%u", i);
                snprintf(uid, sizeof(uid), "%u", p->uid);
                o = world_find(s->world, KUBE_NODE, "", name);
                if (!o != !is_of(t, p, i) || (o && !streq(o->object->uid, uid)))
                        fail_msg("MSREADY_SEED=%u: node %s has uid %s and is%s asked for; known: uid %s",
                                 s->random.seed, name, uid, is_of(t, p, i) ? "" : " not",
                                 o ? o->object->uid : "-");
        }
}

static void compare(Sim *s) {
        for (unsigned i = 0; i < NAMES; i++) {
                const Pod *p = &s->log[s->n].pods[i];
                const WorldObject *o;
                char name[16], uid[16];

                snprintf(name, sizeof(name), "web-%u", i);
                snprintf(uid, sizeof(uid), "%u", p->uid);
                o = world_find(s->world, KUBE_POD, "shop", name);
                if (!o != (p->uid == 0) ||
                    (o && (!streq(o->object->uid, uid) || !o->object->unreadable == is_unreadable(p) ||
                           !KUBE_POD_OF(o->object)->node == (p->bound && !is_unreadable(p)))))
                        fail_msg(
                                "MSREADY_SEED=%u: %s is %s, has uid %s and %s node; known: uid %s, version %s",
                                s->random.seed, name, p->uid ? "there" : "gone", uid, p->bound ? "a" : "no",
                                o ? o->object->uid : "-", o ? o->object->resource_version : "-");
        }
        compare_nodes(s);
}

static void compare_at_rest(Sim *s) {
        for (unsigned i = 0; i < _ASKED_MAX; i++) {
                const Stream *t = s->streams[i];

                if (t->older || t->listing || t->lost || t->cursor < s->n)
                        return;
        }
        compare(s);
}

static Stream *pick(Sim *s) {
        Stream *t = s->streams[roll(s, _ASKED_MAX)];

        while (t->older && roll(s, 2))
                t = t->older;
        return t;
}

static void step(Sim *s) {
        unsigned what = roll(s, 40);

        if (what == 0)
                restart_server(s);
        else if (what < 12)
                change(s);
        else if (what < 14)
                lose(s, pick(s));
        else if (what < 16)
                replace(s, roll(s, _ASKED_MAX));
        else if (what < 20)
                sweep(s);
        else
                go_on(s, pick(s));
        s->now.monotonic += USEC_PER_MSEC;
        s->now.boottime += USEC_PER_MSEC;
        compare_at_rest(s);
}

static void run(unsigned seed) {
        Sim s = { .random = { seed, seed } };

        assert_ok(world_new(&s.world));
        for (unsigned i = 0; i < _ASKED_MAX; i++)
                replace(&s, i);
        for (unsigned i = 0; i < 3 * STEPS; i++)
                step(&s);

        for (unsigned i = 0; i < _ASKED_MAX; i++) {
                Stream *t = s.streams[i];

                while (t->lost || t->listing || t->cursor < s.n)
                        go_on(&s, t);
        }
        sweep(&s);
        compare(&s);

        for (unsigned i = 0; i < _ASKED_MAX; i++) {
                world_stream_free(s.streams[i]->world);
                free(s.streams[i]);
        }
        world_free(s.world);
}

static void test_random(void **state) {
        random_runs(BASE_SEED, RUNS, run);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

        return cmocka_run_group_tests_name("ready-world-random", tests, NULL, NULL);
}
