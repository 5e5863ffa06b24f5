/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>

#include "base/limits.h"
#include "diagnosis/events.h"

#define NOW_REAL (1700000000 * USEC_PER_SEC)
#define NOW_BOOT (30 * USEC_PER_MINUTE)

typedef struct Fed {
        const char *version;
        const char *reason;
        const char *message;
        const char *container;
        const char *type; /* NULL: Normal */
        usec_t ago;
        const char *uid; /* NULL: "u" */
        usec_t first_ago;
} Fed;

static int feed(EventDigest *d, const Fed *f) {
        KubeEvent e = {
                .object = { .kind = KUBE_EVENT,
                            .namespace = "n",
                            .name = "e",
                            .uid = "e",
                            .resource_version = f->version ?: "" },
                .regarding_uid = f->uid ?: "u",
                .container = f->container,
                .reason = f->reason,
                .message = f->message,
                .type = f->type ?: "Normal",
                .first_seen = NOW_REAL - (f->first_ago ?: f->ago),
                .last_seen = NOW_REAL - f->ago,
        };
        return event_digest_feed(d, &e, NOW_BOOT, NOW_REAL);
}

static EventDigest *make(void) {
        EventDigest *d = NULL;

        assert_ok(event_digest_new(&d));
        return d;
}

/* What is told of pod "u": "REASON: MESSAGE", or "" for nothing. */
static const char *told(const EventDigest *d) {
        static char text[2 * LIMIT_MESSAGE];
        EventExplanation e;

        if (!event_digest_explain(d, "u", &e))
                return "";
        snprintf(text, sizeof(text), "%s: %s", e.reason, e.message);
        return text;
}

#define PULLING(v, c, i)                                                                                    \
        { .version = v, .reason = "Pulling", .message = "Pulling image \"" i "\"", .container = c }
#define WORDS                                                                                               \
        "Failed to pull image \"quay.io/x\": rpc error: unauthorized: access to the requested resource is not authorized"

static void test_pull(void **state) {
        _cleanup_(event_digest_freep) EventDigest *d = make();
        EventExplanation e;

        assert_string_equal(told(d), "");
        assert_int_equal(feed(d, &(Fed){ .version = "10",
                                         .reason = "Pulling",
                                         .container = "dns",
                                         .ago = 12 * USEC_PER_MINUTE,
                                         .message = "Pulling image \"quay.io/openshift/dns@sha256:abc\"" }),
                         1);
        assert_true(event_digest_explain(d, "u", &e));
        assert_true(e.pulling);
        assert_string_equal(e.message, "pulling quay.io/openshift/dns@sha256:abc");
        assert_int_equal(e.since, NOW_BOOT - 12 * USEC_PER_MINUTE);
        assert_int_equal(event_digest_pulls(d), 0);

        assert_int_equal(
                feed(d,
                     &(Fed){ .version = "11",
                             .reason = "Pulled",
                             .container = "dns",
                             .message =
                                     "Successfully pulled image \"quay.io/x\" in 2m (2m including waiting)" }),
                1);
        assert_string_equal(told(d), "");
        assert_int_equal(event_digest_pulls(d), 1);

        /* The same again, as after another listing. */
        assert_int_equal(
                feed(d,
                     &(Fed){ .version = "11",
                             .reason = "Pulled",
                             .container = "dns",
                             .message =
                                     "Successfully pulled image \"quay.io/x\" in 2m (2m including waiting)" }),
                0);
        assert_int_equal(event_digest_pulls(d), 1);

        /* An image that was there is no pull. */
        feed(d, &(Fed){ .version = "12",
                        .reason = "Pulled",
                        .container = "b",
                        .message = "Container image \"quay.io/y\" already present on machine" });
        assert_int_equal(event_digest_pulls(d), 1);
}

