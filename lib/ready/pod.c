/* SPDX-License-Identifier: Apache-2.0 */

/* Rules R2 and R3: whether a pod is ready, and whether that is true of this boot.
 *
 * The kubelet writes container IDs and conditions in one patch. An ID whose cgroup holds a process on this host now
 * was given in this boot (cgroups do not survive one), so the Ready beside it was written in this boot. Looking at
 * every container's cgroup also finds those that died after the patch. */

#include "ready/pod.h"

#include <stdio.h>

#include "base/string-util.h"
#include "diagnosis/columns.h"
#include "ready/cgroup.h"
#include "ready/life.h"

/* Rule R4: pods that have ended or are being deleted do not count as members, nor do those of a Job: its Complete
 * condition says when it is done. */
bool pod_is_member(const KubePod *p) {
        return !streq_ptr(p->phase, "Succeeded") && !streq_ptr(p->phase, "Failed") && !p->object.deleting &&
               !streq_ptr(p->object.owner_kind, "Job");
}

static bool runs_here(const World *w, const KubePod *p) {
        return w->node && streq_ptr(p->node, w->node->object->name);
}

/* In the scope of one node, only its pods and those that have no node yet are watched. What a stream of another node's
 * pods has left does not count. */
bool pod_is_in_scope(const World *w, const KubePod *p) {
        return w->cluster_scope || !p->node || runs_here(w, p);
}

/* Whether it is no longer a member, for another reason than success. */
bool pod_is_leftover(const KubePod *p) {
        return (streq_ptr(p->phase, "Failed") || p->object.deleting) &&
               !streq_ptr(p->object.owner_kind, "Job");
}

static bool container_counts(const KubeContainer *c) {
        return c->role != KUBE_CONTAINER_INIT;
}

/* Containers of the spec that have to run, and how many of them run and are ready. */
void pod_count_containers(const KubePod *p, unsigned *ret_ready, unsigned *ret_total) {
        unsigned ready = 0, total = 0;

        for (size_t i = 0; i < p->n_containers; i++) {
                const KubeContainer *c = &p->containers[i];

                if (!container_counts(c))
                        continue;
                total++;
                ready += c->ready && c->state == KUBE_CONTAINER_RUNNING;
        }
        *ret_ready = ready;
        *ret_total = total;
}

/* Rule R2: what the pod's own status says. The reason is kubectl's STATUS, or the Ready condition's where
 * that says no more than Running. */
static bool pod_is_ready(const KubePod *p, const char **ret_reason, const char **ret_message) {
        const KubeCondition *ready = kube_condition_find(p->conditions, p->n_conditions, "Ready");
        bool running = true;
        unsigned n = 0;

        for (size_t i = 0; i < p->n_containers; i++) {
                const KubeContainer *c = &p->containers[i];

                if (!container_counts(c))
                        continue;
                n++;
                if (!c->in_status || c->state != KUBE_CONTAINER_RUNNING || isempty(c->id))
                        running = false;
        }
        if (!streq_ptr(p->phase, "Running") || p->object.deleting || !ready ||
            ready->status != KUBE_STATUS_TRUE || !running || n == 0) {
                pod_blocking_reason(p, ret_reason, ret_message);
                return false;
        }
        if (!kube_object_is_observed(&p->object, p->object.observed_generation)) {
                *ret_reason = REASON_NOT_OBSERVED;
                *ret_message = "the kubelet has not acted on the pod's newest specification yet";
                return false;
        }
        return true;
}

/* The finding is that a container which the pod's status reports running is not alive on this host: no answer of
 * the API outweighs that. */
bool pod_is_dead(const Finding *f) {
        return f->evidence == EVIDENCE_FALSE && streq_ptr(f->reason, REASON_UNPROVEN);
}

/* Ready by its status, on this host, and not proven: worth another look at its cgroups. */
bool pod_awaits_proof(const World *w, const WorldObject *pod) {
        const KubePod *p = KUBE_POD_OF(pod->object);
        const char *reason, *message;

        if (!runs_here(w, p) || !pod_is_ready(p, &reason, &message) ||
            !pod_uid_is_valid(kube_pod_host_uid(p)))
                return false;
        for (size_t i = 0; i < p->n_containers; i++)
                if (container_counts(&p->containers[i]) && pod->life[i] != CONTAINER_ALIVE &&
                    container_id_is_valid(p->containers[i].id))
                        return true;
        return false;
}

/* The first container whose life is the given one, or NULL. */
static const KubeContainer *container_with_life(const WorldObject *pod, ContainerLife life) {
        const KubePod *p = KUBE_POD_OF(pod->object);

        for (size_t i = 0; i < p->n_containers; i++)
                if (container_counts(&p->containers[i]) && pod->life[i] == life)
                        return &p->containers[i];
        return NULL;
}

/* Its uid, or the ID of a container, cannot be the name of a group: nobody can tell whether it lives. */
static bool has_unusable_names(const KubePod *p, Finding *f) {
        if (!pod_uid_is_valid(kube_pod_host_uid(p))) {
                snprintf(
                        f->text, sizeof(f->text),
                        "its uid cannot be part of the name of a control group: such a name has letters, digits and "
                        "dashes");
                return true;
        }
        for (size_t i = 0; i < p->n_containers; i++) {
                const KubeContainer *c = &p->containers[i];

                if (!container_counts(c) || isempty(c->id) || container_id_is_valid(c->id))
                        continue;
                snprintf(
                        f->text, sizeof(f->text),
                        "the ID of its container %s cannot be the name of a control group: such an ID has 8 to 128 "
                        "letters and digits",
                        c->name);
                return true;
        }
        return false;
}

