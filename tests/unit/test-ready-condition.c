/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R7, and [Api], [Endpoint] and [Socket] beside it. */

#include "fixture.h"

#include "base/string-util.h"

#define KEY "cert-manager.io/v1/certificates shop/tls"

static PlayGeneric tls;
static PlayCheck condition, controller, second;

static int setup(void **state) {
        tls = (PlayGeneric){ .namespace = "shop",
                             .name = "tls",
                             .uid = 50,
                             .type = "Ready",
                             .status = KUBE_STATUS_TRUE,
                             .reason = "Issued" };
        condition = check_of(&check_kind_condition);
        condition.condition.resource = (char *) "cert-manager.io/v1/certificates";
        condition.condition.namespace = (char *) "shop";
        condition.condition.name = (char *) "tls";
        condition.condition.type = (char *) "Ready";
        condition.condition.status = KUBE_STATUS_TRUE;
        controller = check_pods("cert-manager", "cert-manager-*");
        second = check_pods("cert-manager", "webhook-*");
        return 0;
}

/* An object whose condition the previous boot left behind, and a gate of it and of its controller. */
static void begin(Play *p, bool found) {
        play_cluster(p);
        play_generic_stream(p, KEY);
        if (found)
                play_generic(p, &tls);
        play_listed(p, STREAM_GENERIC);
        PLAY_GATE(p, "certificate", condition, controller);
        play_load(p);
}

static void start_controller(Play *p) {
        PlayPod pod = pod_ready("cert-manager", "cert-manager-1", 60, 61);

        play_start_pod(p, &pod);
}

static Check *condition_of(Play *p) {
        return &play_find(p, "certificate")->checks[0];
}

static void assert_condition(Play *p, Evidence expected) {
        play_judge(p);
        assert_evidence(condition_of(p)->evidence, expected);
}

static void test_old_truth(void **state) {
        Play p;

        begin(&p, true);
        assert_condition(&p, EVIDENCE_NONE);
        play_pass(&p, USEC_PER_HOUR);
        assert_condition(&p, EVIDENCE_NONE);
        play_generic(&p, &tls); /* a new version, but its controller has not run */
        assert_condition(&p, EVIDENCE_NONE);
        play_end(&p);
}

static void test_thirty_seconds(void **state) {
        Play p;

        begin(&p, true);
        start_controller(&p);
        assert_condition(&p, EVIDENCE_NONE);
        play_pass(&p, SECONDS(30) - 1);
        assert_gate(&p, "certificate", "waiting");
        play_pass(&p, 1);
        assert_gate(&p, "certificate", "ready"); /* it asked to be judged then */
        play_end(&p);
}

static void test_new_status(void **state) {
        PlayGeneric g = tls;
        Play p;

        begin(&p, true);
        start_controller(&p);
        assert_condition(&p, EVIDENCE_NONE);
        play_pass(&p, SECONDS(3));
        g.message = "renewed";
        play_generic(&p, &g);
        assert_condition(&p, EVIDENCE_TRUE);
        assert_gate(&p, "certificate", "ready");
        play_end(&p);
}

/* Whoever may write labels need not be the controller; and a status that is written as it was cannot be told from one
 * that was not written. */
static void test_label_is_no_status(void **state) {
        PlayGeneric g = tls;
        Play p;

        begin(&p, true);
        start_controller(&p);
        assert_condition(&p, EVIDENCE_NONE);
        g.labels = "\"looked\":\"at\"";
        g.generation = 2;
        play_generic(&p, &g);
        assert_condition(&p, EVIDENCE_NONE);
        assert_string_equal(play_find(&p, "certificate")->report.blockers[0].reason, REASON_UNPROVEN);
        play_pass(&p, SECONDS(30) - 1);
        assert_gate(&p, "certificate", "waiting");
        play_pass(&p, 1);
        assert_gate(&p, "certificate", "ready");
        play_end(&p);
}