/* Only the first of kubelet's four events has the registry's words. */
static void test_pull_refused(void **state) {
        /* clang-format off */
        static const Fed events[] = {
                PULLING("20", "dns", "quay.io/x"),
                { .version = "21", .reason = "Failed", .type = "Warning", .container = "dns", .message = WORDS },
                { .version = "22", .reason = "Failed", .type = "Warning", .container = "dns", .message = "Error: ErrImagePull" },
                { .version = "23", .reason = "BackOff", .container = "dns", .message = "Back-off pulling image \"quay.io/x\"" },
                { .version = "24", .reason = "Failed", .type = "Warning", .container = "dns", .message = "Error: ImagePullBackOff" },
        };
        /* clang-format on */
        _cleanup_(event_digest_freep) EventDigest *d = make();
        EventExplanation e;

        for (size_t i = 0; i < ELEMENTSOF(events); i++)
                assert_int_equal(feed(d, &events[i]), 1);
        assert_string_equal(told(d), "Failed: " WORDS);
        assert_true(event_digest_explain(d, "u", &e));
        assert_false(e.pulling);

        /* So it is where the pull failed in a way that has a name of its own. */
        feed(d, &(Fed){ .version = "241",
                        .reason = "Failed",
                        .type = "Warning",
                        .container = "dns",
                        .message = "Error: SignatureValidationFailed" });
        feed(d, &(Fed){ .version = "242",
                        .reason = "Failed",
                        .type = "Warning",
                        .container = "dns",
                        .message = "Error: RegistryUnavailable" });
        assert_string_equal(told(d), "Failed: " WORDS);

        /* The next try says what became of the last. */
        feed(d, &(Fed) PULLING("250", "dns", "quay.io/x"));
        assert_string_equal(told(d), "Pulling: pulling quay.io/x; the last attempt: " WORDS);

        /* And a pull that succeeded takes all of it back. */
        feed(d, &(Fed){ .version = "260",
                        .reason = "Pulled",
                        .container = "dns",
                        .message = "Successfully pulled image" });
        feed(d, &(Fed) PULLING("270", "dns", "quay.io/x"));
        assert_string_equal(told(d), "Pulling: pulling quay.io/x");
}

/* A list has no order in time: the version has. */
static void test_order(void **state) {
        static const Fed events[] = {
                PULLING("98", "dns", "quay.io/x"),
                { .version = "100",
                  .reason = "Failed",
                  .type = "Warning",
                  .container = "dns",
                  .message = WORDS },
                { .version = "99",
                  .reason = "Failed",
                  .type = "Warning",
                  .container = "dns",
                  .message = "Error: ErrImagePull" },
        };
        static const uint8_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                             { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

        for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
                _cleanup_(event_digest_freep) EventDigest *d = make();

                for (size_t k = 0; k < 3; k++)
                        feed(d, &events[orders[i][k]]);
                assert_string_equal(told(d), "Failed: " WORDS);
        }
}

static void test_trouble(void **state) {
        _cleanup_(event_digest_freep) EventDigest *d = make();
        EventExplanation e;

        feed(d, &(Fed){ .version = "1",
                        .reason = "FailedScheduling",
                        .type = "Warning",
                        .message = "0/1 nodes are available" });
        assert_string_equal(told(d), "FailedScheduling: 0/1 nodes are available");
        feed(d, &(Fed){ .version = "2", .reason = "Scheduled", .message = "assigned" });
        assert_string_equal(told(d), "");

        feed(d, &(Fed){ .version = "3",
                        .reason = "FailedMount",
                        .type = "Warning",
                        .message = "secret \"x\" not found",
                        .ago = USEC_PER_MINUTE,
                        .first_ago = 5 * USEC_PER_MINUTE });
        assert_true(event_digest_explain(d, "u", &e));
        assert_int_equal(e.since, 0); /* it may have come and gone in the meantime */

        /* What the scheduler did before is no cure for a mount. */
        feed(d, &(Fed){ .version = "4", .reason = "Scheduled", .message = "assigned" });
        assert_string_equal(told(d), "FailedMount: secret \"x\" not found");

        /* An image is pulled: the volumes are mounted. An older event changes nothing. */
        feed(d, &(Fed) PULLING("6", "a", "i"));
        assert_string_equal(told(d), "Pulling: pulling i");
        feed(d, &(Fed){ .version = "5", .reason = "FailedMount", .type = "Warning", .message = "old" });
        feed(d, &(Fed){ .version = "7",
                        .reason = "Pulled",
                        .container = "a",
                        .message = "Successfully pulled image" });
        assert_string_equal(told(d), "");

        /* A container's own trouble ends when that one is started. */
        feed(d, &(Fed){ .version = "8",
                        .reason = "Unhealthy",
                        .type = "Warning",
                        .container = "a",
                        .message = "Readiness probe failed" });
        feed(d, &(Fed){ .version = "9",
                        .reason = "Started",
                        .container = "b",
                        .message = "Started container b" });
        assert_string_equal(told(d), "Unhealthy: Readiness probe failed");
        feed(d, &(Fed){ .version = "10",
                        .reason = "Started",
                        .container = "a",
                        .message = "Started container a" });
        assert_string_equal(told(d), "");
}

