/* SPDX-License-Identifier: Apache-2.0 */

/* What the host says of containers.
 *
 * The daemon looks at a container with each version of its pod, before the gates are judged; then once a
 * second while the pod is called ready and not proven; and when a container is alive, the kernel tells when
 * its group empties (inotify on cgroup.events; v1 has no such thing, so there the daemon looks every 10 s
 * while the stream of pods, which would tell otherwise, is away). It looks at the containers that proved a gate
 * before its own restart in the same way. */

#include "source-host.h"

#include <stdio.h>
#include <sys/inotify.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "cgroup-probe.h"
#include "host-facts.h"
#include "message-id.h"
#include "ready/board.h"
#include "ready/life.h"
#include "ready/pod.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define LOOK_USEC USEC_PER_SEC
#define LOOK_V1_USEC (10 * USEC_PER_SEC)

/* The group of a container that is, or was, alive. */
typedef struct Group {
        char *id;
        char *path;
        int descriptor; /* of inotify; -1: not watched */
        bool named;     /* by a pod of the world or by a kept container */
        UT_hash_handle hh;
} Group;

struct SourceHost {
        Hub *hub;
        CgroupProbe probe;
        Group *groups;
        int fd; /* of inotify */
        LoopIo io;
        LoopTimer look;
        usec_t look_due; /* monotonic, valid while that is armed */
        bool pods_changed;
        bool told_inotify;
};

static void group_free(SourceHost *s, Group *g) {
        HASH_DEL(s->groups, g);
        if (g->descriptor >= 0)
                (void) inotify_rm_watch(s->fd, g->descriptor);
        free(g->id);
        free(g->path);
        free(g);
}

/* A root that cannot be read is a loud error, and never a weaker proof. error 0: it can be read. */
static void set_trouble(SourceHost *s, int error) {
        World *w = s->hub->readiness->world;
        const LogField fields[] = { { "MESSAGE_ID", MESSAGE_ID_PROOF_UNAVAILABLE }, {} };
        _cleanup_free_ char *text = NULL;

        if (error == 0) {
                w->host.cgroup_trouble = mfree(w->host.cgroup_trouble);
                return;
        }
        if (asprintf_ret(&text, "%s: %s", s->probe.root,
                         error == -ENOTDIR ? "no such folder" : strerror(-error)) < 0 ||
            streq_ptr(text, w->host.cgroup_trouble))
                return;
        log_full(
                LOG_ERR, fields,
                "Cannot read the control groups of this host (%s): no pod can be proven. Check CgroupRoot= and the "
                "sandbox of msready.service.",
                text);
        free(w->host.cgroup_trouble);
        w->host.cgroup_trouble = TAKE_PTR(text);
}

static void watch_group(SourceHost *s, Group *g) {
        _cleanup_free_ char *events = NULL;

        if (!s->probe.unified || g->descriptor >= 0 || s->fd < 0)
                return;
        if (asprintf_ret(&events, "%s/cgroup.events", g->path) < 0)
                return;
        g->descriptor = inotify_add_watch(s->fd, events, IN_MODIFY);
        if (g->descriptor < 0 && errno != ENOENT && !s->told_inotify) {
                log_warning("Cannot watch %s: %s, looking at it every second instead. Raise "
                            "fs.inotify.max_user_watches with sysctl.",
                            events, strerror(errno));
                s->told_inotify = true;
        }
}

/* Remembers a group and takes its path. NULL where memory is lacking; then path stays the caller's. */
static Group *group_new(SourceHost *s, const char *id, char *path) {
        Group *g;

        g = calloc(1, sizeof(Group));
        if (!g)
                return NULL;
        *g = (Group){ .id = strdup(id), .path = path, .descriptor = -1, .named = true };
        if (g->id)
                HASH_ADD_KEYPTR(hh, s->groups, g->id, strlen(g->id), g);
        if (!g->hh.tbl) {
                free(g->id);
                free(g);
                return NULL;
        }
        return g;
}

/* Tells whether the container is alive now. The group is watched before it is read, so that no change in
 * between is missed. */
