/* SPDX-License-Identifier: Apache-2.0 */

/* The values of gate files: what can never hold is told as it is read, with file, line and key, and what the API server
 * or the host would take is taken. */

#include "test.h"

#include <stdio.h>

#include "base/string-util.h"
#include "base/value.h"
#include "gates/definition.h"
#include "kube/name.h"
#include "ready/check-kinds.h"

#define SIXTY "012345678901234567890123456789012345678901234567890123456789"
#define L64 SIXTY "0123"
#define L254 SIXTY SIXTY SIXTY SIXTY "01234567890123"
#define NODE "must be local, * or a name that a node can have: " KUBE_NAME_WORDS
#define NAMESPACE "not a name that a namespace can have: " KUBE_NAMESPACE_WORDS
#define OBJECT "not a name that an object can have: " KUBE_NAME_WORDS
#define ANY_OBJECT "not a name that an object can have: no blanks, no / and no %, 253 bytes at most"
#define PATTERN "not a pattern that the name of a pod can match: *, ? and [] beside " KUBE_NAME_WORDS
#define RESOURCE "must be GROUP/VERSION/PLURAL or VERSION/PLURAL, in lower case"
#define LABEL "the name of a label is missing or not valid"
#define LABEL_VALUE "not a value that a label can have: letters, digits and inner - _ ., 63 at most"
#define PORT "not a port: a number from 1 to 65535"
#define NO_HOST "must be a host name or an IP address"
#define NO_NAME "a host is missing"
#define NO_ADDRESS "must be /PATH, HOST:PORT or [IPV6]:PORT"
#define NO_SCHEME "must be an http:// or https:// URL"
#define NO_BRACKETS "an IPv6 address needs brackets around it: [IPV6] or [IPV6]:PORT"
#define NO_PERCENT "the scope of an IPv6 address is written with %25 in a URL: [fe80::1%25eth0]"
#define NO_ESCAPE "a % without two hexadecimal digits behind it, as in %20"
#define ABSOLUTE "must be an absolute path, which begins with /"
#define NO_CONDITION "must be KEY=VALUE or KEY!=VALUE"
#define NO_KEY "must be a key of MicroShift, such as ingress.status"
#define NO_STATUS "must be True, False or Unknown"
#define MICROSHIFT "ConditionMicroShift"

