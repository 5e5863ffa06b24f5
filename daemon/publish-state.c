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
        Manager *manager;
        char *state_file;    /* NULL: nothing is kept */
        char *timeline_file; /* likewise */
        char *boots_file;    /* likewise */
        uint64_t timeline_saved;
        bool boot_settled; /* on record is when this boot was first ready */
        bool told;
};

static KeepStamp stamp_of(const Manager *m) {
        return (KeepStamp){ .boot_id = m->world->host.boot_id, .userspace = m->userspace };
}

/* Says once that a folder cannot be written, and what that means. */
static void complain(PublishState *p, const char *path, int error) {
        log_full(p->told ? LOG_DEBUG : LOG_WARNING, NULL,
                 "Cannot write %s: %s; a restart of msreadyd begins from nothing", path, strerror(-error));
        p->told = true;
}

static uint64_t transitions_so_far(const Manager *m) {
        return timeline_added(m->timeline) + timeline_added_of_objects(m->timeline);
}

/* The gates' states and what has come to pass, for a restart of the daemon. */
void publish_state_save(PublishState *p) {
        Manager *m = p->manager;
        Buffer b = BUFFER_INIT(STATE_FILE_LIMIT);
        KeepStamp stamp = stamp_of(m);
        int r;

        if (!p->state_file)
                return;
        r = keep_print(&m->board, m->world, &stamp, instant_now(), &b);
        if (r >= 0)
                r = file_write_atomic(p->state_file, b.data, b.size, 0600);
        if (r < 0)
                complain(p, p->state_file, r);

        if (transitions_so_far(m) != p->timeline_saved) {
                buffer_clear(&b);
                r = timeline_print(m->timeline, &b);
                if (r >= 0)
                        r = file_write_atomic(p->timeline_file, b.data ?: "", b.size, 0600);
                if (r < 0)
                        complain(p, p->timeline_file, r);
                else
                        p->timeline_saved = transitions_so_far(m);
        }
        buffer_done(&b);
}

/* What a gate waited for until it opened first, else what it waits for: "Pod openshift-dns/dns-x: Unproven". */
static int waited_for(const Manager *m, const Gate *g, char **ret) {
        const Blocker *b = g->first_ready > 0 ? NULL : gate_waited_for(g);

        for (size_t i = 0; !b && i < timeline_length(m->timeline); i++) {
                const Transition *t = timeline_get(m->timeline, i);

                if (!streq_ptr(t->gate, gate_name(g)) || t->object.kind || !streq(t->to, "ready"))
                        continue;
                if (!t->has_blocker)
                        break;
                b = &t->blocker;
        }
        if (!b)
                return 0;
        return asprintf_ret(ret, "%s %s%s%s: %s", strempty(b->object.kind), strempty(b->object.namespace),
                            b->object.namespace ? "/" : "", strempty(b->object.name), strempty(b->reason));
}

static usec_t since_start(const Manager *m, usec_t boottime) {
        return boottime == 0 ? USEC_INFINITY : usec_sub(boottime, m->userspace);
}

static int make_boot(const Manager *m, Boot **ret) {
        _cleanup_(boot_freep) Boot *boot = NULL;
        usec_t last = 0;
        bool all = true;
        int r;

        r = boot_new(m->world->host.boot_id,
                     usec_sub(now_realtime(), usec_sub(now_boottime(), m->userspace)), &boot);
        if (r < 0)
                return r;
        boot->pulled_images = event_digest_pulls(m->events) > 0;

        for (size_t i = 0; i < m->board.n_gates; i++) {
                const Gate *g = m->board.gates[i];
                _cleanup_free_ char *cause = NULL;

                if (gate_state(g) == GATE_DISABLED)
                        continue;
                r = waited_for(m, g, &cause);
                if (r >= 0)
                        r = boot_set_gate(boot, gate_name(g), since_start(m, g->first_ready), cause);
                if (r < 0)
                        return r;
                if (gate_is_required(g)) {
                        all = all && g->first_ready > 0;
                        last = MAX(last, g->first_ready);
                }
        }
        boot->ready = m->board.verdict.was_ready && all ? since_start(m, last) : USEC_INFINITY;

        *ret = TAKE_PTR(boot);
        return 0;
}

/* Images that are pulled later, and gates that are required later, change nothing of how this boot went. */
static void settle_boot(PublishState *p, Boot *boot) {
        const Boot *first = p->boot_settled ? boot_log_find(p->manager->boots, boot->boot_id) : NULL;

        if (first) {
                boot->ready = first->ready;
                boot->pulled_images = first->pulled_images;
        }
        p->boot_settled = boot->ready != USEC_INFINITY;
}

