/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Kubeconfigs, and parts of them. */

#include "kube/kubeconfig.h"

#define PEM(what) "-----BEGIN " what "-----\nQUJD\n-----END " what "-----\n"
/* PEM("CERTIFICATE") and PEM("RSA PRIVATE KEY"). */
#define CERTIFICATE_DATA "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tClFVSkQKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="
#define KEY_DATA                                                                                            \
        "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpRVUpECi0tLS0tRU5EIFJTQSBQUklWQVRFIEtFWS0tLS0tCg=="

/* As MicroShift writes it. */
static const char microshift[] = "apiVersion: v1\n"
                                 "clusters:\n"
                                 "- cluster:\n"
                                 "    certificate-authority-data: " CERTIFICATE_DATA "\n"
                                 "    server: https://localhost:6443\n"
                                 "  name: microshift\n"
                                 "contexts:\n"
                                 "- context:\n"
                                 "    cluster: microshift\n"
                                 "    namespace: default\n"
                                 "    user: user\n"
                                 "  name: microshift\n"
                                 "current-context: microshift\n"
                                 "kind: Config\n"
                                 "preferences: {}\n"
                                 "users:\n"
                                 "- name: user\n"
                                 "  user:\n"
                                 "    client-certificate-data: " CERTIFICATE_DATA "\n"
                                 "    client-key-data: " KEY_DATA "\n";

#define CONTEXT                                                                                             \
        "contexts: [{name: x, context: {cluster: c, user: u}}, {name: y, context: {cluster: c}}]\ncurrent-context: x\n"
#define CLUSTER "clusters:\n- name: c\n  cluster:\n    server: https://a\n"
#define USER "users:\n- name: u\n  user:\n    token: t0k\n"

static inline int parse(const char *text, const char *context, KubeConfig **ret, char **detail) {
        return kube_config_parse(text, strlen(text), "/etc/kube/config", context, ret, detail);
}
