/* SPDX-License-Identifier: Apache-2.0 */

/* Fails the first allocation of each reader of text, then the second, and so on, ours and those of cJSON, until one
 * passes without. What fails says -ENOMEM and gives everything back. */

#include "folder.h"

#include <cjson/cJSON.h>

#include "base/base64.h"
#include "conf/conf.h"
#include "failing-malloc.h"
#include "json/builder.h"
#include "kube/kubeconfig.h"
#include "gates/condition-microshift.h"
#include "gates/definition.h"
#include "gates/microshift-manifests.h"
#include "ready/check-kinds.h"
#include "settings.h"
#include "yaml/yaml.h"

/* Runs f until no allocation fails in it any more; expected is what it says then. */
static void torture(int (*f)(void), int expected) {
        for (unsigned long n = 1;; n++) {
                int r;

                failing_countdown = n;
                r = f();
                if (failing_countdown > 0) {
                        failing_countdown = 0;
                        assert_int_equal(r, expected);
                        assert_true(n > 3);
                        return;
                }
                /* Of an error its words may be lost. */
                if (r != -ENOMEM && (expected == 0 || r != expected))
                        fail_msg("allocation %lu failed, and it says %d", n, r);
        }
}

static const char json[] =
        "{\"a\":[1,\"two\",{\"b\":null}],\"c\":0.5,\"k1\":1,\"k2\":1,\"k3\":1,\"k4\":1,\"k5\":1,\"k6\":1,"
        "\"k7\":1,\"k8\":1,\"k9\":1,\"ka\":1,\"kb\":1,\"kc\":1,\"kd\":1,\"ke\":1,\"kf\":1}";

static int run_json(void) {
        _cleanup_(jv_freep) JsonValue *v = NULL, *o = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(4096);
        JsonBuilder builder = {};
        int r;

        r = jv_parse(json, sizeof(json) - 1, &v);
        if (r < 0)
                return r;
        jb_copy(&builder, "copy", v);
        jb_string(&builder, "s", "text");
        jb_int(&builder, "i", INT64_MAX);
        jb_bool(&builder, "b", true);
        jb_strings(&builder, "list", (char *[]){ (char *) "one", NULL });
        jb_object(&builder, "object");
        jb_usec(&builder, "usec", 1);
        jb_end(&builder);
        r = jb_finish(&builder, &o);
        return r < 0 ? r : jv_print(o, true, &b);
}

static int run_gate(void) {
        static const char text[] =
                "[Gate]\nDescription=x\nAfter=a b\nConditionPathExists=|!/x\n"
                "ConditionMicroShift=a.b!=c\nConditionMicroShiftDeploys=d\nUnknownKey=1\n"
                "[Api]\n[Node]\nName=n\n[Pods a]\nNamespace=n\nSelector=a=b,c in (d,e),!f\n"
                "[Workload]\nKind=Deployment\nNamespace=a\nName=b\n"
                "[Condition]\nResource=a/b/c\nName=x\nType=Ready\n"
                "[Condition field]\nResource=b/c\nName=x\nField=status.phase\nValue=Bound\n"
                "[Endpoint]\nURL=http://a\nExpectStatus=200 300-399\nCAFile=/x\n[Endpoint b]\nURL=http://b\n";
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
        int r;

        r = conf_parse("x.gate", "F", text, sizeof(text) - 1, &conf);
        return r < 0 ? r : gate_definition_parse("x", conf, check_find_syntax, &d);
}

static int run_bad_gate(void) {
        static const char text[] = "broken\n[Gate]\nSettleSec=x\n[Pods]\nSelector=a in b\n[Pods]\n[What]\n";
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
        int r;

        r = conf_parse("x.gate", "F", text, sizeof(text) - 1, &conf);
        if (r >= 0)
                r = gate_definition_parse("x", conf, check_find_syntax, &d);
        return r < 0 ? r : d->invalid ? -EINVAL : 0;
}

static int run_settings(void) {
        static const char text[] =
                "[Cluster]\nKubeconfig=/k\nNode=n\n[Readiness]\nRequire=a +b\n[Log]\nX=y\n[What]\n";
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        _cleanup_(settings_freep) Settings *s = NULL;
        int r;

        r = conf_parse("msready.conf", "F", text, sizeof(text) - 1, &conf);
        return r < 0 ? r : settings_parse(conf, &s, NULL, NULL);
}

static int run_kubeconfig(void) {
        static const char text[] =
                "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
                "clusters: [{name: c, cluster: {server: 'https://a:1/b', tls-server-name: t, "
                "proxy-url: 'http://p', certificate-authority: ca}}]\n"
                "users: [{name: u, user: {token: x, tokenFile: y, client-key: k, "
                "client-certificate: l}}]\n"
                "&k x: &m {a: &s b, <<: {c: d}}\ny: {<<: [*m, {e: f}], *s : *k}\ny: z\n---\na: b\n";
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;

        return kube_config_parse(text, sizeof(text) - 1, "/a/b", NULL, &c, NULL);
}

static int run_microshift(void) {
        static const char *const texts[] = {
                "a: &x {b: [c, d]}\ne: *x\na: [*x]\nf: {<<: [*x, {g: h}], i: ~}\n",
                "a: ~\nf: {b: {k: l}, m: {n: ~}}\n",
                "network: {cniPlugin: no}\n",
        };
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));
        _cleanup_(strv_freep) char **list = NULL;
        int r = c ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++)
                r = microshift_config_add(c, "F", texts[i], strlen(texts[i]));
        if (r >= 0)
                r = microshift_config_check(c);
        if (r < 0)
                return r;
        assert_non_null(c->error);
        r = microshift_config_get_list(c, "e.b", &list);
        return r < 0 ? r : 0;
}

static Folder root;

static int run_manifests(void) {
        static const char text[] = "manifests: {kustomizePaths: [a/../b, '/m[^x]/*', '/m/[', /link]}";
        _cleanup_(microshift_manifests_freep) MicroShiftManifests *m = NULL;
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        r = microshift_config_add(c, "F", text, sizeof(text) - 1);
        return r < 0 ? r : microshift_manifests_load(c, root.path, &m);
}

static void test_all(void **state) {
        cJSON_Hooks hooks = { .malloc_fn = __wrap_malloc, .free_fn = free };

        cJSON_InitHooks(&hooks);
        torture(run_json, 0);
        torture(run_gate, 0);
        torture(run_bad_gate, -EINVAL);
        torture(run_settings, 0);
        torture(run_kubeconfig, 0);
        torture(run_microshift, 0);
        folder_begin(&root);
        folder_write(&root, "my/001-a/kustomization.yaml", "");
        folder_write(&root, "my/002-b/Kustomization", "");
        folder_link(&root, "link", "my/002-b");
        torture(run_manifests, 0);
        folder_end(&root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all),
        };
        return cmocka_run_group_tests_name("readers-memory", tests, NULL, NULL);
}
