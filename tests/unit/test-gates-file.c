/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"
#include "joined.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "base/value.h"
#include "gates/definition.h"
#include "kube/name.h"
#include "ready/check-kinds.h"

static GateDefinition *parse_as(const char *name, const char *text) {
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        GateDefinition *d = NULL;

        assert_ok(conf_parse(name, "F", text, strlen(text), &conf));
        assert_ok(gate_definition_parse(name, conf, check_find_syntax, &d));
        return d;
}

static GateDefinition *parse(const char *text) {
        return parse_as("dns", text);
}

static void test_all_keys(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d = parse(
                "[Gate]\nDescription=Cluster  DNS\nRequired=yes\nAfter=node ovn\nAfter=node api\n"
                "ConditionPathExists=/x\nConditionPathExists=|!/y\nConditionMicroShift=ingress.status!=Removed\n"
                "ConditionMicroShiftDeploys=| ! 001-x\n"
                "SettleSec=2min\nHoldSec=infinity\nUnknownSec=0\nOnUnknown=close\n"
                "[Api]\n[Api live]\nPath=/livez\n"
                "[Node]\nName=local\n[Node all]\nName=*\n[Node one]\nName=host.example.com\n"
                "[Pods]\nNamespace=a\nSelector=app=x,tier in (b, c),!d\nName=x-*\nMinimumReady=0\nProof=observed\n"
                "[Workload]\nKind=DaemonSet\nNamespace=openshift-dns\nName=dns-default\n"
                "[Condition]\nResource=cert-manager.io/v1/certificates\nNamespace=n\nName=c\nType=Ready\n"
                "[Condition crd]\nResource=v1/nodes\nName=c\nType=X\nStatus=false\n"
                "[Endpoint]\nURL=https://app.example.com/\n"
                "[Endpoint e]\nURL=http://[::1]:80\nExpectStatus=200-299, 401\nCAFile=/ca\nIntervalSec=1min\n");
        CheckDefinition *const *c = d->checks;

        assert_null(d->invalid);
        assert_null(d->warnings);
        assert_string_equal(d->name, "dns");
        assert_string_equal(d->description, "Cluster DNS");
        assert_int_equal(d->required, 1);
        assert_int_equal(strv_length(d->after), 3);
        assert_string_equal(d->after[2], "api");
        assert_int_equal(d->n_conditions, 4);
        assert_string_equal(d->conditions[0].argument, "/x");
        assert_false(d->conditions[0].negate);
        assert_true(d->conditions[1].negate && d->conditions[1].trigger);
        assert_string_equal(d->conditions[1].argument, "/y");
        assert_int_equal(d->conditions[2].kind, GATE_CONDITION_MICROSHIFT);
        assert_int_equal(d->conditions[2].line, 8);
        assert_string_equal(d->conditions[2].file, "F");
        assert_int_equal(d->conditions[3].kind, GATE_CONDITION_MICROSHIFT_DEPLOYS);
        assert_true(d->conditions[3].negate && d->conditions[3].trigger);
        assert_string_equal(d->conditions[3].argument, "001-x");
        assert_true(d->has_settle && d->settle == 2 * USEC_PER_MINUTE);
        assert_true(d->has_hold && d->hold == USEC_INFINITY);
        assert_true(d->has_unknown && d->unknown == 0);
        assert_int_equal(d->on_unknown, ON_UNKNOWN_CLOSE);

        assert_int_equal(d->n_checks, 11);
        assert_string_equal(CHECK_AS(ApiDefinition, c[0])->path, "/readyz");
        assert_string_equal(c[0]->label, "");
        assert_string_equal(CHECK_AS(ApiDefinition, c[1])->path, "/livez");
        assert_string_equal(c[1]->label, "live");
        assert_null(CHECK_AS(NodeDefinition, c[2])->name);
        assert_string_equal(CHECK_AS(NodeDefinition, c[3])->name, "*");
        assert_string_equal(CHECK_AS(NodeDefinition, c[4])->name, "host.example.com");
        assert_string_equal(CHECK_AS(PodsDefinition, c[5])->tally.namespace, "a");
        assert_string_equal(CHECK_AS(PodsDefinition, c[5])->selector.text, "app=x,tier in (b, c),!d");
        assert_int_equal(CHECK_AS(PodsDefinition, c[5])->selector.n_requirements, 3);
        assert_string_equal(CHECK_AS(PodsDefinition, c[5])->tally.name, "x-*");
        assert_int_equal(CHECK_AS(PodsDefinition, c[5])->tally.minimum_ready, 0);
        assert_int_equal(CHECK_AS(PodsDefinition, c[5])->tally.proof, PROOF_WANTED_OBSERVED);
        assert_int_equal(CHECK_AS(WorkloadDefinition, c[6])->kind, KUBE_DAEMONSET);
        assert_int_equal(CHECK_AS(WorkloadDefinition, c[6])->tally.minimum_ready, MINIMUM_READY_UNSET);
        assert_int_equal(CHECK_AS(WorkloadDefinition, c[6])->tally.proof, PROOF_WANTED_CGROUP);
        assert_string_equal(CHECK_AS(ConditionDefinition, c[7])->resource,
                            "cert-manager.io/v1/certificates");
        assert_int_equal(CHECK_AS(ConditionDefinition, c[7])->status, KUBE_STATUS_TRUE);
        assert_int_equal(CHECK_AS(ConditionDefinition, c[8])->status, KUBE_STATUS_FALSE);
        assert_null(CHECK_AS(ConditionDefinition, c[8])->namespace);
        assert_int_equal(CHECK_AS(EndpointDefinition, c[9])->expect.n_ranges, 1);
        assert_int_equal(CHECK_AS(EndpointDefinition, c[9])->expect.ranges[0].from, 200);
        assert_int_equal(CHECK_AS(EndpointDefinition, c[9])->expect.ranges[0].to, 399);
        assert_int_equal(CHECK_AS(EndpointDefinition, c[9])->question.interval, 0);
        assert_int_equal(CHECK_AS(EndpointDefinition, c[10])->expect.n_ranges, 2);
        assert_int_equal(CHECK_AS(EndpointDefinition, c[10])->expect.ranges[1].to, 401);
        assert_string_equal(CHECK_AS(EndpointDefinition, c[10])->ca_file, "/ca");
        assert_true(CHECK_AS(EndpointDefinition, c[10])->question.interval == USEC_PER_MINUTE);
}