static ContainerLife look(SourceHost *s, const ContainerAddress *a) {
        _cleanup_free_ char *path = NULL;
        ContainerLife life;
        int r, error = 0;
        Group *g;

        HASH_FIND_STR(s->groups, a->id, g);
        if (!g) {
                r = cgroup_probe_find(&s->probe, a, &path);
                if (r == -EINVAL)
                        return CONTAINER_UNREADABLE; /* which is told of the pod */
                if (r < 0) {
                        set_trouble(s, r == -ENOENT ? 0 : r);
                        return r == -ENOENT ? CONTAINER_MISSING : CONTAINER_UNREADABLE;
                }
                g = group_new(s, a->id, path);
                if (!g)
                        return CONTAINER_UNPROBED;
                TAKE_PTR(path);
        }

        watch_group(s, g);
        life = cgroup_probe_ask(&s->probe, g->path, &error);
        set_trouble(s, life == CONTAINER_UNREADABLE ? error : 0);
        if (life == CONTAINER_DEAD)
                group_free(s, g);
        return life;
}

/* Looks at one container, for the life that was found last. */
static bool look_at_container(SourceHost *s, const ContainerAddress *a, ContainerLife *life) {
        ContainerLife before = *life;

        *life = life_after(before, look(s, a));
        return *life != before;
}

/* Lists what lives in the folder of a pod, which is where the group of one of its containers is, if that is known. */
static int list_living(SourceHost *s, const ContainerAddress *pod, const Group *of_container, char ***ret) {
        _cleanup_free_ char *folder = NULL;
        int r;

        if (of_container) {
                folder = strndup(of_container->path,
                                 (size_t) (strrchr(of_container->path, '/') - of_container->path));
                if (!folder)
                        return -ENOMEM;
        } else {
                r = cgroup_probe_find_pod(&s->probe, pod, &folder);
                if (r < 0)
                        return r;
        }
        return cgroup_probe_list(&s->probe, folder, ret);
}

static const Group *find_group_of(const SourceHost *s, const KubePod *p) {
        Group *g = NULL;

        for (size_t i = 0; i < p->n_containers && !g; i++)
                if (p->containers[i].id)
                        HASH_FIND_STR(s->groups, p->containers[i].id, g);
        return g;
}

static bool look_at_containers(SourceHost *s, WorldObject *pod) {
        const KubePod *p = KUBE_POD_OF(pod->object);
        bool changed = false;

        for (size_t i = 0; i < p->n_containers; i++) {
                const ContainerAddress a = { kube_pod_host_uid(p), p->qos, p->containers[i].id };

                if (p->containers[i].role != KUBE_CONTAINER_INIT && a.id &&
                    look_at_container(s, &a, &pod->life[i]))
                        changed = true;
        }
        return changed;
}

static bool look_at_pod(SourceHost *s, WorldObject *pod) {
        const KubePod *p = KUBE_POD_OF(pod->object);
        const ContainerAddress a = { .pod_uid = kube_pod_host_uid(p), .qos = p->qos };
        _cleanup_(strv_freep) char **living = NULL;
        bool changed = look_at_containers(s, pod);
        int r;

        if (!pod->beside)
                BOARD_FOREACH(g, &s->hub->readiness->board) {
                        (void) pod_recall_beside(pod, g);
                }
        if (!pod_asks_for_living(pod))
                return changed;

        r = list_living(s, &a, find_group_of(s, p), &living);
        if (r < 0 && r != -ENOENT)
                return changed; /* no restart can be told */
        /* Once more: those that live now lived when that list was made. */
        changed = look_at_containers(s, pod) || changed;
        return pod_take_living(pod, living) > 0 || changed;
}

static bool look_for_restarts_of_kept(SourceHost *s, Gate *g) {
        bool changed = false;

        for (size_t i = 0; i < g->n_kept; i++) {
                const ContainerAddress a = { g->kept[i].pod_uid, g->kept[i].qos, NULL };
                _cleanup_(strv_freep) char **living = NULL;
                int r;

                if (!kept_asks_for_living(g, &g->kept[i]))
                        continue;
                r = list_living(s, &a, NULL, &living);
                if (r >= 0 || r == -ENOENT)
                        changed = kept_take_living(g, a.pod_uid, living) || changed;
        }
        return changed;
}

