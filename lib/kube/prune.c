/* SPDX-License-Identifier: Apache-2.0 */

/* Two thirds of an object are things that msready does not read: who set which field, volumes, probes, the
 * environment of containers. Making a tree of them is the largest cost of keeping an object, so they are cut
 * out of its text first. The tables below name what is cut, and all else stays: code that reads another
 * member of an object need not look here unless that is in them. */

#include "kube/prune.h"

#include "kube/cursor.h"

/* What to do with a member of that name: cut it, or go into it by another table; for an array, into each
 * element. */
typedef struct Cut {
        const char *key;
        const struct Cut *inner; /* NULL: cut */
} Cut;

static const Cut cut_container[] = {
        { "args" },
        { "command" },
        { "env" },
        { "envFrom" },
        { "image" },
        { "lifecycle" },
        { "livenessProbe" },
        { "ports" },
        { "readinessProbe" },
        { "resources" },
        { "securityContext" },
        { "startupProbe" },
        { "volumeMounts" },
        {},
};

static const Cut cut_pod_spec[] = {
        { "affinity" },
        { "containers", cut_container },
        { "ephemeralContainers" },
        { "initContainers", cut_container },
        { "securityContext" },
        { "tolerations" },
        { "topologySpreadConstraints" },
        { "volumes" },
        {},
};

static const Cut cut_container_status[] = { { "allocatedResources" }, { "image" },        { "imageID" },
                                            { "resources" },          { "volumeMounts" }, {} };

static const Cut cut_pod_status[] = {
        { "containerStatuses", cut_container_status },
        { "ephemeralContainerStatuses" },
        { "hostIPs" },
        { "initContainerStatuses", cut_container_status },
        { "podIPs" },
        {},
};

static const Cut cut_pod_metadata[] = { { "managedFields" }, {} };

static const Cut cut_metadata[] = { { "annotations" }, { "managedFields" }, {} };

static const Cut cut_pod[] = {
        { "metadata", cut_pod_metadata },
        { "spec", cut_pod_spec },
        { "status", cut_pod_status },
        {},
};

/* The revision of a workload is an annotation. This one repeats the whole object. */
static const Cut cut_annotations[] = { { "kubectl.kubernetes.io/last-applied-configuration" }, {} };

static const Cut cut_workload_metadata[] = {
        { "annotations", cut_annotations },
        { "managedFields" },
        {},
};

static const Cut cut_template_spec[] = { { "containers" }, { "initContainers" }, { "volumes" }, {} };

static const Cut cut_template[] = { { "metadata" }, { "spec", cut_template_spec }, {} };

static const Cut cut_workload_spec[] = { { "template", cut_template }, { "volumeClaimTemplates" }, {} };

static const Cut cut_workload[] = {
        { "metadata", cut_workload_metadata },
        { "spec", cut_workload_spec },
        {},
};

static const Cut cut_other[] = { { "metadata", cut_metadata }, {} };

/* A gate may ask for any of its fields. */
static const Cut cut_generic[] = { { "metadata", cut_pod_metadata }, {} };

static const Cut *const cut_table[_KUBE_KIND_MAX] = {
        [KUBE_NODE] = cut_other,           [KUBE_POD] = cut_pod,
        [KUBE_DAEMONSET] = cut_workload,   [KUBE_DEPLOYMENT] = cut_workload,
        [KUBE_STATEFULSET] = cut_workload, [KUBE_REPLICASET] = cut_workload,
        [KUBE_LEASE] = cut_other,          [KUBE_EVENT] = cut_other,
        [KUBE_GENERIC] = cut_generic,
};

static const Cut *find_cut(const Cut *cuts, KubePiece key) {
        for (; cuts->key; cuts++)
                if (piece_is(key, cuts->key))
                        return cuts;
        return NULL;
}

static char *put_bytes(char *to, const char *from, size_t size) {
        memmove(to, from, size);
        return to + size;
}

static int prune(KubePiece value, const Cut *cuts, char **to);

/* Writing never overtakes reading: each piece moves to where it was or to the left. */
static int prune_object(KubePiece object, const Cut *cuts, char **to) {
        KubeCursor c = cursor_enter(object);
        KubePiece key, value;
        bool first = true;
        int r;

        *(*to)++ = '{';
        while ((r = cursor_next_member(&c, &key, &value)) > 0) {
                const Cut *cut = find_cut(cuts, key);

                if (cut && !cut->inner)
                        continue;
                if (!first)
                        *(*to)++ = ',';
                first = false;
                *to = put_bytes(*to, key.at - 1, key.size + 2);
                *(*to)++ = ':';
                r = prune(value, cut ? cut->inner : NULL, to);
                if (r < 0)
                        return r;
        }
        *(*to)++ = '}';
        return r;
}

static int prune_array(KubePiece array, const Cut *cuts, char **to) {
        KubeCursor c = cursor_enter(array);
        KubePiece element;
        bool first = true;
        int r;

        *(*to)++ = '[';
        while ((r = cursor_next_element(&c, &element)) > 0) {
                if (!first)
                        *(*to)++ = ',';
                first = false;
                r = prune(element, cuts, to);
                if (r < 0)
                        return r;
        }
        *(*to)++ = ']';
        return r;
}

/* Recurses as deep as the tables above. */
static int prune(KubePiece value, const Cut *cuts, char **to) {
        if (cuts && piece_is_container(value, '{'))
                return prune_object(value, cuts, to);
        if (cuts && piece_is_container(value, '['))
                return prune_array(value, cuts, to);
        *to = put_bytes(*to, value.at, value.size);
        return 0;
}

/* Cuts what kube_object_parse() does not read out of the text of an object, in place. text has room for a
 * NUL behind *size bytes, and gets one. -EBADMSG if it is no JSON object; the text is spoilt then. */
int kube_prune(KubeKind kind, char *text, size_t *size) {
        char *to = text;
        int r;

        assert(kind >= 0 && kind < _KUBE_KIND_MAX);

        if (*size < 2 || text[0] != '{' || text[*size - 1] != '}')
                return -EBADMSG;
        r = prune_object((KubePiece){ text, *size }, cut_table[kind], &to);
        if (r < 0)
                return r;
        *to = '\0';
        *size = (size_t) (to - text);
        return 0;
}