static void test_revision(void **state) {
        static const struct {
                const char *line;
                bool any;
        } rows[] = { { "", false },
                     { "Revision=newest\n", false },
                     { "Revision=any\n", true },
                     { "Revision=any\nRevision=\n", false } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
                char text[128];

                snprintf(text, sizeof(text), "[Workload]\nKind=DaemonSet\nNamespace=a\nName=b\n%s",
                         rows[i].line);
                d = parse(text);
                assert_null(d->invalid);
                assert_int_equal(CHECK_AS(WorkloadDefinition, d->checks[0])->any_revision, rows[i].any);
        }
}

static void test_defaults(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d = parse("[Api]\n");

        assert_null(d->invalid);
        assert_int_equal(d->required, -1);
        assert_null(d->description);
        assert_false(d->has_settle || d->has_hold || d->has_unknown);
        assert_int_equal(d->on_unknown, ON_UNKNOWN_HOLD);
        assert_string_equal(d->files[0], "F");
}

static void test_reset(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d = parse(
                "[Gate]\nDescription=x\nDescription=\nRequired=no\nRequired=\nAfter=a\nAfter=\nAfter=b\n"
                "ConditionPathExists=/x\nConditionMicroShift=ingress.status=Managed\n"
                "ConditionMicroShiftDeploys=x\nConditionPathExists=\n"
                "SettleSec=5\nSettleSec=\nOnUnknown=close\nOnUnknown=\n"
                "[Pods]\nNamespace=a\nNamespace=\nSelector=a=b\nSelector=\nMinimumReady=2\nMinimumReady=\n"
                "Proof=none\nProof=\n"
                "[Endpoint]\nURL=http://a\nExpectStatus=500\nExpectStatus=\nIntervalSec=9\nIntervalSec=\n");

        assert_null(d->invalid);
        assert_null(d->description);
        assert_int_equal(d->required, -1);
        assert_int_equal(strv_length(d->after), 1);
        assert_int_equal(d->n_conditions, 0);
        assert_false(d->has_settle);
        assert_int_equal(d->on_unknown, ON_UNKNOWN_HOLD);
        assert_null(CHECK_AS(PodsDefinition, d->checks[0])->tally.namespace);
        assert_null(CHECK_AS(PodsDefinition, d->checks[0])->selector.text);
        assert_int_equal(CHECK_AS(PodsDefinition, d->checks[0])->selector.n_requirements, 0);
        assert_int_equal(CHECK_AS(PodsDefinition, d->checks[0])->tally.minimum_ready, MINIMUM_READY_UNSET);
        assert_int_equal(CHECK_AS(PodsDefinition, d->checks[0])->tally.proof, PROOF_WANTED_CGROUP);
        assert_int_equal(CHECK_AS(EndpointDefinition, d->checks[1])->expect.n_ranges, 1);
        assert_int_equal(CHECK_AS(EndpointDefinition, d->checks[1])->expect.ranges[0].from, 200);
        assert_int_equal(CHECK_AS(EndpointDefinition, d->checks[1])->question.interval, 0);
}

