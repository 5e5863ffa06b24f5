/* SPDX-License-Identifier: Apache-2.0 */

/* Fails the first allocation, then the second, and so on, until all passes without. Whatever fails, it is
 * said so, what was there before is whole, and nothing is lost (the address sanitizer looks at that). */

#include "test.h"

#include <stdio.h>

#include "base/limits.h"
#include "failing-malloc.h"
#include "history/boots.h"
#include "diagnosis/columns.h"
#include "diagnosis/events.h"
#include "history/timeline.h"
#include "ready/trail.h"

/* Runs until none fails; each run but the last must say -ENOMEM. */
static void torture(int (*run)(void), unsigned long at_least) {
        unsigned long n;
        int r;

        for (n = 1;; n++) {
                failing_countdown = n;
                r = run();
                if (failing_countdown > 0)
                        break;
                assert_error(r, ENOMEM);
        }
        failing_countdown = 0;
        assert_ok(r);
        assert_true(n > at_least);
}

static const char pod_text[] =
        "{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\"},\"spec\":{\"initContainers\":[{\"name\":\"i\"}],"
        "\"containers\":[{\"name\":\"a\"}]},\"status\":{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\","
        "\"restartCount\":3,\"lastState\":{\"terminated\":{\"finishedAt\":\"2023-11-14T22:10:00Z\",\"reason\":\"Error\","
        "\"exitCode\":1,\"message\":\"no\"}},\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"b\"}}}]}}";

static KubeObject *pod;

static int run_columns(void) {
        PodColumns c = POD_COLUMNS_NULL;
        int r;

        r = pod_columns(KUBE_POD_OF(pod), 1700000000 * USEC_PER_SEC, &c);
        if (r < 0)
                assert_null(c.status);
        pod_columns_done(&c);
        return r;
}

static void test_columns(void **state) {
        _cleanup_(jv_freep) JsonValue *v = NULL;

        assert_ok(jv_parse(pod_text, strlen(pod_text), &v));
        assert_ok(kube_object_parse(KUBE_POD, v, &pod, NULL, 0));
        torture(run_columns, 2);
        pod = kube_object_free(pod);
}

/* The reason cannot fail: lacking memory it says less, and more the next time. */
static void test_blocking_reason(void **state) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        const char *reason, *message;

        assert_ok(jv_parse(pod_text, strlen(pod_text), &v));
        for (unsigned long n = 1; n < 6; n++) {
                assert_ok(kube_object_parse(KUBE_POD, v, &pod, NULL, 0));
                failing_countdown = n;
                pod_blocking_reason(KUBE_POD_OF(pod), &reason, &message);
                failing_countdown = 0;
                assert_non_null(reason);
                assert_non_null(message);

                pod_blocking_reason(KUBE_POD_OF(pod), &reason, &message);
                assert_string_equal(reason, "Init:CrashLoopBackOff");
                assert_string_equal(message, "b; last exit: Error, exit code 1: no");
                pod = kube_object_free(pod);
        }
}

static int feed(EventDigest *d, const char *uid, const char *version, const char *reason,
                const char *message) {
        KubeEvent e = { .object = { .resource_version = version },
                        .regarding_uid = uid,
                        .container = "c",
                        .reason = reason,
                        .message = message,
                        .type = "Warning" };
        return event_digest_feed(d, &e, USEC_PER_HOUR, 0);
}

static int run_events(void) {
        _cleanup_(event_digest_freep) EventDigest *d = NULL;
        EventExplanation e;
        char uid[16];
        int r;

        r = event_digest_new(&d);
        if (r >= 0)
                r = feed(d, "u", "1", "Pulling", "Pulling image \"x\"");
        if (r >= 0)
                r = feed(d, "u", "2", "Failed", "Failed to pull image \"x\": no");
        if (r >= 0)
                r = feed(d, "u", "3", "Pulling", "Pulling image \"x\"");
        if (r >= 0)
                r = feed(d, "u", "4", "Unhealthy", "probe");
        /* Enough for the hash table to grow. */
        for (unsigned i = 0; i < 400 && r >= 0; i++) {
                snprintf(uid, sizeof(uid), "u%u", i);
                r = feed(d, uid, "1", "FailedMount", "m");
        }
        if (r >= 0)
                assert_true(event_digest_explain(d, "u", &e) && e.pulling);
        return r;
}

