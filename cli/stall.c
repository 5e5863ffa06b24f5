/* SPDX-License-Identifier: Apache-2.0 */

#include "stall.h"

#include "base/hash.h"
#include "base/string-util.h"

/* Messages that never repeat, such as those with a time in them, must not fill memory. */
#define SEEN_MAX 4096

void stall_done(Stall *stall) {
        stall->seen = mfree(stall->seen);
}

static void hash_in(uint64_t *h, const char *s) {
        *h = fnv_bytes(*h, s, s ? strlen(s) : 0);
        *h = fnv_bytes(*h, "\xff", 1);
}

/* A failing pull is retried: its reasons alternate, and its messages differ in port numbers. */
static bool is_failed_pull(const char *reason) {
        return glob_matches("*ImagePull*", reason) || glob_matches("*RegistryUnavailable", reason) ||
               glob_matches("*SignatureValidationFailed", reason);
}

static uint64_t hash_blocker(const JsonValue *gate, const JsonValue *blocker) {
        const char *reason = strempty(jv_get_string(blocker, "reason"));
        uint64_t h = FNV_INIT;

        hash_in(&h, jv_get_string(gate, "name"));
        hash_in(&h, jv_get_string(jv_get(blocker, "object"), "name"));
        if (is_failed_pull(reason))
                return h;
        hash_in(&h, reason);
        hash_in(&h, jv_get_string(blocker, "message"));
        return h;
}

/* Returns 1 where the hash is new. -ENOMEM. */
static int note_hash(Stall *stall, uint64_t h) {
        uint64_t *more;

        for (size_t i = 0; i < stall->n_seen; i++)
                if (stall->seen[i] == h)
                        return 0;
        if (stall->n_seen == SEEN_MAX)
                stall->n_seen = 0;
        more = reallocarray(stall->seen, stall->n_seen + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        stall->seen = more;
        more[stall->n_seen++] = h;
        return 1;
}

/* Sets stall->moved to now (CLOCK_MONOTONIC) if there was progress since the last call: an object or a container
 * became ready, or a blocker is new, as after an image has been pulled. A blocker that was there before is not new:
 * a failure that is retried has the same messages each time. -ENOMEM. */
int stall_feed(Stall *stall, const Progress *p, const Snapshot *s, usec_t now) {
        uint64_t counts = FNV_INIT;
        int r;

        for (size_t i = 0; i < s->n_gates; i++) {
                const JsonValue *gate = s->gates[i];

                if (!progress_counts(p, gate))
                        continue;
                hash_in(&counts, jv_get_string(gate, "name"));
                hash_in(&counts, jv_get_string(gate, "state"));
                counts ^= (uint64_t) jv_get_int(gate, "readyObjects", 0) << 32;
                counts ^= (uint64_t) jv_get_int(gate, "readyContainers", 0);
                JSON_FOREACH(blocker, jv_get(gate, "blockers")) {
                        r = note_hash(stall, hash_blocker(gate, blocker));
                        if (r < 0)
                                return r;
                        if (r > 0)
                                stall->moved = now;
                }
        }
        if (counts != stall->counts)
                stall->moved = now;
        stall->counts = counts;
        return 0;
}
