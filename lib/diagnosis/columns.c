/* SPDX-License-Identifier: Apache-2.0 */

/* kubectl's columns, and the reason why a pod is not ready.
 *
 * kubectl computes nothing: the API server's printers (printPod() of Kubernetes 1.36, the same since 1.28
 * but for pods that ended) turn an object into READY, STATUS and RESTARTS. People know these words from
 * years of `kubectl get pods`, so we print the same, letter by letter. The printers walk the containers in
 * the order of the status, which the kubelet sorts by name, and not in that of the spec. */

#include "diagnosis/columns.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"

typedef enum WordForm {
        WORD_TEXT,
        WORD_SIGNAL,
        WORD_EXIT_CODE,
        WORD_PROGRESS, /* done/total */
} WordForm;

/* STATUS, before it is printed. */
typedef struct Word {
        WordForm form;
        bool init; /* "Init:" in front */
        const char *text;
        int32_t number;
        unsigned done, total;
        const KubeContainer *container; /* whose state it is; NULL: the pod's own */
} Word;

typedef struct Summary {
        unsigned ready, total;
        int64_t restarts;
        usec_t last_restart; /* realtime, 0: unknown */
        Word word;
} Summary;

static Word word_text(const char *text) {
        return (Word){ .form = WORD_TEXT, .text = strempty(text) };
}

static Word word_of_termination(const KubeContainer *c, bool init) {
        Word w = { .init = init, .container = c };

        if (!isempty(c->reason)) {
                w.form = WORD_TEXT;
                w.text = c->reason;
        } else if (c->signal != 0) {
                w.form = WORD_SIGNAL;
                w.number = c->signal;
        } else {
                w.form = WORD_EXIT_CODE;
                w.number = c->exit_code;
        }
        return w;
}

static bool word_is(const Word *w, const char *text) {
        return w->form == WORD_TEXT && !w->init && streq(w->text, text);
}

static int word_print(const Word *w, char **ret) {
        const char *init = w->init ? "Init:" : "";

        switch (w->form) {
        case WORD_TEXT:
                return asprintf_ret(ret, "%s%s", init, w->text);
        case WORD_SIGNAL:
                return asprintf_ret(ret, "%sSignal:%" PRIi32, init, w->number);
        case WORD_EXIT_CODE:
                return asprintf_ret(ret, "%sExitCode:%" PRIi32, init, w->number);
        case WORD_PROGRESS:
                return asprintf_ret(ret, "%s%u/%u", init, w->done, w->total);
        }
        return -EINVAL;
}

static const KubeCondition *find_condition(const KubePod *pod, const char *type) {
        return kube_condition_find(pod->conditions, pod->n_conditions, type);
}

static bool condition_is_true(const KubePod *pod, const char *type) {
        const KubeCondition *c = find_condition(pod, type);

        return c && c->status == KUBE_STATUS_TRUE;
}

static void count_restarts(const KubeContainer *c, Summary *s) {
        s->restarts += c->restarts;
        s->last_restart = MAX(s->last_restart, c->last_finished);
}

static bool is_init(const KubeContainer *c) {
        return c->in_status && c->role != KUBE_CONTAINER_MAIN;
}

/* Whether an init container has succeeded or, as a sidecar, started; until then the pod stays in its first
 * phase. */
static bool init_is_over(const KubeContainer *c) {
        return (c->state == KUBE_CONTAINER_TERMINATED && c->exit_code == 0) ||
               (c->role == KUBE_CONTAINER_SIDECAR && c->started);
}

static Word word_of_init(const KubePod *pod, const KubeContainer *c) {
        unsigned total = 0;

        if (c->state == KUBE_CONTAINER_TERMINATED)
                return word_of_termination(c, true);
        if (c->state == KUBE_CONTAINER_WAITING && !isempty(c->reason) &&
            !streq(c->reason, "PodInitializing"))
                return (Word){ .init = true, .text = c->reason, .container = c };

        for (size_t i = 0; i < pod->n_containers; i++)
                total += pod->containers[i].role != KUBE_CONTAINER_MAIN;
        return (Word){
                .form = WORD_PROGRESS, .init = true, .done = c->status_index, .total = total, .container = c
        };
}