/* With several containers: what is being pulled, else what went wrong last. */
static void test_several_containers(void **state) {
        _cleanup_(event_digest_freep) EventDigest *d = make();

        feed(d, &(Fed) PULLING("1", "a", "first"));
        feed(d, &(Fed){ .version = "2",
                        .reason = "Failed",
                        .type = "Warning",
                        .container = "a",
                        .message = "Failed to pull image \"first\": no" });
        feed(d, &(Fed) PULLING("3", "b", "second"));
        assert_string_equal(told(d), "Pulling: pulling second");
        feed(d, &(Fed){ .version = "4",
                        .reason = "Failed",
                        .type = "Warning",
                        .container = "a",
                        .message = "Error: ImagePullBackOff" });
        assert_string_equal(told(d), "Pulling: pulling second");
        feed(d, &(Fed){ .version = "5",
                        .reason = "Pulled",
                        .container = "b",
                        .message = "Successfully pulled image" });
        assert_string_equal(told(d), "Failed: Failed to pull image \"first\": no");
        feed(d, &(Fed){ .version = "6",
                        .reason = "Unhealthy",
                        .type = "Warning",
                        .container = "b",
                        .message = "probe" });
        assert_string_equal(told(d), "Unhealthy: probe");
}

/* Warnings that name no cause: they come with each try, and with the trouble that they must not hide. */
static void test_asides(void **state) {
        /* clang-format off */
        static const Fed asides[] = {
                { .version = "2", .reason = "DNSConfigForming", .type = "Warning",
                  .message = "Nameserver limits were exceeded, some nameservers have been omitted, the applied "
                             "nameserver line is: 192.168.1.1 192.168.1.2 192.168.1.3" },
                { .version = "3", .reason = "FailedToRetrieveImagePullSecret", .type = "Warning",
                  .message = "Unable to retrieve some image pull secrets (x); attempting to pull the image may not "
                             "succeed." },
                { .version = "4", .reason = "ProbeWarning", .type = "Warning", .container = "app",
                  .message = "Liveness probe warning: Probe terminated redirects" },
                { .version = "5", .reason = "FailedDaemonPod", .type = "Warning",
                  .message = "Found failed daemon pod n/dns-1 on node edge, will try to kill it" },
                { .version = "6", .reason = "RecreatingFailedPod", .type = "Warning",
                  .message = "StatefulSet n/web is recreating failed Pod web-0" },
        };
        /* clang-format on */
        _cleanup_(event_digest_freep) EventDigest *d = make();

        for (size_t i = 0; i < ELEMENTSOF(asides); i++)
                assert_int_equal(feed(d, &asides[i]), 0);
        assert_string_equal(told(d), "");

        feed(d, &(Fed){ .version = "1",
                        .reason = "FailedCreatePodSandBox",
                        .type = "Warning",
                        .message = "no" });
        for (size_t i = 0; i < ELEMENTSOF(asides); i++)
                assert_int_equal(feed(d, &asides[i]), 0);
        assert_string_equal(told(d), "FailedCreatePodSandBox: no");
}

/* Events outlive a reboot; those of the boot before explain nothing now. */
static void test_earlier_boot(void **state) {
        _cleanup_(event_digest_freep) EventDigest *d = make();
        EventExplanation e;

        assert_int_equal(feed(d, &(Fed){ .version = "1",
                                         .reason = "Pulling",
                                         .message = "Pulling image \"x\"",
                                         .ago = NOW_BOOT + USEC_PER_MINUTE }),
                         0);
        assert_int_equal(feed(d, &(Fed){ .version = "2",
                                         .reason = "Pulled",
                                         .message = "Successfully pulled image",
                                         .ago = NOW_BOOT + USEC_PER_MINUTE }),
                         0);
        assert_string_equal(told(d), "");
        assert_int_equal(event_digest_pulls(d), 0);
        assert_false(event_digest_explain(d, "u", &e));

        /* One that began in the boot before may go on in this one. */
        feed(d, &(Fed){ .version = "3",
                        .reason = "FailedMount",
                        .type = "Warning",
                        .message = "m",
                        .ago = USEC_PER_MINUTE,
                        .first_ago = 90 * USEC_PER_MINUTE });
        assert_true(event_digest_explain(d, "u", &e));
        assert_string_equal(e.message, "m");
}

