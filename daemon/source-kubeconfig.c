/* SPDX-License-Identifier: Apache-2.0 */

/* MicroShift truncates and rewrites its kubeconfig at each start, so the file may be absent, empty or half
 * written at any time. The configuration that was read last stays in use until the file holds a better one.
 */

#include "source-kubeconfig.h"

#include <unistd.h>

#include "base/log.h"
#include "base/string-util.h"
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

static int make_target(const KubeConfig *c, HttpTarget **ret) {
        return http_target_new(
                &(HttpTargetSpec){
                        .ca = c->ca.data,
                        .ca_size = c->ca.size,
                        .certificate = c->certificate.data,
                        .certificate_size = c->certificate.size,
                        .key = c->key.data,
                        .key_size = c->key.size,
                        .tls_server_name = c->tls_server_name,
                        .proxy_url = c->proxy_url,
                        .insecure = c->insecure,
                },
                ret);
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

/* Tells whether ProtectHome= of msready.service hides the folder that the path is in: it exists, and is shut
 * even to root. */
static bool is_hidden(const char *path) {
        static const char *const folders[] = { "/home", "/root", "/run/user" };

        if (!getenv("INVOCATION_ID"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                const char *rest = startswith(path, folders[i]);

                if (rest && *rest == '/')
                        return access(folders[i], R_OK | X_OK) < 0 && errno == EACCES;
        }
        return false;
}

static void fail(SourceKubeconfig *s, int error, const char *detail) {
        const char *reason = error == -ENOENT ? REASON_KUBECONFIG_MISSING : REASON_KUBECONFIG_INVALID;
        _cleanup_free_ char *message = NULL;

        (void) asprintf_ret(
                &message, "%s%s%s%s", detail ? "" : s->path, detail ? "" : ": ", detail ?: strerror(-error),
                is_hidden(s->path) ? "; the sandbox of msready.service hides /home, /root and /run/user: "
                                     "set ProtectHome=read-only in a drop-in"
                                   : "");
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

/* Reads the file. Returns 1 where the configuration to use is another one than before, 2 where it also names
 * another server. */
static int read_again(SourceKubeconfig *s) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;
        _cleanup_(http_target_unrefp) HttpTarget *target = NULL;
        _cleanup_free_ char *detail = NULL;
        bool moved;
        int r;

        loop_timer_stop(&s->retry);
        r = kube_config_load(s->path, s->hub->settings->context, &c, &detail);
        if (r >= 0)
                r = make_target(c, &target);
        if (r >= 0)
                r = free_and_strdup(&s->hub->readiness->world->server, c->server);
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
        moved = s->config && !streq(s->config->server, c->server);
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

/* --kubeconfig, the settings, $KUBECONFIG, the default: the first that names one. */
static int find_path(const Hub *hub, char **ret, char **reterr_detail) {
        const char *path = hub->options->kubeconfig ?: hub->settings->kubeconfig;
        const char *environment = getenv("KUBECONFIG");

        if (!path && !isempty(environment))
                return kube_config_path_from_environment(environment, ret, reterr_detail);
        return asprintf_ret(ret, "%s", path ?: SETTINGS_KUBECONFIG_DEFAULT);
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

        r = find_path(hub, &s->path, &detail);
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

/* The settings are new: they may ask for another file or another context. */
void source_kubeconfig_reload(SourceKubeconfig *s) {
        _cleanup_free_ char *path = NULL, *detail = NULL;
        int r;

        r = find_path(s->hub, &path, &detail);
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
