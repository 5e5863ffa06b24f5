/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/selector.h"
#include "ready/question.h"
#include "ready/tally.h"

/* The kinds of checks: the contents of their sections, and their descriptors, each of which is in check-KIND.c. */

/* Casts a definition whose kind is known. */
#define CHECK_AS(type, d) ((const type *) (d))

typedef struct ApiDefinition {
        CheckDefinition definition;
        char *path;
} ApiDefinition;

typedef struct NodeDefinition {
        CheckDefinition definition;
        char *name; /* NULL: this host's; "*": all */
} NodeDefinition;

typedef struct PodsDefinition {
        TallyDefinition tally; /* name is a pattern, and may be NULL */
        struct PodsSelector {
                char *text; /* NULL: any pod */
                SelectorRequirement *requirements;
                size_t n_requirements;
        } selector;
} PodsDefinition;

typedef struct WorkloadDefinition {
        TallyDefinition tally;
        KubeKind kind; /* KUBE_DAEMONSET, KUBE_DEPLOYMENT, KUBE_STATEFULSET */
        bool any_revision;
} WorkloadDefinition;

typedef struct ConditionDefinition {
        CheckDefinition definition;
        char *resource;  /* "GROUP/VERSION/PLURAL", "VERSION/PLURAL" for the core group */
        char *namespace; /* NULL: an object without one */
        char *name;
        char *type; /* NULL: field and value are asked for */
        KubeStatus status;
        char *field; /* a path, see kube/field.h */
        char *value;
} ConditionDefinition;

int check_condition_question(const CheckDefinition *d, char **ret);

/* An inclusive range of HTTP statuses. */
typedef struct StatusRange {
        unsigned from, to;
} StatusRange;

typedef struct EndpointDefinition {
        QuestionDefinition question; /* address is a URL */
        struct ExpectedStatus {
                StatusRange *ranges;
                size_t n_ranges;
                bool is_default;
        } expect;
        char *ca_file; /* NULL: the system's CAs */
} EndpointDefinition;

typedef struct SocketDefinition {
        QuestionDefinition question; /* address is /PATH, HOST:PORT or [IPV6]:PORT */
} SocketDefinition;

int check_socket_split(const char *address, char **ret_host, unsigned *ret_port);

extern const CheckKind check_kind_api;
extern const CheckKind check_kind_node;
extern const CheckKind check_kind_pods;
extern const CheckKind check_kind_workload;
extern const CheckKind check_kind_condition;
extern const CheckKind check_kind_endpoint;
extern const CheckKind check_kind_socket;

extern const CheckKind *const check_kinds[]; /* ends with NULL */
const CheckSyntax *check_find_syntax(const char *section, const char **ret_nearest);
