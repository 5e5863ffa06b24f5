/* SPDX-License-Identifier: Apache-2.0 */

/* What the text says of a world, and when the file is written. */

#include "fixture.h"
#include "folder.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/version.h"
#include "publish-metrics.h"

typedef struct Fixture {
        Play play;
        Folder folder;
        Loop *loop;
        Readiness readiness;
        char *file; /* NULL: none is to be written */
        PublishMetrics *publisher;
        LoopTimer timer;
        Buffer text;
} Fixture;

static unsigned n_warnings;

static void count_warnings(int level, const LogField *fields, const char *message) {
        n_warnings += level <= LOG_WARNING;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        folder_begin(&f->folder);
        world_of_guide(&f->play);
        f->readiness = (Readiness){ .world = f->play.world, .board = f->play.board };
        assert_ok(loop_new(&f->loop));
        assert_ok(timeline_new(8, 8, &f->readiness.timeline));
        assert_ok(event_digest_new(&f->readiness.events));
        assert_ok(publish_metrics_new(f->loop, &f->readiness, &f->publisher));
        f->text = BUFFER_INIT(LIMIT_METRICS);
        n_warnings = 0;
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        publish_metrics_free(f->publisher);
        free(f->file);
        loop_timer_done(&f->timer);
        loop_free(f->loop);
        timeline_free(f->readiness.timeline);
        event_digest_free(f->readiness.events);
        play_end(&f->play);
        buffer_done(&f->text);
        folder_end(&f->folder);
        free(f);
        return 0;
}

static const char *print(Fixture *f) {
        f->readiness.board = f->play.board;
        buffer_clear(&f->text);
        assert_ok(publish_metrics_print(&f->readiness, &f->text));
        return buffer_cstr(&f->text);
}

static void assert_line(Fixture *f, const char *line) {
        _cleanup_free_ char *whole = NULL;

        assert_ok(asprintf_ret(&whole, "\n%s\n", line));
        if (!strstr(print(f), whole))
                fail_msg("no \"%s\" in:\n%s", line, f->text.data);
}

static void assert_no_line(Fixture *f, const char *beginning) {
        if (strstr(print(f), beginning))
                fail_msg("\"%s\" in:\n%s", beginning, f->text.data);
}

static void test_ready(void **state) {
        Fixture *f = *state;

        assert_line(f, "msready_build_info{version=\"" PROJECT_VERSION "\"} 1");
        assert_line(f, "msready_verdict{state=\"ready\"} 1");
        assert_line(f, "msready_verdict{state=\"waiting\"} 0");
        assert_line(f, "msready_verdict_changed_boottime_seconds 100.000000");
        assert_line(f, "msready_gate_state{gate=\"node\",state=\"ready\"} 1");
        assert_line(f, "msready_gate_state{gate=\"node\",state=\"lost\"} 0");
        assert_line(f, "msready_gate_required{gate=\"node\"} 1");
        assert_line(f, "msready_gate_first_ready_boottime_seconds{gate=\"node\"} 100.000000");
        assert_line(f, "msready_gate_containers{gate=\"ovnkube-master\"} 4");
        assert_line(f, "msready_gate_ready_containers{gate=\"ovnkube-master\"} 4");
        assert_line(f, "msready_guards_held_total{gate=\"node\",reason=\"StaleBoot\"} 0");
        assert_line(f, "msready_blockers 0");
        assert_line(f, "msready_api_ready 1");
        assert_no_line(f, "msready_kubernetes_build_info");
        assert_no_line(f, "state=\"disabled\"} 1");
}

static void test_streams(void **state) {
        Fixture *f = *state;

        f->play.world->totals = (StreamTotals){
                .requests = 1, .failures = 2, .listings = 3, .events = 4, .bytes = 5, .restarts = 6
        };
        assert_line(f, "msready_stream_requests_total 1");
        assert_line(f, "msready_stream_failures_total 2");
        assert_line(f, "msready_stream_listings_total 3");
        assert_line(f, "msready_stream_events_total 4");
        assert_line(f, "msready_stream_received_bytes_total 5");
        assert_line(f, "msready_stream_restarts_total 6");
}

/* A guard counts when it begins to hold, not as long as it does; a reload loses nothing. */
static void test_guards(void **state) {
        Fixture *f = *state;
        PlayPod pod = pod_ready("a", "x", 90, 50);

        play_pod(&f->play, &pod);
        PLAY_GATE(&f->play, "x", check_pods("a", NULL));
        play_load(&f->play);
        play_look(&f->play);
        for (int i = 0; i < 3; i++)
                play_judge(&f->play);
        assert_line(f, "msready_gate_state{gate=\"x\",state=\"waiting\"} 1");
        assert_line(f, "msready_gate_blockers{gate=\"x\"} 1");
        assert_line(f, "msready_guards_held_total{gate=\"x\",reason=\"Unproven\"} 1");
        assert_no_line(f, "msready_gate_first_ready_boottime_seconds{gate=\"x\"}");

        play_start_pod(&f->play, &pod);
        play_judge(&f->play);
        play_kill(&f->play, 50);
        play_look(&f->play);
        play_judge(&f->play);
        assert_line(f, "msready_guards_held_total{gate=\"x\",reason=\"Unproven\"} 2");
        PLAY_GATE(&f->play, "x", check_pods("a", NULL), check_node(NULL));
        play_load(&f->play);
        assert_line(f, "msready_guards_held_total{gate=\"x\",reason=\"Unproven\"} 2");
        assert_line(f, "msready_guards_held_total{gate=\"x\",reason=\"KubeletSilent\"} 0");
}