/* why: NULL where the value is taken. */
static const struct {
        const char *section, *key, *value, *why;
} rows[] = {
        { "Gate", "Description", "\"The shop\" # 1, for %H", NULL },
        { "Gate", "Required", "\"yes\"", VALUE_QUOTED },
        { "Gate", "Required", "yes  # as the shop needs it", VALUE_COMMENTED },
        { "Gate", "Required", "yes ; why", VALUE_COMMENTED },
        { "Gate", "Required", "yes#", "must be yes or no" },
        { "Gate", "After", "dns \"node\"", VALUE_QUOTED },
        { "Gate", "After", "dns # first", VALUE_COMMENTED },
        { "Gate", "After", "%p", VALUE_SPECIFIER },
        { "Gate", "HoldSec", "'5s'", VALUE_QUOTED },
        { "Gate", "HoldSec", "5s # short", VALUE_COMMENTED },
        { "Gate", "OnUnknown", "\"close\"", VALUE_QUOTED },

        { "Gate", "ConditionPathExists", "/my files/a#1;b", NULL },
        { "Gate", "ConditionPathExists", "|!/x%20y", NULL },
        { "Gate", "ConditionPathExists", "\"/x\"", VALUE_QUOTED },
        { "Gate", "ConditionPathExists", "|\"/x\"", VALUE_QUOTED },
        { "Gate", "ConditionPathExists", "'!/x'", VALUE_QUOTED },
        { "Gate", "ConditionPathExists", "x/y", ABSOLUTE },
        { "Gate", "ConditionPathExists", "!", ABSOLUTE },
        { "Gate", "ConditionPathExists", "/x # where it is installed", VALUE_COMMENTED },
        { "Gate", "ConditionPathExists", "/etc/%H.conf", VALUE_SPECIFIER },
        { "Gate", "ConditionMicroShiftDeploys", "001-microshift-olm", NULL },
        { "Gate", "ConditionMicroShiftDeploys", "|!My folder.d", NULL },
        { "Gate", "ConditionMicroShiftDeploys", "\"001-microshift-olm\"", VALUE_QUOTED },
        { "Gate", "ConditionMicroShiftDeploys", "001-microshift-olm # a package", VALUE_COMMENTED },
        { "Gate", "ConditionMicroShiftDeploys", "%H-manifests", VALUE_SPECIFIER },
        { "Gate", "ConditionMicroShiftDeploys", "/usr/lib/microshift/manifests",
          "not the name of a folder" },

        { "Gate", MICROSHIFT, "ingress.status=Removed", NULL },
        { "Gate", MICROSHIFT, "|!ingress.status != Removed", NULL },
        { "Gate", MICROSHIFT, "storage.optionalCsiComponents=", NULL },
        { "Gate", MICROSHIFT, "dns.baseDomain=the \"edge\" of it", NULL },
        { "Gate", MICROSHIFT, "debugging.logLevel=a=b", NULL },
        { "Gate", MICROSHIFT, "ingress.status=\"Removed\"", VALUE_QUOTED },
        { "Gate", MICROSHIFT, "ingress.status!='Removed'", VALUE_QUOTED },
        { "Gate", MICROSHIFT, "ingress.status = \"Removed\"", VALUE_QUOTED },
        { "Gate", MICROSHIFT, "ingress.status=\"\"", VALUE_QUOTED },
        { "Gate", MICROSHIFT, "ingress.status=\"Removed", VALUE_QUOTED },
        { "Gate", MICROSHIFT, "\"ingress.status=Removed\"", VALUE_QUOTED },
        { "Gate", MICROSHIFT, "!\"ingress.status=Removed\"", VALUE_QUOTED },
        { "Gate", MICROSHIFT, "\"ingress.status\"=Removed", VALUE_QUOTED },
        { "Gate", MICROSHIFT, "ingress.status=Removed # no router", VALUE_COMMENTED },
        { "Gate", MICROSHIFT, "node.hostnameOverride=%H", VALUE_SPECIFIER },
        { "Gate", MICROSHIFT, "kubelet.evictionHard!=10%", NULL },
        { "Gate", MICROSHIFT, "ingress.status", NO_CONDITION },
        { "Gate", MICROSHIFT, "=Removed", NO_CONDITION },
        { "Gate", MICROSHIFT, "!=Removed", NO_CONDITION },
        { "Gate", MICROSHIFT, "ingress.status==Removed", NO_CONDITION },
        { "Gate", MICROSHIFT, "ingress..status=Removed", NO_KEY },
        { "Gate", MICROSHIFT, ".status=Removed", NO_KEY },
        { "Gate", MICROSHIFT, "ingress.=Removed", NO_KEY },
        { "Gate", MICROSHIFT, "ingress status=Removed", NO_KEY },
        { "Gate", MICROSHIFT, "ingress\tstatus=Removed", NO_KEY },

        { "Api", "Path", "/readyz?exclude=etcd", NULL },
        { "Api", "Path", "/apis/apps/v1/namespaces/a/x..y", NULL },
        { "Api", "Path", "/api/...", NULL },
        { "Api", "Path", "/livez/ping%20", NULL },
        { "Api", "Path", "/livez/ping%2G", NO_ESCAPE },
        { "Api", "Path", "/livez%", NO_ESCAPE },
        { "Api", "Path", "/livez?exclude=%", NULL },
        { "Api", "Path", "/livez/%H", VALUE_SPECIFIER },
        { "Api", "Path", "\"/readyz\"", VALUE_QUOTED },
        { "Api", "Path", "readyz", ABSOLUTE },
        { "Api", "Path", "/read yz", "not the path of a URL" },
        { "Api", "Path", "/readyz#x", "not the path of a URL" },
        { "Api", "Path", "/readyz # of the API server", VALUE_COMMENTED },
        { "Api", "Path", "/apis/../readyz", "a path with . or .. in it: write the path that is meant" },
        { "Api", "Path", "/..", "a path with . or .. in it: write the path that is meant" },
        { "Api", "Path", "/./readyz", "a path with . or .. in it: write the path that is meant" },
        { "Api", "Path", "/a/..?x", "a path with . or .. in it: write the path that is meant" },

        { "Node", "Name", "local", NULL },
        { "Node", "Name", "*", NULL },
        { "Node", "Name", "edge-1.example.com", NULL },
        { "Node", "Name", "127.0.0.1.nip.io", NULL },
        { "Node", "Name", "%H", VALUE_SPECIFIER ", local for this host's node" },
        { "Node", "Name", "%l.example.com", VALUE_SPECIFIER ", local for this host's node" },
        { "Node", "Name", "\"local\"", VALUE_QUOTED },
        { "Node", "Name", "Local", NODE },
        { "Node", "Name", "edge_1", NODE },
        { "Node", "Name", "edge-*", NODE },
        { "Node", "Name", L254, NODE },
        { "Node", "Name", "local # this host", VALUE_COMMENTED },

        { "Pods", "Namespace", "openshift-dns", NULL },
        { "Pods", "Namespace", "'openshift-dns'", VALUE_QUOTED },
        { "Pods", "Namespace", "a.b", NAMESPACE },
        { "Pods", "Namespace", "shop_1", NAMESPACE },
        { "Pods", "Namespace", "-a", NAMESPACE },
        { "Pods", "Namespace", "*", NAMESPACE },
        { "Pods", "Namespace", L64, NAMESPACE },
        { "Pods", "Namespace", "%i", VALUE_SPECIFIER },
        { "Pods", "Name", "web-[0-9]*", NULL },
        { "Pods", "Name", "\"web-*\"", VALUE_QUOTED },
        { "Pods", "Name", "Web-*", PATTERN },
        { "Pods", "Name", "{a,b}-*", PATTERN },
        { "Pods", "Name", "web-[0-9", PATTERN },
        { "Pods", "Name", "%H-*", VALUE_SPECIFIER },
        { "Pods", "Selector", "app.kubernetes.io/name=web,tier in (a, B_1),!x", NULL },
        { "Pods", "Selector", "app=", NULL },
        { "Pods", "Selector", "\"app=web\"", VALUE_QUOTED },
        { "Pods", "Selector", "app=\"web\"", VALUE_QUOTED },
        { "Pods", "Selector", "app in ('a', 'b')", VALUE_QUOTED },
        { "Pods", "Selector", "app=web, tier=\"a\"", VALUE_QUOTED },
        { "Pods", "Selector", "app=web # the shop", VALUE_COMMENTED },
        { "Pods", "Selector", "Example.com/app=web", LABEL },
        { "Pods", "Selector", "app=" L64, LABEL_VALUE },
        { "Pods", "Selector", "app=/web", LABEL_VALUE },
        { "Pods", "Selector", L64 "=a", LABEL },
        { "Pods", "MinimumReady", "0", NULL },
        { "Pods", "MinimumReady", "1000000", NULL },
        { "Pods", "MinimumReady", "1000001", "not a number of pods: 0 to 1000000" },
        { "Pods", "MinimumReady", "-1", "not a number of pods: 0 to 1000000" },
        { "Pods", "MinimumReady", "50%", "not a number of pods: 0 to 1000000" },
        { "Pods", "MinimumReady", "\"1\"", VALUE_QUOTED },
        { "Pods", "Proof", "'none'", VALUE_QUOTED },

        { "Workload", "Kind", "\"Deployment\"", VALUE_QUOTED },
        { "Workload", "Kind", "Deployment # of the shop", VALUE_COMMENTED },
        { "Workload", "Name", "web-1.2", NULL },
        { "Workload", "Name", "\"edge-app\"", VALUE_QUOTED },
        { "Workload", "Name", "edge-app # the shop", VALUE_COMMENTED },
        { "Workload", "Name", "%i", VALUE_SPECIFIER },
        { "Workload", "Name", "Edge-app", OBJECT },
        { "Workload", "Name", "edge_app", OBJECT },
        { "Workload", "Name", "web-*", OBJECT },
        { "Workload", "Name", "shop/web", OBJECT },
        { "Workload", "Name", "web.", OBJECT },
        { "Workload", "Name", L254, OBJECT },
        { "Workload", "Namespace", "\"shop\"", VALUE_QUOTED },

        { "Condition", "Resource", "cert-manager.io/v1/certificates", NULL },
        { "Condition", "Resource", "apps/v1/deployments", NULL },
        { "Condition", "Resource", "v1/persistentvolumeclaims", NULL },
        { "Condition", "Resource", "\"v1/nodes\"", VALUE_QUOTED },
        { "Condition", "Resource", "certificates.cert-manager.io/v1", RESOURCE },
        { "Condition", "Resource", "cert-manager.io/certificates", RESOURCE },
        { "Condition", "Resource", "cert-manager.io/v1/Certificate", RESOURCE },
        { "Condition", "Resource", "cert-manager.io/v1/certificates/tls", RESOURCE },
        { "Condition", "Resource", "cert_manager.io/v1/certificates", RESOURCE },
        { "Condition", "Resource", L64 L64 L64 L64 "/v1/x", RESOURCE },
        { "Condition", "Name", "system:node", NULL },
        { "Condition", "Name", "v1.", NULL },
        { "Condition", "Name", "Upper_Case", NULL },
        { "Condition", "Name", "\"tls\"", VALUE_QUOTED },
        { "Condition", "Name", "%H", VALUE_SPECIFIER },
        { "Condition", "Name", "a/b", ANY_OBJECT },
        { "Condition", "Name", "..", ANY_OBJECT },
        { "Condition", "Name", L254, ANY_OBJECT },
        { "Condition", "Type", "example.com/Ready", NULL },
        { "Condition", "Type", "Reconcile Success", NULL },
        { "Condition", "Type", "ready", NULL },
        { "Condition", "Type", "\"Ready\"", VALUE_QUOTED },
        { "Condition", "Type", "'Ready'", VALUE_QUOTED },
        { "Condition", "Type", "Ready # and not Issuing", VALUE_COMMENTED },
        { "Condition", "Type", "%i", VALUE_SPECIFIER },
        { "Condition", "Type", "Used 90% of it", NULL },
        { "Condition", "Type",
          "Re\x01"
          "ady",
          "not the type of a condition" },
        { "Condition", "Type", L254 L64, "too long" },
        { "Condition", "Status", "true", NULL },
        { "Condition", "Status", "UNKNOWN", NULL },
        { "Condition", "Status", "\"True\"", VALUE_QUOTED },
        { "Condition", "Status", "yes", NO_STATUS },
        { "Condition", "Field", "\"status.phase\"", VALUE_QUOTED },
        { "Condition", "Value", "In use # 1", NULL },

        { "Endpoint", "URL", "https://app.example.com/", NULL },
        { "Endpoint", "URL", "HTTPS://App.Example.com:443?q=\"x\"#",
          "what is behind # is never sent to a server: leave it out" },
        { "Endpoint", "URL", "HTTP://a_b.example.com.:8080/x?y=a@b", NULL },
        { "Endpoint", "URL", "http://127.1/", NULL },
        { "Endpoint", "URL", "http://[::1]/", NULL },
        { "Endpoint", "URL", "http://[fe80::1%25eth0]:80/", NULL },
        { "Endpoint", "URL", "http://a:/", NULL },
        { "Endpoint", "URL", "http://[fe80::1%eth0]:80/", NO_PERCENT },
        { "Endpoint", "URL", "http://[fe80::1%25]/", NO_PERCENT },
        { "Endpoint", "URL", "\"https://a/\"", VALUE_QUOTED },
        { "Endpoint", "URL", "https://a/ # the shop", VALUE_COMMENTED },
        { "Endpoint", "URL", "https://%H/", VALUE_SPECIFIER },
        { "Endpoint", "URL", "https://a/b c",
          "a URL with a blank or another character that must be escaped, as in %20" },
        { "Endpoint", "URL", "https://a/\u00fc",
          "a URL with a blank or another character that must be escaped, as in %20" },
        { "Endpoint", "URL", "app.example.com", NO_SCHEME },
        { "Endpoint", "URL", "ws://a/", NO_SCHEME },
        { "Endpoint", "URL", "https:/a", NO_SCHEME },
        { "Endpoint", "URL", "https://", NO_NAME },
        { "Endpoint", "URL", "https://:443/", NO_NAME },
        { "Endpoint", "URL", "https://?x", NO_NAME },
        { "Endpoint", "URL", "https://me@a/", "a URL with a user in it, which is not supported" },
        { "Endpoint", "URL", "https://a/#/login",
          "what is behind # is never sent to a server: leave it out" },
        { "Endpoint", "URL", "https://a:0/", PORT },
        { "Endpoint", "URL", "https://a:70000/", PORT },
        { "Endpoint", "URL", "https://a:https/", PORT },
        { "Endpoint", "URL", "https://[::1]:x/", PORT },
        { "Endpoint", "URL", "https://::1/", NO_BRACKETS },
        { "Endpoint", "URL", "https://[::1/", NO_BRACKETS },
        { "Endpoint", "URL", "https://[::1]x/", NO_BRACKETS },
        { "Endpoint", "URL", "https://[a]/", "brackets around what is no IPv6 address" },
        { "Endpoint", "URL", "https://[]/", "brackets around what is no IPv6 address" },
        { "Endpoint", "URL", "https://a..b/", NO_HOST },
        { "Endpoint", "URL", "https://*.example.com/", NO_HOST },
        { "Endpoint", "URL", "https://{host}/", NO_HOST },
        { "Endpoint", "URL", "https://1.2.3.400/", NO_HOST },
        { "Endpoint", "URL", "https://" L64 ".example.com/", NO_HOST },
        { "Endpoint", "CAFile", "/etc/my ca.pem", NULL },
        { "Endpoint", "CAFile", "ca.pem", ABSOLUTE },
        { "Endpoint", "CAFile", "\"/ca.pem\"", VALUE_QUOTED },
        { "Endpoint", "CAFile", "/ca.pem # ours", VALUE_COMMENTED },
        { "Endpoint", "ExpectStatus", "\"200\"", VALUE_QUOTED },
        { "Endpoint", "ExpectStatus", "200-299 # only", VALUE_COMMENTED },
        { "Endpoint", "IntervalSec", "\"5s\"", VALUE_QUOTED },

        { "Socket", "Connect", "/run/my mqtt.sock", NULL },
        { "Socket", "Connect", "mqtt_1.Example.com.:1883", NULL },
        { "Socket", "Connect", "localhost:1", NULL },
        { "Socket", "Connect", "[::ffff:1.2.3.4]:65535", NULL },
        { "Socket", "Connect", "\"localhost:1883\"", VALUE_QUOTED },
        { "Socket", "Connect", "'/run/mqtt'", VALUE_QUOTED },
        { "Socket", "Connect", "/run/mqtt # the broker", VALUE_COMMENTED },
        { "Socket", "Connect", "localhost:1883 # the broker", VALUE_COMMENTED },
        { "Socket", "Connect", "%H:1883", VALUE_SPECIFIER },
        { "Socket", "Connect", "/run/%i/mqtt", VALUE_SPECIFIER },
        { "Socket", "Connect", "localhost", NO_ADDRESS },
        { "Socket", "Connect", "@abstract", NO_ADDRESS },
        { "Socket", "Connect", "tcp://localhost:1883", NO_ADDRESS },
        { "Socket", "Connect", ":1883", NO_NAME },
        { "Socket", "Connect", "[]:1883", "brackets around what is no IPv6 address" },
        { "Socket", "Connect", "localhost:", PORT },
        { "Socket", "Connect", "localhost:0", PORT },
        { "Socket", "Connect", "localhost:70000", PORT },
        { "Socket", "Connect", "localhost:mqtt", PORT },
        { "Socket", "Connect", "localhost: 1883", PORT },
        { "Socket", "Connect", "local host:1883", NO_HOST },
        { "Socket", "Connect", "a..b:1883", NO_HOST },
        { "Socket", "Connect", "::1:1883", "an IPv6 address without its brackets: [IPV6]:PORT" },
        { "Socket", "Connect", "[::1]", NO_ADDRESS },
        { "Socket", "Connect", "[fe80::1%eth0]:80", "an IPv6 address with a scope, which is not supported" },
};

