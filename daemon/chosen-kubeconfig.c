/* SPDX-License-Identifier: Apache-2.0 */

/* The kubeconfig that options, settings and environment ask for: where it is, and whether it can be used. */

#include "chosen-kubeconfig.h"

#include <unistd.h>

#include "base/string-util.h"
#include "base/strv.h"

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

/* The folder that ProtectHome= hides and that the path is in; NULL where it is in none. */
static const char *find_home(const char *path) {
        static const char *const folders[] = { "/home", "/root", "/run/user" };

        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                const char *rest = startswith(path, folders[i]);

                if (rest && *rest == '/')
                        return folders[i];
        }
        return NULL;
}

/* Tells whether ProtectHome= of msready.service hides the folder that the path is in: it exists, and is shut
 * even to root. */
static bool is_hidden(const char *path) {
        const char *home = getenv("INVOCATION_ID") ? find_home(path) : NULL;

        return home && access(home, R_OK | X_OK) < 0 && errno == EACCES;
}

/* --check-config runs outside of the sandbox. */
static int warn_of_sandbox(const Settings *settings, const char *path, char ***warnings) {
        const char *home = find_home(path),
                   *place = streq_ptr(path, settings->kubeconfig) ? settings->kubeconfig_place : NULL;

        return !home ? 0
                     : strv_extendf(warnings,
                                    "%s%s%s: msready.service sees nothing below %s unless a drop-in sets "
                                    "ProtectHome=read-only",
                                    strempty(place), place ? ": " : "", path, home);
}

/* Where the settings ask for what cannot be used, FILE:LINE; NULL: they do not. Context= is to blame unless the
 * kubeconfig without it, whose own context may be missing or unusable, too, has the same fault. */
static const char *find_place(const Settings *settings, const char *path, const char *detail) {
        _cleanup_(kube_config_freep) KubeConfig *without = NULL;
        _cleanup_free_ char *other = NULL;

        if (settings->context &&
            (kube_config_load(path, NULL, &without, &other) >= 0 || !streq_ptr(other, detail)))
                return settings->context_place;
        return streq_ptr(path, settings->kubeconfig) ? settings->kubeconfig_place : NULL;
}

/* What to say of a kubeconfig that cannot be used; detail (may be NULL) names the file. -ENOMEM. */
int chosen_kubeconfig_failure(const Settings *settings, const char *path, int error, const char *detail,
                              char **ret) {
        const char *place = find_place(settings, path, detail);

        return asprintf_ret(ret, "%s%s%s%s%s%s", strempty(place), place ? ": " : "", detail ? "" : path,
                            detail ? "" : ": ", detail ?: strerror(-error),
                            is_hidden(path)
                                    ? "; the sandbox of msready.service hides /home, /root and /run/user: "
                                      "set ProtectHome=read-only in a drop-in"
                                    : "");
}

/* Reads the kubeconfig, with what connections to its server need. Errors as kube_config_load(). */
int chosen_kubeconfig_load(const char *path, const char *context, KubeConfig **ret, HttpTarget **ret_target,
                           char **reterr_detail) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;
        int r;

        r = kube_config_load(path, context, &c, reterr_detail);
        if (r >= 0)
                r = make_target(c, ret_target);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

/* Its path: of --kubeconfig, the settings, $KUBECONFIG, the default, the first that names one. -EOPNOTSUPP for a
 * $KUBECONFIG that cannot be used, with what to do in reterr_detail; -ENOMEM. */
int chosen_kubeconfig_path(const Options *options, const Settings *settings, char **ret,
                           char **reterr_detail) {
        const char *path = options->kubeconfig ?: settings->kubeconfig;
        const char *environment = getenv("KUBECONFIG");

        if (!path && !isempty(environment))
                return kube_config_path_from_environment(environment, ret, reterr_detail);
        return asprintf_ret(ret, "%s", path ?: SETTINGS_KUBECONFIG_DEFAULT);
}

/* Whether the kubeconfig that the settings ask for can be used now, with their context; its own warnings are added to
 * warnings (may be NULL). -errno otherwise, with what is wrong in reterr_detail, and where in the settings. */
int chosen_kubeconfig_try(const Options *options, const Settings *settings, char ***warnings,
                          char **reterr_detail) {
        _cleanup_free_ char *path = NULL, *detail = NULL;
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;
        _cleanup_(http_target_unrefp) HttpTarget *target = NULL;
        int r;

        r = chosen_kubeconfig_path(options, settings, &path, reterr_detail);
        if (r < 0)
                return r;
        r = chosen_kubeconfig_load(path, settings->context, &c, &target, &detail);
        if (r < 0) {
                (void) chosen_kubeconfig_failure(settings, path, r, detail, reterr_detail);
                return r;
        }
        if (warnings && options->check_config)
                r = warn_of_sandbox(settings, path, warnings);
        STRV_FOREACH(w, warnings ? c->warnings : NULL)
                if (r >= 0)
                        r = strv_extend(warnings, *w);
        return r;
}
