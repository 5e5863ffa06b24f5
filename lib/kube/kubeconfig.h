/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* What one context of a kubeconfig says: where the server is, whom to trust as it, and our own credentials. */

/* A credential: its bytes, and its file if it is not in the kubeconfig itself. */
typedef struct KubeCredential {
        char *data; /* NUL behind it; NULL if absent, or not loaded from its file yet */
        size_t size;
        char *file; /* absolute, or relative to the working folder where the kubeconfig's own path is */
} KubeCredential;

typedef struct KubeConfig {
        char *path;    /* of the kubeconfig */
        char *context; /* the one chosen */
        char *cluster;
        char *user;

        char *server; /* "https://localhost:6443/prefix", without a slash at the end */
        bool https;
        char *host; /* an IPv6 address without brackets */
        unsigned port;
        char *prefix; /* of all paths: "" or "/prefix" */

        KubeCredential ca;
        KubeCredential certificate;
        KubeCredential key;
        KubeCredential token; /* the file wins over data, as in client-go */
        char *tls_server_name;
        char *proxy_url;
        bool insecure;
        char **warnings; /* "FILE:LINE: what is taken, and may not be meant so" */
} KubeConfig;

KubeConfig *kube_config_free(KubeConfig *c);
DEFINE_CLEANUP(KubeConfig, kube_config_free)

int kube_config_parse(const char *text, size_t size, const char *path, const char *context, KubeConfig **ret,
                      char **reterr_detail);
int kube_config_load(const char *path, const char *context, KubeConfig **ret, char **reterr_detail);
int kube_config_load_token(KubeConfig *c, char **reterr_detail);
bool kube_config_equal(const KubeConfig *a, const KubeConfig *b);
int kube_config_path_from_environment(const char *value, char **ret, char **reterr_detail);

/* kubeconfig-url.c: URLs, taken apart. */
int kube_config_set_server(KubeConfig *c, const char *url, const char **reterr_why);
bool kube_config_proxy_is_supported(const char *url);
bool kube_config_is_loopback(const KubeConfig *c);