static void test_of_no_interest(void **state) {
        _cleanup_(event_digest_freep) EventDigest *d = make();

        assert_int_equal(
                feed(d,
                     &(Fed){ .version = "1", .reason = "SandboxChanged", .message = "Pod sandbox changed" }),
                0);
        assert_int_equal(
                feed(d, &(Fed){ .version = "1", .reason = "Killing", .message = "Stopping container" }), 0);
        assert_int_equal(feed(d, &(Fed){ .version = "1", .reason = "", .message = "x" }), 0);
        assert_int_equal(feed(d, &(Fed){ .version = "1", .reason = "Failed", .uid = "", .message = "x" }),
                         0);
        assert_string_equal(told(d), "");
}

/* Nothing that a cluster says makes it grow without end. */
static void test_bounds(void **state) {
        _cleanup_(event_digest_freep) EventDigest *d = make();
        static char message[8 * LIMIT_MESSAGE];
        char uid[32], container[32];
        EventExplanation e;
        size_t known = 0;

        for (unsigned i = 0; i <= LIMIT_EVENT_OBJECTS; i++) {
                snprintf(uid, sizeof(uid), "u%u", i);
                feed(d, &(Fed){ .reason = "FailedMount", .type = "Warning", .message = "m", .uid = uid });
                /* The first is heard of again and again, so that it is not the oldest. */
                feed(d, &(Fed){ .reason = "FailedMount", .type = "Warning", .message = "m", .uid = "u0" });
        }
        for (unsigned i = 0; i <= LIMIT_EVENT_OBJECTS; i++) {
                snprintf(uid, sizeof(uid), "u%u", i);
                known += event_digest_explain(d, uid, &e);
        }
        assert_int_equal(known, LIMIT_EVENT_OBJECTS);
        assert_true(event_digest_explain(d, "u0", &e));
        assert_false(event_digest_explain(d, "u1", &e));
        assert_true(event_digest_explain(d, "u2", &e));

        memset(message, 'x', sizeof(message) - 1);
        for (unsigned i = 0; i <= LIMIT_EVENT_CONTAINERS; i++) {
                snprintf(container, sizeof(container), "c%u", i);
                feed(d, &(Fed){ .reason = "Pulling", .message = message, .container = container });
        }
        feed(d, &(Fed){ .reason = "FailedMount", .type = "Warning", .message = message, .uid = "long" });
        assert_true(event_digest_explain(d, "long", &e));
        assert_int_equal(strlen(e.message), LIMIT_MESSAGE);

        event_digest_forget(d, "long");
        assert_false(event_digest_explain(d, "long", &e));
        event_digest_forget(d, "long");
        event_digest_clear(d);
        for (unsigned i = 0; i <= LIMIT_EVENT_OBJECTS; i++) {
                snprintf(uid, sizeof(uid), "u%u", i);
                assert_false(event_digest_explain(d, uid, &e));
        }
}

/* Messages of hostile shapes. */
static void test_odd_messages(void **state) {
        static const char *const messages[] = { "",  "\"", "\"\"", "no quotes", "\"open", "Pulling image \"",
                                                NULL };

        for (size_t i = 0; i < ELEMENTSOF(messages); i++) {
                _cleanup_(event_digest_freep) EventDigest *d = make();

                feed(d, &(Fed){ .version = "1", .reason = "Pulling", .message = messages[i] });
                assert_true(startswith(told(d), "Pulling: pulling ") != NULL);
                feed(d, &(Fed){ .version = "x",
                                .reason = "Failed",
                                .type = "Warning",
                                .message = messages[i] });
                feed(d, &(Fed){ .version = NULL, .reason = "Pulled", .message = messages[i] });
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pull),
                cmocka_unit_test(test_pull_refused),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_trouble),
                cmocka_unit_test(test_several_containers),
                cmocka_unit_test(test_asides),
                cmocka_unit_test(test_earlier_boot),
                cmocka_unit_test(test_of_no_interest),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_odd_messages),
        };
        return cmocka_run_group_tests_name("ready-pull", tests, NULL, NULL);
}
