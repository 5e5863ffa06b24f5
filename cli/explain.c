/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <stdio.h>

#include "base/string-util.h"
#include "describe.h"
#include "headline.h"
#include "verbs.h"

/* Explains from the verdict down to the object, with the commands that show more. A command is printed only if its
 * names have the letters that Kubernetes allows: people paste it into a root shell. */

#define MICROSHIFT_LOG "journalctl -b -u microshift.service"

static const struct {
        const char *kind;
        const char *resource; /* the name that oc knows */
} resources[] = {
        { "Pod", "pod" },
        { "Node", "node" },
        { "DaemonSet", "daemonset" },
        { "Deployment", "deployment" },
        { "StatefulSet", "statefulset" },
        { "ReplicaSet", "replicaset" },
};

/* More to look at, by reason; a reason may have several rows. */
static const struct {
        const char *reason; /* a glob */
        const char *command;
} by_reason[] = {
        { "*ImagePull*", "journalctl -b -u crio.service" },
        { "*ImagePull*", "crictl images" },
        { "ErrImage*", "journalctl -b -u crio.service" },
        { "StaleBoot", MICROSHIFT_LOG },
        { "KubeletSilent", MICROSHIFT_LOG },
        { "Node*", MICROSHIFT_LOG },
        { "Api*", MICROSHIFT_LOG },
        { "Api*", "systemctl status microshift.service" },
        { "NotSynced", "journalctl -b -u msready.service" },
        { "Unproven", "systemd-cgls /kubepods.slice" },
        { "Unproven", "crictl ps -a" },
        { "Unauthorized", "journalctl -b -u msready.service" },
        { "Forbidden", "journalctl -b -u msready.service" },
        { "Kubeconfig*", "ls -l /var/lib/microshift/resources/kubeadmin/kubeconfig" },
        { "Kubeconfig*", "journalctl -b -u msready.service" },
        { "Clock", "timedatectl" },
        { "InvalidGate", "msready check-config" },
};

static bool is_name(const char *s) {
        return s && s[0] && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(s) && s[0] != '-';
}

static void put_object_commands(Output *out, const JsonValue *object, const char *reason) {
        const char *kind = jv_get_string(object, "kind"), *namespace = jv_get_string(object, "namespace"),
                   *name = jv_get_string(object, "name");
        const char *resource = NULL;

        for (size_t i = 0; i < ELEMENTSOF(resources); i++)
                if (streq_ptr(resources[i].kind, kind))
                        resource = resources[i].resource;
        /* [Condition] names a resource itself. */
        if (kind && islower((unsigned char) kind[0]) && is_name(kind))
                resource = kind;
        if (!resource || !is_name(name) || (namespace && !is_name(namespace)))
                return;

        /* The name of a gate's node that is not known. */
        if (streq(resource, "node") && streq(name, "local")) {
                out_printf(out, "      $ oc get nodes\n");
                return;
        }
        out_printf(out, "      $ oc describe %s%s%s %s\n", resource, namespace ? " -n " : "",
                   strempty(namespace), name);
        if (namespace && streq(resource, "pod") && (strstr(reason, "Crash") || strstr(reason, "Error")))
                out_printf(out, "      $ oc logs -n %s %s --all-containers --previous\n", namespace, name);
        if (namespace && !streq(resource, "pod"))
                out_printf(out, "      $ oc get pods -n %s -o wide\n", namespace);
}

/* The blockers explained so far: a cause that blocks all gates, such as an unreachable API server, is explained
 * once. */
typedef struct Told {
        const JsonValue *blockers[32];
        size_t n;
} Told;

static const JsonValue *find_told(Told *told, const JsonValue *blocker) {
        for (size_t i = 0; i < told->n; i++)
                if (is_same_cause(told->blockers[i], blocker))
                        return told->blockers[i];
        if (told->n < ELEMENTSOF(told->blockers))
                told->blockers[told->n++] = blocker;
        return NULL;
}

static void put_blocker(Output *out, const JsonValue *blocker, Told *told, usec_t now) {
        const JsonValue *same = find_told(told, blocker);
        const char *reason = strempty(jv_get_string(blocker, "reason"));

        out_put(out, "\n");
        render_blocker_line(out, 2, NULL, blocker, now);
        if (same) {
                out_put(out, "      Same cause as ");
                render_object(out, jv_get(same, "object"));
                out_put(out, ".\n");
        } else
                render_blocker_words(out, blocker, 6);
        put_object_commands(out, jv_get(blocker, "object"), reason);
        for (size_t i = 0; !same && i < ELEMENTSOF(by_reason); i++)
                if (glob_matches(by_reason[i].reason, reason))
                        out_printf(out, "      $ %s\n", by_reason[i].command);
}