/* This boot's line in the record of boots: at the first ready, and at stop. */
void publish_state_save_boot(PublishState *p) {
        Manager *m = p->manager;
        Buffer b = BUFFER_INIT(STATE_FILE_LIMIT);
        Boot *boot;
        int r;

        r = make_boot(m, &boot);
        if (r >= 0) {
                settle_boot(p, boot);
                boot_log_put(m->boots, boot);
        }
        if (r >= 0 && p->boots_file) {
                r = boot_log_print(m->boots, &b);
                if (r >= 0)
                        r = file_write_durable(p->boots_file, b.data ?: "", b.size, 0644);
        }
        if (r < 0)
                complain(p, strna(p->boots_file), r);
        buffer_done(&b);
}

static int restore_board(PublishState *p) {
        _cleanup_free_ char *text = NULL;
        Manager *m = p->manager;
        KeepStamp stamp = stamp_of(m);
        size_t size;
        int r;

        r = file_read(p->state_file, STATE_FILE_LIMIT, &text, &size);
        if (r == -ENOENT)
                return -ESTALE;
        if (r >= 0)
                r = keep_restore(&m->board, text, size, &stamp, instant_now());
        if (r == -ESTALE)
                log_debug("%s is of another boot or userspace, beginning from nothing", p->state_file);
        else if (r < 0)
                log_warning("Cannot use %s: %s, beginning from nothing", p->state_file, strerror(-r));
        else
                log_info("Going on from what an earlier run has left in %s", p->state_file);
        return r;
}

static void restore_lines(const char *path, void *object,
                          int (*parse)(void *object, const char *text, size_t size)) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (!path)
                return;
        r = file_read(path, STATE_FILE_LIMIT, &text, &size);
        if (r >= 0)
                r = parse(object, text, size);
        if (r < 0 && r != -ENOENT)
                log_warning("Cannot use %s: %s, going on without it", path, strerror(-r));
}

static int parse_timeline(void *object, const char *text, size_t size) {
        return timeline_parse(object, text, size);
}

static int parse_boots(void *object, const char *text, size_t size) {
        return boot_log_parse(object, text, size);
}

/* What has been told of objects is not told again. Lacking memory, or where the line is none of ours, it is. */
static void restore_trails(Manager *m) {
        for (size_t i = 0; i < timeline_length(m->timeline); i++) {
                const Transition *t = timeline_get(m->timeline, i);
                Gate *g = t->gate ? board_find(&m->board, t->gate) : NULL;
                ObjectState to = object_state_from_string(t->to);

                if (g && t->object.kind && to >= 0)
                        (void) trail_restore(&g->trail, &t->object, to, t->has_blocker ? &t->blocker : NULL);
        }
}

void publish_state_restore(PublishState *p) {
        Manager *m = p->manager;
        bool restored = p->state_file && restore_board(p) >= 0;
        const Boot *boot;

        if (restored) {
                restore_lines(p->timeline_file, m->timeline, parse_timeline);
                p->timeline_saved = transitions_so_far(m);
                restore_trails(m);
        }
        restore_lines(p->boots_file, m->boots, parse_boots);
        boot = boot_log_find(m->boots, m->world->host.boot_id);
        p->boot_settled = restored && boot && boot->ready != USEC_INFINITY;
}

/* systemd lists several folders in one variable, separated by colons; ours is the first. */
static int first_folder(const char *variable, char **ret) {
        const char *value = getenv(variable);

        if (isempty(value))
                return -ENOENT;
        *ret = strndup(value, strcspn(value, ":"));
        return *ret ? 0 : -ENOMEM;
}

int publish_state_new(Manager *m, PublishState **ret) {
        _cleanup_(publish_state_freep) PublishState *p = NULL;
        _cleanup_free_ char *runtime = NULL, *state = NULL;
        int r;

        p = calloc(1, sizeof(PublishState));
        if (!p)
                return -ENOMEM;
        p->manager = m;

        if (m->options->state_dir) {
                r = asprintf_ret(&runtime, "%s", m->options->state_dir);
                if (r < 0)
                        return r;
                if (mkdir(runtime, 0700) < 0 && errno != EEXIST)
                        log_warning("Cannot make %s: %s, nothing is kept", runtime, strerror(errno));
        } else if (first_folder("RUNTIME_DIRECTORY", &runtime) == -ENOMEM)
                return -ENOMEM;
        r = first_folder("STATE_DIRECTORY", &state);
        if (r == -ENOENT && m->options->state_dir)
                r = asprintf_ret(&state, "%s", m->options->state_dir);
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
