/* SPDX-License-Identifier: Apache-2.0 */

/* Which cluster the states are about: rule R6, and the same while the daemon runs.
 *
 * A gate that is open lives on its grace, so it must not do so on the word of another cluster: the kubeconfig
 * may name another server, and at the same address MicroShift may have made another cluster. What tells two
 * clusters apart is the server's URL, its certificate authority, what the settings ask for, and the UID of our
 * node. What an earlier run has kept has to agree in all of these, each compared as soon as it is known. While
 * the daemon runs, a cluster may change its certificate authority, and an administrator may rename a context:
 * there the UID of our node decides, when the server that is asked now has listed it. */

#include "ready/cluster.h"

#include <stdio.h>

#include "base/string-util.h"

typedef enum Difference {
        DIFFERENCE_NONE,
        DIFFERENCE_SETTING,
        DIFFERENCE_SERVER,
} Difference;

void cluster_name_done(ClusterName *c) {
        free(c->server);
        free(c->ca);
        free(c->context);
        free(c->node);
        free(c->node_uid);
        *c = (ClusterName){};
}

static const char *scope_to_string(bool cluster) {
        return cluster ? "cluster" : "node";
}

/* The UID of our node as the present server has it, "" where it has no node of the UID that ours had, NULL where it is
 * not known yet. */
static const char *listed_uid(const ClusterName *c, const World *w) {
        const char *reason, *message;

        if (!world_role_in_sync(w, STREAM_NODES, NULL, &reason, &message))
                return NULL;
        if (w->node) /* one that cannot be read may have none */
                return w->node->is_former || isempty(w->node->object->uid) ? NULL : w->node->object->uid;
        return c->node_uid && !world_find_uid(w, KUBE_NODE, c->node_uid) ? "" : NULL;
}

/* What differs in what is known of both, in words. */
static Difference find_difference(const ClusterName *c, const World *w, char *text, size_t size) {
        if (c->server && w->server && !streq(c->server, w->server)) {
                snprintf(text, size, "its server was %s and is %s", c->server, w->server);
                return DIFFERENCE_SERVER;
        }
        if (c->server && w->server && !streq_ptr(c->ca, w->server_ca)) {
                snprintf(text, size, "its server has another certificate authority");
                return DIFFERENCE_SERVER;
        }
        if (!streq_ptr(c->context, w->context_setting))
                snprintf(text, size, "Context= was %s and is %s", c->context ?: "not set",
                         w->context_setting ?: "not set");
        else if (!streq_ptr(c->node, w->node_setting))
                snprintf(text, size, "Node= was %s and is %s", c->node ?: "local",
                         w->node_setting ?: "local");
        else if (c->cluster_scope != w->cluster_scope)
                snprintf(text, size, "Scope= was %s and is %s", scope_to_string(c->cluster_scope),
                         scope_to_string(w->cluster_scope));
        else
                return DIFFERENCE_NONE;
        return DIFFERENCE_SETTING;
}

/* Whether our node of the world is certainly not the one of c. */
static bool node_differs(const ClusterName *c, const char *uid, char *text, size_t size) {
        if (!c->node_uid || !uid || streq(c->node_uid, uid))
                return false;
        snprintf(text, size,
                 *uid ? "the node of this host has another UID"
                      : "no node has the UID that the node of this host had");
        return true;
}

/* Whether the world is certainly of another cluster, or of another part of it, than c; text gets what differs. */
bool cluster_name_is_other(const ClusterName *c, const World *w, char *text, size_t size) {
        const char *uid = listed_uid(c, w);
        Difference difference;

        if (!c->is_known)
                return false;
        difference = find_difference(c, w, text, size);
        if (c->is_restored)
                return difference != DIFFERENCE_NONE || node_differs(c, uid, text, size);
        if (difference == DIFFERENCE_NONE)
                return false;
        return c->node_uid ? node_differs(c, uid, text, size) : difference == DIFFERENCE_SERVER;
}

/* Makes c the name of the world's cluster, unless it is not certain yet that it is the same one. is_other: as
 * cluster_name_is_other() found it. -ENOMEM. */
int cluster_name_follow(ClusterName *c, const World *w, bool is_other) {
        const char *uid = listed_uid(c, w);
        int r;

        if (is_other)
                cluster_name_done(c);
        if (c->is_known && !c->is_restored && c->node_uid && !uid &&
            find_difference(c, w, NULL, 0) != DIFFERENCE_NONE)
                return 0;

        r = (w->server ? set_string(&c->server, w->server) ?: set_string(&c->ca, w->server_ca) : 0)
                    ?: set_string(&c->context, w->context_setting)
                    ?: set_string(&c->node, w->node_setting)
                    ?: (isempty(uid) ? 0 : set_string(&c->node_uid, uid));
        if (r < 0)
                return r;
        c->cluster_scope = w->cluster_scope;
        c->is_known = true;
        c->is_restored = c->is_restored && (!w->server || (c->node_uid && !uid));
        return 0;
}

void cluster_name_print(const ClusterName *c, JsonBuilder *b) {
        jb_object(b, "cluster");
        jb_string(b, "server", c->server);
        jb_string(b, "ca", c->ca);
        jb_string(b, "context", c->context);
        jb_string(b, "node", c->node);
        jb_string(b, "scope", scope_to_string(c->cluster_scope));
        jb_string(b, "nodeUid", c->node_uid);
        jb_end(b);
}

/* Reads what cluster_name_print() has written: a name that is still to be compared. -EBADMSG, -ENOMEM; c may be
 * changed in part then. */
int cluster_name_restore(ClusterName *c, const JsonValue *v) {
        const char *scope = jv_get_string(v, "scope");
        int r;

        if (!scope)
                return -EBADMSG;
        r = set_string(&c->server, jv_get_string(v, "server"))
                    ?: set_string(&c->ca, jv_get_string(v, "ca"))
                    ?: set_string(&c->context, jv_get_string(v, "context"))
                    ?: set_string(&c->node, jv_get_string(v, "node"))
                    ?: set_string(&c->node_uid, jv_get_string(v, "nodeUid"));
        if (r < 0)
                return r;
        c->cluster_scope = streq(scope, scope_to_string(true));
        c->is_known = c->is_restored = true;
        return 0;
}