/* Where a database is restored, the status may be another and still an old one. */
static void test_status_of_an_outage(void **state) {
        PlayGeneric g = tls;
        Play p;

        begin(&p, true);
        start_controller(&p);
        assert_condition(&p, EVIDENCE_NONE);
        play_lose(&p, STREAM_GENERIC);
        assert_condition(&p, EVIDENCE_NONE);
        g.message = "of a year ago";
        play_generic(&p, &g);
        play_resume(&p, STREAM_GENERIC);
        assert_condition(&p, EVIDENCE_NONE);
        g.message = "of today";
        play_generic(&p, &g);
        assert_condition(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* It has not acted on the newest specification when it is seen TRUE: its next status says that it has. */
static void test_not_observed_then(void **state) {
        PlayGeneric g = tls;
        Play p;

        begin(&p, true);
        g.generation = 2;
        g.observed = 1;
        play_generic(&p, &g);
        start_controller(&p);
        assert_condition(&p, EVIDENCE_FALSE);
        g.observed = 2;
        play_generic(&p, &g);
        assert_condition(&p, EVIDENCE_TRUE);
        play_end(&p);
}

static void test_new_status_says_no(void **state) {
        Play p;

        begin(&p, true);
        start_controller(&p);
        play_judge(&p);
        tls.status = KUBE_STATUS_FALSE;
        tls.reason = "Expired";
        tls.message = "it expired at noon";
        play_generic(&p, &tls);
        assert_condition(&p, EVIDENCE_FALSE);
        assert_string_equal(play_find(&p, "certificate")->report.blockers[0].reason, "Expired");
        assert_string_equal(play_find(&p, "certificate")->report.blockers[0].message, "it expired at noon");
        assert_string_equal(play_find(&p, "certificate")->report.blockers[0].object.kind, "certificates");
        play_end(&p);
        setup(NULL);
}

/* Made after its controller: a status that it gets is of this boot, and one that it brings along may be of a backup. */
static void test_made_later(void **state) {
        for (int brought = 0; brought < 2; brought++) {
                PlayGeneric g = tls;
                Play p;

                begin(&p, false);
                start_controller(&p);
                assert_condition(&p, EVIDENCE_FALSE);
                assert_string_equal(play_find(&p, "certificate")->report.blockers[0].reason,
                                    REASON_NOT_FOUND);
                g.bare = !brought;
                play_generic(&p, &g);
                assert_condition(&p, EVIDENCE_NONE);
                g.bare = false;
                play_generic(&p, &g);
                assert_condition(&p, brought ? EVIDENCE_NONE : EVIDENCE_TRUE);
                g.message = "issued";
                play_generic(&p, &g);
                assert_condition(&p, EVIDENCE_TRUE);
                play_end(&p);
        }
}

/* Deleted and made again, with nothing or with the status that it had. */
static void test_replaced(void **state) {
        PlayGeneric g = tls;
        Play p;

        begin(&p, true);
        start_controller(&p);
        assert_condition(&p, EVIDENCE_NONE);
        play_remove(&p, KUBE_GENERIC, "shop", "tls");
        assert_condition(&p, EVIDENCE_FALSE);
        g.uid = 51;
        g.bare = true;
        play_generic(&p, &g);
        assert_condition(&p, EVIDENCE_NONE);
        g.bare = false;
        play_generic(&p, &g);
        assert_condition(&p, EVIDENCE_NONE);
        g.message = "issued";
        play_generic(&p, &g);
        assert_condition(&p, EVIDENCE_TRUE);
        play_end(&p);
}

static int ignore(const Watched *watched, void *userdata) {
        return 0;
}

/* Lists what the checks of all gates look at. Reading leaves each of them as it is, member by member. */
static void assert_listing_changes_nothing(Play *p) {
        for (size_t i = 0; i < p->board.n_gates; i++)
                for (size_t j = 0; j < p->board.gates[i]->n_checks; j++) {
                        Check *c = &p->board.gates[i]->checks[j], before = *c;

                        assert_ok(check_list(c, p->world, p->now, ignore, NULL));
                        assert_memory_equal(c, &before, sizeof(Check));
                }
}

/* Whenever objects are listed: who asks for a table must not make a condition stand. */
static void test_listing_changes_nothing(void **state) {
        for (int found = 0; found < 2; found++) {
                Play p;

                begin(&p, found);
                PLAY_GATE(&p, "certificate", condition, controller);
                PLAY_GATE(&p, "node", check_node(NULL), check_node("*"),
                          check_workload(KUBE_DAEMONSET, "openshift-dns", "dns-default"));
                play_load(&p);
                assert_listing_changes_nothing(&p);
                start_controller(&p);
                assert_listing_changes_nothing(&p);
                play_judge(&p);
                condition_of(&p)->status_noted = false;
                assert_listing_changes_nothing(&p);
                play_judge(&p);
                p.now.monotonic += SECONDS(30); /* and not judged yet */
                assert_listing_changes_nothing(&p);
                play_generic(&p, &tls);
                assert_listing_changes_nothing(&p);
                assert_false(condition_of(&p)->stands);
                play_judge(&p);
                assert_true(condition_of(&p)->stands);
                assert_listing_changes_nothing(&p);
                play_end(&p);
        }
}

/* From then on it stands as the API says it, however the controller fares. */
static void test_stands(void **state) {
        Play p;

        begin(&p, true);
        start_controller(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(30));
        play_kill(&p, 61);
        play_look(&p);
        assert_condition(&p, EVIDENCE_TRUE);
        assert_evidence(play_find(&p, "certificate")->report.evidence,
                        EVIDENCE_FALSE); /* speaks for itself */
        tls.status = KUBE_STATUS_FALSE;
        play_generic(&p, &tls);
        assert_condition(&p, EVIDENCE_FALSE);
        tls.status = KUBE_STATUS_TRUE;
        play_generic(&p, &tls);
        assert_condition(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* What a controller did in another cluster says nothing of this one. */
static void test_another_cluster(void **state) {
        Play p;

        begin(&p, true);
        start_controller(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(30));
        assert_condition(&p, EVIDENCE_TRUE);
        board_look_again(&p.board, true);
        assert_condition(&p, EVIDENCE_NONE);
        assert_gate(&p, "certificate", "ready"); /* on its grace */
        play_pass(&p, SECONDS(30));
        assert_condition(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* "Once" means once: the controller may fall while the 30 s run. */
static void test_once(void **state) {
        Play p;

        begin(&p, true);
        start_controller(&p);
        play_judge(&p);
        play_kill(&p, 61);
        play_look(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(30));
        assert_condition(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* Of several, nobody knows which is the controller: all of them have to have been TRUE. */
static void test_several_controllers(void **state) {
        PlayPod webhook = pod_ready("cert-manager", "webhook-1", 62, 63);
        Play p;

        play_cluster(&p);
        play_generic_stream(&p, KEY);
        play_generic(&p, &tls);
        play_listed(&p, STREAM_GENERIC);
        PLAY_GATE(&p, "certificate", condition, controller, second);
        play_load(&p);
        start_controller(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(60));
        assert_condition(&p, EVIDENCE_NONE);
        play_start_pod(&p, &webhook);
        assert_condition(&p, EVIDENCE_NONE);
        play_pass(&p, SECONDS(30));
        assert_gate(&p, "certificate", "ready");
        play_end(&p);
}

static void test_out_of_sync(void **state) {
        Play p;

        begin(&p, true);
        start_controller(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(30));
        assert_condition(&p, EVIDENCE_TRUE);
        play_lose(&p, STREAM_GENERIC);
        assert_condition(&p, EVIDENCE_NONE);
        play_resume(&p, STREAM_GENERIC);
        assert_condition(&p, EVIDENCE_TRUE);
        play_api(&p, API_UNREACHABLE);
        assert_condition(&p, EVIDENCE_NONE);
        play_end(&p);
}

/* Without a controller beside it, it counts as it stands, with proof `none`. */
static int note(const Watched *watched, void *userdata) {
        *(Finding *) userdata = watched->finding;
        return 0;
}

typedef struct Row {
        const char *what, *type;
        KubeStatus status, wanted;
        int generation, observed;
        Evidence evidence;
        const char *reason;
        int condition_observed;
} Row;

static const Row rows[] = {
        { "as it is wanted", "Ready", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 0, 0, EVIDENCE_TRUE, "" },
        { "not so", "Ready", KUBE_STATUS_FALSE, KUBE_STATUS_TRUE, 0, 0, EVIDENCE_FALSE, "Issued" },
        { "unknown", "Ready", KUBE_STATUS_UNKNOWN, KUBE_STATUS_TRUE, 0, 0, EVIDENCE_FALSE, "Issued" },
        { "another condition", "Issuing", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 0, 0, EVIDENCE_FALSE,
          "Ready" },
        { "wanted to be False", "Ready", KUBE_STATUS_FALSE, KUBE_STATUS_FALSE, 0, 0, EVIDENCE_TRUE, "" },
        { "wanted to be False and absent", "Issuing", KUBE_STATUS_FALSE, KUBE_STATUS_FALSE, 0, 0,
          EVIDENCE_FALSE, "Ready" },
        { "its newest spec is not observed", "Ready", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 3, 2,
          EVIDENCE_FALSE, REASON_NOT_OBSERVED },
        { "it is", "Ready", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 3, 3, EVIDENCE_TRUE, "" },
        { "the condition alone says that it is not", "Ready", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 3, 0,
          EVIDENCE_FALSE, REASON_NOT_OBSERVED, 2 },
        { "and so where the rest of the status is newer", "Ready", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 3, 3,
          EVIDENCE_FALSE, REASON_NOT_OBSERVED, 2 },
        { "the condition is newer than the rest", "Ready", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 3, 2,
          EVIDENCE_TRUE, "", 3 },
        { "an object without generations", "Ready", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 0, 0, EVIDENCE_TRUE,
          "", 1 },
        { "in another case", "READY", KUBE_STATUS_TRUE, KUBE_STATUS_TRUE, 0, 0, EVIDENCE_TRUE, "" },
};

static void test_alone(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                PlayCheck d = condition;
                PlayGeneric g = tls;
                Finding f;
                Play p;

                play_cluster(&p);
                play_generic_stream(&p, KEY);
                g.type = rows[i].type;
                g.status = rows[i].status;
                g.generation = rows[i].generation;
                g.observed = rows[i].observed;
                g.condition_observed = rows[i].condition_observed;
                d.condition.status = rows[i].wanted;
                play_generic(&p, &g);
                play_listed(&p, STREAM_GENERIC);
                if (play_ask(&p, &d) != rows[i].evidence || !streq(play_reason(&p), rows[i].reason))
                        fail_msg("%s: %s %s", rows[i].what, evidence_to_string(p.report.evidence),
                                 play_reason(&p));
                assert_ok(check_list(&p.check, p.world, p.now, note, &f));
                assert_int_equal(f.proof, PROOF_NONE);
                play_end(&p);
        }
}

/* A type is found in any case, and told as the API writes it. */
static void test_writing_of_the_api(void **state) {
        static const struct {
                const char *asked, *type;
                KubeStatus status;
                Evidence evidence;
                const char *message;
        } types[] = {
                { "ready", "Ready", KUBE_STATUS_TRUE, EVIDENCE_TRUE, "" },
                { "READY", "Ready", KUBE_STATUS_FALSE, EVIDENCE_FALSE, "Ready is False" },
                { "example.com/ready", "Example.com/READY", KUBE_STATUS_UNKNOWN, EVIDENCE_FALSE,
                  "Example.com/READY is Unknown" },
                { "reconcile success", "Reconcile Success", KUBE_STATUS_TRUE, EVIDENCE_TRUE, "" },
                { "issuing", "Ready", KUBE_STATUS_TRUE, EVIDENCE_FALSE, "issuing is absent" },
        };

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                PlayCheck d = condition;
                PlayGeneric g = tls;
                Play p;

                play_cluster(&p);
                play_generic_stream(&p, KEY);
                d.condition.type = (char *) types[i].asked;
                g.type = types[i].type;
                g.status = types[i].status;
                g.reason = g.message = NULL;
                play_generic(&p, &g);
                play_listed(&p, STREAM_GENERIC);
                assert_evidence(play_ask(&p, &d), types[i].evidence);
                if (types[i].evidence == EVIDENCE_FALSE) {
                        assert_string_equal(p.report.blockers[0].message, types[i].message);
                        assert_memory_equal(types[i].message, play_reason(&p), strlen(play_reason(&p)));
                }
                play_end(&p);
        }
}

static PlayCheck ask_for(const char *namespace, const char *field, const char *value) {
        PlayCheck d = condition;

        d.condition.namespace = (char *) namespace;
        if (field)
                d.condition.type = NULL;
        d.condition.field = (char *) field;
        d.condition.value = (char *) value;
        return d;
}

/* MicroShift itself binds a claim, and once: what the previous boot bound is bound, whatever else is in the gate. */
static void test_bound_claim(void **state) {
        PlayCheck claim = ask_for("shop", "status.phase", "Bound");
        PlayGeneric g = tls;
        Play p;

        claim.condition.resource = (char *) "v1/persistentvolumeclaims";
        g.more = "\"phase\":\"Bound\",";
        g.kept_field = "status.phase";
        play_cluster(&p);
        play_generic_stream(&p, "v1/persistentvolumeclaims shop/tls status.phase");
        play_generic(&p, &g);
        play_listed(&p, STREAM_GENERIC);
        PLAY_GATE(&p, "certificate", claim, controller);
        play_load(&p);
        assert_condition(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* A field is compared as it is written. */
static void test_field(void **state) {
        static const struct {
                const char *status, *path, *value;
                Evidence evidence;
                const char *message;
        } fields[] = {
                { "\"phase\":\"Bound\",", "status.phase", "Bound", EVIDENCE_TRUE, "" },
                { "\"phase\":\"Pending\",", "status.phase", "Bound", EVIDENCE_FALSE,
                  "status.phase is Pending, not Bound" },
                { "\"phase\":\"bound\",", "status.phase", "Bound", EVIDENCE_FALSE,
                  "status.phase is bound, not Bound" },
                { "\"phase\":\"\",", "status.phase", "Bound", EVIDENCE_FALSE,
                  "status.phase is empty, not Bound" },
                { "\"phase\":null,", "status.phase", "Bound", EVIDENCE_FALSE, "status.phase is absent" },
                { "", "status.phase", "Bound", EVIDENCE_FALSE, "status.phase is absent" },
                { "\"a\":{\"ok\":true},", "status.a.ok", "true", EVIDENCE_TRUE, "" },
                { "\"a\":{\"ok\":false},", "status.a.ok", "true", EVIDENCE_FALSE,
                  "status.a.ok is false, not true" },
                { "\"a\":{\"ok\":true},", "status.a", "true", EVIDENCE_FALSE,
                  "status.a is no value that can be compared" },
                { "\"n\":3,", "status.n", "3", EVIDENCE_TRUE, "" },
                { "", "metadata.name", "tls", EVIDENCE_TRUE, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                PlayCheck d = ask_for("shop", fields[i].path, fields[i].value);
                _cleanup_free_ char *key = NULL;
                PlayGeneric g = tls;
                Play p;

                play_cluster(&p);
                assert_ok(asprintf_ret(&key, KEY " %s", fields[i].path));
                play_generic_stream(&p, key);
                g.more = fields[i].status;
                g.kept_field = fields[i].path;
                play_generic(&p, &g);
                play_listed(&p, STREAM_GENERIC);
                assert_evidence(play_ask(&p, &d), fields[i].evidence);
                if (fields[i].evidence != EVIDENCE_TRUE) {
                        assert_string_equal(play_reason(&p), fields[i].path);
                        assert_string_equal(p.report.blockers[0].message, fields[i].message);
                }
                g.generation = 2;
                g.observed = 1;
                play_generic(&p, &g);
                assert_evidence(play_ask(&p, &d), EVIDENCE_FALSE);
                assert_string_equal(play_reason(&p), REASON_NOT_OBSERVED);
                play_end(&p);
        }
}

/* Without Namespace= objects in namespaces are others, whoever makes them. */
static void test_without_namespace(void **state) {
        PlayCheck d = ask_for(NULL, NULL, NULL);
        PlayGeneric g = tls;
        Play p;

        play_cluster(&p);
        play_generic_stream(&p, "cert-manager.io/v1/certificates /tls");
        play_listed(&p, STREAM_GENERIC);
        assert_evidence(play_ask(&p, &d), EVIDENCE_FALSE);
        assert_string_equal(p.report.blockers[0].message, "the cluster has no such object");
        play_generic(&p, &g);
        assert_evidence(play_ask(&p, &d), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NOT_FOUND);
        assert_string_equal(p.report.blockers[0].message,
                            "none exists without a namespace, only in the namespace shop");
        assert_non_null(strstr(p.report.blockers[0].hint, "Namespace="));
        assert_true(isempty(p.report.blockers[0].object.namespace));
        g.namespace = "attic";
        play_generic(&p, &g);
        assert_evidence(play_ask(&p, &d), EVIDENCE_FALSE);
        assert_string_equal(p.report.blockers[0].message,
                            "none exists without a namespace, only in the namespaces attic, shop");
        g.namespace = "test";
        play_generic(&p, &g);
        assert_evidence(play_ask(&p, &d), EVIDENCE_FALSE);
        assert_string_equal(
                p.report.blockers[0].message,
                "none exists without a namespace, only in the namespaces attic, shop and 1 more");

        /* Nor do they hide the one that is meant. */
        g.namespace = NULL;
        play_generic(&p, &g);
        assert_evidence(play_ask(&p, &d), EVIDENCE_TRUE);
        g.namespace = "zoo";
        g.status = KUBE_STATUS_FALSE;
        play_generic(&p, &g);
        assert_evidence(play_ask(&p, &d), EVIDENCE_TRUE);
        play_end(&p);
}

/* The server answers 404 to the stream while /readyz says ok. */
static void refuse_resource(Play *p, const char *reason) {
        assert_true(world_stream_set_sync(p->streams[STREAM_GENERIC], false, reason, "(HTTP 404)", p->now) >
                    0);
}

/* A definition that goes takes its objects along, whether or not the stream tells that of each. */
static void test_unknown_resource(void **state) {
        Play p;

        begin(&p, true);
        start_controller(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(30));
        assert_gate(&p, "certificate", "ready");
        refuse_resource(&p, REASON_NOT_FOUND);
        assert_condition(&p, EVIDENCE_FALSE);
        assert_string_equal(play_find(&p, "certificate")->report.blockers[0].reason, REASON_NOT_FOUND);
        assert_string_equal(
                play_find(&p, "certificate")->report.blockers[0].message,
                "the API server does not know the resource cert-manager.io/v1/certificates in a namespace");
        play_pass(&p, SECONDS(15));
        assert_gate(&p, "certificate", "lost");

        /* It is installed again. */
        play_resume(&p, STREAM_GENERIC);
        assert_condition(&p, EVIDENCE_TRUE);

        /* Where the API is not ready, or it is the credentials that it refuses, nothing is known. */
        refuse_resource(&p, REASON_FORBIDDEN);
        assert_condition(&p, EVIDENCE_NONE);
        refuse_resource(&p, REASON_NOT_FOUND);
        play_api(&p, API_NOT_READY);
        assert_condition(&p, EVIDENCE_NONE);
        play_end(&p);
}

/* A definition that comes back may bring objects of a backup along. */
static void test_resource_that_comes(void **state) {
        Play p;

        begin(&p, false);
        refuse_resource(&p, REASON_NOT_FOUND);
        assert_condition(&p, EVIDENCE_FALSE);
        start_controller(&p);
        assert_condition(&p, EVIDENCE_FALSE);
        play_generic(&p, &tls);
        play_listed(&p, STREAM_GENERIC);
        assert_condition(&p, EVIDENCE_NONE);
        play_pass(&p, SECONDS(30));
        assert_condition(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* Two resources with objects of one name: each has its own. */
static void test_same_name(void **state) {
        PlayCheck other = condition;
        Play p;

        other.condition.resource = (char *) "argoproj.io/v1alpha1/applications";
        play_cluster(&p);
        play_generic_stream(&p, KEY);
        play_generic(&p, &tls);
        play_listed(&p, STREAM_GENERIC);
        play_generic_stream(&p, "argoproj.io/v1alpha1/applications shop/tls");
        tls.status = KUBE_STATUS_FALSE;
        play_generic(&p, &tls);
        play_listed(&p, STREAM_GENERIC);
        assert_evidence(play_ask(&p, &condition), EVIDENCE_TRUE);
        assert_evidence(play_ask(&p, &other), EVIDENCE_FALSE);
        play_remove(&p, KUBE_GENERIC, "shop", "tls"); /* of the second stream */
        assert_evidence(play_ask(&p, &condition), EVIDENCE_TRUE);
        assert_evidence(play_ask(&p, &other), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NOT_FOUND);
        play_end(&p);
        setup(NULL);
}

/* --- [Api] --- */

static void test_api(void **state) {
        PlayCheck readyz = check_of(&check_kind_api), other = check_of(&check_kind_api);
        Play p;

        readyz.api.path = (char *) "/readyz";
        other.api.path = (char *) "/apis/route.openshift.io/v1";
        play_begin(&p);
        assert_evidence(play_ask(&p, &readyz), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_NOT_ASKED);
        assert_null(p.report.blockers[0].hint);
        play_api(&p, API_UNREACHABLE);
        assert_evidence(play_ask(&p, &readyz), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_API_UNREACHABLE);
        play_api(&p, API_NOT_READY);
        assert_evidence(play_ask(&p, &readyz), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_API_NOT_READY);
        play_api(&p, API_READY);
        assert_evidence(play_ask(&p, &readyz), EVIDENCE_TRUE);

        assert_evidence(play_ask(&p, &other), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_NOT_ASKED);
        assert_true(world_set_answer(p.world, other.api.path, EVIDENCE_FALSE, "HTTP 503", NULL, p.now) > 0);
        assert_true(world_set_answer(p.world, other.api.path, EVIDENCE_FALSE, "HTTP 503", NULL, p.now) == 0);
        assert_evidence(play_ask(&p, &other), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), "HTTP 503");
        assert_true(world_set_answer(p.world, other.api.path, EVIDENCE_TRUE, NULL, NULL, p.now) > 0);
        assert_evidence(play_ask(&p, &other), EVIDENCE_TRUE);

        /* The server that comes back has not been asked. */
        play_api(&p, API_UNREACHABLE);
        assert_evidence(play_ask(&p, &other), EVIDENCE_NONE);
        play_api(&p, API_READY);
        assert_evidence(play_ask(&p, &other), EVIDENCE_NONE);
        play_end(&p);
}

/* The reason is told even where the source gave none. */
static void test_api_reason(void **state) {
        PlayCheck readyz = check_of(&check_kind_api);
        Play p;

        readyz.api.path = (char *) "/readyz";
        play_begin(&p);
        assert_true(world_set_api(p.world, API_NOT_READY, NULL, NULL, p.now) >= 0);
        play_ask(&p, &readyz);
        assert_string_equal(play_reason(&p), REASON_API_NOT_READY);
        assert_true(world_set_api(p.world, API_UNREACHABLE, REASON_CLOCK, "not valid yet", p.now) >= 0);
        play_ask(&p, &readyz);
        assert_string_equal(play_reason(&p), REASON_CLOCK);
        assert_string_equal(p.report.blockers[0].message, "not valid yet");
        play_end(&p);
}

/* --- [Endpoint] and [Socket] go on answering while the API is away --- */

static void assert_answers_count(const CheckKind *kind, const char *address, const char *key) {
        PlayCheck d = check_of(kind);
        Play p;

        d.question.address = (char *) address;
        play_begin(&p);
        assert_evidence(play_ask(&p, &d), EVIDENCE_NONE);
        assert_true(world_set_answer(p.world, key, EVIDENCE_TRUE, NULL, NULL, p.now) > 0);
        assert_evidence(play_ask(&p, &d), EVIDENCE_TRUE);
        play_api(&p, API_NOT_READY);
        assert_evidence(play_ask(&p, &d), EVIDENCE_TRUE);
        assert_true(world_set_answer(p.world, key, EVIDENCE_FALSE, "HTTP 502", NULL, p.now) > 0);
        assert_evidence(play_ask(&p, &d), EVIDENCE_FALSE);
        world_forget_answer(p.world, key);
        assert_evidence(play_ask(&p, &d), EVIDENCE_NONE);
        play_end(&p);
}

static void test_addresses(void **state) {
        const char *url = "https://shop.apps.lab.example.com/";

        assert_answers_count(&check_kind_endpoint, url, url);
        assert_answers_count(&check_kind_socket, "/run/mqtt", "socket /run/mqtt");
}

/* --- streams --- */

/* A pod that is bound leaves one stream and enters the other, in any order, and is never lost in between. */
static void test_binding(void **state) {
        for (int order = 0; order < 3; order++) {
                PlayPod pending = pod_ready("shop", "web-0", 70, 0),
                        bound = pod_ready("shop", "web-0", 70, 71);
                KubePod *found;
                Play p;

                play_cluster(&p);
                pending.node = NULL;
                pending.phase = "Pending";
                pending.ready = KUBE_STATUS_FALSE;
                if (order != 2)
                        play_pod(&p, &pending);
                if (order == 1)
                        world_stream_remove(p.streams[STREAM_PODS_UNSCHEDULED], KUBE_POD, "shop", "web-0",
                                            NULL);
                play_pod(&p, &bound);
                if (order == 2)
                        play_pod(&p, &pending); /* the listing of the other stream is older */
                if (order != 1)
                        world_stream_remove(p.streams[STREAM_PODS_UNSCHEDULED], KUBE_POD, "shop", "web-0",
                                            NULL);
                assert_non_null(world_find(p.world, KUBE_POD, "shop", "web-0"));
                found = KUBE_POD_OF(world_find(p.world, KUBE_POD, "shop", "web-0")->object);
                assert_string_equal(found->node, GUIDE_NODE);
                play_end(&p);
        }
}

/* A pod of a StatefulSet is made again under its name, and one of the two streams tells late of the one before: that
 * neither hides the new one nor takes it along. */
static void test_made_again(void **state) {
        for (int late = STREAM_PODS; late <= STREAM_PODS_UNSCHEDULED; late++) {
                PlayPod former = pod_ready("shop", "web-0", 70, 71),
                        present = pod_ready("shop", "web-0", 72, 0);
                const WorldObject *found;
                unsigned version;
                Play p;

                play_cluster(&p);
                if (late == STREAM_PODS)
                        present.node = NULL; /* … and waits for a node */
                else
                        former.node = NULL; /* … the former had none */
                play_pod(&p, &former);
                p.version += 10;
                play_pod(&p, &present);
                version = p.version;
                p.version -= 10;
                former.deleting = true;
                play_pod(&p, &former);
                p.version = version;
                world_stream_remove(p.streams[late], KUBE_POD, "shop", "web-0",
                                    "00000046-1111-4222-8333-444444444444");
                found = world_find(p.world, KUBE_POD, "shop", "web-0");
                assert_non_null(found);
                assert_string_equal(found->object->uid, "00000048-1111-4222-8333-444444444444");

                /* Unless the server was away, and may have come back with a backup. */
                play_api(&p, API_UNREACHABLE);
                play_api(&p, API_READY);
                p.version -= 10;
                play_pod(&p, &former);
                found = world_find(p.world, KUBE_POD, "shop", "web-0");
                assert_string_equal(found->object->uid, "00000046-1111-4222-8333-444444444444");
                play_end(&p);
        }
}

/* What a new listing does not name is gone when it is complete, and not before. */
static void test_listing(void **state) {
        PlayPod a = pod_ready("shop", "a", 80, 81), b = pod_ready("shop", "b", 82, 83);
        Play p;

        play_cluster(&p);
        play_pod(&p, &a);
        play_pod(&p, &b);
        play_list(&p, STREAM_PODS);
        play_pod(&p, &b);
        assert_non_null(world_find(p.world, KUBE_POD, "shop", "a"));
        play_list(&p, STREAM_PODS); /* it begins again */
        play_pod(&p, &a);
        play_listed(&p, STREAM_PODS);
        assert_non_null(world_find(p.world, KUBE_POD, "shop", "a"));
        assert_null(world_find(p.world, KUBE_POD, "shop", "b"));
        assert_non_null(world_find_uid(p.world, KUBE_POD, "00000050-1111-4222-8333-444444444444"));

        /* Nor is one dropped that was made again under its name. */
        world_stream_remove(p.streams[STREAM_PODS], KUBE_POD, "shop", "a", "another uid");
        assert_non_null(world_find(p.world, KUBE_POD, "shop", "a"));
        p.streams[STREAM_PODS] = world_stream_free(p.streams[STREAM_PODS]);
        assert_null(world_find(p.world, KUBE_POD, "shop", "a"));
        for (const WorldStream *s = p.world->streams; s; s = s->next)
                assert_int_not_equal(s->role, STREAM_PODS);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_old_truth),
                cmocka_unit_test(test_thirty_seconds),
                cmocka_unit_test(test_new_status),
                cmocka_unit_test(test_new_status_says_no),
                cmocka_unit_test(test_label_is_no_status),
                cmocka_unit_test(test_status_of_an_outage),
                cmocka_unit_test(test_not_observed_then),
                cmocka_unit_test(test_replaced),
                cmocka_unit_test(test_bound_claim),
                cmocka_unit_test(test_field),
                cmocka_unit_test(test_without_namespace),
                cmocka_unit_test(test_unknown_resource),
                cmocka_unit_test(test_resource_that_comes),
                cmocka_unit_test(test_made_later),
                cmocka_unit_test(test_listing_changes_nothing),
                cmocka_unit_test(test_stands),
                cmocka_unit_test(test_another_cluster),
                cmocka_unit_test(test_once),
                cmocka_unit_test(test_several_controllers),
                cmocka_unit_test(test_out_of_sync),
                cmocka_unit_test(test_alone),
                cmocka_unit_test(test_writing_of_the_api),
                cmocka_unit_test(test_same_name),
                cmocka_unit_test(test_api),
                cmocka_unit_test(test_api_reason),
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_binding),
                cmocka_unit_test(test_made_again),
                cmocka_unit_test(test_listing),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
