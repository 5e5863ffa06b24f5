/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "conf/conf.h"
#include "ready/gate-clock.h"

/* msready.conf. */

#define SETTINGS_KUBECONFIG_DEFAULT "/var/lib/microshift/resources/kubeadmin/kubeconfig"

typedef enum Scope {
        SCOPE_NODE,
        SCOPE_CLUSTER,
        _SCOPE_MAX,
        _SCOPE_INVALID = -EINVAL,
} Scope;

typedef struct Settings {
        char *kubeconfig;       /* NULL where the files are silent */
        char *kubeconfig_place; /* where that is set, FILE:LINE; likewise */
        char *context;          /* NULL: the kubeconfig's own */
        char *context_place;
        char *node; /* NULL: ours */
        Scope scope;
        bool has_require;      /* require replaces the set that the gates themselves make */
        char **require;        /* without duplicates */
        char **require_places; /* where each of them is named, FILE:LINE */
        char **require_added;  /* of +NAME */
        char **added_places;   /* likewise */
        GateTiming timing;     /* USEC_INFINITY is allowed but for settle */
        char *boot_id_file;    /* NULL: the kernel's own */
        char *machine_id_file; /* likewise */
        char *cgroup_root;     /* likewise */
        char *textfile;        /* NULL: none */
        int log_level;         /* as syslog(3) has them; -1 where the files are silent */
        char **files;          /* in the order of reading */
        char **warnings;       /* unknown sections and keys and the like, each with file and line */
} Settings;

Settings *settings_free(Settings *s);
DEFINE_CLEANUP(Settings, settings_free)

int settings_parse(const ConfFile *conf, Settings **ret, char **reterr_detail, char ***ret_errors);
