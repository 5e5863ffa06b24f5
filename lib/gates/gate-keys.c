/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/gate-keys.h"

#include <limits.h>

#include "base/limits.h"
#include "base/parse.h"
#include "base/string-util.h"

#define NAMESPACE_MAX 63
#define NAME_LENGTH_MAX 253
#define TYPE_LENGTH_MAX 316 /* of a condition: a name with a prefix */
#define URL_LENGTH_MAX 2048
#define RANGES_MAX 32
#define MINIMUM_READY_MAX 1000000
#define BLANKS " \t"

static int refuse(GateReader *r, const char *why) {
        r->why = why;
        return -EINVAL;
}

static bool is_plain(const char *s) {
        for (; *s; s++)
                if ((unsigned char) *s <= ' ' || (unsigned char) *s >= 0x7f)
                        return false;
        return true;
}

/* Takes a text, "" for NULL. */
static int set_text(char **p, const char *value) {
        int k = free_and_strdup(p, *value ? value : NULL);

        return MIN(k, 0);
}

static int set_path(GateReader *r, char **p, const char *value) {
        if (*value && (*value != '/' || strlen(value) >= PATH_MAX))
                return refuse(r, "not an absolute path");
        return set_text(p, value);
}

static int set_timespan(GateReader *r, const char *value, usec_t *p, bool *has) {
        int k;

        if (*value) {
                k = parse_timespan(value, p);
                if (k < 0)
                        return refuse(r, k == -ERANGE ? "too long a time"
                                                      : "not a time span, as 90, 2min or 500ms are");
        } else
                *p = 0;
        *has = *value;
        return 0;
}

/* [Gate] */

static int parse_description(GateReader *r, const char *value) {
        char **p = &r->definition->description;
        int k = set_text(p, value);

        if (k < 0 || !*p)
                return k;
        strip_control(*p);
        (*p)[utf8_truncate(*p, LIMIT_MESSAGE)] = '\0';
        return 0;
}

static int parse_required(GateReader *r, const char *value) {
        int k = *value ? parse_boolean(value) : -1;

        if (*value && k < 0)
                return refuse(r, "neither yes nor no");
        r->definition->required = k;
        return 0;
}

static int parse_after(GateReader *r, const char *value) {
        _cleanup_(strv_freep) char **names = NULL;
        int k;

        if (!*value) {
                r->definition->after = strv_free(r->definition->after);
                return 0;
        }
        k = strv_split(value, BLANKS, &names);
        STRV_FOREACH(n, names) {
                if (k < 0)
                        break;
                if (!gate_name_is_valid(*n))
                        return refuse(r, "not the name of a gate");
                if (strv_length(r->definition->after) >= LIMIT_GATES)
                        return refuse(r, "too many gates");
                if (!strv_contains(r->definition->after, *n))
                        k = strv_extend(&r->definition->after, *n);
        }
        return k;
}

