/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "kube/kubeconfig.h"

#include "kubeconfig-texts.h"

static void test_microshift(void **state) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;

        assert_ok(parse(microshift, NULL, &c, NULL));
        assert_string_equal(c->path, "/etc/kube/config");
        assert_string_equal(c->context, "microshift");
        assert_string_equal(c->cluster, "microshift");
        assert_string_equal(c->user, "user");
        assert_string_equal(c->server, "https://localhost:6443");
        assert_true(c->https);
        assert_string_equal(c->host, "localhost");
        assert_int_equal(c->port, 6443);
        assert_string_equal(c->prefix, "");
        assert_string_equal(c->ca.data, PEM("CERTIFICATE"));
        assert_int_equal(c->ca.size, strlen(PEM("CERTIFICATE")));
        assert_string_equal(c->certificate.data, PEM("CERTIFICATE"));
        assert_string_equal(c->key.data, PEM("RSA PRIVATE KEY"));
        assert_null(c->token.data);
        assert_null(c->tls_server_name);
        assert_null(c->proxy_url);
        assert_false(c->insecure);
        assert_true(kube_config_equal(c, c));
}

/* A reader may see any beginning of the file: it is told to come back, never that it is broken for good. */
static void test_cut(void **state) {
        size_t size = sizeof(microshift) - 1;

        for (size_t n = 0; n <= size; n++) {
                _cleanup_(kube_config_freep) KubeConfig *c = NULL;
                _cleanup_free_ char *exact = malloc(MAX(n, (size_t) 1)), *detail = NULL;
                int r;

                memcpy(exact, microshift, n);
                r = kube_config_parse(exact, n, "/k", NULL, &c, &detail);
                /* The last four digits of base64 are but the line end behind the key. */
                if (r != -EAGAIN && n < size - 1 && n != size - 5)
                        fail_msg("%zu bytes: %d %s", n, r, strempty(detail));
                if (r < 0 && !strstr(detail, "being written"))
                        fail_msg("%zu bytes: %s", n, detail);
                if (n >= size - 1)
                        assert_ok(r);
        }
}

