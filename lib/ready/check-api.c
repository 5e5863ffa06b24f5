/* SPDX-License-Identifier: Apache-2.0 */

/* [Api]: a path of the API server answers 200. While the server is out of reach or its /readyz is not 200,
 * that is no evidence, also for /readyz itself: a server that restarts says nothing of the cluster. */

#include "ready/check-kinds.h"

#include <ctype.h>

#include "base/string-util.h"
#include "base/value.h"

/* Whether a part of the path is "." or "..": libcurl would ask for another path. */
static bool has_dot_part(const char *path) {
        size_t n;

        for (; *path == '/'; path += n) {
                n = strcspn(++path, "/?");
                if (n > 0 && n <= 2 && strspn(path, ".") >= n)
                        return true;
        }
        return false;
}

/* Whether a "%" before the query is not the beginning of %XX: the API server answers such a path with 400. */
static bool has_broken_escape(const char *path) {
        for (; *path && *path != '?'; path++)
                if (*path == '%' &&
                    (!isxdigit((unsigned char) path[1]) || !isxdigit((unsigned char) path[2])))
                        return true;
        return false;
}

static int parse_path(void *p, const char *value, const char **why) {
        if (!value_is_plain(value) || strpbrk(value, "\"#<>\\^`{|}"))
                return value_refuse(why, "not the path of a URL");
        if (has_dot_part(value))
                return value_refuse(why, "a path with . or .. in it: write the path that is meant");
        if (has_broken_escape(value))
                return value_refuse(why, "a % without two hexadecimal digits behind it, as in %20");
        return value_set_path(p, *value ? value : "/readyz", why);
}

static const CheckKeyType path_type = CHECK_KEY_TEXT(parse_path);

static int describe(const CheckDefinition *d, char **ret) {
        return asprintf_ret(ret, "API %s", CHECK_AS(ApiDefinition, d)->path);
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        const char *path = CHECK_AS(ApiDefinition, c->definition)->path;
        const WorldAnswer *a = world_answer(w, path);
        Watched watched = {
                .kind = "Api",
                .namespace = "",
                .name = path,
                .since = w->api_changed,
                .finding = { .evidence = EVIDENCE_NONE, .proof = PROOF_NONE },
        };
        Finding *f = &watched.finding;

        if (w->api != API_READY)
                finding_set(f, EVIDENCE_NONE, world_api_reason(w), w->api_message);
        else if (streq(path, "/readyz"))
                f->evidence = EVIDENCE_TRUE;
        else if (!a)
                finding_set(f, EVIDENCE_NONE, REASON_NOT_ASKED, "it has not been asked yet");
        else {
                finding_set(f, a->evidence, a->reason, a->message);
                f->is_reported = true;
                watched.since = a->changed;
        }
        return callback(&watched, userdata);
}

#define MEMBER(m) offsetof(ApiDefinition, m)

static const CheckKey keys[] = {
        { "Path", MEMBER(path), &path_type },
        {},
};

const CheckKind check_kind_api = {
        .syntax = {
                .section = "Api",
                .size = sizeof(ApiDefinition),
                .keys = keys,
                .describe = describe,
        },
        .judge = check_count_listed,
        .list = list,
};
