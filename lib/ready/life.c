/* SPDX-License-Identifier: Apache-2.0 */

/* A container that the kubelet starts again has another ID, and a group of its own in the folder of its pod. While the
 * API server is away nobody hears of that ID: the one that the status names is dead, and the pod is well. So a living
 * group that the status does not know counts as the dead container's successor.
 *
 * What else lives beside them must not: the pod's sandbox, where the runtime gives it a process, and ephemeral
 * containers. None of these is a successor: as long as all containers live that the status names, nothing else there
 * can be one of them, since the kubelet starts a container again when it is dead. What lives there unnamed at such a
 * moment is remembered, and what lives there later and is not remembered is a successor. */

#include "ready/life.h"

#include <stdio.h>

#include "base/string-util.h"
#include "base/strv.h"
#include "ready/cgroup.h"

/* Bytes of the root in a message. */
#define ROOT_SHOWN_MAX 64

/* A process of it was seen, or its group is empty; or it was not found. */
bool life_is_dead(ContainerLife l) {
        return l == CONTAINER_DEAD || l == CONTAINER_MISSING;
}

/* A container that was found before and is not found now has ended; of one that never was, only that is known. */
ContainerLife life_after(ContainerLife before, ContainerLife now) {
        return now == CONTAINER_MISSING && (before == CONTAINER_ALIVE || before == CONTAINER_DEAD)
                       ? CONTAINER_DEAD
                       : now;
}

/* Sets the finding's message, which begins with whose container it is. */
void life_tell_dead(Finding *f, const World *w, const char *whose, const char *container, ContainerLife l) {
        const char *root = strempty(w->host.cgroup_root);

        if (l == CONTAINER_MISSING)
                snprintf(f->text, sizeof(f->text), "%s container %s was not found below %.*s", whose,
                         container, (int) utf8_truncate(root, ROOT_SHOWN_MAX), root);
        else
                snprintf(f->text, sizeof(f->text), "%s container %s is no longer running on this host",
                         whose, container);
        f->message = f->text;
}

typedef struct Count {
        size_t total, alive, dead;
} Count;

static Count count_lives(const WorldObject *pod) {
        const KubePod *p = KUBE_POD_OF(pod->object);
        Count c = {};

        for (size_t i = 0; i < p->n_containers; i++) {
                if (p->containers[i].role == KUBE_CONTAINER_INIT)
                        continue;
                c.total++;
                c.alive += pod->life[i] == CONTAINER_ALIVE;
                c.dead += life_is_dead(pod->life[i]);
        }
        return c;
}

static bool pod_is_whole(const WorldObject *pod) {
        Count c = count_lives(pod);

        return c.total > 0 && c.alive == c.total;
}

/* Whether pod_take_living() has any use for what lives in the pod's folder now. */
bool pod_asks_for_living(const WorldObject *pod) {
        return pod_is_whole(pod) || (pod->beside && count_lives(pod).dead > 0);
}

static bool pod_names(const WorldObject *pod, const char *id) {
        const KubePod *p = KUBE_POD_OF(pod->object);

        for (size_t i = 0; i < p->n_containers; i++)
                if (p->containers[i].id && streq(container_id_bare(p->containers[i].id), id))
                        return true;
        return false;
}

static int remember_beside(WorldObject *pod, char *const *living) {
        _cleanup_(strv_freep) char **beside = strv_new_empty();

        pod->beside = strv_free(pod->beside);
        if (!beside)
                return -ENOMEM;
        STRV_FOREACH(id, living) {
                int r;

                if (pod_names(pod, *id))
                        continue;
                if (strv_length(beside) >= BESIDE_MAX)
                        return 0;
                r = strv_extend(&beside, *id);
                if (r < 0)
                        return r;
        }
        pod->beside = TAKE_PTR(beside);
        return 0;
}

/* Takes what lives in the pod's folder: bare IDs. Where all containers of the pod live, they have been looked at after
 * that. Returns 1 where it changes whether its dead ones have successors, else 0; -ENOMEM. */
int pod_take_living(WorldObject *pod, char *const *living) {
        bool before = pod->is_restarted;
        size_t successors = 0;

        pod->is_restarted = false;
        if (pod_is_whole(pod)) {
                int r = remember_beside(pod, living);

                return r < 0 ? r : before;
        }

        STRV_FOREACH(id, living)
                successors += !pod_names(pod, *id) && !strv_contains(pod->beside, *id);
        /* With fewer of them at least one container is dead. */
        pod->is_restarted = pod->beside && successors > 0 && successors >= count_lives(pod).dead;
        return pod->is_restarted != before;
}

/* What the earlier run of the daemon remembered of the pod. */
int pod_recall_beside(WorldObject *pod, const Gate *g) {
        const char *uid = kube_pod_host_uid(KUBE_POD_OF(pod->object));

        for (size_t i = 0; i < g->n_kept && !pod->beside; i++) {
                const KeptContainer *k = &g->kept[i];
                int r;

                if (!k->beside || !streq(k->pod_uid, uid))
                        continue;
                r = strv_copy(k->beside, &pod->beside);
                if (r >= 0 && !pod->beside)
                        pod->beside = strv_new_empty();
                if (r < 0 || !pod->beside)
                        return -ENOMEM;
        }
        return 0;
}

/* Whether kept_take_living() has any use for what lives in the folder of this container's pod now; for one
 * container of each pod. */
bool kept_asks_for_living(const Gate *g, const KeptContainer *k) {
        for (const KeptContainer *other = g->kept; other < k; other++)
                if (life_is_dead(other->life) && streq(other->pod_uid, k->pod_uid))
                        return false;
        return k->beside && life_is_dead(k->life);
}

/* Two checks of a gate may have kept the same container. */
static bool is_first_kept(const Gate *g, const KeptContainer *k) {
        for (const KeptContainer *other = g->kept; other < k; other++)
                if (streq(other->id, k->id))
                        return false;
        return true;
}

static bool kept_names(const Gate *g, const char *id) {
        for (size_t i = 0; i < g->n_kept; i++)
                if (streq(container_id_bare(g->kept[i].id), id))
                        return true;
        return false;
}

/* As pod_take_living(), for the kept containers of a pod of which at least one is dead. */
bool kept_take_living(Gate *g, const char *pod_uid, char *const *living) {
        size_t successors = 0, dead = 0;
        char *const *beside = NULL;
        bool changed = false;

        for (size_t i = 0; i < g->n_kept; i++)
                if (streq(g->kept[i].pod_uid, pod_uid)) {
                        dead += life_is_dead(g->kept[i].life) && is_first_kept(g, &g->kept[i]);
                        beside = g->kept[i].beside;
                }
        STRV_FOREACH(id, living)
                successors += !kept_names(g, *id) && !strv_contains(beside, *id);

        for (size_t i = 0; i < g->n_kept; i++) {
                KeptContainer *k = &g->kept[i];
                bool restarted = beside && successors > 0 && successors >= dead;

                if (!streq(k->pod_uid, pod_uid))
                        continue;
                changed = changed || k->is_restarted != restarted;
                k->is_restarted = restarted;
        }
        return changed;
}
