/* SPDX-License-Identifier: Apache-2.0 */

/* Which kubeconfig counts: when it is read again, when it names another server, and which one a reload refuses. */

#include "hub-fixture.h"

#include "base/log.h"
#include "base/string-util.h"

#define CA "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"

static void silent(int level, const LogField *fields, const char *message) {
}

static void on_request(Peer *peer, const char *text) {
}

static int setup(void **state) {
        HubFixture *f = calloc(1, sizeof(HubFixture));

        assert_non_null(f);
        log_set_sink(silent);
        hub_begin(f, on_request, true);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        HubFixture *f = *state;

        hub_end(f);
        free(f);
        return 0;
}

static bool is_rewritten(HubFixture *f) {
        return f->n_rewritten > 0;
}

/* ca: the text of a file beside it. */
static void write_with_ca(HubFixture *f, const char *ca, const char *token) {
        _cleanup_free_ char *text = NULL;

        folder_write(&f->folder, "ca.crt", ca);
        assert_ok(asprintf_ret(&text,
                               "current-context: c\n"
                               "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:%u', "
                               "certificate-authority: ca.crt}}]\n"
                               "users: [{name: u, user: {token: %s}}]\n"
                               "contexts: [{name: c, context: {cluster: c, user: u}}]\n",
                               f->server.port, token));
        folder_write(&f->folder, "kubeconfig", text);
}

/* The same address with another authority may be another cluster; another token is not. */
static void test_other_server(void **state) {
        HubFixture *f = *state;
        World *w = f->readiness.world;
        _cleanup_free_ char *first = NULL, *second = NULL;

        assert_non_null(w->server);
        write_with_ca(f, CA, "one");
        assert_int_equal(source_kubeconfig_reread(f->kubeconfig), 2);
        first = strdup(w->server_ca);
        write_with_ca(f, CA, "two");
        assert_int_equal(source_kubeconfig_reread(f->kubeconfig), 1);
        assert_string_equal(w->server_ca, first);
        write_with_ca(f, CA CA, "two");
        assert_int_equal(source_kubeconfig_reread(f->kubeconfig), 2);
        second = strdup(w->server_ca);
        assert_string_not_equal(first, second);
        assert_int_equal(source_kubeconfig_reread(f->kubeconfig), 0);
        hub_write_kubeconfig(f, f->server.port == 1 ? 2 : 1, "two");
        assert_int_equal(source_kubeconfig_reread(f->kubeconfig), 2);
        assert_string_not_equal(w->server_ca, second);
        assert_int_equal(f->n_changed, 4);
        assert_int_equal(f->n_other_server, 3);
}

/* A reload reads the file in any case. */
static void test_reload_reads(void **state) {
        HubFixture *f = *state;

        hub_write_kubeconfig(f, f->server.port, "another");
        source_kubeconfig_reload(f->kubeconfig);
        assert_string_equal(source_kubeconfig_get(f->kubeconfig)->tls_server_name, "another");
        assert_int_equal(f->n_changed, 1);
}

/* What no event tells: it is found when the daemon looks, and that it was written is told. */
static void test_look(void **state) {
        HubFixture *f = *state;

        source_kubeconfig_look(f->kubeconfig);
        assert_int_equal(f->n_rewritten, 0);
        hub_write_kubeconfig(f, f->server.port, "another");
        source_kubeconfig_look(f->kubeconfig);
        assert_int_equal(f->n_rewritten, 1);
        assert_int_equal(f->n_changed, 1);
        f->n_rewritten = 0;
        hub_write_kubeconfig(f, f->server.port, "once-more");
        hub_run_until(f, is_rewritten); /* by an event, as before */
}

static void assert_refused(HubFixture *f, const Settings *s, const char *words, const char *path) {
        _cleanup_free_ char *detail = NULL;

        assert_true(source_kubeconfig_check(f->kubeconfig, s, &detail) < 0);
        if (!detail || !strstr(detail, words) || !strstr(detail, path))
                fail_msg("\"%s\" does not name \"%s\" and %s", strna(detail), words, path);
}

#define WITH_PLUGIN                                                                                         \
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1'}}]\n"                                   \
        "users: [{name: u, user: {exec: {command: x}}}]\n"                                                  \
        "contexts: [{name: c, context: {cluster: c, user: u}}]\n"

static void test_check(void **state) {
        HubFixture *f = *state;
        _cleanup_free_ char *detail = NULL, *other = folder_path(&f->folder, "other");
        Settings s = {};

        f->options.kubeconfig = NULL;
        f->settings.kubeconfig = s.kubeconfig = f->kubeconfig_path;
        assert_ok(source_kubeconfig_check(f->kubeconfig, &s, &detail));

        s.context = (char *) "nowhere";
        s.context_place = (char *) "/etc/msready/msready.conf:7";
        assert_refused(f, &s, "msready.conf:7: ", f->kubeconfig_path);
        assert_refused(f, &s, "no context \"nowhere\"", f->kubeconfig_path);

        s.kubeconfig = other;
        s.kubeconfig_place = (char *) "/etc/msready/msready.conf:3";
        assert_refused(f, &s, "msready.conf:3: ", other);
        assert_refused(f, &s, strerror(ENOENT), other);
        folder_rename(&f->folder, "kubeconfig", "other");
        assert_refused(f, &s, "msready.conf:7: ", other);
        s.context = (char *) "c";
        assert_ok(source_kubeconfig_check(f->kubeconfig, &s, &detail));

        /* The context that is the current one cannot be used either, or there is none. */
        s.context = (char *) "nowhere";
        folder_write(&f->folder, "other", "current-context: c\n" WITH_PLUGIN);
        assert_refused(f, &s, "msready.conf:7: ", other);
        folder_write(&f->folder, "other", WITH_PLUGIN);
        assert_refused(f, &s, "msready.conf:7: ", other);
        s.context = (char *) "c";
        folder_write(&f->folder, "other", "current-context: c\n" WITH_PLUGIN);
        assert_refused(f, &s, "msready.conf:3: ", other);
        folder_write(&f->folder, "other", "");
        assert_refused(f, &s, "msready.conf:3: ", other);
        assert_null(detail);
}

/* MicroShift writes its kubeconfig when it starts: that it is not there now is no fault of settings that have not
 * changed. */
static void test_check_of_the_same(void **state) {
        HubFixture *f = *state;
        _cleanup_free_ char *detail = NULL;
        Settings s = { .kubeconfig = (char *) "/nowhere" }; /* --kubeconfig counts */

        folder_remove(&f->folder, "kubeconfig");
        assert_ok(source_kubeconfig_check(f->kubeconfig, &s, &detail));
        s.node = (char *) "another";
        s.scope = SCOPE_CLUSTER;
        assert_ok(source_kubeconfig_check(f->kubeconfig, &s, &detail));
        s.context = (char *) "c";
        assert_refused(f, &s, strerror(ENOENT), f->kubeconfig_path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_other_server), TEST(test_reload_reads),      TEST(test_look),
                TEST(test_check),        TEST(test_check_of_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
