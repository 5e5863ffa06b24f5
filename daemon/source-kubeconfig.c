/* SPDX-License-Identifier: Apache-2.0 */

/* MicroShift truncates and rewrites its kubeconfig at each start, so the file may be absent, empty or half
 * written at any time. The configuration that was read last stays in use until the file holds a better one.
 */

#include "source-kubeconfig.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/string-util.h"
#include "chosen-kubeconfig.h"
#include "file-watch.h"
#include "ready/evidence.h"

#define RETRY_USEC (100 * USEC_PER_MSEC)
#define RETRIES 50
/* After RETRIES: what is missing may be in a file that the kubeconfig names and the daemon does not watch
 * yet. */
#define RETRY_SLOWLY_USEC (5 * USEC_PER_SEC)
/* A kubeconfig that names other files each time it is read is read again by the next event. */
#define READS_MAX 3

struct SourceKubeconfig {
        Hub *hub;
        SourceKubeconfigOps *ops;
        char *path;
        KubeConfig *config;
        HttpTarget *target;
        const char *reason; /* NULL where config is as the file says */
        char *message;
        FileWatch watch;
        LoopTimer retry;
        unsigned retries;
};

static void on_retry(LoopTimer *timer);

const KubeConfig *source_kubeconfig_get(const SourceKubeconfig *s) {
        return s->config;
}

HttpTarget *source_kubeconfig_target(const SourceKubeconfig *s) {
        return s->target;
}

const char *source_kubeconfig_reason(const SourceKubeconfig *s) {
        return s->reason;
}

const char *source_kubeconfig_message(const SourceKubeconfig *s) {
        return s->message;
}

/* The kubeconfig and every file that it names. */
static int watch_files(SourceKubeconfig *s) {
        _cleanup_(strv_freep) char **paths = NULL;
        const KubeConfig *c = s->config;
        int r;

        r = strv_extend(&paths, s->path);
        if (r < 0)
                return r;
        if (c) {
                const char *const files[] = { c->ca.file, c->certificate.file, c->key.file, c->token.file };

                for (size_t i = 0; i < ELEMENTSOF(files); i++)
                        if (files[i] && (r = strv_extend(&paths, files[i])) < 0)
                                return r;
        }
        return file_watch_set(&s->watch, paths);
}

static void fail(SourceKubeconfig *s, int error, const char *detail) {
        const char *reason = error == -ENOENT ? REASON_KUBECONFIG_MISSING : REASON_KUBECONFIG_INVALID;
        _cleanup_free_ char *message = NULL;

        (void) chosen_kubeconfig_failure(s->hub->settings, s->path, error, detail, &message);
        if (s->retries == 0 || s->retries == RETRIES)
                log_full(s->config ? LOG_DEBUG : LOG_NOTICE, NULL, "%s%s", strna(message),
                         s->config ? ", keeping the one read before" : ", waiting for it");
        s->reason = reason;
        if (message)
                (void) free_and_strdup(&s->message, message);

        /* Half a file is whole in a moment; inotify tells when an absent one appears. */
        if (error != -ENOENT) {
                usec_t delay = s->retries < RETRIES ? RETRY_USEC : RETRY_SLOWLY_USEC;

                s->retries = MIN(s->retries + 1, RETRIES + 1U);
                loop_timer_set(s->hub->loop, &s->retry, usec_add(now_monotonic(), delay), on_retry);
        }
}

/* Lets the world know whom the kubeconfig names. */
static int name_server(World *w, const KubeConfig *c) {
        char ca[sizeof("0123456789abcdef")];

        snprintf(ca, sizeof(ca), "%016" PRIx64,
                 c->ca.data ? fnv_bytes(FNV_INIT, c->ca.data, c->ca.size) : 0);
        return set_string(&w->server_ca, ca) ?: set_string(&w->server, c->server);
}

static bool is_other_server(const KubeConfig *a, const KubeConfig *b) {
        return !streq(a->server, b->server) || a->ca.size != b->ca.size ||
               (a->ca.data && memcmp(a->ca.data, b->ca.data, a->ca.size) != 0);
}

/* Reads the file. Returns 1 where the configuration to use is another one than before, 2 where it also names
 * another server. */
static int read_again(SourceKubeconfig *s) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;
        _cleanup_(http_target_unrefp) HttpTarget *target = NULL;
        _cleanup_free_ char *detail = NULL;
        bool moved;
        int r;

        loop_timer_stop(&s->retry);
        r = chosen_kubeconfig_load(s->path, s->hub->settings->context, &c, &target, &detail);
        if (r >= 0)
                r = name_server(s->hub->readiness->world, c);
        if (r < 0) {
                fail(s, r, detail);
                return 0;
        }

        s->retries = 0;
        s->reason = NULL;
        s->message = mfree(s->message);
        if (s->config && kube_config_equal(s->config, c))
                return 0;

        log_debug("Read %s: context %s, server %s", s->path, strna(c->context), c->server);
        STRV_FOREACH(w, c->warnings)
                log_warning("%s", *w);
        moved = s->config && is_other_server(s->config, c);
        kube_config_free(s->config);
        s->config = TAKE_PTR(c);
        http_target_unref(s->target);
        s->target = TAKE_PTR(target);
        return moved ? 2 : 1;
}