static void test_disabled(void **state) {
        Fixture *f = *state;

        PLAY_GATE(&f->play, "off", check_node(NULL))->enabled = false;
        play_load(&f->play);
        assert_line(f, "msready_gate_state{gate=\"off\",state=\"disabled\"} 1");
        assert_no_line(f, "msready_gate_required{gate=\"off\"}");
        assert_line(f, "msready_required_gates 0");
}

/* Every line is a comment, or a value; families are whole and come once. */
static void test_form(void **state) {
        Fixture *f = *state;
        char *line, *rest;

        assert_ok(free_and_strdup(&f->play.world->server_version, "v1.31.2+\"a\\b\nc"));
        print(f);
        assert_non_null(strstr(f->text.data, "git_version=\"v1.31.2+\\\"a\\\\b\\nc\"} 1\n"));
        assert_true(endswith(f->text.data, "\n"));
        for (line = strtok_r(f->text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                if (startswith(line, "# HELP msready_") || startswith(line, "# TYPE msready_"))
                        continue;
                assert_non_null(startswith(line, "msready_"));
                line = strrchr(line, ' ') + 1;
                assert_true(strlen(line) > 0 && strspn(line, "0123456789.") == strlen(line));
        }
}

static void on_enough(LoopTimer *timer) {
        loop_exit(container_of(timer, Fixture, timer)->loop, 0);
}

static void run_for(Fixture *f, usec_t usec) {
        loop_timer_set(f->loop, &f->timer, now_monotonic() + usec, on_enough);
        assert_ok(loop_run(f->loop));
}

static ino_t inode(Fixture *f, const char *name) {
        _cleanup_free_ char *path = folder_path(&f->folder, name);
        struct stat st;

        return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static void test_file(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = folder_path(&f->folder, "other.prom");
        struct stat st;
        ino_t first;

        publish_metrics_update(f->publisher, f->file);
        assert_int_equal(inode(f, "msready.prom"), 0);

        f->file = folder_path(&f->folder, "msready.prom");
        umask(0077);
        publish_metrics_update(f->publisher, f->file);
        umask(0022);
        assert_ok(stat(f->file, &st));
        assert_int_equal(st.st_mode & 07777, 0644);
        first = st.st_ino;

        /* No news: the same file. */
        for (int i = 0; i < 5; i++)
                publish_metrics_update(f->publisher, f->file);
        run_for(f, 1300 * USEC_PER_MSEC);
        assert_int_equal(inode(f, "msready.prom"), first);

        /* News within the second wait for its end. */
        publish_metrics_update(f->publisher, f->file);
        assert_ok(free_and_strdup(&f->play.world->server_version, "v1.31.2"));
        publish_metrics_update(f->publisher, f->file);
        assert_int_equal(inode(f, "msready.prom"), first);
        run_for(f, 1300 * USEC_PER_MSEC);
        assert_int_not_equal(inode(f, "msready.prom"), first);

        /* Another file, then none. */
        free(f->file);
        f->file = strdup(path);
        publish_metrics_update(f->publisher, f->file);
        assert_int_equal(inode(f, "msready.prom"), 0);
        assert_int_not_equal(inode(f, "other.prom"), 0);
        f->file = mfree(f->file);
        publish_metrics_update(f->publisher, f->file);
        assert_int_equal(inode(f, "other.prom"), 0);
        assert_int_equal(n_warnings, 0);
}

static void test_taken_away_at_stop(void **state) {
        Fixture *f = *state;

        f->file = folder_path(&f->folder, "msready.prom");
        publish_metrics_update(f->publisher, f->file);
        assert_int_not_equal(inode(f, "msready.prom"), 0);
        f->publisher = publish_metrics_free(f->publisher);
        assert_int_equal(inode(f, "msready.prom"), 0);
}

/* Said once; what another wrote there is not taken away. */
static void test_not_writable(void **state) {
        Fixture *f = *state;

        f->file = folder_path(&f->folder, "absent/msready.prom");
        for (int i = 0; i < 2; i++) {
                publish_metrics_update(f->publisher, f->file);
                publish_metrics_update(f->publisher, f->file);
                run_for(f, 1200 * USEC_PER_MSEC);
        }
        assert_int_equal(n_warnings, 1);
        folder_make(&f->folder, "absent");
        publish_metrics_update(f->publisher, f->file);
        run_for(f, 1200 * USEC_PER_MSEC);
        assert_int_not_equal(inode(f, "absent/msready.prom"), 0);
        assert_int_equal(n_warnings, 1);
        folder_remove(&f->folder, "absent");
        assert_ok(free_and_strdup(&f->play.world->server_version, "v1.31.2"));
        publish_metrics_update(f->publisher, f->file);
        run_for(f, 1200 * USEC_PER_MSEC);
        assert_int_equal(n_warnings, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_ready),
                TEST(test_streams),
                TEST(test_guards),
                TEST(test_disabled),
                TEST(test_form),
                TEST(test_file),
                TEST(test_taken_away_at_stop),
                TEST(test_not_writable),
        };

        log_set_sink(count_warnings);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
