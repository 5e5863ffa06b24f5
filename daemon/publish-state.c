/* SPDX-License-Identifier: Apache-2.0 */

#include "publish-state.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "ready/keep.h"

#define STATE_FILE_LIMIT MIB(4)

struct PublishState {
        const Readiness *readiness;
        char *state_file;    /* NULL: nothing is kept */
        char *timeline_file; /* likewise */
        char *boots_file;    /* likewise */
        uint64_t timeline_saved;
        bool told;
};

static KeepStamp stamp_of(const Readiness *r) {
        return (KeepStamp){ .boot_id = r->world->host.boot_id, .userspace = r->userspace };
}

/* Warns once that a folder cannot be written, and what follows from that. */
static void complain(PublishState *p, const char *path, int error) {
        log_full(p->told ? LOG_DEBUG : LOG_WARNING, NULL,
                 "Cannot write %s: %s; msreadyd would start without saved state", path, strerror(-error));
        p->told = true;
}

static uint64_t transitions_so_far(const Timeline *t) {
        return timeline_added(t) + timeline_added_of_objects(t);
}

/* Saves the gates' states and the time line, for a restart of the daemon. */
void publish_state_save(PublishState *p) {
        const Readiness *readiness = p->readiness;
        Timeline *timeline = readiness->timeline;
        Buffer b = BUFFER_INIT(STATE_FILE_LIMIT);
        KeepStamp stamp = stamp_of(readiness);
        int r;

        if (!p->state_file)
                return;
        r = keep_print(&readiness->board, readiness->world, &stamp, instant_now(), &b);
        if (r >= 0)
                r = file_write_atomic(p->state_file, b.data, b.size, 0600);
        if (r < 0)
                complain(p, p->state_file, r);

        if (transitions_so_far(timeline) != p->timeline_saved) {
                buffer_clear(&b);
                r = timeline_print(timeline, &b);
                if (r >= 0)
                        r = file_write_atomic(p->timeline_file, b.data ?: "", b.size, 0600);
                if (r < 0)
                        complain(p, p->timeline_file, r);
                else
                        p->timeline_saved = transitions_so_far(timeline);
        }
        buffer_done(&b);
}

/* Saves the boots on record. */
void publish_state_save_boots(PublishState *p) {
        Buffer b = BUFFER_INIT(STATE_FILE_LIMIT);
        int r;

        if (!p->boots_file)
                return;
        r = boot_log_print(p->readiness->boots, &b);
        if (r >= 0)
                r = file_write_durable(p->boots_file, b.data ?: "", b.size, 0644);
        if (r < 0)
                complain(p, p->boots_file, r);
        buffer_done(&b);
}

static int restore_board(PublishState *p, Board *board) {
        _cleanup_free_ char *text = NULL;
        KeepStamp stamp = stamp_of(p->readiness);
        size_t size;
        int r;

        r = file_read(p->state_file, STATE_FILE_LIMIT, &text, &size);
        if (r == -ENOENT)
                return -ESTALE;
        if (r >= 0)
                r = keep_restore(board, text, size, &stamp, instant_now());
        if (r == -ESTALE)
                log_debug(
                        "%s is from another boot, userspace or version of msreadyd, starting without saved state",
                        p->state_file);
        else if (r < 0)
                log_warning("Cannot use %s: %s, starting without saved state", p->state_file, strerror(-r));
        else
                log_info("Restored state from %s", p->state_file);
        return r;
}

static void warn_of_unusable(const char *path, int r) {
        if (r < 0 && r != -ENOENT)
                log_warning("Cannot use %s: %s, ignoring it", path, strerror(-r));
}

/* Reads what an earlier run has left into the board, the time line and the boots of readiness. */
void publish_state_restore(PublishState *p, Readiness *readiness) {
        bool restored = p->state_file && restore_board(p, &readiness->board) >= 0;
        _cleanup_free_ char *timeline = NULL, *boots = NULL;
        size_t size;
        int r;

        assert(readiness == p->readiness);
        if (restored) {
                r = file_read(p->timeline_file, STATE_FILE_LIMIT, &timeline, &size);
                if (r >= 0)
                        r = timeline_parse(readiness->timeline, timeline, size);
                warn_of_unusable(p->timeline_file, r);
                p->timeline_saved = transitions_so_far(readiness->timeline);
        }
        if (p->boots_file) {
                r = file_read(p->boots_file, STATE_FILE_LIMIT, &boots, &size);
                if (r >= 0)
                        r = boot_log_parse(readiness->boots, boots, size);
                warn_of_unusable(p->boots_file, r);
        }
        readiness_restored(readiness, restored, instant_now(), now_realtime());
}

/* systemd lists several folders in one variable, separated by colons; the daemon's is the first. */
static int first_folder(const char *variable, char **ret) {
        const char *value = getenv(variable);

        if (isempty(value))
                return -ENOENT;
        *ret = strndup(value, strcspn(value, ":"));
        return *ret ? 0 : -ENOMEM;
}

/* Finds the files' places: --state-dir, else systemd's folders. readiness outlives it. -ENOMEM. */
int publish_state_new(const Readiness *readiness, const Options *options, PublishState **ret) {
        _cleanup_(publish_state_freep) PublishState *p = NULL;
        _cleanup_free_ char *runtime = NULL, *state = NULL;
        int r;

        p = calloc(1, sizeof(PublishState));
        if (!p)
                return -ENOMEM;
        p->readiness = readiness;

        if (options->state_dir) {
                r = asprintf_ret(&runtime, "%s", options->state_dir);
                if (r < 0)
                        return r;
                if (mkdir(runtime, 0700) < 0 && errno != EEXIST)
                        log_warning("Cannot create %s: %s, nothing is kept", runtime, strerror(errno));
        } else if (first_folder("RUNTIME_DIRECTORY", &runtime) == -ENOMEM)
                return -ENOMEM;
        r = first_folder("STATE_DIRECTORY", &state);
        if (r == -ENOENT && options->state_dir)
                r = asprintf_ret(&state, "%s", options->state_dir);
        if (r == -ENOMEM)
                return r;

        if (runtime) {
                r = path_join(runtime, "state.json", &p->state_file);
                if (r >= 0)
                        r = path_join(runtime, "timeline.jsonl", &p->timeline_file);
                if (r < 0)
                        return r;
        }
        if (state) {
                r = path_join(state, "boots.jsonl", &p->boots_file);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(p);
        return 0;
}

PublishState *publish_state_free(PublishState *p) {
        if (!p)
                return NULL;
        free(p->state_file);
        free(p->timeline_file);
        free(p->boots_file);
        return mfree(p);
}