/* The printers' loop over the init containers ends with the first that is not over, and leaves out those
 * after it in the status. Returns whether there is one that is not over. */
static bool summarise_init(const KubePod *pod, Summary *s, Summary *sidecars) {
        const KubeContainer *first = NULL;

        for (size_t i = 0; i < pod->n_containers; i++) {
                const KubeContainer *c = &pod->containers[i];

                if (is_init(c) && !init_is_over(c) && (!first || c->status_index < first->status_index))
                        first = c;
        }

        for (size_t i = 0; i < pod->n_containers; i++) {
                const KubeContainer *c = &pod->containers[i];

                if (!is_init(c) || (first && c->status_index > first->status_index))
                        continue;
                count_restarts(c, s);
                if (c->role != KUBE_CONTAINER_SIDECAR)
                        continue;
                count_restarts(c, sidecars);
                if (c->started && !(c->state == KUBE_CONTAINER_TERMINATED && c->exit_code == 0))
                        s->ready += c->ready;
        }

        if (first)
                s->word = word_of_init(pod, first);
        return first;
}

/* The printers' loop runs from the last container of the status to the first, so that the first container
 * with something to tell decides. */
static void summarise_main(const KubePod *pod, Summary *s) {
        const KubeContainer *teller = NULL, *failed = NULL;
        bool has_running = false;

        for (size_t i = 0; i < pod->n_containers; i++) {
                const KubeContainer *c = &pod->containers[i];
                bool waits = c->state == KUBE_CONTAINER_WAITING && !isempty(c->reason);
                bool ended = c->state == KUBE_CONTAINER_TERMINATED;

                if (!c->in_status || c->role != KUBE_CONTAINER_MAIN)
                        continue;
                count_restarts(c, s);
                if ((waits || ended) && (!teller || c->status_index < teller->status_index))
                        teller = c;
                if (ended && c->exit_code != 0 && (!failed || c->status_index < failed->status_index))
                        failed = c;
                if (c->state == KUBE_CONTAINER_RUNNING && c->ready) {
                        has_running = true;
                        s->ready++;
                }
        }

        if (teller)
                s->word = teller->state == KUBE_CONTAINER_TERMINATED
                                  ? word_of_termination(teller, false)
                                  : (Word){ .text = teller->reason, .container = teller };

        if (!word_is(&s->word, "Completed"))
                return;
        if (has_running && condition_is_true(pod, "Ready"))
                s->word = word_text("Running");
        else if (failed)
                s->word = word_of_termination(failed, false);
        else if (has_running)
                s->word = word_text("NotReady");
}

static void summarise_pod(const KubePod *pod, Summary *ret) {
        const KubeCondition *scheduled = find_condition(pod, "PodScheduled");
        bool is_over = streq_ptr(pod->phase, "Succeeded") || streq_ptr(pod->phase, "Failed");
        Summary s = { .word = word_text(isempty(pod->reason) ? pod->phase : pod->reason) }, sidecars = {};

        if (scheduled && streq_ptr(scheduled->reason, "SchedulingGated"))
                s.word = word_text("SchedulingGated");
        for (size_t i = 0; i < pod->n_containers; i++)
                s.total += pod->containers[i].role != KUBE_CONTAINER_INIT;

        if (!summarise_init(pod, &s, &sidecars) || condition_is_true(pod, "Initialized")) {
                s.restarts = sidecars.restarts;
                s.last_restart = sidecars.last_restart;
                summarise_main(pod, &s);
        }

        if (pod->object.deleting && streq_ptr(pod->reason, "NodeLost"))
                s.word = word_text("Unknown");
        else if (pod->object.deleting && !is_over)
                s.word = word_text("Terminating");

        *ret = s;
}

/* The time from one moment to another as kubectl prints it: "3m20s", "5h", "2d4h". If `to` is up to two
 * seconds before `from` it is "0s", earlier it is "<invalid>". */