static void on_file_changed(FileWatch *watch) {
        SourceKubeconfig *s = container_of(watch, SourceKubeconfig, watch);

        s->retries = 0;
        /* Where its content is the same, MicroShift is starting: no need to wait for the next try. */
        if (source_kubeconfig_reread(s) == 0 && s->hub->readiness->world->api != API_READY)
                s->ops->changed(s->ops, false);
        s->ops->rewritten(s->ops);
}

static void on_retry(LoopTimer *timer) {
        (void) source_kubeconfig_reread(container_of(timer, SourceKubeconfig, retry));
}

/* Reads the file and the files that it names, once more where those were not watched yet when they were
 * read. Returns as read_again(). */
static int read_and_watch(SourceKubeconfig *s) {
        int changed = 0, r = 1;

        for (unsigned i = 0; r > 0 && i < READS_MAX; i++) {
                r = read_again(s);
                changed = MAX(changed, r);
                r = watch_files(s);
        }
        return r < 0 ? r : changed;
}

/* Reads the file now: the server has refused what we know, or the file has changed. Returns 1, or 2 for another
 * server, where that brought anything new, which it has reported then; else 0, or the error that ends the loop. */
int source_kubeconfig_reread(SourceKubeconfig *s) {
        int r;

        r = read_and_watch(s);
        if (r < 0)
                loop_fail(s->hub->loop, r);
        if (r > 0)
                s->ops->changed(s->ops, r > 1);
        return r;
}

/* Reads the file, if it is there, and watches it. ops outlive it. -ENOMEM, or -EINVAL for a $KUBECONFIG that cannot be
 * used, which has been logged. */
int source_kubeconfig_new(Hub *hub, SourceKubeconfigOps *ops, SourceKubeconfig **ret) {
        _cleanup_(source_kubeconfig_freep) SourceKubeconfig *s = NULL;
        _cleanup_free_ char *detail = NULL;
        int r;

        s = calloc(1, sizeof(SourceKubeconfig));
        if (!s)
                return -ENOMEM;
        s->hub = hub;
        s->ops = ops;
        file_watch_init(&s->watch, hub->loop, on_file_changed);

        r = chosen_kubeconfig_path(hub->options, hub->settings, &s->path, &detail);
        if (r < 0) {
                log_error("%s", detail ?: strerror(-r));
                return r;
        }
        /* Watched before it is read: MicroShift may be writing it at this moment. */
        r = watch_files(s);
        if (r >= 0)
                r = read_and_watch(s);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

/* Whether other settings can take the place of those in use: where they ask for another file or another context, that
 * has to be there. Fails as chosen_kubeconfig_try(). */
int source_kubeconfig_check(const SourceKubeconfig *s, const Settings *settings, char **reterr_detail) {
        const Hub *hub = s->hub;
        _cleanup_free_ char *path = NULL;
        int r;

        r = chosen_kubeconfig_path(hub->options, settings, &path, reterr_detail);
        if (r < 0 || (streq(path, s->path) && streq_ptr(settings->context, hub->settings->context)))
                return r;
        return chosen_kubeconfig_try(hub->options, settings, NULL, reterr_detail);
}

/* Looks for what no event tells: a file system that was mounted, a file of another host. */
void source_kubeconfig_look(SourceKubeconfig *s) {
        file_watch_look(&s->watch);
}

/* Reads the file in any case. The settings may be new: they may ask for another one, or for another context. */
void source_kubeconfig_reload(SourceKubeconfig *s) {
        _cleanup_free_ char *path = NULL, *detail = NULL;
        int r;

        r = chosen_kubeconfig_path(s->hub->options, s->hub->settings, &path, &detail);
        if (r < 0) {
                log_error("%s, keeping %s", detail ?: strerror(-r), s->path);
                return;
        }
        free(s->path);
        s->path = TAKE_PTR(path);
        s->retries = 0;
        (void) source_kubeconfig_reread(s);
}

SourceKubeconfig *source_kubeconfig_free(SourceKubeconfig *s) {
        if (!s)
                return NULL;

        loop_timer_done(&s->retry);
        file_watch_done(&s->watch);
        kube_config_free(s->config);
        http_target_unref(s->target);
        free(s->path);
        free(s->message);
        return mfree(s);
}