static void prove_by_cgroup(const World *w, const WorldObject *pod, Finding *f) {
        const KubePod *p = KUBE_POD_OF(pod->object);
        const KubeContainer *c, *dead;

        f->proof = PROOF_NONE;
        f->evidence = EVIDENCE_NONE;
        f->reason = REASON_UNPROVEN;
        f->message = f->text;

        dead = container_with_life(pod, CONTAINER_DEAD) ?: container_with_life(pod, CONTAINER_MISSING);
        if (dead && !pod->is_restarted) {
                f->evidence = EVIDENCE_FALSE;
                life_tell_dead(f, w, "it is reported Ready, but", dead->name,
                               pod->life[dead - p->containers]);
                return;
        }
        if (has_unusable_names(p, f)) {
                f->reason = REASON_UNREADABLE;
                return;
        }
        if (dead) {
                snprintf(
                        f->text, sizeof(f->text),
                        "container %s is no longer running, but the pod has another running one that its status "
                        "does not name yet",
                        dead->name);
                return;
        }
        c = container_with_life(pod, CONTAINER_UNREADABLE) ?: container_with_life(pod, CONTAINER_UNPROBED);
        if (c) {
                snprintf(f->text, sizeof(f->text), "cannot tell whether its container %s is alive: %s",
                         c->name, w->host.cgroup_trouble ?: "its cgroup has not been looked at yet");
                return;
        }

        f->evidence = EVIDENCE_TRUE;
        f->proof = PROOF_CGROUP;
}

static void prove_by_observation(const World *w, const WorldObject *pod, Instant now, Finding *f,
                                 usec_t *deadline) {
        const KubePod *p = KUBE_POD_OF(pod->object);
        const WorldObject *node = p->node ? world_find(w, KUBE_NODE, "", p->node) : NULL;
        usec_t due = node ? usec_add(node_fresh_since(w, node), OBSERVED_NODE_USEC) : USEC_INFINITY;

        if (pod->observed || (due != USEC_INFINITY && now.monotonic >= due)) {
                f->evidence = EVIDENCE_TRUE;
                f->proof = PROOF_OBSERVED;
                return;
        }

        f->proof = PROOF_NONE;
        finding_set(
                f, EVIDENCE_NONE, REASON_UNPROVEN,
                "it was already Ready when watching began; nothing proves that this is from the current boot");
        *deadline = usec_min(*deadline, due);
}

static void prove(const World *w, const WorldObject *pod, ProofWanted wanted, Instant now, Finding *f,
                  usec_t *deadline) {
        if (wanted == PROOF_WANTED_NONE)
                f->evidence = EVIDENCE_TRUE;
        else if (wanted == PROOF_WANTED_CGROUP && runs_here(w, KUBE_POD_OF(pod->object)))
                prove_by_cgroup(w, pod, f);
        else
                prove_by_observation(w, pod, now, f, deadline);
}

/* Rules R2 and R3 for one pod. ret has the proof also where the evidence is in doubt for another reason. Lowers
 * ret_deadline (monotonic) to when time alone may change the answer. */
void pod_judge(const World *w, const WorldObject *pod, ProofWanted wanted, Instant now, Finding *ret,
               usec_t *ret_deadline) {
        const KubePod *p = KUBE_POD_OF(pod->object);
        const WorldObject *node = p->node ? world_find(w, KUBE_NODE, "", p->node) : NULL;
        const char *reason, *message;
        bool ready, synced;

        *ret = (Finding){ .evidence = EVIDENCE_FALSE, .proof = PROOF_NONE };

        ready = pod_is_ready(p, &ret->reason, &ret->message);
        if (ready)
                prove(w, pod, wanted, now, ret, ret_deadline);
        if (pod_is_dead(ret))
                return; /* answers also while the API is away */

        synced = world_role_in_sync(w, p->node ? STREAM_PODS : STREAM_PODS_UNSCHEDULED, NULL, &reason,
                                    &message);
        if (!synced) {
                finding_set(ret, EVIDENCE_NONE, reason, message);
                return;
        }
        if (p->object.unreadable) {
                finding_set(ret, EVIDENCE_NONE, REASON_UNREADABLE, p->object.unreadable);
                return;
        }
        if (!ready) {
                ret->is_reported = !streq(ret->reason, REASON_NOT_OBSERVED);
                return;
        }

        /* Without a watch on the node the daemon does not know whether the node is still in the boot in which the
         * pod was seen. */
        if (ret->evidence == EVIDENCE_TRUE &&
            !world_role_in_sync(w, STREAM_NODES, NULL, &reason, &message)) {
                finding_set(ret, EVIDENCE_NONE, reason, message);
        }
        if (ret->evidence == EVIDENCE_TRUE && node && node->object->unreadable &&
            (ret->proof == PROOF_OBSERVED || !node->alive)) {
                /* Its boot ID is not known, nor whether its kubelet wrote this version. */
                finding_set(ret, EVIDENCE_NONE, REASON_UNREADABLE, ret->text);
                world_say_unreadable(node->object, ret->text, sizeof(ret->text));
        }
        if (ret->evidence == EVIDENCE_TRUE && node && !node->alive) {
                finding_set(ret, EVIDENCE_NONE, REASON_KUBELET_SILENT,
                            "it is reported Ready, but the kubelet of its node has shown no activity");
        }
        if (ret->evidence == EVIDENCE_TRUE && !node) {
                finding_set(ret, EVIDENCE_NONE, REASON_NODE_NOT_REGISTERED,
                            "the node that it runs on is not known");
        }
}