#define TEN "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
#define LONG_CUT TEN TEN TEN TEN TEN TEN "\u00e9\u00e9\u00e9"
#define SIXTY "012345678901234567890123456789012345678901234567890123456789"
#define LONG TEN TEN TEN TEN TEN TEN TEN
#define CONDITION "[Condition]\nResource=a/v1/b\nName=x\n"
#define NO_RESOURCE "must be GROUP/VERSION/PLURAL or VERSION/PLURAL, in lower case"

static void test_invalid(void **state) {
        static const struct {
                const char *text;
                const char *invalid;
        } rows[] = {
                { "", "F: no checks" },
                { "[Gate]\nRequired=yes\n", "F: no checks" },
                { "[Gate]\nRequired=maybe\n[Api]\n", "F:2: Required=maybe: must be yes or no" },
                { "[Gate]\nAfter=Dns\n[Api]\n",
                  "F:2: After=Dns: must be names of gates: a-z, 0-9 and inner dashes, 63 at most" },
                { "[Gate x]\n[Api]\n", "F:1: [Gate] takes no label" },
                { "[Gate]\nSettleSec=infinity\n[Api]\n",
                  "F:2: SettleSec=infinity: the gate would never open" },
                { "[Gate]\nHoldSec=soon\n[Api]\n",
                  "F:2: HoldSec=soon: must be a time span such as 90, 2min or 500ms" },
                { "[Gate]\nUnknownSec=9999999y\n[Api]\n", "F:2: UnknownSec=9999999y: too long a time" },
                { "[Gate]\nOnUnknown=keep\n[Api]\n", "F:2: OnUnknown=keep: must be hold or close" },
                { "[Gate]\nConditionPathExists=x\n[Api]\n",
                  "F:2: ConditionPathExists=x: must be an absolute path, which begins with /" },
                { "[Gate]\nConditionMicroShift=x\n[Api]\n",
                  "F:2: ConditionMicroShift=x: must be KEY=VALUE or KEY!=VALUE" },
                { "[Gate]\nConditionMicroShift=|!=x\n[Api]\n",
                  "F:2: ConditionMicroShift=|!=x: must be KEY=VALUE or KEY!=VALUE" },
                { "[Gate]\nConditionMicroShiftDeploys=/usr/lib/x\n[Api]\n",
                  "F:2: ConditionMicroShiftDeploys=/usr/lib/x: not the name of a folder" },
                { "[Gate]\nConditionMicroShiftDeploys=!\n[Api]\n",
                  "F:2: ConditionMicroShiftDeploys=!: not the name of a folder" },
                { "[Gate]\nConditionMicroShiftDeploys=..\n[Api]\n",
                  "F:2: ConditionMicroShiftDeploys=..: not the name of a folder" },
                { "[Workloads]\n[Api]\n", "F:1: unknown section [Workloads], did you mean [Workload]?" },
                { "[gate]\n[Api]\n", "F:1: unknown section [gate], did you mean [Gate]?" },
                { "[Storage]\n[Api]\n", "F:1: unknown section [Storage]" },
                { "[Api]\n[Api]\n", "F:2: [Api] occurs twice; give them labels" },
                { "[Pods a]\n[Pods b]\n[Pods a]\n", "F:3: [Pods a] occurs twice" },
                { "[Api]\nPath=readyz\n",
                  "F:2: Path=readyz: must be an absolute path, which begins with /" },
                { "[Api]\nPath=/a b\n", "F:2: Path=/a b: not the path of a URL" },
                { "[Node]\nName=a/b\n",
                  "F:2: Name=a/b: must be local, * or a name that a node can have: " KUBE_NAME_WORDS },
                { "[Pods]\nNamespace=A\n",
                  "F:2: Namespace=A: not a name that a namespace can have: " KUBE_NAMESPACE_WORDS },
                { "[Pods]\nSelector=a in b\n", "F:2: Selector=a in b: \"(\" is missing after in or notin" },
                { "[Pods]\nMinimumReady=-1\n", "F:2: MinimumReady=-1: not a number of pods: 0 to 1000000" },
                { "[Pods]\nProof=trust\n", "F:2: Proof=trust: must be cgroup, observed or none" },
                { "[Workload]\nRevision=newes\n", "F:2: Revision=newes: must be newest or any" },
                { "[Workload]\nKind=Pod\n", "F:2: Kind=Pod: must be Deployment, DaemonSet or StatefulSet" },
                { "[Workload]\nKind=ReplicaSet\n",
                  "F:2: Kind=ReplicaSet: must be Deployment, DaemonSet or StatefulSet" },
                { "[Workload]\nNamespace=a\nName=b\n", "F:1: [Workload] lacks Kind=" },
                { "[Workload w]\nKind=Deployment\nName=b\n", "F:1: [Workload w] lacks Namespace=" },
                { "[Workload]\nKind=Deployment\nNamespace=b\n", "F:1: [Workload] lacks Name=" },
                { "[Workload]\nKind=Deployment\nNamespace=b\nName=../secrets\n",
                  "F:4: Name=../secrets: not a name that an object can have: " KUBE_NAME_WORDS },
                { CONDITION, "F:1: [Condition] lacks Type= or Field=" },
                { CONDITION "Type=T\nField=a.b\nValue=c\n", "F:1: [Condition] has both Type= and Field=" },
                { CONDITION "Field=a.b\n", "F:1: [Condition] lacks Value=" },
                { CONDITION "Type=T\nValue=c\n",
                  "F:1: [Condition] has Value= with Type=, which needs Status=" },
                { CONDITION "Field=a\nValue=c\nStatus=True\n",
                  "F:1: [Condition] has Status= with Field=, which needs Value=" },
                { "[Condition]\nField=.status\n",
                  "F:2: Field=.status: must be names with dots between them, such as status.phase" },
                { "[Condition]\nResource=v1\n", "F:2: Resource=v1: " NO_RESOURCE },
                { "[Condition]\nResource=a//b\n", "F:2: Resource=a//b: " NO_RESOURCE },
                { "[Condition]\nResource=v1/-b\n", "F:2: Resource=v1/-b: " NO_RESOURCE },
                { "[Condition]\nResource=a/v1/B\n", "F:2: Resource=a/v1/B: " NO_RESOURCE },
                { "[Condition]\nStatus=yes\n", "F:2: Status=yes: must be True, False or Unknown" },
                { "[Endpoint]\n", "F:1: [Endpoint] lacks URL=" },
                { "[Endpoint]\nURL=ftp://a\n", "F:2: URL=ftp://a: must be an http:// or https:// URL" },
                { "[Endpoint]\nURL=http:///x\n", "F:2: URL=http:///x: a host is missing" },
                { "[Endpoint]\nURL=http://a:b@c/\n",
                  "F:2: URL=...: a URL with a user in it, which is not supported" },
                { "[Endpoint]\nURL=ftp://a:b@c/\n", "F:2: URL=...: must be an http:// or https:// URL" },
                /* Cut between two characters. */
                { "[Gate]\nRequired=x" LONG "\n[Api]\n", "F:2: Required=x" LONG_CUT ": must be yes or no" },
                { "[x" LONG "]\n", "F:1: unknown section [x" LONG_CUT "]" },
                { "[Endpoint]\nExpectStatus=299-200\n",
                  "F:2: ExpectStatus=299-200: must be an HTTP status or a range such as 200-299" },
                { "[Endpoint]\nExpectStatus=99\n",
                  "F:2: ExpectStatus=99: must be an HTTP status or a range such as 200-299" },
                { "[Endpoint]\nIntervalSec=10ms\n",
                  "F:2: IntervalSec=10ms: must be at least 1s, and not infinity" },
                { "[Endpoint]\nCAFile=ca.pem\n",
                  "F:2: CAFile=ca.pem: must be an absolute path, which begins with /" },
                { "[Socket]\n", "F:1: [Socket] lacks Connect=" },
                { "[Socket]\nConnect=1883\n", "F:2: Connect=1883: must be /PATH, HOST:PORT or [IPV6]:PORT" },
                { "[Socket]\nConnect=run/mqtt\n",
                  "F:2: Connect=run/mqtt: must be /PATH, HOST:PORT or [IPV6]:PORT" },
                { "[Socket]\nConnect=:1883\n", "F:2: Connect=:1883: a host is missing" },
                { "[Socket]\nConnect=host:0\n",
                  "F:2: Connect=host:0: not a port: a number from 1 to 65535" },
                { "[Socket]\nConnect=host:65536\n",
                  "F:2: Connect=host:65536: not a port: a number from 1 to 65535" },
                { "[Socket]\nConnect=::1:80\n",
                  "F:2: Connect=::1:80: an IPv6 address without its brackets: [IPV6]:PORT" },
                { "[Socket]\nConnect=[::g]:80\n",
                  "F:2: Connect=[::g]:80: brackets around what is no IPv6 address" },
                { "[Socket]\nConnect=[host]:80\n",
                  "F:2: Connect=[host]:80: brackets around what is no IPv6 address" },
                { "[Socket]\nConnect=1.2.3:80\n",
                  "F:2: Connect=1.2.3:80: must be a host name or an IP address" },
                { "[Socket]\nConnect=\"host:80\"\n", "F:2: Connect=\"host:80\": " VALUE_QUOTED },
                { "[Socket]\nConnect=tcp://host:80\n",
                  "F:2: Connect=tcp://host:80: must be /PATH, HOST:PORT or [IPV6]:PORT" },
                { "[Socket]\nConnect=a:b@host:80\n",
                  "F:2: Connect=...: must be /PATH, HOST:PORT or [IPV6]:PORT" },
                { "[Socket]\nConnect=/" SIXTY SIXTY "\n",
                  "F:2: Connect=/" SIXTY SIXTY
                  ": too long for the path of a socket, which has 107 bytes at most" },
                { "[Socket]\nConnect=/x\nIntervalSec=infinity\n",
                  "F:3: IntervalSec=infinity: must be at least 1s, and not infinity" },
                { "[Api]\nnonsense\n", "F:2: must be [SECTION] or KEY=VALUE" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(gate_definition_freep) GateDefinition *d = parse(rows[i].text);

                if (!d->invalid)
                        fail_msg("taken: %s", rows[i].text);
                assert_string_equal(d->invalid, rows[i].invalid);
        }
}

/* What is wrong keeps the rest: an invalid gate is required if its last readable Required= says so. */
static void test_required_of_invalid(void **state) {
        static const struct {
                const char *text;
                int required;
        } rows[] = {
                { "[Gate]\nRequired=yes\nRequired=bogus\n[Api]\n", 1 },
                { "[Gate]\nbroken\nRequired=yes\n[Api]\n", 1 },
                { "[Gate]\nHoldSec=x\nRequired=no\n", 0 },
                { "[Workload]\nKind=X\n[Gate]\nRequired=yes\n", 1 },
                { "broken\n", -1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(gate_definition_freep) GateDefinition *d = parse(rows[i].text);

                assert_non_null(d->invalid);
                assert_int_equal(d->required, rows[i].required);
        }
}

static void test_warnings(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d =
                parse("[Gate]\nColour=red\nX-Mine=1\nConditionMicroShift=ingres.status=Managed\n"
                      "[X-Vendor]\nA=b\n[Api]\nKind=x\n");

        assert_null(d->invalid);
        assert_int_equal(strv_length(d->warnings), 3);
        assert_string_equal(d->warnings[0], "F:2: unknown key Colour= in [Gate], ignoring");
        assert_string_equal(d->warnings[1], "F:8: unknown key Kind= in [Api], ignoring");
        assert_non_null(
                strstr(d->warnings[2], "F:4: msready does not know MicroShift's default of ingres.status"));
}

/* A key with a slip in it is told by the name of the key that was meant. */
static void test_nearest_key(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d =
                parse("[Gate]\nrequired=yes\n[Pods]\nNamespace=a\nNamspace=b\nPaths=c\n");

        assert_null(d->invalid);
        assert_joined(d->warnings, "\n",
                      "F:2: unknown key required= in [Gate], ignoring; did you mean Required=?\n"
                      "F:5: unknown key Namspace= in [Pods], ignoring; did you mean Namespace=?\n"
                      "F:6: unknown key Paths= in [Pods], ignoring");
}

/* A comment behind a value becomes part of it: that is told also where the value may have anything in it. */
static void test_comment_behind_a_value(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d =
                parse("[Gate]\nDescription=DNS # of the cluster\n[Api]\n");

        assert_null(d->invalid);
        assert_joined(d->warnings, "\n", "F:2: Description=DNS # of the cluster: " VALUE_COMMENTED);
}

/* All that is wrong is told, not only what is found first; but nothing that follows from another error. */
static void test_all_errors(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d =
                parse("[Gate]\nnonsense\nRequired=maybe\n[Workload]\nKind=Pod\nNamespace=a\n[Workloads]\n");

        assert_string_equal(d->invalid, "F:2: must be [SECTION] or KEY=VALUE");
        assert_joined(d->errors, "\n",
                      "F:3: Required=maybe: must be yes or no\n"
                      "F:5: Kind=Pod: must be Deployment, DaemonSet or StatefulSet\n"
                      "F:7: unknown section [Workloads], did you mean [Workload]?");
}

/* Each name of After= is kept with its place. */
static void test_places_of_after(void **state) {
        _cleanup_(gate_definition_freep) GateDefinition *d =
                parse("[Gate]\nAfter=x\nAfter=\nAfter=a b\nAfter=b c\n[Api]\n");

        assert_joined(d->after, " ", "a b c");
        assert_joined(d->after_places, " ", "F:4 F:4 F:5");
}

/* Nothing tells whether a condition without its controller is of this boot. */
static void test_lonely_condition(void **state) {
#define CERTIFICATE                                                                                         \
        "[Condition]\nResource=cert-manager.io/v1/certificates\nNamespace=shop\nName=web\nType=Ready\n"
        _cleanup_(gate_definition_freep)
                GateDefinition *alone = parse("[Gate]\n" CERTIFICATE),
                               *beside = parse(CERTIFICATE "[Pods]\nNamespace=cert-manager\n");

        assert_null(alone->invalid);
        assert_int_equal(strv_length(alone->warnings), 1);
        assert_non_null(strstr(alone->warnings[0], "F:2: [Condition] without its controller"));
        assert_null(beside->invalid);
        assert_null(beside->warnings);
}

/* MicroShift itself binds a volume claim, once: that is as true in the next boot. */
static void test_claim(void **state) {
#define CLAIM "[Condition]\nResource=v1/persistentvolumeclaims\nNamespace=shop\nName=data\n"
        _cleanup_(gate_definition_freep)
                GateDefinition *bound = parse(CLAIM "Field=status.phase\nValue=Bound\n"),
                               *resized = parse(CLAIM "Type=FileSystemResizePending\nStatus=False\n");

        assert_null(bound->invalid);
        assert_null(bound->warnings);
        assert_null(resized->invalid);
        assert_int_equal(strv_length(resized->warnings), 1);
}

static void test_names(void **state) {
        char name[65] = "";

        assert_true(gate_name_is_valid("a"));
        assert_true(gate_name_is_valid("0-b"));
        assert_false(gate_name_is_valid(""));
        assert_false(gate_name_is_valid("-a"));
        assert_false(gate_name_is_valid("a-"));
        assert_false(gate_name_is_valid("A"));
        assert_false(gate_name_is_valid("a.b"));
        assert_false(gate_name_is_valid("a\n"));
        memset(name, 'a', 63);
        assert_true(gate_name_is_valid(name));
        name[63] = 'a';
        assert_false(gate_name_is_valid(name));
        {
                _cleanup_(gate_definition_freep) GateDefinition *d =
                        parse_as("A\nb", "[Gate]\nRequired=yes\n[Api]\n");

                assert_non_null(strstr(d->invalid, "a gate's name"));
                assert_string_equal(d->name, "A b");
                assert_int_equal(d->required, 1);
        }
        {
                _cleanup_(gate_definition_freep) GateDefinition *d = parse_as("cluster", "[Api]\n");

                assert_non_null(strstr(d->invalid, "cluster means all required gates"));
        }
}

static void test_bounds(void **state) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));

        for (unsigned i = 0; i < LIMIT_CHECKS; i++)
                assert_ok(buffer_printf(&b, "[Api %u]\n", i));
        {
                _cleanup_(gate_definition_freep) GateDefinition *d = parse(b.data);

                assert_null(d->invalid);
                assert_int_equal(d->n_checks, LIMIT_CHECKS);
        }
        assert_ok(buffer_puts(&b, "[Api more]\nPath=/x\n"));
        {
                _cleanup_(gate_definition_freep) GateDefinition *d = parse(b.data);

                assert_string_equal(d->invalid, "F:65: too many checks");
                assert_int_equal(d->n_checks, LIMIT_CHECKS);
        }
}