static void test_errors(void **state) {
        static const struct {
                const char *text;
                int error;
                const char *detail;
        } rows[] = {
                { "", EAGAIN, "/etc/kube/config: is empty" },
                { "- a\n", EBADMSG, "/etc/kube/config:1: is a list, not a kubeconfig" },
                { "a: [\n", EAGAIN, "line" },
                { CONTEXT CLUSTER, EAGAIN, "no user \"u\"" },
                { CONTEXT USER, EAGAIN, "no cluster \"c\"" },
                { CLUSTER USER "current-context: z\n", EAGAIN, "no context \"z\"" },
                { CONTEXT "users: []\n", EAGAIN, "no cluster \"c\"" },
                { CONTEXT "clusters: []\nusers: []\n", EBADMSG, ":3: no cluster \"c\"" },
                { CONTEXT CLUSTER "users:\n- name: a\nkind: Config\n", EBADMSG, ":8: no user \"u\"" },
                { CONTEXT CLUSTER "users:\n- name: u\n  user:\nkind: Config\n", EBADMSG,
                  "user \"u\" is empty" },
                { CONTEXT CLUSTER "users:\n- name: u\n  user:\n", EAGAIN, "user \"u\" is empty" },
                { "abc\n", EBADMSG, ":1: is not a kubeconfig" },
                { "abc", EAGAIN, ":1: is not a kubeconfig" },
                { "{}\n", EBADMSG, "has no current-context" },
                { CONTEXT CLUSTER "a: *x\n" USER, EBADMSG, ": line 7: an alias without an anchor" },
                { CONTEXT CLUSTER "a: &x [*x]\n" USER, EBADMSG, ": line 7: an alias inside its own anchor" },
                { CONTEXT CLUSTER "<<: 1\n" USER, EBADMSG, ": line 7: what << merges must be a map" },
                { CONTEXT CLUSTER USER "\tx: y\n", EBADMSG, ": line 11: " },
                { CONTEXT CLUSTER USER "? [x]\n: y\n", EBADMSG, ": line 11: a key must be plain text" },
                { CONTEXT CLUSTER USER "contexts: []\n", EBADMSG,
                  "no context \"x\" (/etc/kube/config:11: key \"contexts\" was already given on line 1; the last" },
                { "  kind: Config\n" CONTEXT CLUSTER USER, EBADMSG,
                  "msready.conf (/etc/kube/config:2: nothing is read from here on: only the first document" },
                { CLUSTER USER, EAGAIN, "has no current-context; set one, or Context=" },
                { "contexts: 3\ncurrent-context: a\n", EBADMSG, ":1: contexts is not a list" },
                { "contexts:\n- name: a\n- name: a\ncurrent-context: a\n", EBADMSG,
                  ":3: context \"a\" is given twice; remove one" },
                { CONTEXT CLUSTER USER "    tokenFile: /x\n    exec: {command: aws}\n", EOPNOTSUPP,
                  ":12: user \"u\" authenticates with an exec plugin (exec), which is not supported; use a client" },
                { CONTEXT CLUSTER USER "    auth-provider: {name: gcp}\n", EOPNOTSUPP,
                  "with an auth-provider" },
                { CONTEXT CLUSTER USER "    username: a\n    password: b\n", EOPNOTSUPP,
                  "a user name and password" },
                { CONTEXT CLUSTER USER "    as: admin\n", EOPNOTSUPP, "impersonation (as)" },
                { CONTEXT CLUSTER USER "    as-groups: [a]\n", EOPNOTSUPP, "impersonation (as-groups)" },
                { CONTEXT CLUSTER
                  "    certificate-authority: /x\n    certificate-authority-data: QQ==\n" USER,
                  EBADMSG,
                  ":8: both certificate-authority and certificate-authority-data are set; remove one" },
                { CONTEXT CLUSTER USER "    client-key: /x\n    client-key-data: QQ==\n", EBADMSG,
                  "both client-key and client-key-data are set" },
                { CONTEXT CLUSTER USER "    client-key: /x\n", EAGAIN,
                  "client-key without a client-certificate" },
                { CONTEXT USER "    client-key: /x\n" CLUSTER, EBADMSG,
                  ":6: user \"u\" has a client-key without a client-certificate" },
                { CONTEXT CLUSTER USER "    client-certificate: /x\n", EAGAIN,
                  "client-certificate without a client-key" },
                { CONTEXT USER "    client-certificate: /x\n" CLUSTER, EBADMSG,
                  ":6: user \"u\" has a client-certificate without a client-key" },
                { CONTEXT CLUSTER "    certificate-authority-data: QQ!\n" USER, EBADMSG,
                  ":7: certificate-authority-data" },
                { CONTEXT CLUSTER "    certificate-authority-data: QUJD\n" USER, EBADMSG, "is not PEM" },
                { CONTEXT CLUSTER "    certificate-authority-data: QUJ\n" USER, EBADMSG,
                  ":7: certificate-authority-data is incomplete base64" },
                { CONTEXT USER CLUSTER "    certificate-authority-data: QUJ", EAGAIN, "incomplete base64" },
                { CONTEXT CLUSTER "    insecure-skip-tls-verify: true\n    certificate-authority: /x\n" USER,
                  EBADMSG, "both a certificate-authority and insecure-skip-tls-verify" },
                { CONTEXT CLUSTER "    insecure-skip-tls-verify: perhaps\n" USER, EBADMSG,
                  ":7: insecure-skip-tls-verify" },
                { CONTEXT CLUSTER "    proxy-url: ftp://x\n" USER, EBADMSG,
                  ":7: proxy-url of cluster \"c\"" },
                { CONTEXT CLUSTER "users: [{name: u, user: {token: \"a\\r\\nX: y\"}}]\n", EBADMSG,
                  "is not a valid token" },
                { CONTEXT USER "clusters: [{name: c, cluster: {server: ''}}]\n", EBADMSG, "has no server" },
                { CONTEXT USER "clusters:\n- name: c\n  cluster:\n    server:\n", EAGAIN, "has no server" },
                { CONTEXT USER "clusters: [{name: c}]\n", EBADMSG, "cluster \"c\" is empty" },
                { CONTEXT USER "clusters: [{name: c, cluster: {server: 'ftp://a:6443'}}]\n", EBADMSG,
                  "server of cluster \"c\" does not begin with https:// or http://" },
                { CONTEXT USER "clusters: [{name: c, cluster: {server: 'a:6443/p'}}]\n", EBADMSG,
                  "server of cluster \"c\" has a path, but no https:// in front" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *detail = NULL;
                KubeConfig *c = NULL;
                int r;

                r = parse(rows[i].text, NULL, &c, &detail);
                if (r != -rows[i].error || !detail || !strstr(detail, rows[i].detail))
                        fail_msg("row %zu: %d %s", i, r, strna(detail));
                if (!strstr(detail, "being written") != (r != -EAGAIN))
                        fail_msg("row %zu: %s", i, detail);
                assert_null(c);
                assert_int_equal(parse(rows[i].text, NULL, &c, NULL), r);
        }
}

static void test_settings(void **state) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL, *anonymous = NULL, *empty = NULL, *nothing = NULL;

        assert_ok(parse(CONTEXT CLUSTER "    tls-server-name: other\n    proxy-url: socks5://p:1080\n"
                                        "    insecure-skip-tls-verify: true\n" USER,
                        "", &c, NULL));
        assert_string_equal(c->tls_server_name, "other");
        assert_string_equal(c->proxy_url, "socks5://p:1080");
        assert_true(c->insecure);
        assert_string_equal(c->token.data, "t0k");

        /* Another context than the current one, of a user that says nothing. */
        assert_ok(parse(CONTEXT CLUSTER USER, "y", &anonymous, NULL));
        assert_null(anonymous->user);
        assert_null(anonymous->token.data);
        assert_false(kube_config_equal(c, anonymous));

        assert_ok(parse(CONTEXT CLUSTER "users: [{name: u, user: {}}]\n", NULL, &nothing, NULL));
        assert_string_equal(nothing->user, "u");

        /* Settings that are there and empty count as absent. */
        assert_ok(parse(CONTEXT CLUSTER "    proxy-url: ''\n    certificate-authority-data: \n"
                                        "users: [{name: u, user: {token: x, exec: , username: ''}}]\n",
                        NULL, &empty, NULL));
}

