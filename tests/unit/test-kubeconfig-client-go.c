/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/string-util.h"
#include "kube/kubeconfig.h"

#include "kubeconfig-texts.h"

#define BOM "\xef\xbb\xbf"
#define KUBECONFIG(cluster, user)                                                                           \
        CONTEXT "clusters: [{name: c, cluster: {" cluster "}}]\nusers: [{name: u, user: {" user "}}]\n"
#define GOOD KUBECONFIG("server: 'https://a'", "token: t")
#define EXEC "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Never}"

/* What client-go v0.36.3 makes of a kubeconfig (clientcmd.Load, ClientConfig, rest.DefaultServerUrlFor,
 * TLSConfigFor), v0.28.15 the same: the server and the token that it uses; no server where it refuses. What it takes
 * and we refuse has a reason; nothing that it refuses is taken with another meaning. */
static void test_as_client_go(void **state) {
        static const struct {
                const char *text;
                const char *server, *token;
                const char *refused; /* by us */
        } rows[] = {
                /* The text */
                { GOOD, "https://a", "t", NULL },
                { BOM GOOD, "https://a", "t", NULL },
                { "apiVersion: v1\r\nkind: Config\r\n" GOOD, "https://a", "t", NULL },
                { GOOD "---\ncurrent-context: z\n", "https://a", "t", NULL },
                { GOOD "unknown: key\n", "https://a", "t", NULL },
                { "Current-Context: z\n" GOOD, "https://a", "t", NULL },
                { "# a comment\n---\n" GOOD "...\n", "https://a", "t", NULL },
                { "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}],"
                  "\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://a\"}}],"
                  "\"users\":[{\"name\":\"u\",\"user\":{\"token\":\"t\"}}]}",
                  "https://a", "t", NULL },
                /* Keys twice, aliases, merges */
                { GOOD "current-context: x\n", "https://a", "t", NULL },
                { GOOD "clusters: [{name: c, cluster: {server: 'https://b'}}]\n", "https://b", "t", NULL },
                { KUBECONFIG("server: 'https://a', server: 'https://b'", "token: t, token: s"), "https://b",
                  "s", NULL },
                { "x: &s 'https://b'\n" KUBECONFIG("server: *s", "token: t"), "https://b", "t", NULL },
                { "x: &c {server: 'https://b'}\n" KUBECONFIG("<<: *c, tls-server-name: q", "token: t"),
                  "https://b", "t", NULL },
                { "x: &u {token: s}\n" KUBECONFIG("server: 'https://a'", "token: t, <<: *u"), "https://a",
                  "s", NULL },
                { "x: &u {token: s}\n" KUBECONFIG("server: 'https://a'", "<<: *u, token: t"), "https://a",
                  "t", NULL },
                { GOOD "users: [{name: u, user: {token: s}}, {name: u, user: {token: s}}]\n", NULL, NULL,
                  "user \"u\" is given twice" },
                { KUBECONFIG("Server: 'https://a'", "token: t"), NULL, NULL, "has no server" },
                { KUBECONFIG("server: 'https://a'", "Token: t"), "https://a", NULL,
                  "needs a client-certificate or a token" },
                /* The user */
                { KUBECONFIG("server: 'https://a'", ""), "https://a", NULL, NULL },
                { "users: [{name: u, user: }]\n" CONTEXT CLUSTER, "https://a", NULL, "user \"u\" is empty" },
                { "users: []\n" CONTEXT CLUSTER "kind: Config\n", "https://a", NULL, "no user \"u\"" },
                { KUBECONFIG("server: 'https://a'", "token: 2020-01-01"), "https://a", "2020-01-01", NULL },
                { KUBECONFIG("server: 'https://a'", "token: 'a b'"), "https://a", "a b",
                  "is not a valid token" },
                { KUBECONFIG("server: 'https://a'", "token: t, username: x, password: y"), NULL, NULL,
                  "(username)" },
                { KUBECONFIG("server: 'https://a'", "username: x, password: y"), "https://a", NULL,
                  "(username)" },
                { KUBECONFIG("server: 'https://a'", EXEC), "https://a", NULL, "an exec plugin (exec)" },
                { KUBECONFIG("server: 'https://a'", "token: t, " EXEC), "https://a", "t",
                  "an exec plugin (exec)" },
                { KUBECONFIG("server: 'https://a'", "auth-provider: {name: gcp}"), NULL, NULL,
                  "(auth-provider)" },
                { KUBECONFIG("server: 'https://a'", "token: t, as: me"), "https://a", "t",
                  "impersonation (as)" },
                { KUBECONFIG("server: 'https://a'", "client-certificate-data: QUJD"), NULL, NULL, "" },
                { KUBECONFIG("server: 'https://a'", "client-key: /k"), "https://a", NULL,
                  "a client-key without a client-certificate" },
                /* TLS and proxy */
                { KUBECONFIG("server: 'https://a', insecure-skip-tls-verify: yes", "token: t"), "https://a",
                  "t", NULL },
                { KUBECONFIG("server: 'https://a', insecure-skip-tls-verify: perhaps", "token: t"), NULL,
                  NULL, "must be true or false" },
                { KUBECONFIG(
                          "server: 'https://a', insecure-skip-tls-verify: true, certificate-authority: /x",
                          "token: t"),
                  NULL, NULL, "both a certificate-authority and insecure-skip-tls-verify" },
                { KUBECONFIG("server: 'https://a', certificate-authority-data: '!'", "token: t"), NULL, NULL,
                  "is not base64" },
                { KUBECONFIG("server: 'https://a', tls-server-name: b", "token: t"), "https://a", "t",
                  NULL },
                { KUBECONFIG("server: 'https://a', proxy-url: 'http://p:1'", "token: t"), "https://a", "t",
                  NULL },
                { KUBECONFIG("server: 'https://a', proxy-url: 'HTTP://p:1'", "token: t"), "https://a", "t",
                  NULL },
                { KUBECONFIG("server: 'https://a', proxy-url: 'p:1'", "token: t"), NULL, NULL, "proxy-url" },
                { KUBECONFIG("server: 'https://a', proxy-url: 'socks4://p:1'", "token: t"), NULL, NULL,
                  "proxy-url" },
                /* The server: what is not https is asked anonymously whatever else is said */
                { KUBECONFIG("server: 'HTTPS://a:6443'", "token: t"), "https://a:6443", "t", NULL },
                { KUBECONFIG("server: 'localhost:6443'", "token: t"), "http://localhost:6443", NULL, NULL },
                { KUBECONFIG("server: '[::1]:6443'", "token: t"), "http://[::1]:6443", NULL, NULL },
                { KUBECONFIG("server: 'http://a:8001'", "token: t"), "http://a:8001", NULL, NULL },
                { KUBECONFIG("server: 'HTTP://a/p'", "tokenFile: /t"), "http://a/p", NULL, NULL },
                { KUBECONFIG("server: 'http://a'", EXEC), "http://a", NULL, NULL },
                { KUBECONFIG("server: 'http://a'", "username: x, password: y"), "http://a", NULL, NULL },
                { KUBECONFIG("server: 'http://a'", "token: 'a b'"), "http://a", NULL, NULL },
                { KUBECONFIG("server: a, certificate-authority: /x", "token: t"), "http://a", NULL, NULL },
                { KUBECONFIG("server: a, insecure-skip-tls-verify: true",
                             "client-certificate: /c, client-key: /k"),
                  "http://a", NULL, NULL },
                { KUBECONFIG("server: 'a:6443/p'", "token: t"), NULL, NULL, "has a path" },
                { KUBECONFIG("server: 'https://'", "token: t"), NULL, NULL, "has no host" },
                { KUBECONFIG("server: 'https://:6443'", "token: t"), "https://:6443", "t", "has no host" },
                { KUBECONFIG("server: 'https://a:x'", "token: t"), NULL, NULL,
                  "has a port that is not a number" },
                { KUBECONFIG("server: 'https://u:p@a'", "token: t"), "https://u:p@a", "t",
                  "has a user in it" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(kube_config_freep) KubeConfig *c = NULL;
                _cleanup_free_ char *detail = NULL;
                int r = parse(rows[i].text, NULL, &c, &detail);

                if (r < 0 && (!rows[i].refused || !strstr(detail, rows[i].refused)))
                        fail_msg("row %zu: %d %s", i, r, strna(detail));
                if (r < 0)
                        continue;
                if (rows[i].refused || !rows[i].server)
                        fail_msg("row %zu was taken", i);
                if (!streq(c->server, rows[i].server) || !streq_ptr(c->token.data, rows[i].token))
                        fail_msg("row %zu: %s %s", i, c->server, strna(c->token.data));
        }
}

/* In UTF-16, whole and cut. */
static void test_utf16(void **state) {
        _cleanup_free_ char *wide = malloc(2 * sizeof(microshift));

        memcpy(wide, "\xff\xfe", 2);
        for (size_t i = 0; i < sizeof(microshift) - 1; i++)
                wide[2 * i + 2] = microshift[i], wide[2 * i + 3] = '\0';
        for (size_t n = 2; n <= 2 * sizeof(microshift); n++) {
                _cleanup_(kube_config_freep) KubeConfig *c = NULL;
                _cleanup_free_ char *detail = NULL;
                int r = kube_config_parse(wide, n, "/k", NULL, &c, &detail);

                if (n == 2 * sizeof(microshift))
                        assert_ok(r);
                else if (n < 2 * sizeof(microshift) - 12 && r != -EAGAIN)
                        fail_msg("%zu bytes: %d %s", n, r, strna(detail));
        }
}

static void expect_warnings(const char *text, const char *const *warnings) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;

        assert_ok(parse(text, NULL, &c, NULL));
        for (size_t i = 0; warnings[i] || (c->warnings && c->warnings[i]); i++)
                assert_string_equal(c->warnings ? c->warnings[i] : "", strempty(warnings[i]));
}