static void test_events(void **state) {
        torture(run_events, 1000);
}

static int run_timeline(void) {
        static const char line[] =
                "{\"boottimeUSec\":1,\"realtimeUSec\":2,\"gate\":\"dns\",\"object\":{\"kind\":\"Pod\",\"namespace\":\"n\","
                "\"name\":\"p\"},\"from\":\"a\",\"to\":\"b\",\"blocker\":{\"gate\":\"dns\",\"object\":{\"kind\":\"Pod\",\"name\":"
                "\"p\"},\"reason\":\"r\",\"message\":\"m\",\"hint\":\"h\",\"sinceBoottimeUSec\":3}}\n";
        _cleanup_(timeline_freep) Timeline *t = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(4));
        Blocker copy;
        int r;

        r = timeline_new(4, 4, &t);
        if (r >= 0)
                r = timeline_parse(t, line, strlen(line));
        if (r >= 0)
                r = timeline_print(t, &b);
        if (r < 0)
                return r;
        assert_string_equal(buffer_cstr(&b), line);
        r = blocker_copy(&timeline_get(t, 0)->blocker, &copy);
        if (r >= 0)
                blocker_done(&copy);
        return r;
}

static void test_timeline(void **state) {
        torture(run_timeline, 10);
}

static int run_boots(void) {
        static const char line[] =
                "{\"bootId\":\"0123456789abcdef0123456789abcdef\",\"startedRealtimeUSec\":1,"
                "\"readyUSec\":2,\"pulledImages\":true,\"gates\":[{\"name\":\"dns\",\"readyUSec\":2,"
                "\"waitedFor\":\"Pod n/p: w\"},{\"name\":\"x\"}]}\n";
        _cleanup_(boot_log_freep) BootLog *l = NULL;
        _cleanup_(timeline_freep) Timeline *told = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(4));
        usec_t typical;
        int r;

        r = boot_log_new(4, &l);
        if (r >= 0)
                r = boot_log_parse(l, line, strlen(line));
        if (r >= 0)
                r = boot_log_print(l, &b);
        if (r >= 0)
                r = boot_log_typical(l, true, NULL, &typical);
        if (r >= 0)
                assert_string_equal(buffer_cstr(&b), line);
        if (r >= 0)
                r = timeline_new(4, 1, &told);
        if (r >= 0)
                r = boot_retell(boot_log_get(l, 0), told);
        if (r >= 0)
                assert_int_equal(timeline_length(told), 2);
        return r;
}

static void test_boots(void **state) {
        torture(run_boots, 8);
}

static int run_trail(void) {
        const Finding waits = { .evidence = EVIDENCE_FALSE, .reason = "ErrImagePull" };
        const Blocker before = { .gate = (char *) "dns", .reason = (char *) "ContainerCreating" };
        const ObjectName pod_name = { .kind = (char *) "Pod", .name = (char *) "p" };
        _cleanup_(trail_done) Trail t = {};
        Blocker *wanted = NULL;
        ObjectEdge edge;
        int r;

        r = trail_restore(&t, &pod_name, OBJECT_WAITING, &before);
        if (r < 0)
                return r;
        trail_begin(&t);
        r = trail_see(&t, "Pod", NULL, "q", NULL, &waits, &wanted);
        if (r < 0)
                return r;
        wanted->reason = strdup("ErrImagePull");
        if (!wanted->reason)
                return -ENOMEM;
        trail_end(&t);
        /* Lacking memory nothing is told, and all of it the next time. */
        if (trail_next(&t, &edge)) {
                assert_int_equal(edge.from, OBJECT_ABSENT);
                assert_string_equal(edge.blocker->reason, "ErrImagePull");
        } else
                return -ENOMEM;
        return trail_next(&t, &edge) ? -EINVAL : 0;
}

static void test_trail(void **state) {
        torture(run_trail, 8);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_columns), cmocka_unit_test(test_blocking_reason),
                cmocka_unit_test(test_events),  cmocka_unit_test(test_timeline),
                cmocka_unit_test(test_boots),   cmocka_unit_test(test_trail),
        };
        return cmocka_run_group_tests_name("ready-memory", tests, NULL, NULL);
}
