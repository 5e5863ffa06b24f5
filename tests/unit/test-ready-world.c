/* SPDX-License-Identifier: Apache-2.0 */

/* Where a stream takes another's place, both bring the same objects for a while, and not in step. */

#include "test.h"

#include <stdio.h>

#include "ready/world.h"

#define NOW ((Instant){ .boottime = 1000, .monotonic = 1000 })

typedef struct Fixture {
        World *world;
        WorldStream *old, *new;
} Fixture;

static void bring(WorldStream *s, const char *version, const char *boot_id) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        KubeObject *o = NULL;
        char text[512];

        snprintf(
                text, sizeof(text),
                "{\"metadata\":{\"name\":\"edge\",\"uid\":\"u\",\"resourceVersion\":\"%s\"},\"status\":{\"nodeInfo\":{"
                "\"bootID\":\"%s\"}}}",
                version, boot_id);
        assert_ok(jv_parse(text, strlen(text), &v));
        assert_ok(kube_object_parse(KUBE_NODE, v, &o, NULL, 0));
        assert_ok(world_stream_upsert(s, o, NOW, NULL));
}

static void list(WorldStream *s, const char *version, const char *boot_id) {
        world_stream_listing_begins(s);
        bring(s, version, boot_id);
        world_stream_listing_complete(s);
        world_stream_set_sync(s, true, NULL, NULL, NOW);
}

static void lose(WorldStream *s) {
        assert_ok(world_stream_set_sync(s, false, REASON_NOT_SYNCED, NULL, NOW));
}

static void gone(WorldStream *s) {
        world_stream_remove(s, KUBE_NODE, "", "edge", "u");
}

static const char *boot_id(const Fixture *f) {
        const WorldObject *o = world_find(f->world, KUBE_NODE, "", "edge");

        return o ? KUBE_NODE_OF(o->object)->boot_id : NULL;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_ok(world_new(&f->world));
        assert_ok(world_add_stream(f->world, STREAM_NODES, NULL, NULL, &f->old));
        list(f->old, "5", "five");
        assert_ok(world_add_stream(f->world, STREAM_NODES, NULL, NULL, &f->new));
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        world_stream_free(f->old);
        world_stream_free(f->new);
        world_free(f->world);
        free(f);
        return 0;
}

/* The new one brings what the old one has; the old one goes. */
static void test_taken_over(void **state) {
        Fixture *f = *state;

        list(f->new, "5", "five");
        f->old = world_stream_free(f->old);
        assert_string_equal(boot_id(f), "five");
}

/* The old one is the last to bring a version that both bring: it must not take the object along. */
static void test_old_one_lags(void **state) {
        Fixture *f = *state;

        list(f->new, "6", "six");
        bring(f->old, "6", "six");
        f->old = world_stream_free(f->old);
        assert_string_equal(boot_id(f), "six");
}

/* The old one is ahead while the new one is still listing. */
static void test_old_one_leads(void **state) {
        Fixture *f = *state;

        world_stream_listing_begins(f->new);
        bring(f->new, "5", "five");
        bring(f->old, "6", "six");
        assert_string_equal(boot_id(f), "six");
        world_stream_listing_complete(f->new);
        world_stream_set_sync(f->new, true, NULL, NULL, NOW);
        f->old = world_stream_free(f->old);
        assert_string_equal(boot_id(f), "six");
}

/* The list of the new one was drawn up before what the old one has told since: a truth does not go back. */
static void test_old_one_is_ahead_of_the_list(void **state) {
        Fixture *f = *state;

        bring(f->old, "7", "seven");
        world_stream_listing_begins(f->new);
        bring(f->new, "6", "six");
        assert_string_equal(boot_id(f), "seven");
        world_stream_listing_complete(f->new);
        world_stream_set_sync(f->new, true, NULL, NULL, NOW);
        f->old = world_stream_free(f->old);
        assert_string_equal(boot_id(f), "seven");
        bring(f->new, "7", "seven");
        bring(f->new, "8", "eight");
        assert_string_equal(boot_id(f), "eight");
}

/* Unless the server was away, and has come back with a backup. */
static void test_server_goes_back(void **state) {
        Fixture *f = *state;

        bring(f->old, "7", "seven");
        lose(f->old);
        assert_true(world_set_api(f->world, API_UNREACHABLE, NULL, NULL, NOW) >= 0);
        assert_true(world_set_api(f->world, API_READY, NULL, NULL, NOW) >= 0);
        list(f->new, "6", "six");
        assert_string_equal(boot_id(f), "six");
}

/* What the old one says late is not believed over what is newer. */
static void test_old_news(void **state) {
        Fixture *f = *state;

        list(f->new, "10", "ten");
        bring(f->old, "9", "nine");
        assert_string_equal(boot_id(f), "ten");
        bring(f->new, "9", "nine"); /* as from a backup: the new one may say what it likes */
        assert_string_equal(boot_id(f), "nine");
}

static void test_deleted(void **state) {
        Fixture *f = *state;

        list(f->new, "6", "six");
        gone(f->old);
        assert_string_equal(boot_id(f), "six");
        gone(f->new);
        assert_null(boot_id(f));
}

/* A new one that fell out of sync may never say that an object went. */
static void test_deleted_while_the_new_one_is_away(void **state) {
        Fixture *f = *state;

        list(f->new, "6", "six");
        lose(f->new);
        gone(f->old);
        assert_null(boot_id(f));
}

/* The new one goes again, in the middle of its listing or behind it: what it brought is the old one's. */
static void test_new_one_goes(void **state) {
        Fixture *f = *state;

        world_stream_listing_begins(f->new);
        bring(f->new, "6", "six");
        f->new = world_stream_free(f->new);
        assert_string_equal(boot_id(f), "six");

        assert_ok(world_add_stream(f->world, STREAM_NODES, NULL, NULL, &f->new));
        list(f->new, "7", "seven");
        f->new = world_stream_free(f->new);
        assert_string_equal(boot_id(f), "seven");
        bring(f->old, "8", "eight");
        assert_string_equal(boot_id(f), "eight");
        gone(f->old);
        assert_null(boot_id(f));
}

/* It is not handed to one that would not be believed, and that has to list again. */
static void test_new_one_goes_while_the_old_one_is_away(void **state) {
        Fixture *f = *state;

        list(f->new, "6", "six");
        lose(f->old);
        f->new = world_stream_free(f->new);
        assert_null(boot_id(f));
        list(f->old, "6", "six");
        assert_string_equal(boot_id(f), "six");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_taken_over, setup, teardown),
                cmocka_unit_test_setup_teardown(test_old_one_lags, setup, teardown),
                cmocka_unit_test_setup_teardown(test_old_one_leads, setup, teardown),
                cmocka_unit_test_setup_teardown(test_old_one_is_ahead_of_the_list, setup, teardown),
                cmocka_unit_test_setup_teardown(test_server_goes_back, setup, teardown),
                cmocka_unit_test_setup_teardown(test_old_news, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deleted_while_the_new_one_is_away, setup, teardown),
                cmocka_unit_test_setup_teardown(test_new_one_goes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_new_one_goes_while_the_old_one_is_away, setup,
                                                teardown),
        };
        return cmocka_run_group_tests_name("ready-world", tests, NULL, NULL);
}