static bool look_at_kept(SourceHost *s) {
        bool changed = false;

        BOARD_FOREACH(g, &s->hub->readiness->board) {
                for (size_t i = 0; i < g->n_kept; i++) {
                        KeptContainer *k = &g->kept[i];

                        if (look_at_container(s, &(ContainerAddress){ k->pod_uid, k->qos, k->id }, &k->life))
                                changed = true;
                }
                changed = look_for_restarts_of_kept(s, g) || changed;
        }
        return changed;
}

/* Only the containers of our node have their groups here, and only where a check wants them as proof do they matter:
 * else they would be looked at for every pod that is listed. */
static bool is_asked(const SourceHost *s, const WorldObject *pod) {
        const Readiness *r = s->hub->readiness;
        const KubePod *p = KUBE_POD_OF(pod->object);

        if (r->world->node && !streq_ptr(p->node, r->world->node->object->name))
                return false;
        return board_wants_cgroups(&r->board, p);
}

static void look_at_all(SourceHost *s) {
        bool changed;

        cgroup_probe_look_again(&s->probe);
        changed = look_at_kept(s);
        WORLD_FOREACH(o, s->hub->readiness->world, KUBE_POD)
                if (is_asked(s, o) && look_at_pod(s, o))
                        changed = true;
        if (changed)
                hub_touch(s->hub);
}

void source_host_look_at_news(SourceHost *s) {
        World *w = s->hub->readiness->world;

        if (!w->has_news)
                return;
        WORLD_FOREACH(o, w, KUBE_POD) {
                if (o->is_news && is_asked(s, o))
                        (void) look_at_pod(s, o);
                o->is_news = false;
        }
        w->has_news = false;
        s->pods_changed = true;
}

/* Tells whether the event is about a watched group. Removing a watch makes an event too (IN_IGNORED): to
 * look again for that one, which removes the watch of a dead container again, would go on for ever. */
static bool concerns_a_group(SourceHost *s, const struct inotify_event *e) {
        if (e->mask & IN_Q_OVERFLOW)
                return true;
        for (Group *g = s->groups; g; g = g->hh.next)
                if (g->descriptor == e->wd) {
                        if (e->mask & IN_IGNORED)
                                g->descriptor = -1; /* the kernel took it away, with the group */
                        return true;
                }
        return false;
}

static void on_inotify(LoopIo *io, unsigned events) {
        SourceHost *s = container_of(io, SourceHost, io);
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        bool changed = false;
        ssize_t n;

        while ((n = read(s->fd, buffer, sizeof(buffer))) > 0)
                for (char *p = buffer; p < buffer + n;) {
                        const struct inotify_event *e = (const struct inotify_event *) p;

                        changed = concerns_a_group(s, e) || changed;
                        p += sizeof(struct inotify_event) + e->len;
                }
        if (changed)
                look_at_all(s);
}

static void arm_look(SourceHost *s);

static void on_look(LoopTimer *timer) {
        SourceHost *s = container_of(timer, SourceHost, look);

        look_at_all(s);
        arm_look(s);
}

/* A dead one may be started again, unknown to anybody else. */
static bool any_kept_is_dead(const SourceHost *s) {
        BOARD_FOREACH(g, &s->hub->readiness->board) {
                for (size_t i = 0; i < g->n_kept; i++)
                        if (life_is_dead(g->kept[i].life) && g->kept[i].beside)
                                return true;
        }
        return false;
}

/* What the API server would tell of containers that die does not come. */
static bool pods_are_silent(const SourceHost *s) {
        const World *w = s->hub->readiness->world;
        const char *reason, *message;

        return w->api != API_READY || !world_role_in_sync(w, STREAM_PODS, NULL, &reason, &message);
}