static void test_paths(void **state) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;

        assert_ok(parse(CONTEXT CLUSTER
                        "    certificate-authority: pki/ca.crt\n" USER
                        "    tokenFile: token\n    client-certificate: /abs/c\n    client-key: ../k\n",
                        NULL, &c, NULL));
        assert_string_equal(c->ca.file, "/etc/kube/pki/ca.crt");
        assert_string_equal(c->token.file, "/etc/kube/token");
        assert_string_equal(c->certificate.file, "/abs/c");
        assert_string_equal(c->key.file, "/etc/kube/../k");
        assert_string_equal(c->token.data, "t0k");
}

static void test_servers(void **state) {
        static const struct {
                const char *url;
                const char *server; /* NULL: refused */
                const char *host;
                unsigned port;
                const char *prefix;
        } rows[] = {
                { "https://a", "https://a", "a", 443, "" },
                { "http://a/", "http://a", "a", 80, "" },
                { "https://a:6443/k8s/c/", "https://a:6443/k8s/c", "a", 6443, "/k8s/c" },
                { "https://a:6443?x=y", "https://a:6443", "a", 6443, "" },
                { "https://a/p?x#y", "https://a/p", "a", 443, "/p" },
                { "https://[::1]:6443", "https://[::1]:6443", "::1", 6443, "" },
                { "https://[fd00::1]", "https://[fd00::1]", "fd00::1", 443, "" },
                { "https://127.0.0.1:1", "https://127.0.0.1:1", "127.0.0.1", 1, "" },
                { "https://", NULL, NULL, 0, NULL },
                { "https://:6443", NULL, NULL, 0, NULL },
                { "https://::1:6443", NULL, NULL, 0, NULL },
                { "https://[::1", NULL, NULL, 0, NULL },
                { "https://[::1]x", NULL, NULL, 0, NULL },
                { "https://[a.b]", NULL, NULL, 0, NULL },
                { "https://[host]", NULL, NULL, 0, NULL },
                { "https://u:p@a", NULL, NULL, 0, NULL },
                { "https://u@a", NULL, NULL, 0, NULL },
                { "https://a:0", NULL, NULL, 0, NULL },
                { "https://a:65536", NULL, NULL, 0, NULL },
                { "https://a:x", NULL, NULL, 0, NULL },
                { "HTTPS://a", "https://a", "a", 443, "" },
                { "Https://A.B:6443/P/", "https://a.b:6443/P", "a.b", 6443, "/P" },
                { "https://a:443", "https://a", "a", 443, "" },
                { "https://a:06443", "https://a:6443", "a", 6443, "" },
                { "https://a:", "https://a", "a", 443, "" },
                { "https://[FD00::1]:443/", "https://[fd00::1]", "fd00::1", 443, "" },
                { "HTTP://a:80", "http://a", "a", 80, "" },
                { "http://a:443", "http://a:443", "a", 443, "" },
                { "a", "http://a", "a", 80, "" },
                { "localhost:6443", "http://localhost:6443", "localhost", 6443, "" },
                { "127.0.0.1:6443/", "http://127.0.0.1:6443", "127.0.0.1", 6443, "" },
                { "[::1]:6443?x", "http://[::1]:6443", "::1", 6443, "" },
                { "ftp://a", NULL, NULL, 0, NULL },
                { "unix:///run/x", NULL, NULL, 0, NULL },
                { "a/b", NULL, NULL, 0, NULL },
                { "//a", NULL, NULL, 0, NULL },
                { "/", NULL, NULL, 0, NULL },
                { "::1", NULL, NULL, 0, NULL },
                { "https:a", NULL, NULL, 0, NULL },
                { "https:/a", NULL, NULL, 0, NULL },
                { "u:p@a:1", NULL, NULL, 0, NULL },
                { "https://a b", NULL, NULL, 0, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(kube_config_freep) KubeConfig *c = NULL;
                _cleanup_free_ char *text = NULL;

                assert_ok(asprintf_ret(&text,
                                       CONTEXT USER "clusters: [{name: c, cluster: {server: '%s'}}]\n",
                                       rows[i].url));
                if (!rows[i].server) {
                        if (parse(text, NULL, &c, NULL) != -EBADMSG)
                                fail_msg("taken: %s", rows[i].url);
                        continue;
                }
                assert_ok(parse(text, NULL, &c, NULL));
                assert_string_equal(c->server, rows[i].server);
                assert_string_equal(c->host, rows[i].host);
                assert_int_equal(c->port, rows[i].port);
                assert_string_equal(c->prefix, rows[i].prefix);
        }
}

static void test_base64(void **state) {
        static const struct {
                const char *text;
                int r;
                const char *bytes;
                /* clang-format off */
        } rows[] = {
                { "", 0, "" },          { "QQ==", 0, "A" },        { "QUI=", 0, "AB" },       { "QUJD", 0, "ABC" },
                { "QU\nJD\r\n", 0, "ABC" }, { " QQ = = ", 0, "A" }, { "QUJDQQ==", 0, "ABCA" },
                { "Q", -ENODATA, NULL },    { "QQ", -ENODATA, NULL },  { "QQ=", -ENODATA, NULL }, { "QUJDQ", -ENODATA, NULL },
                { "=", -EBADMSG, NULL },    { "Q=", -EBADMSG, NULL },  { "QQ=A", -EBADMSG, NULL },
                { "QQ==QQ==", -EBADMSG, NULL }, { "QQ===", -EBADMSG, NULL }, { "QUJD=", -EBADMSG, NULL },
                { "QR==", -EBADMSG, NULL }, { "QUJ=", -EBADMSG, NULL }, { "Q-_A", -EBADMSG, NULL }, { "QUJ\x80", -EBADMSG, NULL },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *out = NULL;
                size_t size = 0;
                int r = base64_decode(rows[i].text, &out, &size);

                if (r != rows[i].r)
                        fail_msg("%s: %d", rows[i].text, r);
                if (r == 0) {
                        assert_string_equal(out, rows[i].bytes);
                        assert_int_equal(size, strlen(rows[i].bytes));
                }
        }
        {
                _cleanup_free_ char *out = NULL;
                size_t size;

                assert_ok(base64_decode("AP/+", &out, &size));
                assert_int_equal(size, 3);
                assert_memory_equal(out, "\x00\xff\xfe", 3);
        }
}

static void test_environment(void **state) {
        _cleanup_free_ char *path = NULL, *detail = NULL;

        assert_ok(kube_config_path_from_environment(NULL, &path, NULL));
        assert_null(path);
        assert_ok(kube_config_path_from_environment(":", &path, NULL));
        assert_null(path);
        assert_error(kube_config_path_from_environment("/a:/b", &path, &detail), EOPNOTSUPP);
        assert_non_null(strstr(detail, "$KUBECONFIG lists 2 files"));
        assert_ok(kube_config_path_from_environment(":/a:", &path, NULL));
        assert_string_equal(path, "/a");
}

/* Files on the disk. */

static char root[] = "/tmp/test-kubeconfig-XXXXXX";

static char *put(const char *name, const char *text) {
        char *path = NULL;

        assert_ok(path_join(root, name, &path));
        assert_ok(file_write_atomic(path, text, strlen(text), 0600));
        return path;
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

#define FILES                                                                                               \
        CONTEXT CLUSTER                                                                                     \
                "    certificate-authority: ca\n"                                                           \
                "users:\n- name: u\n  user:\n    client-certificate: c\n    client-key: k\n    tokenFile: t\n"

static void expect_load(const char *path, int error, const char *what) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;
        _cleanup_free_ char *detail = NULL;
        int r = kube_config_load(path, NULL, &c, &detail);

        if (r != -error || (what && !strstr(strempty(detail), what)))
                fail_msg("%d %s", r, strna(detail));
}

static void test_load(void **state) {
        _cleanup_free_ char *path = put("config", FILES), *absent = NULL, *ca = NULL, *c = NULL, *k = NULL,
                            *t = NULL;

        assert_ok(path_join(root, "absent", &absent));
        expect_load(absent, ENOENT, "absent: No such file");
        expect_load(root, EISDIR, "directory");
        expect_load(path, EAGAIN, "certificate-authority: ");
        ca = put("ca", PEM("CERTIFICATE"));
        expect_load(path, EAGAIN, "client-certificate: ");
        c = put("c", PEM("CERTIFICATE"));
        free(put("k", "-----BEGIN PRIVATE KEY-----\nQU"));
        expect_load(path, EAGAIN, "/k is not PEM, or is incomplete");
        k = put("k", PEM("PRIVATE KEY"));
        expect_load(path, EAGAIN, "tokenFile: ");
        free(put("t", " \n"));
        expect_load(path, EAGAIN, "/t is empty");
        free(put("t", "a b"));
        expect_load(path, EBADMSG, "holds no token");
        t = put("t", "tok1\n");
        expect_load(path, 0, NULL);
        {
                _cleanup_(kube_config_freep) KubeConfig *one = NULL, *two = NULL;
                _cleanup_free_ char *detail = NULL;

                assert_ok(kube_config_load(path, NULL, &one, NULL));
                assert_string_equal(one->token.data, "tok1");
                assert_string_equal(one->ca.data, PEM("CERTIFICATE"));
                assert_ok(kube_config_load(path, NULL, &two, NULL));
                assert_true(kube_config_equal(one, two));

                /* The token moves; what cannot be read keeps the old one. */
                free(put("t", "tok2"));
                assert_ok(kube_config_load_token(one, NULL));
                assert_string_equal(one->token.data, "tok2");
                assert_int_equal(one->token.size, 4);
                assert_false(kube_config_equal(one, two));
                free(put("t", ""));
                assert_error(kube_config_load_token(one, &detail), EAGAIN);
                assert_string_equal(one->token.data, "tok2");
                assert_int_equal(unlink(t), 0);
                assert_error(kube_config_load_token(one, NULL), EAGAIN);
                assert_string_equal(one->token.data, "tok2");
        }
}

/* A token beside its file is used until the file can be read. */
static void test_token_fallback(void **state) {
        _cleanup_free_ char *path = put("config", CONTEXT CLUSTER USER "    tokenFile: t\n");
        _cleanup_(kube_config_freep) KubeConfig *one = NULL, *two = NULL;

        assert_ok(kube_config_load(path, NULL, &one, NULL));
        assert_string_equal(one->token.data, "t0k");
        free(put("t", "new"));
        assert_ok(kube_config_load(path, NULL, &two, NULL));
        assert_string_equal(two->token.data, "new");
}

static void test_no_kubeconfig(void **state) {
        _cleanup_free_ char *text = malloc(LIMIT_KUBECONFIG + 2), *path = NULL;

        memset(text, '#', LIMIT_KUBECONFIG + 1);
        text[LIMIT_KUBECONFIG + 1] = '\0';
        path = put("config", text);
        expect_load(path, E2BIG, "too large");
        expect_load("/dev/null", EINVAL, "/dev/null: neither a file nor a link to one");
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_microshift),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_settings),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_servers),
                cmocka_unit_test(test_base64),
                cmocka_unit_test(test_environment),
                ON_DISK(test_load),
                ON_DISK(test_token_fallback),
                ON_DISK(test_no_kubeconfig),
        };
        return cmocka_run_group_tests_name("kubeconfig", tests, NULL, NULL);
}