static void test_equal(void **state) {
        static const char *const different[] = {
                "[Pods]\nNamespace=b\n",
                "[Pods]\nNamespace=a\nName=x\n",
                "[Pods]\nNamespace=a\nSelector=x\n",
                "[Pods]\nNamespace=a\nMinimumReady=1\n",
                "[Pods]\nNamespace=a\nProof=none\n",
                "[Pods]\nNamespace=a\n[Api]\n",
                "[Pods]\nNamespace=a\nbroken\n",
                "[Api]\n",
        };
        _cleanup_(gate_definition_freep)
                GateDefinition *a = parse("[Pods]\nNamespace=a\n"),
                               *b = parse("[Gate]\nRequired=yes\n[Pods x]\nNamespace=a\n");
        uint64_t x, y;

        assert_true(gate_definition_checks_equal(a, b));
        assert_ok(gate_definition_checks_hash(a, &x));
        assert_ok(gate_definition_checks_hash(b, &y));
        assert_true(x == y);
        for (size_t i = 0; i < ELEMENTSOF(different); i++) {
                _cleanup_(gate_definition_freep) GateDefinition *d = parse(different[i]);

                assert_false(gate_definition_checks_equal(a, d));
                assert_false(gate_definition_checks_equal(d, a));
                assert_ok(gate_definition_checks_hash(d, &y));
                assert_true(x != y);
        }
}