char *human_duration(char buf[static HUMAN_DURATION_MAX], usec_t from, usec_t to) {
        static const struct {
                char name;
                uint64_t seconds;
                uint64_t alone_from; /* so many of it are printed without the next smaller unit */
                uint64_t below;      /* so many of it are printed in a larger unit */
        } units[] = {
                { 's', 1, 0, 120 },
                { 'm', 60, 10, 180 },
                { 'h', 3600, 8, 48 },
                { 'd', 86400, 8, 2 * 365 },
                { 'y', 365 * 86400, 8, UINT64_MAX },
        };
        uint64_t seconds, n, rest;
        size_t i = 0;

        if (to < from) {
                snprintf(buf, HUMAN_DURATION_MAX, "%s", from - to < 2 * USEC_PER_SEC ? "0s" : "<invalid>");
                return buf;
        }
        seconds = (to - from) / USEC_PER_SEC;
        while ((n = seconds / units[i].seconds) >= units[i].below)
                i++;
        rest = n < units[i].alone_from ? seconds % units[i].seconds / units[i - 1].seconds : 0;
        if (rest > 0)
                snprintf(buf, HUMAN_DURATION_MAX, "%" PRIu64 "%c%" PRIu64 "%c", n, units[i].name, rest,
                         units[i - 1].name);
        else
                snprintf(buf, HUMAN_DURATION_MAX, "%" PRIu64 "%c", n, units[i].name);
        return buf;
}

/* READY, STATUS and RESTARTS of a pod; realtime is now, for the age of the last restart. -ENOMEM. */
int pod_columns(const KubePod *pod, usec_t realtime, PodColumns *ret) {
        _cleanup_free_ char *status = NULL, *restarts = NULL;
        char age[HUMAN_DURATION_MAX];
        Summary s;
        int r;

        summarise_pod(pod, &s);
        r = word_print(&s.word, &status);
        if (r < 0)
                return r;
        if (s.restarts != 0 && s.last_restart > 0)
                r = asprintf_ret(&restarts, "%" PRIi64 " (%s ago)", s.restarts,
                                 human_duration(age, s.last_restart, realtime));
        else
                r = asprintf_ret(&restarts, "%" PRIi64, s.restarts);
        if (r < 0)
                return r;

        *ret = (PodColumns){
                .ready = s.ready,
                .total = s.total,
                .status = TAKE_PTR(status),
                .restarts = TAKE_PTR(restarts),
        };
        return 0;
}

static bool words_equal(const Word *a, const Word *b) {
        return a->form == b->form && a->init == b->init && streq_ptr(a->text, b->text) &&
               a->number == b->number && a->done == b->done && a->total == b->total;
}

/* Whether READY, STATUS or the count of RESTARTS are others. */
bool pod_columns_differ(const KubePod *a, const KubePod *b) {
        Summary x, y;

        summarise_pod(a, &x);
        summarise_pod(b, &y);
        return x.ready != y.ready || x.total != y.total || x.restarts != y.restarts ||
               !words_equal(&x.word, &y.word);
}

void pod_columns_done(PodColumns *c) {
        free(c->status);
        free(c->restarts);
        *c = POD_COLUMNS_NULL;
}

static bool container_fails(const KubeContainer *c) {
        return c->state == KUBE_CONTAINER_WAITING ||
               (c->state == KUBE_CONTAINER_TERMINATED && c->exit_code != 0);
}

/* The container whose message explains the word: the one that the word is from, or if it has no message, the
 * first that fails with one. */
static const KubeContainer *explaining_container(const KubePod *pod, const Word *w) {
        if (!w->container || !isempty(w->container->message))
                return w->container;
        for (size_t i = 0; i < pod->n_containers; i++)
                if (container_fails(&pod->containers[i]) && !isempty(pod->containers[i].message))
                        return &pod->containers[i];
        return w->container;
}

/* The message of a crash loop tells only of the back-off. Why the container ended is in its last state, with
 * the end of its log if the pod asks for that, as OpenShift's pods do. */
