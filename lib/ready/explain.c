/* SPDX-License-Identifier: Apache-2.0 */

/* An object's status often does not say why it blocks a gate. The status of a pod whose image is being pulled says
 * that the pod waits; that of a workload that lacks a pod, that it lacks one. Events say more, as do the workload's
 * failed pods, and the node where it is short of something. This file appends the cluster's own words to one
 * another and never changes them. */

#include "ready/explain.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/string-util.h"
#include "diagnosis/columns.h"
#include "diagnosis/events.h"

/* Appends words to the message. Where both are too long the message is cut: the words are news. */
__attribute__((format(printf, 2, 3))) static void say_more(Explanation *e, const char *format, ...) {
        char words[LIMIT_MESSAGE + 8],
                before[sizeof(e->text)]; /* wide enough to see where a character ends */
        size_t n;
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(words, sizeof(words), format, ap);
        va_end(ap);
        words[utf8_truncate(words, LIMIT_MESSAGE)] = '\0';

        n = utf8_truncate(strempty(e->query.message), LIMIT_MESSAGE);
        snprintf(before, sizeof(before), "%.*s", (int) n, strempty(e->query.message));
        n = utf8_truncate(before, LIMIT_MESSAGE - MIN(strlen(words) + 2, (size_t) LIMIT_MESSAGE));
        while (n > 0 && before[n - 1] == ' ')
                n--;
        snprintf(e->text, sizeof(e->text), "%.*s%s%s", (int) n, before, n > 0 ? "; " : "", words);
        e->query.message = e->text;
}

/* A kubelet before 1.30 says of a failed pull that it will be tried again, and the registry's words stand in
 * the event alone. */
static bool says_no_more_than_back_off(const char *message) {
        const char *rest = startswith(message, "Back-off pulling image ");

        return rest && !strstr(rest, "\": ");
}

/* Of a container that runs and is not ready, or of an init container that has not ended, the status says no more. */
static bool says_only_which(const char *reason) {
        const char *init = startswith(strempty(reason), "Init:");

        return streq_ptr(reason, "ContainersNotReady") || (init && *init >= '0' && *init <= '9');
}

/* Other waiting containers may have another policy. */
static bool lacks_image_always(const KubeContainer *c) {
        return c->pull_always &&
               (streq_ptr(c->reason, "ErrImagePull") || streq_ptr(c->reason, "ImagePullBackOff"));
}

/* Lets an event speak where the pod's status says only that it is waiting, or that a container is not ready. Why a
 * container ended stays beside the pull for its next start. */
static void explain_pod(const World *w, const KubePod *p, Explanation *e) {
        HintQuery *q = &e->query;
        bool waits = false, crashes = q->reason && endswith(q->reason, "CrashLoopBackOff");
        EventExplanation event;

        for (size_t i = 0; i < p->n_containers; i++)
                if (p->containers[i].state == KUBE_CONTAINER_WAITING) {
                        waits = true;
                        q->pull_always = q->pull_always || lacks_image_always(&p->containers[i]);
                }
        if (!w->events || !event_digest_explain(w->events, p->object.uid, &event))
                return;

        q->event_reason = event.reason;
        q->event_message = event.message;
        if (isempty(q->message) || (event.pulling && waits && !crashes) ||
            says_no_more_than_back_off(q->message)) {
                /* The status says no more than that it waits, and has done so for as long as the pull lasts. */
                e->since = isempty(q->message) && waits && !crashes ? event.since : 0;
                q->message = event.message;
        } else if (event.pulling ? waits : says_only_which(q->reason))
                say_more(e, "%s", event.message);
}

/* Why a workload has too few pods: the events of its controller say so, for a Deployment its ReplicaSets'. */
static bool controller_tells(const World *w, const WorldObject *workload, Explanation *e) {
        EventExplanation event;
        bool found;

        if (!workload || !w->events)
                return false;
        found = event_digest_explain(w->events, workload->object->uid, &event);
        if (workload->object->kind == KUBE_DEPLOYMENT)
                WORLD_FOREACH(set, w, KUBE_REPLICASET)
                        if (!found && streq_ptr(set->object->owner_uid, workload->object->uid))
                                found = event_digest_explain(w->events, set->object->uid, &event);
        if (!found)
                return false;
        e->query.event_reason = event.reason;
        e->query.message = e->query.event_message = event.message;
        return true;
}

/* Where a pod is missing: what became of the last one. */
static void tell_leftover(const KubePod *p, Explanation *e) {
        const char *reason = p->reason, *message = p->message;

        if (p->object.deleting || isempty(reason))
                pod_blocking_reason(p, &reason, &message);
        e->query.event_reason = reason;
        e->query.event_message = message;
        say_more(e, "%s: %s%s%s", p->object.name, reason, isempty(message) ? "" : ": ", strempty(message));
}

/* The node that the object is on, or would be. */
static const WorldObject *node_of(const World *w, const Watched *watched) {
        const KubeObject *o = watched->object ? watched->object->object : NULL;

        if (o && o->kind == KUBE_NODE)
                return watched->object;
        if (o && o->kind == KUBE_POD && KUBE_POD_OF(o)->node)
                return world_find(w, KUBE_NODE, "", KUBE_POD_OF(o)->node);
        return w->node;
}

/* A node that is short of something, or whose address is not this host's, explains much that goes wrong on it. By
 * itself it shuts no gate. */
static void tell_node(const World *w, const Watched *watched, Explanation *e) {
        const WorldObject *node = node_of(w, watched);
        const KubeCondition *c;

        if (!node)
                return;
        for (size_t i = 0; (c = node_pressure(w, node, i)); i++)
                say_more(e, "the node has %s: %s", c->type, c->message ?: strna(c->reason));
        if (node_is_ours(w, node) && w->host.lost_address)
                say_more(e, "the node's InternalIP %s is not an address of this host", w->host.lost_address);
}

/* Whether the finding is what the API says of an object as it is now. Events and the node explain neither what the
 * daemon found itself nor what is not known, because they may be just as old. */
static bool is_known(const Watched *watched) {
        const Finding *f = &watched->finding;

        if (streq_ptr(f->reason, REASON_NO_PODS))
                return true;
        return watched->object && f->evidence == EVIDENCE_FALSE && !streq_ptr(f->reason, REASON_UNPROVEN) &&
               !streq_ptr(f->reason, REASON_OLD_REVISION);
}

/* Puts together the words for an object that blocks, and the query for its hint. */
void explain(const Judging *j, const Watched *watched, Explanation *ret) {
        const World *w = j->world;
        const KubeObject *o = watched->object ? watched->object->object : NULL;

        ret->since = 0;
        ret->query = (HintQuery){
                .kind = watched->kind,
                .namespace = watched->namespace,
                .name = watched->name,
                .host_name = w->host.host_name,
                .reason = watched->finding.reason,
                .message = watched->finding.message,
                .vendor = j->vendor,
                .overdue = j->overdue,
        };
        if (streq_ptr(watched->finding.reason, REASON_NO_PODS)) {
                if (!controller_tells(w, watched->object, ret) && watched->leftover)
                        tell_leftover(KUBE_POD_OF(watched->leftover->object), ret);
        } else if (o && o->kind == KUBE_POD && is_known(watched))
                explain_pod(w, KUBE_POD_OF(o), ret);
        if (is_known(watched))
                tell_node(w, watched, ret);
}