static void put_clock(Output *out, const JsonValue *gate, usec_t now) {
        const char *clock = jv_get_string(gate, "clock");
        char span[TIMESPAN_MAX];

        if (!clock)
                return;
        span_to_words(span, usec_sub(get_usec(gate, "clockEndsBoottimeUSec"), now));
        if (streq(clock, "settle"))
                out_printf(out, "  Its checks pass; it opens in %s.\n", span);
        else if (streq(clock, "hold"))
                out_printf(out, "  Its checks fail; it becomes lost in %s unless they pass.\n", span);
        else if (streq(clock, "grace"))
                out_printf(out, "  No evidence; it becomes unknown in %s unless evidence arrives.\n", span);
}

static void put_heading(Output *out, const JsonValue *gate, usec_t now) {
        const char *description = jv_get_string(gate, "description");
        size_t from = out->text.size;

        out_put(out, "\n");
        out_styled(out, STYLE_BOLD, jv_get_string(gate, "name"));
        if (!isempty(description)) {
                out_put(out, " (");
                out_text(out, description);
                out_put(out, ")");
        }
        headline_put_state(out, gate, NULL, now);
        if (get_state(gate) != GATE_DISABLED && !gate_is_invalid(gate))
                out_printf(out, ": %" PRIi64 " of %" PRIi64 " objects", jv_get_int(gate, "readyObjects", 0),
                           jv_get_int(gate, "totalObjects", 0));
        if (jv_get_int(gate, "totalContainers", 0) > 0)
                out_printf(out, ", %" PRIi64 " of %" PRIi64 " containers",
                           jv_get_int(gate, "readyContainers", 0), jv_get_int(gate, "totalContainers", 0));
        out_put(out, "\n");
        out_fold(out, from, 2);
}

static void put_cause(Output *out, const JsonValue *definitions, const char *name) {
        const JsonValue *definition = find_definition(definitions, name);

        if (!jv_get_string(definition, "cause"))
                return;
        render_cause(out, definition, 2);
        out_put(out, "      $ msready gates ");
        out_text(out, name);
        out_put(out, "\n");
}

/* Where another gate, explained itself, blocks this one, one line says so. */
static void put_gate(Output *out, const Snapshot *s, const JsonValue *gate, const JsonValue *definitions,
                     Told *told, usec_t now) {
        const char *name = jv_get_string(gate, "name");

        put_heading(out, gate, now);
        put_clock(out, gate, now);
        if (get_state(gate) == GATE_DISABLED)
                put_cause(out, definitions, name);
        JSON_FOREACH(blocker, jv_get(gate, "blockers")) {
                const char *whose = jv_get_string(blocker, "gate");

                if (!streq_ptr(whose, name) && snapshot_find(s, whose)) {
                        out_put(out, "  Blocked by gate ");
                        out_text(out, whose);
                        out_put(out, "; see its entry.\n");
                        break;
                }
                put_blocker(out, blocker, told, now);
        }
}

static void put_explanation(Output *out, const Options *options, const Snapshot *s,
                            const JsonValue *definitions) {
        bool named = *options->arguments, any = false;
        _cleanup_free_ const JsonValue **gates = snapshot_by_cause(s, named);
        usec_t now = s->told;
        Told told = {};

        if (!gates)
                out_fail(out, -ENOMEM);
        render_verdict(out, s, now);
        for (size_t i = 0; gates && i < s->n_gates; i++) {
                const JsonValue *gate = gates[i];

                if (!named && get_state(gate) == GATE_READY && gate_rests_on(gate) == RESTS_ON_EVIDENCE &&
                    !jv_get_string(gate, "clock"))
                        continue;
                any = true;
                put_gate(out, s, gate, definitions, &told, now);
        }
        if (!any && s->n_gates > 0)
                out_printf(out, "\nAll %zu gates are ready.\n", s->n_gates);
}

/* Explains each gate that is not ready, or the gates named, with all their blockers. */
int verb_explain(const Options *options) {
        return describe_and_show(options, true, put_explanation);
}