static int describe_crash_loop(const KubeContainer *c, char **ret) {
        _cleanup_free_ char *text = NULL, *last = NULL, *whole = NULL;
        size_t n;
        int r;

        r = asprintf_ret(&text, "%s%slast exit: %s, exit code %" PRIi32, strempty(c->message),
                         isempty(c->message) ? "" : "; ", c->last_reason, c->last_exit_code);
        if (r < 0)
                return r;
        n = strlen(text) + 2;
        if (isempty(c->last_message) || n >= LIMIT_MESSAGE) {
                *ret = TAKE_PTR(text);
                return 0;
        }

        last = strdup(c->last_message);
        if (!last)
                return -ENOMEM;
        r = asprintf_ret(&whole, "%s: %s", text, utf8_end(strip_control(last), LIMIT_MESSAGE - n));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(whole);
        return 0;
}

static int describe_container(const KubeContainer *c, char **ret) {
        if (c->state == KUBE_CONTAINER_WAITING && streq_ptr(c->reason, "CrashLoopBackOff") &&
            !isempty(c->last_reason))
                return describe_crash_loop(c, ret);
        if (c->state == KUBE_CONTAINER_TERMINATED && isempty(c->message))
                return asprintf_ret(ret, "container %s ended with exit code %" PRIi32, strempty(c->name),
                                    c->exit_code);
        return 0;
}

/* The message of a condition that is there and not True, or NULL. */
static const char *message_of_unmet(const KubePod *pod, const char *type) {
        const KubeCondition *c = find_condition(pod, type);

        return c && c->status != KUBE_STATUS_TRUE && !isempty(c->message) ? c->message : NULL;
}

/* The pod's own message, for when no container has one. */
static const char *message_of_pod(const KubePod *pod, const Word *w) {
        const char *message;

        if (!isempty(pod->message))
                return pod->message;
        if (pod->object.deleting)
                return NULL;
        message = message_of_unmet(pod, "PodScheduled");
        /* A running init container's state has no message; this condition names those that have not
         * ended. */
        if (!message && w->form == WORD_PROGRESS && w->container->state == KUBE_CONTAINER_RUNNING)
                message = message_of_unmet(pod, "Initialized");
        /* Which containers are not ready is no news if one of them has said why; events may say more. */
        return message || w->container ? message : message_of_unmet(pod, "Ready");
}

/* Why the pod is not ready: kubectl's STATUS, with the message of the first container that fails; if STATUS
 * is only Running, the reason and message of the Ready condition. *ret_message may be NULL. Both live as
 * long as the pod, which keeps texts made here. Without memory the texts are shorter. */
void pod_blocking_reason(const KubePod *pod, const char **ret_reason, const char **ret_message) {
        const KubeCondition *ready = find_condition(pod, "Ready");
        KubePod *cache = (KubePod *) pod;
        const KubeContainer *c;
        const char *message;
        Summary s;

        summarise_pod(pod, &s);

        if (word_is(&s.word, "Running")) {
                bool says_why = ready && ready->status != KUBE_STATUS_TRUE && !isempty(ready->reason);

                *ret_reason = says_why ? ready->reason : "Running";
                *ret_message = message_of_unmet(pod, "Ready");
                return;
        }

        if (s.word.form == WORD_TEXT && !s.word.init)
                *ret_reason = *s.word.text ? s.word.text : "Unknown";
        else {
                if (!cache->blocking_reason)
                        (void) word_print(&s.word, &cache->blocking_reason);
                *ret_reason = cache->blocking_reason ?: "Pending";
        }

        c = explaining_container(pod, &s.word);
        message = c && !isempty(c->message) ? c->message : NULL;
        if (c && !cache->blocking_message)
                (void) describe_container(c, &cache->blocking_message);
        if (c && cache->blocking_message)
                message = cache->blocking_message;
        *ret_message = message ?: message_of_pod(pod, &s.word);
}

/* kubectl's STATUS of a node: any status but Ready=True is NotReady, also Unknown. */
const char *node_status_column(const KubeNode *node) {
        const KubeCondition *ready = kube_condition_find(node->conditions, node->n_conditions, "Ready");

        if (!ready)
                return node->unschedulable ? "Unknown,SchedulingDisabled" : "Unknown";
        if (ready->status == KUBE_STATUS_TRUE)
                return node->unschedulable ? "Ready,SchedulingDisabled" : "Ready";
        return node->unschedulable ? "NotReady,SchedulingDisabled" : "NotReady";
}