static void test_values(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
                _cleanup_(conf_file_freep) ConfFile *conf = NULL;
                char text[1024], expected[1024], prefix[64];

                snprintf(text, sizeof(text), "[%s]\n%s=%s\n", rows[i].section, rows[i].key, rows[i].value);
                assert_ok(conf_parse("shop", "shop.gate", text, strlen(text), &conf));
                assert_ok(gate_definition_parse("shop", conf, check_find_syntax, &d));

                snprintf(expected, sizeof(expected), "shop.gate:2: %s=%.128s: %s", rows[i].key,
                         value_shown(rows[i].value), strempty(rows[i].why));
                snprintf(prefix, sizeof(prefix), "shop.gate:2: %s=", rows[i].key);
                if (rows[i].why ? !streq_ptr(d->invalid, expected)
                                : d->invalid && startswith(d->invalid, prefix))
                        fail_msg("%s=%s: %s", rows[i].key, rows[i].value, d->invalid ?: "taken");
        }
}

/* The value of a field may be any text, so that these are only warned of. */
static void test_odd_values_of_a_field(void **state) {
        static const struct {
                const char *value, *warning;
        } odd[] = {
                { "\"Bound\"", "F:5: Value=\"Bound\": the quotes are part of the value that is asked for" },
                { "Bound # by then",
                  "F:5: Value=Bound # by then: all of the line is the value that is asked for" },
                { "edge-%H", "F:5: Value=edge-%H: the specifier is part of the value that is asked for" },
                { "the \"best\"#1", NULL },
                { "90%", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(odd); i++) {
                _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
                _cleanup_(conf_file_freep) ConfFile *conf = NULL;
                char text[256];

                snprintf(
                        text, sizeof(text),
                        "[Condition]\nResource=v1/x\nName=a\nField=status.phase\nValue=%s\n[Pods]\nNamespace=a\n",
                        odd[i].value);
                assert_ok(conf_parse("shop", "F", text, strlen(text), &conf));
                assert_ok(gate_definition_parse("shop", conf, check_find_syntax, &d));
                assert_null(d->invalid);
                assert_string_equal(CHECK_AS(ConditionDefinition, d->checks[0])->value, odd[i].value);
                assert_int_equal(strv_length(d->warnings), odd[i].warning ? 1 : 0);
                if (odd[i].warning)
                        assert_string_equal(d->warnings[0], odd[i].warning);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_odd_values_of_a_field),
        };
        return cmocka_run_group_tests_name("gates-values", tests, NULL, NULL);
}