static int add_condition(GateReader *r, GateConditionKind kind, bool trigger, bool negate,
                         const char *argument) {
        GateDefinition *d = r->definition;
        GateCondition *grown;

        if (d->n_conditions >= LIMIT_CHECKS)
                return refuse(r, "too many conditions");
        grown = realloc(d->conditions, (d->n_conditions + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        d->conditions = grown;
        grown[d->n_conditions] = (GateCondition){
                .kind = kind,
                .trigger = trigger,
                .negate = negate,
                .argument = strdup(argument),
        };
        return grown[d->n_conditions++].argument ? 0 : -ENOMEM;
}

static int parse_condition(GateReader *r, GateConditionKind kind, const char *value) {
        bool trigger, negate;

        /* As in systemd, all conditions of whatever kind. */
        if (!*value) {
                gate_definition_clear_conditions(r->definition);
                return 0;
        }
        trigger = *value == '|';
        if (trigger)
                value += 1 + strspn(value + 1, BLANKS);
        negate = *value == '!';
        if (negate)
                value += 1 + strspn(value + 1, BLANKS);
        if (kind == GATE_CONDITION_PATH_EXISTS && (*value != '/' || strlen(value) >= PATH_MAX))
                return refuse(r, "not an absolute path");
        if (kind == GATE_CONDITION_MICROSHIFT) {
                int k = gate_condition_split(value, NULL, NULL, NULL);

                if (k < 0)
                        return k == -EINVAL ? refuse(r, "neither KEY=VALUE nor KEY!=VALUE") : k;
        }
        return add_condition(r, kind, trigger, negate, value);
}

static int parse_condition_path_exists(GateReader *r, const char *value) {
        return parse_condition(r, GATE_CONDITION_PATH_EXISTS, value);
}

static int parse_condition_microshift(GateReader *r, const char *value) {
        return parse_condition(r, GATE_CONDITION_MICROSHIFT, value);
}

static int parse_settle(GateReader *r, const char *value) {
        usec_t u;

        if (*value && parse_timespan(value, &u) >= 0 && u == USEC_INFINITY)
                return refuse(r, "the gate would never open");
        return set_timespan(r, value, &r->definition->settle, &r->definition->has_settle);
}

static int parse_hold(GateReader *r, const char *value) {
        return set_timespan(r, value, &r->definition->hold, &r->definition->has_hold);
}

static int parse_unknown(GateReader *r, const char *value) {
        return set_timespan(r, value, &r->definition->unknown, &r->definition->has_unknown);
}

static int parse_on_unknown(GateReader *r, const char *value) {
        if (!*value || streq(value, "hold"))
                r->definition->on_unknown = ON_UNKNOWN_HOLD;
        else if (streq(value, "close"))
                r->definition->on_unknown = ON_UNKNOWN_CLOSE;
        else
                return refuse(r, "neither hold nor close");
        return 0;
}

/* The checks. */

static int parse_path(GateReader *r, const char *value) {
        if (!is_plain(value))
                return refuse(r, "not the path of a URL");
        return set_path(r, &r->check->path, value);
}

static int parse_node_name(GateReader *r, const char *value) {
        if (streq(value, "local"))
                value = "";
        else if (!streq(value, "*") &&
                 (!is_plain(value) || strlen(value) > NAME_LENGTH_MAX || strchr(value, '/')))
                return refuse(r, "neither local nor * nor the name of a node");
        return set_text(&r->check->name, value);
}

static int parse_namespace(GateReader *r, const char *value) {
        if (strlen(value) > NAMESPACE_MAX ||
            value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
                return refuse(r, "not the name of a namespace");
        return set_text(&r->check->namespace, value);
}

/* Names end up in paths. */
static int parse_name(GateReader *r, const char *value) {
        if (!is_plain(value) || strlen(value) > NAME_LENGTH_MAX || strpbrk(value, "/%?#*") ||
            streq(value, ".") || streq(value, ".."))
                return refuse(r, "not the name of an object");
        return set_text(&r->check->name, value);
}

static int parse_glob(GateReader *r, const char *value) {
        if (!is_plain(value) || strlen(value) > NAME_LENGTH_MAX)
                return refuse(r, "not a pattern of names");
        return set_text(&r->check->name, value);
}

static int parse_selector(GateReader *r, const char *value) {
        SelectorRequirement *requirements = NULL;
        size_t n = 0;
        int k;

        k = selector_parse(value, &requirements, &n, &r->detail);
        if (k < 0)
                return k;
        selector_free(r->check->requirements, r->check->n_requirements);
        r->check->requirements = requirements;
        r->check->n_requirements = n;
        return set_text(&r->check->selector, value);
}

static int parse_minimum_ready(GateReader *r, const char *value) {
        unsigned n;

        if (!*value) {
                r->check->minimum_ready = MINIMUM_READY_UNSET;
                return 0;
        }
        if (parse_unsigned(value, MINIMUM_READY_MAX, &n) < 0)
                return refuse(r, "not a number of pods");
        r->check->minimum_ready = (int) n;
        return 0;
}

static int parse_proof(GateReader *r, const char *value) {
        if (!*value || streq(value, "cgroup"))
                r->check->proof = PROOF_WANTED_CGROUP;
        else if (streq(value, "observed"))
                r->check->proof = PROOF_WANTED_OBSERVED;
        else if (streq(value, "none"))
                r->check->proof = PROOF_WANTED_NONE;
        else
                return refuse(r, "neither cgroup, observed nor none");
        return 0;
}

/* _KUBE_KIND_MAX stands for none. */
static int parse_kind(GateReader *r, const char *value) {
        KubeKind k = *value ? kube_kind_from_string(value) : _KUBE_KIND_MAX;

        if (*value && k != KUBE_DAEMONSET && k != KUBE_DEPLOYMENT && k != KUBE_STATEFULSET)
                return refuse(r, "neither DaemonSet, Deployment nor StatefulSet");
        r->check->workload = k;
        return 0;
}

static int parse_resource(GateReader *r, const char *value) {
        unsigned parts = 1;

        if (strlen(value) > NAME_LENGTH_MAX)
                return refuse(r, "too long");
        for (const char *s = value; *s; s++) {
                if (*s == '/') {
                        if (s == value || s[1] == '/' || s[1] == '\0')
                                return refuse(r, "neither GROUP/VERSION/PLURAL nor VERSION/PLURAL");
                        parts++;
                } else if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *s))
                        return refuse(r, "neither GROUP/VERSION/PLURAL nor VERSION/PLURAL, in lower case");
        }
        if (*value && (parts < 2 || parts > 3))
                return refuse(r, "neither GROUP/VERSION/PLURAL nor VERSION/PLURAL");
        return set_text(&r->check->resource, value);
}

static int parse_type(GateReader *r, const char *value) {
        if (!is_plain(value) || strlen(value) > TYPE_LENGTH_MAX)
                return refuse(r, "not the type of a condition");
        return set_text(&r->check->type, value);
}

static int parse_status(GateReader *r, const char *value) {
        KubeStatus s = *value ? kube_status_from_string(value) : KUBE_STATUS_TRUE;

        if ((int) s < 0)
                return refuse(r, "neither True, False nor Unknown");
        r->check->status = s;
        return 0;
}

static int parse_url(GateReader *r, const char *value) {
        const char *host = startswith(value, "https://") ?: startswith(value, "http://");
        size_t n;

        if (!*value)
                return set_text(&r->check->url, value);
        if (!host || !is_plain(value) || strlen(value) > URL_LENGTH_MAX)
                return refuse(r, "neither an http:// nor an https:// URL");
        n = strcspn(host, "/?#");
        if (n == 0 || host[0] == ':')
                return refuse(r, "a URL without a host");
        if (memchr(host, '@', n))
                return refuse(r, "a URL with a user in it, which is not supported");
        return set_text(&r->check->url, value);
}

static int parse_ca_file(GateReader *r, const char *value) {
        return set_path(r, &r->check->ca_file, value);
}

static int parse_interval(GateReader *r, const char *value) {
        bool has;
        usec_t u;
        int k;

        k = set_timespan(r, value, &u, &has);
        if (k < 0)
                return k;
        if (has && (u < USEC_PER_SEC || u == USEC_INFINITY))
                return refuse(r, "not at least a second, or never");
        r->check->interval = u;
        return 0;
}

static int add_range(GateReader *r, char *text) {
        CheckDefinition *c = r->check;
        StatusRange range, *grown;
        char *dash = strchr(text, '-');

        if (dash)
                *dash++ = '\0';
        if (parse_unsigned(text, 599, &range.from) < 0 || parse_unsigned(dash ?: text, 599, &range.to) < 0 ||
            range.from < 100 || range.to < range.from)
                return refuse(r, "neither a status of HTTP nor a range such as 200-299");
        if (c->n_expect >= RANGES_MAX)
                return refuse(r, "too many ranges");
        grown = realloc(c->expect, (c->n_expect + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        c->expect = grown;
        c->expect[c->n_expect++] = range;
        return 0;
}

static int parse_expect_status(GateReader *r, const char *value) {
        _cleanup_(strv_freep) char **texts = NULL;
        int k;

        if (!*value) {
                r->check->expect = mfree(r->check->expect);
                r->check->n_expect = 0;
                return 0;
        }
        k = strv_split(value, BLANKS ",", &texts);
        STRV_FOREACH(t, texts)
                if (k >= 0)
                        k = add_range(r, *t);
        return k;
}

static const struct {
        const char *section;
        const char *key;
        GateKeyParser parse;
} keys[] = {
        { "Gate", "Description", parse_description },
        { "Gate", "Required", parse_required },
        { "Gate", "After", parse_after },
        { "Gate", "ConditionPathExists", parse_condition_path_exists },
        { "Gate", "ConditionMicroShift", parse_condition_microshift },
        { "Gate", "SettleSec", parse_settle },
        { "Gate", "HoldSec", parse_hold },
        { "Gate", "UnknownSec", parse_unknown },
        { "Gate", "OnUnknown", parse_on_unknown },
        { "Api", "Path", parse_path },
        { "Node", "Name", parse_node_name },
        { "Pods", "Namespace", parse_namespace },
        { "Pods", "Selector", parse_selector },
        { "Pods", "Name", parse_glob },
        { "Pods", "MinimumReady", parse_minimum_ready },
        { "Pods", "Proof", parse_proof },
        { "Workload", "Kind", parse_kind },
        { "Workload", "Namespace", parse_namespace },
        { "Workload", "Name", parse_name },
        { "Workload", "MinimumReady", parse_minimum_ready },
        { "Workload", "Proof", parse_proof },
        { "Condition", "Resource", parse_resource },
        { "Condition", "Namespace", parse_namespace },
        { "Condition", "Name", parse_name },
        { "Condition", "Type", parse_type },
        { "Condition", "Status", parse_status },
        { "Endpoint", "URL", parse_url },
        { "Endpoint", "ExpectStatus", parse_expect_status },
        { "Endpoint", "CAFile", parse_ca_file },
        { "Endpoint", "IntervalSec", parse_interval },
};

/* What reads the values of that key in that kind of section; NULL where there is no such key. */
GateKeyParser gate_key_parser(const char *section, const char *key) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (streq(keys[i].key, key) && streq(keys[i].section, section))
                        return keys[i].parse;
        return NULL;
}
