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

/* Likewise for the uid of a pod. */
bool pod_uid_is_valid(const char *uid) {
        return consists_of(uid, ALPHANUMERIC "-", 1, 64);
}

static char *escape_uid(const char *uid) {
        char *escaped = strdup(uid);

        for (char *p = escaped; p && *p; p++)
                if (*p == '-')
                        *p = '_';
        return escaped;
}

static int systemd_path(const ContainerAddress *a, char **ret) {
        _cleanup_free_ char *uid = escape_uid(a->pod_uid);
        const char *qos = qos_name(a->qos);

        if (!uid)
                return -ENOMEM;
        if (!qos)
                return asprintf_ret(ret, "kubepods.slice/kubepods-pod%s.slice", uid);
        return asprintf_ret(ret, "kubepods.slice/kubepods-%s.slice/kubepods-%s-pod%s.slice", qos, qos, uid);
}

static int cgroupfs_path(const ContainerAddress *a, char **ret) {
        const char *qos = qos_name(a->qos);

        return asprintf_ret(ret, "kubepods/%s%spod%s", strempty(qos), qos ? "/" : "", a->pod_uid);
}

/* The n-th place where the pod's group may be, which has the groups of its containers in it; a->id does not matter.
 * -ENOENT when there are no more, -EINVAL where the uid cannot be part of a path. */
int cgroup_pod_candidate(const ContainerAddress *a, unsigned n, char **ret) {
        if (!pod_uid_is_valid(a->pod_uid))
                return -EINVAL;
        return n == 0 ? systemd_path(a, ret) : n == 1 ? cgroupfs_path(a, ret) : -ENOENT;
}

/* The n-th place where the container's group may be, most likely first. -ENOENT when there are no more,
 * -EINVAL where uid or ID cannot be part of a path. */
int cgroup_candidate(const ContainerAddress *a, unsigned n, char **ret) {
        static const struct {
                unsigned pod; /* where */
                const char *prefix, *suffix;
        } places[] = {
                { 0, "crio-", ".scope" },
                { 0, "cri-containerd-", ".scope" },
                { 1, "", "" },
                { 1, "crio-", "" },
        };
        _cleanup_free_ char *pod = NULL;
        int r;

        if (!pod_uid_is_valid(a->pod_uid) || !container_id_is_valid(a->id))
                return -EINVAL;
        if (n >= ELEMENTSOF(places))
                return -ENOENT;

        r = cgroup_pod_candidate(a, places[n].pod, &pod);
        if (r < 0)
                return r;
        return asprintf_ret(ret, "%s/%s%s%s", pod, places[n].prefix, container_id_bare(a->id),
                            places[n].suffix);
}

/* What a container's group is named, around its ID. */
static const char *const prefixes[] = { "", "crio-", "cri-containerd-", "docker-" };

/* Whether a folder of this name is the container's group; for the search when no candidate exists. */
bool cgroup_name_is_container(const char *name, const char *id) {
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

/* Reads the ID out of the name of some container's group, or of a sandbox's. False where it is no such name: here
 * only what the runtimes themselves give counts as an ID. */
bool cgroup_name_read_id(const char *name, char ret[static CONTAINER_ID_SIZE + 1]) {
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
                const char *id = startswith(name, prefixes[i]), *rest;

                if (!id || strspn(id, "0123456789abcdef") != CONTAINER_ID_SIZE)
                        continue;
                rest = id + CONTAINER_ID_SIZE;
                if (!streq(rest, "") && !streq(rest, ".scope"))
                        continue;
                memcpy(ret, id, CONTAINER_ID_SIZE);
                ret[CONTAINER_ID_SIZE] = '\0';
                return true;
        }
        return false;
}

/* Whether a folder of this name is the pod's group, whatever the names of its parents are. */
bool cgroup_name_is_pod(const char *name, const char *uid) {
        size_t size = strlen("-pod.slice") + strlen(uid);

        if (!pod_uid_is_valid(uid))
                return false;
        if (startswith(name, "pod") && streq(name + strlen("pod"), uid))
                return true;

        if (strlen(name) < size)
                return false;
        name = startswith(name + strlen(name) - size, "-pod");
        for (; name && *uid; uid++, name++)
                if (*name != (*uid == '-' ? '_' : *uid))
                        return false;
        return name && streq(name, ".slice");
}

/* Whether a folder of this name has the groups of all pods: systemd names a slice after all that it is in. */
bool cgroup_name_is_kubepods(const char *name) {
        return streq(name, "kubepods") || streq(name, "kubepods.slice") || endswith(name, "-kubepods.slice");
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