static void test_describe(void **state) {
        static const struct {
                const char *text;
                const char *words;
        } rows[] = {
                { "[Api]\n", "API /readyz" },
                { "[Node]\n", "node local" },
                { "[Pods]\nNamespace=a\n", "pods a/*" },
                { "[Pods]\nName=x*\nSelector=k=v\n", "pods */x* with k=v" },
                { "[Workload]\nKind=DaemonSet\nNamespace=a\nName=b\n", "DaemonSet a/b" },
                { "[Condition]\nResource=g/v1/cs\nName=b\nType=Ready\n", "g/v1/cs b Ready=True" },
                { "[Condition]\nResource=g/v1/cs\nNamespace=n\nName=b\nType=T\nStatus=False\n",
                  "g/v1/cs n/b T=False" },
                { "[Condition]\nResource=v1/claims\nNamespace=n\nName=b\nField=status.phase\nValue=In use\n",
                  "v1/claims n/b status.phase=In use" },
                /* As a drop-in has it. */
                { CONDITION "Type=T\nStatus=True\nType=\nStatus=\nField=a\\.b.c\nValue=d\n",
                  "a/v1/b x a\\.b.c=d" },
                { "[Endpoint]\nURL=http://a\n", "http://a" },
                { "[Socket]\nConnect=/run/mqtt\n", "socket /run/mqtt" },
                { "[Socket]\nConnect=mqtt.example.com:1883\n", "socket mqtt.example.com:1883" },
                { "[Socket]\nConnect=192.0.2.1:1\n", "socket 192.0.2.1:1" },
                { "[Socket]\nConnect=[2001:db8::1]:65535\n", "socket [2001:db8::1]:65535" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(gate_definition_freep) GateDefinition *d = parse(rows[i].text);
                _cleanup_free_ char *words = NULL;

                assert_null(d->invalid);
                assert_ok(check_definition_describe(d->checks[0], &words));
                assert_string_equal(words, rows[i].words);
        }
}

/* Files on the disk. */

static char root[] = "/tmp/test-gate-XXXXXX";

static void put(const char *name, const char *text) {
        _cleanup_free_ char *path = NULL;

        assert_ok(path_join(root, name, &path));
        assert_ok(mkdir_parents(path, 0755));
        assert_ok(file_write_atomic(path, text, strlen(text), 0644));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static int setup(void **state) {
        memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
        return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state) {
        return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char **two_folders(void) {
        char **folders = NULL, *etc, *usr;

        assert_ok(path_join(root, "etc", &etc));
        assert_ok(path_join(root, "usr", &usr));
        assert_ok(strv_consume(&folders, etc));
        assert_ok(strv_consume(&folders, usr));
        return folders;
}

static void test_load(void **state) {
        _cleanup_(strv_freep) char **folders = two_folders();
        GateDefinition **d = NULL;
        size_t n = 0;
        char link[PATH_MAX];

        put("usr/dns.gate", "[Gate]\nRequired=yes\n[Workload]\nKind=DaemonSet\nNamespace=a\nName=b\n");
        put("usr/node.gate", "[Gate]\nRequired=yes\n[Node]\n");
        put("usr/off.gate",
            "[Gate]\nDescription=Off\nRequired=yes\nAfter=x\nColour=red\nConditionPathExists=/y\n[Node]\nName=%H\n");
        put("etc/node.gate", "[Gate]\nbroken\n");
        put("etc/own.gate", "");
        /* A drop-in merges by label, and may add a check. */
        put("etc/dns.gate.d/10.conf", "[Workload]\nMinimumReady=1\n[Gate]\nRequired=no\n[Api]\n");
        snprintf(link, sizeof(link), "%s/etc/off.gate", root);
        assert_int_equal(symlink("/dev/null", link), 0);

        assert_ok(gate_definitions_load(folders, check_find_syntax, &d, &n, NULL));
        assert_int_equal(n, 4);
        assert_string_equal(d[0]->name, "dns");
        assert_null(d[0]->invalid);
        assert_int_equal(d[0]->required, 0);
        assert_int_equal(d[0]->n_checks, 2);
        assert_int_equal(tally_definition(d[0]->checks[0])->minimum_ready, 1);
        assert_int_equal(strv_length(d[0]->files), 2);
        assert_string_equal(d[1]->name, "node");
        assert_non_null(strstr(d[1]->invalid, "etc/node.gate:2:"));
        assert_int_equal(d[1]->required, 1); /* as the vendor's is */
        /* What is masked asks nothing, whatever is wrong in its own file. */
        assert_string_equal(d[2]->name, "off");
        assert_string_equal(d[2]->masked, link);
        assert_joined(d[2]->files, " ", link);
        assert_string_equal(d[2]->description, "Off");
        assert_int_equal(d[2]->required, 1);
        assert_int_equal(d[2]->n_conditions, 1);
        assert_int_equal(d[2]->n_checks, 0);
        assert_null(d[2]->invalid);
        assert_null(d[2]->warnings);
        assert_string_equal(d[3]->name, "own");
        assert_non_null(strstr(d[3]->invalid, "etc/own.gate: no checks"));
        assert_int_equal(d[3]->required, -1);
        assert_null(d[3]->masked);
        gate_definitions_free(d, n);

        {
                _cleanup_(gate_definition_freep) GateDefinition *one = NULL;

                assert_error(gate_definition_load(folders, "none", check_find_syntax, &one), ENOENT);
                assert_ok(gate_definition_load(folders, "dns", check_find_syntax, &one));
        }
}

static void test_too_many(void **state) {
        _cleanup_(strv_freep) char **folders = two_folders();
        _cleanup_free_ char *detail = NULL;
        GateDefinition **d = NULL;
        size_t n = 0;

        for (unsigned i = 0; i <= LIMIT_GATES; i++) {
                char name[32];

                snprintf(name, sizeof(name), "usr/g%u.gate", i);
                put(name, "[Api]\n");
        }
        assert_error(gate_definitions_load(folders, check_find_syntax, &d, &n, &detail), E2BIG);
        assert_non_null(strstr(detail, "257 gates"));
}

/* What is shipped is valid, without warnings, and sets no timing. */
static void test_shipped(void **state) {
        _cleanup_(strv_freep) char **folders = NULL;
        GateDefinition **d = NULL;
        char *folder;
        size_t n = 0;

        assert_ok(path_join(getenv("MSREADY_SOURCE"), "units/gates", &folder));
        assert_ok(strv_consume(&folders, folder));
        assert_ok(gate_definitions_load(folders, check_find_syntax, &d, &n, NULL));
        assert_true(n >= 15);
        for (size_t i = 0; i < n; i++) {
                if (d[i]->invalid)
                        fail_msg("%s", d[i]->invalid);
                if (d[i]->warnings)
                        fail_msg("%s", d[i]->warnings[0]);
                assert_false(d[i]->has_settle || d[i]->has_hold || d[i]->has_unknown);
                assert_non_null(d[i]->description);
        }
        gate_definitions_free(d, n);
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_keys),
                cmocka_unit_test(test_revision),
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_reset),
                cmocka_unit_test(test_invalid),
                cmocka_unit_test(test_required_of_invalid),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_nearest_key),
                cmocka_unit_test(test_comment_behind_a_value),
                cmocka_unit_test(test_all_errors),
                cmocka_unit_test(test_places_of_after),
                cmocka_unit_test(test_lonely_condition),
                cmocka_unit_test(test_claim),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_equal),
                cmocka_unit_test(test_describe),
                ON_DISK(test_load),
                ON_DISK(test_too_many),
                cmocka_unit_test(test_shipped),
        };
        return cmocka_run_group_tests_name("ready-gate-file", tests, NULL, NULL);
}
