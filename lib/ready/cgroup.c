/* SPDX-License-Identifier: Apache-2.0 */

/* The names that the kubelet's two cgroup drivers and the runtimes give (kubernetes
 * pkg/kubelet/cm/cgroup_manager_linux.go, cri-o internal/config/cgmgr, containerd pkg/cri/server). The systemd driver
 * escapes the '-' of the pod's uid, since it separates the parts of a slice. Names are matched whole, because the
 * monitor's crio-conmon-<id>.scope beside crio-<id>.scope may outlive the container. */

#include "ready/cgroup.h"

#include "base/string-util.h"

static const char *qos_name(KubeQos qos) {
        switch (qos) {
        case KUBE_QOS_BURSTABLE:
                return "burstable";
        case KUBE_QOS_BESTEFFORT:
                return "besteffort";
        default:
                return NULL;
        }
}

/* The ID without the runtime's scheme. */
const char *container_id_bare(const char *id) {
        const char *p = strstr(id, "://");

        return p ? p + 3 : id;
}

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool consists_of(const char *s, const char *characters, size_t min, size_t max) {
        size_t n = strspn(s, characters);

        return !s[n] && n >= min && n <= max;
}

/* An ID becomes part of a path, so it must be of letters and digits, and long enough. */
bool container_id_is_valid(const char *id) {
        return consists_of(container_id_bare(id), ALPHANUMERIC, 8, 128);
}

static bool uid_is_valid(const char *uid) {
        return consists_of(uid, ALPHANUMERIC "-", 1, 64);
}

static int systemd_path(const ContainerAddress *a, const char *prefix, char **ret) {
        _cleanup_free_ char *uid = strdup(a->pod_uid);
        const char *qos = qos_name(a->qos), *id = container_id_bare(a->id);

        if (!uid)
                return -ENOMEM;
        for (char *p = uid; *p; p++)
                if (*p == '-')
                        *p = '_';

        if (!qos)
                return asprintf_ret(ret, "kubepods.slice/kubepods-pod%s.slice/%s-%s.scope", uid, prefix, id);
        return asprintf_ret(ret, "kubepods.slice/kubepods-%s.slice/kubepods-%s-pod%s.slice/%s-%s.scope", qos,
                            qos, uid, prefix, id);
}

static int cgroupfs_path(const ContainerAddress *a, const char *prefix, char **ret) {
        const char *qos = qos_name(a->qos);

        return asprintf_ret(ret, "kubepods/%s%spod%s/%s%s", strempty(qos), qos ? "/" : "", a->pod_uid,
                            prefix, container_id_bare(a->id));
}

/* The n-th place where the container's cgroup may be, most likely first. -ENOENT when there are no more,
 * -EINVAL where uid or ID cannot be part of a path. */
int cgroup_candidate(const ContainerAddress *a, unsigned n, char **ret) {
        if (!uid_is_valid(a->pod_uid) || !container_id_is_valid(a->id))
                return -EINVAL;

        switch (n) {
        case 0:
                return systemd_path(a, "crio", ret);
        case 1:
                return systemd_path(a, "cri-containerd", ret);
        case 2:
                return cgroupfs_path(a, "", ret);
        case 3:
                return cgroupfs_path(a, "crio-", ret);
        default:
                return -ENOENT;
        }
}

/* Whether a folder of this name is the container's group; for the search when no candidate exists. */
bool cgroup_name_is_container(const char *name, const char *id) {
        static const char *const prefixes[] = { "", "crio-", "cri-containerd-", "docker-" };

        if (!container_id_is_valid(id))
                return false;
        id = container_id_bare(id);
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
                const char *rest = startswith(name, prefixes[i]);

                rest = rest ? startswith(rest, id) : NULL;
                if (rest && (streq(rest, "") || streq(rest, ".scope")))
                        return true;
        }
        return false;
}

bool cgroup_name_is_kubepods(const char *name) {
        return streq(name, "kubepods") || streq(name, "kubepods.slice");
}

/* What the text of cgroup.events says: 1 where a process lives in the group or below it, 0 where none does,
 * -EBADMSG where the text does not tell. */
int cgroup_events_populated(const char *text) {
        for (const char *line = text; line && *line; line = strchr(line, '\n')) {
                const char *value;

                if (*line == '\n')
                        line++;
                value = startswith(line, "populated ");
                if (value && (value[0] == '0' || value[0] == '1') && (value[1] == '\n' || value[1] == '\0'))
                        return value[0] == '1';
        }
        return -EBADMSG;
}
