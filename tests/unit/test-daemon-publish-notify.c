/* SPDX-License-Identifier: Apache-2.0 */

/* STATUS=, the line that systemctl status shows. */

#include "fixture.h"

#include <time.h>

#include "base/string-util.h"
#include "publish-notify.h"

/* The time of day at play.now. */
#define NOON (12 * 3600 * USEC_PER_SEC)

static Play play;

static int setup(void **state) {
        play_cluster(&play);
        return 0;
}

static int teardown(void **state) {
        play_end(&play);
        return 0;
}

static void assert_status(bool was_ready, const char *expected) {
        const Readiness readiness = { .world = play.world,
                                      .board = play.board,
                                      .verdict_changed_realtime = 3600 * USEC_PER_SEC };
        _cleanup_free_ char *text = publish_notify_make_status(&readiness, was_ready, play.now, NOON);

        assert_non_null(text);
        assert_string_equal(text, expected);
}

static PlayPod waiting_pod(const char *reason, const char *message) {
        PlayPod pod = pod_ready("shop", "web", 70, 71);

        pod.ready = KUBE_STATUS_FALSE;
        pod.containers[0].state = KUBE_CONTAINER_WAITING;
        pod.containers[0].reason = reason;
        pod.containers[0].message = message;
        pod.containers[0].id = 0;
        return pod;
}

static void test_nothing_required(void **state) {
        play_load(&play);
        assert_status(false, "waiting: 0 of 0 gates open; NothingRequired");
}

/* The first blocker with its age before READY=1, the verdict's time of day after it. */
static void test_blocker(void **state) {
        PlayPod pod = waiting_pod("ImagePullBackOff", "no such image");

        play_pod(&play, &pod);
        PLAY_GATE(&play, "node", check_node(NULL))->required = true;
        PLAY_GATE(&play, "shop", check_pods("shop", NULL))->required = true;
        play_load(&play);
        assert_status(false,
                      "waiting: 1 of 2 gates open; shop: ImagePullBackOff Pod shop/web: no such image");
        play_pass(&play, SECONDS(75));
        assert_status(false,
                      "waiting: 1 of 2 gates open; shop: ImagePullBackOff Pod shop/web since 1min 15s: "
                      "no such image");
        assert_status(true,
                      "waiting since 01:00:00: 1 of 2 gates open; shop: ImagePullBackOff Pod shop/web: "
                      "no such image");
}

/* What has not been asked yet is no fault. */
static void test_not_asked(void **state) {
        assert_true(world_set_api(play.world, API_UNREACHABLE, REASON_NOT_ASKED, API_NOT_ASKED, play.now) >
                    0);
        PLAY_GATE(&play, "node", check_node(NULL))->required = true;
        play_load(&play);
        assert_status(false, "waiting: 0 of 1 gates open; node: not asked yet");
}

static void test_ready(void **state) {
        PLAY_GATE(&play, "node", check_node(NULL))->required = true;
        play_load(&play);
        assert_status(true, "ready since 01:00:00: 1 of 1 gates open");
}

/* A gate in its hold is still open; the line says until when. It is told once: "lost in 10s" would soon be wrong. */
static void test_hold(void **state) {
        PlayPod pod = pod_ready("shop", "web", 70, 71);

        play_start_pod(&play, &pod);
        PLAY_GATE(&play, "shop", check_pods("shop", NULL))->required = true;
        play_load(&play);
        play_kill(&play, 71);
        play_look(&play);
        play_judge(&play);
        play_pass(&play, SECONDS(5));
        play_judge(&play);
        {
                const Readiness readiness = { .world = play.world, .board = play.board };
                _cleanup_free_ char *text = publish_notify_make_status(&readiness, true, play.now, NOON);

                assert_non_null(strstr(
                        text, ": 1 of 1 gates open; shop: Unproven Pod shop/web, lost at 12:00:10: "));
                assert_true(glob_matches("ready since ??:??:??, shop failing since 11:59:55: *", text));
        }
}

/* While a gate lives on its grace the line says since when the cluster is in doubt. */
static void test_doubt(void **state) {
        PLAY_GATE(&play, "node", check_node(NULL))->required = true;
        play_load(&play);
        play_api(&play, API_UNREACHABLE);
        play_judge(&play);
        play_pass(&play, SECONDS(12));
        {
                const Readiness readiness = { .world = play.world, .board = play.board };
                _cleanup_free_ char *text = publish_notify_make_status(&readiness, true, play.now, NOON);

                if (!glob_matches("ready since ??:??:??, in doubt since 11:59:48: 1 of 1 gates open; "
                                  "node: ApiUnreachable Node *, unknown at 12:04:48*",
                                  text))
                        fail_msg("%s", text);
        }
}

/* A gate that was lost has to settle: it makes the verdict, and what blocks another gate for a moment does not. */
static void test_settling(void **state) {
        PlayPod pod = pod_ready("shop", "web", 70, 71);

        play_start_pod(&play, &pod);
        PLAY_GATE(&play, "node", check_node(NULL))->required = true;
        PLAY_GATE(&play, "shop", check_pods("shop", NULL))->required = true;
        play_load(&play);
        play_kill(&play, 71);
        play_look(&play);
        play_judge(&play);
        play_pass(&play, SECONDS(15));
        play_start(&play, 71);
        play_look(&play);
        play_judge(&play);
        play_pass(&play, SECONDS(5));
        assert_status(
                true,
                "lost since 01:00:00: 1 of 2 gates open; shop: nothing blocks it now, ready at 12:00:10");
        play_remove(&play, KUBE_NODE, "", GUIDE_NODE);
        play_judge(&play);
        {
                const Readiness readiness = { .world = play.world, .board = play.board };
                _cleanup_free_ char *text = publish_notify_make_status(&readiness, true, play.now, NOON);

                assert_non_null(strstr(text, ": 1 of 2 gates open; shop: "));
        }
}

/* An object of an invalid gate is the gate itself, which is named already. */
static void test_invalid_gate(void **state) {
        GateSetup *s = PLAY_GATE(&play, "shop", check_pods("shop", NULL));

        s->required = true;
        s->definition->invalid = strdup("shop.gate:3: no such key");
        play_load(&play);
        assert_status(false, "waiting: 0 of 1 gates open; shop: InvalidGate: shop.gate:3: no such key");
}

/* Text of the cluster injects no assignment, and the datagram stays small and whole. */
static void test_hostile_text(void **state) {
        char message[1200];
        PlayPod pod;

        memset(message, 'x', sizeof(message) - 1);
        message[sizeof(message) - 1] = '\0';
        memcpy(message, "a\\nREADY=1\\n", 12); /* as JSON has it */
        for (size_t i = 20; i + 2 < sizeof(message) - 1; i += 2)
                memcpy(message + i, "\xc3\xa9", 2);
        pod = waiting_pod("CrashLoopBackOff", message);
        play_pod(&play, &pod);
        PLAY_GATE(&play, "shop", check_pods("shop", NULL))->required = true;
        play_load(&play);
        {
                const Readiness now = { .world = play.world, .board = play.board };
                _cleanup_free_ char *text = publish_notify_make_status(&now, false, play.now, NOON);

                assert_null(strchr(text, '\n'));
                assert_true(strlen(text) <= 512 && strlen(text) > 500);
                assert_true(utf8_is_valid(text, strlen(text)));
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_nothing_required),
                TEST(test_blocker),
                TEST(test_not_asked),
                TEST(test_ready),
                TEST(test_hold),
                TEST(test_doubt),
                TEST(test_settling),
                TEST(test_invalid_gate),
                TEST(test_hostile_text),
        };

        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