static bool any_awaits_proof(const SourceHost *s) {
        WORLD_FOREACH(o, s->hub->readiness->world, KUBE_POD)
                if (pod_awaits_proof(s->hub->readiness->world, o) &&
                    board_wants_cgroups(&s->hub->readiness->board, KUBE_POD_OF(o->object)))
                        return true;
        return false;
}

static void arm_look(SourceHost *s) {
        usec_t delay = USEC_INFINITY, due;

        if (any_awaits_proof(s) || any_kept_is_dead(s) || (s->told_inotify && s->groups))
                delay = LOOK_USEC;
        else if (!s->probe.unified && s->groups && pods_are_silent(s))
                delay = LOOK_V1_USEC;

        due = usec_add(now_monotonic(), delay);
        if (delay == USEC_INFINITY)
                loop_timer_stop(&s->look);
        else if (!loop_timer_is_armed(&s->look) || due < s->look_due) {
                s->look_due = due;
                loop_timer_set(s->hub->loop, &s->look, due, on_look);
        }
}

static void name_group(SourceHost *s, const char *id) {
        Group *g = NULL;

        if (id)
                HASH_FIND_STR(s->groups, id, g);
        if (g)
                g->named = true;
}

static void forget_unnamed(SourceHost *s) {
        const Board *b = &s->hub->readiness->board;
        Group *g, *next;

        HASH_ITER(hh, s->groups, g, next)
                g->named = false;
        WORLD_FOREACH(o, s->hub->readiness->world, KUBE_POD)
                for (size_t i = 0; i < KUBE_POD_OF(o->object)->n_containers; i++)
                        name_group(s, KUBE_POD_OF(o->object)->containers[i].id);
        BOARD_FOREACH(gate, b) {
                for (size_t i = 0; i < gate->n_kept; i++)
                        name_group(s, gate->kept[i].id);
        }
        HASH_ITER(hh, s->groups, g, next)
                if (!g->named)
                        group_free(s, g);
}

/* The network may have given the host another address than its node is known by. */
static void look_at_address(SourceHost *s) {
        World *w = s->hub->readiness->world;
        const char *address = w->node ? KUBE_NODE_OF(w->node->object)->address : NULL;

        if (address && host_has_address(address))
                address = NULL;
        if (streq_ptr(address, w->host.lost_address))
                return;
        if (free_and_strdup(&w->host.lost_address, address) >= 0)
                hub_touch(s->hub);
}

void source_host_update(SourceHost *s) {
        look_at_address(s);
        if (s->pods_changed) {
                forget_unnamed(s);
                s->pods_changed = false;
        }
        arm_look(s);
}

void source_host_reload(SourceHost *s) {
        s->pods_changed = true;
}

int source_host_new(Hub *hub, SourceHost **ret) {
        _cleanup_(source_host_freep) SourceHost *s = NULL;
        int r;

        s = calloc(1, sizeof(SourceHost));
        if (!s)
                return -ENOMEM;
        s->hub = hub;
        s->fd = -1;
        r = cgroup_probe_init(&s->probe, hub->settings->cgroup_root ?: CGROUP_ROOT);
        if (r >= 0)
                r = free_and_strdup(&hub->readiness->world->host.cgroup_root, s->probe.root);
        if (r < 0)
                return r;

        s->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (s->fd < 0) {
                log_warning("Cannot watch control groups with inotify: %s, looking at them every second "
                            "instead. Raise fs.inotify.max_user_instances with sysctl.",
                            strerror(errno));
                s->told_inotify = true;
        } else if ((r = loop_io_set(hub->loop, &s->io, s->fd, LOOP_READ, on_inotify)) < 0)
                return r;
        (void) look_at_kept(s);

        *ret = TAKE_PTR(s);
        return 0;
}

SourceHost *source_host_free(SourceHost *s) {
        Group *g, *next;

        if (!s)
                return NULL;

        HASH_ITER(hh, s->groups, g, next)
                group_free(s, g);
        loop_io_done(&s->io);
        loop_timer_done(&s->look);
        safe_close(s->fd);
        cgroup_probe_done(&s->probe);
        return mfree(s);
}