/* What is taken, and may not be meant so. Keys that may be secrets are not shown. */
static void test_warnings(void **state) {
        static const char *const none[] = { NULL };
        static const char *const twice[] = {
                "/etc/kube/config:11: key \"clusters\" was already given on line 3; the last one counts",
                "/etc/kube/config:13: key \"server\" was already given on line 12; the last one counts", NULL
        };
        static const char *const secret[] = {
                "/etc/kube/config:10: key \"...\" was already given on line 9; the last one counts", NULL
        };
        static const char *const rest[] = {
                "/etc/kube/config:12: nothing is read from here on: only the first document counts", NULL
        };
        static const char *const invisible[] = {
                "/etc/kube/config:11: a key begins with an invisible character, which makes it another key",
                NULL
        };
        static const char *const plain[] = {
                "/etc/kube/config:3: server of cluster \"c\" has no https:// in front: it is asked over plain http "
                "and without credentials, as kubectl does",
                NULL
        };

        expect_warnings(microshift, none);
        expect_warnings(BOM GOOD "...\n", none);
        expect_warnings(CONTEXT CLUSTER USER "clusters:\n- {name: c, cluster: {server: 'https://a',\n"
                                             "  server: 'https://b'}}\n"
                                             "",
                        (const char *const[]){
                                twice[0],
                                "/etc/kube/config:13: key \"server\" was already given on line 12; the "
                                "last one counts",
                                NULL });
        expect_warnings(CONTEXT CLUSTER "users:\n- name: u\n  user: {token: t, ey9.x: 1,\n    ey9.x: 2}\n",
                        secret);
        expect_warnings(CONTEXT CLUSTER USER "---\n" GOOD, rest);
        expect_warnings(CONTEXT CLUSTER USER BOM "kind: Config\n", invisible);
        expect_warnings(CONTEXT CLUSTER USER "\xc2\xa0kind: Config\n", invisible);
        expect_warnings(KUBECONFIG("server: 'a:6443'", "token: t"), plain);
        expect_warnings(KUBECONFIG("server: 'http://a:6443'", "client-certificate: /c, client-key: /k"),
                        plain);
        expect_warnings(KUBECONFIG("server: 'http://a', certificate-authority: /x", ""), plain);
        expect_warnings(KUBECONFIG("server: 'http://a'", ""), none);
}

