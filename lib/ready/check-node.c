/* SPDX-License-Identifier: Apache-2.0 */

/* [Node]: this host's node, the node of a name, or every node ("*") is ready in the sense of rule R1. */

#include "ready/check-kinds.h"

#include "base/string-util.h"
#include "base/value.h"
#include "kube/name.h"

static int parse_name(void *p, const char *value, const char **why) {
        if (streq(value, "local"))
                value = "";
        else if (*value && !streq(value, "*") && !kube_name_is_valid(value))
                return value_refuse(why, value_has_specifier(value)
                                                 ? VALUE_SPECIFIER ", local for this host's node"
                                                 : "must be local, * or a name that a node can "
                                                   "have: " KUBE_NAME_WORDS);
        return value_set_text(p, value);
}

static const CheckKeyType name_type = CHECK_KEY_TEXT(parse_name);

static int describe(const CheckDefinition *d, char **ret) {
        return asprintf_ret(ret, "node %s", CHECK_AS(NodeDefinition, d)->name ?: "local");
}

static bool wants_other_nodes(const CheckDefinition *d) {
        return CHECK_AS(NodeDefinition, d)->name;
}

/* Any node may be the one whose name is not known. */
static int call_back(const World *w, Watched *watched, WatchedCallback callback, void *userdata) {
        const char *unnamed = world_unnamed(w, 1U << STREAM_NODES, NULL, NULL);

        if (unnamed)
                finding_set(&watched->finding, EVIDENCE_NONE, REASON_UNREADABLE, unnamed);
        return callback(watched, userdata);
}

static int missing(const World *w, const char *name, const char *reason, const char *message,
                   WatchedCallback callback, void *userdata) {
        Watched watched = {
                .kind = "Node",
                .namespace = "",
                .name = name,
                .finding = { .evidence = streq(reason, REASON_UNREADABLE) ? EVIDENCE_NONE : EVIDENCE_FALSE,
                             .proof = PROOF_MISSING,
                             .reason = reason,
                             .message = message },
                .since = w->api_changed,
                .is_unnamed = streq(name, "local") || streq(name, "*"),
        };
        const char *why, *detail;

        if (!world_role_in_sync(w, STREAM_NODES, NULL, &why, &detail))
                finding_set(&watched.finding, EVIDENCE_NONE, why, detail);
        return call_back(w, &watched, callback, userdata);
}

static int present(const World *w, const WorldObject *node, WatchedCallback callback, void *userdata) {
        Watched watched = {
                .kind = "Node",
                .namespace = "",
                .name = node->object->name,
                .object = node,
                .since = node->changed,
        };

        node_judge(w, node, &watched.finding);
        return call_back(w, &watched, callback, userdata);
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        const char *name = CHECK_AS(NodeDefinition, c->definition)->name;
        const WorldObject *node;
        NodeChoice choice;
        bool any = false;
        int r;

        if (!name) {
                if (w->node)
                        return present(w, w->node, callback, userdata);
                node_choose(w, &choice);
                return missing(w, "local", choice.reason ?: REASON_NODE_NOT_REGISTERED, choice.message,
                               callback, userdata);
        }

        if (!streq(name, "*")) {
                node = world_find(w, KUBE_NODE, "", name);
                return node ? present(w, node, callback, userdata)
                            : missing(w, name, REASON_NOT_FOUND, "no node has this name", callback,
                                      userdata);
        }

        WORLD_FOREACH(o, w, KUBE_NODE) {
                any = true;
                r = present(w, o, callback, userdata);
                if (r < 0)
                        return r;
        }
        return any ? 0 : missing(w, "*", REASON_NODE_NOT_REGISTERED, "there is no node", callback, userdata);
}

#define MEMBER(m) offsetof(NodeDefinition, m)

static const CheckKey keys[] = {
        { "Name", MEMBER(name), &name_type },
        {},
};

const CheckKind check_kind_node = {
        .syntax = {
                .section = "Node",
                .size = sizeof(NodeDefinition),
                .keys = keys,
                .describe = describe,
        },
        .roles = 1 << STREAM_NODES,
        .wants_other_nodes = wants_other_nodes,
        .judge = check_count_listed,
        .list = list,
};