/* However broken, no message has a token or a key in it. */
static void test_secrets(void **state) {
        static const char *const texts[] = {
                CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token: \"s3cr3t\n",
                CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token s3cr3t\n    x: y\n",
                CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token: s3cr3t: x\n",
                CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token: *s3cr3t\n",
                CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token: &s3cr3t [*s3cr3t]\n",
                CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token: !s3cr3t!x y\n",
                CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token: \"s3cr3t \\xff\"\n",
                CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token: s3cr3t s3cr3t\n",
                CONTEXT CLUSTER "users:\n- name: u\n  user: {token: t, s3cr3t: , s3cr3t: , exec: {x: y}}\n",
                CONTEXT CLUSTER
                "users:\n- name: u\n  user:\n    client-key-data: s3cr3t!\n    token: s3cr3t\n",
                KUBECONFIG("server: 'https://u:s3cr3t@a'", "token: t"),
                KUBECONFIG("server: 'https://a', proxy-url: 'ftp://u:s3cr3t@a'", "token: t"),
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_free_ char *detail = NULL;
                KubeConfig *c = NULL;

                assert_true(parse(texts[i], NULL, &c, &detail) < 0);
                if (strstr(detail, "s3cr3t"))
                        fail_msg("%s", detail);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_as_client_go),
                cmocka_unit_test(test_utf16),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_secrets),
        };
        return cmocka_run_group_tests_name("kubeconfig-client-go", tests, NULL, NULL);
}
