/* SPDX-License-Identifier: Apache-2.0 */

/* [Api]: a path of the API server answers 200. While the server is out of reach or its /readyz is not 200,
 * that is no evidence, also for /readyz itself: a server that restarts says nothing of the cluster. */

#include "ready/check-kinds.h"

#include "base/string-util.h"
#include "base/value.h"

static int parse_path(void *p, const char *value, const char **why) {
        if (!value_is_plain(value))
                return value_refuse(why, "not the path of a URL");
        return value_set_path(p, *value ? value : "/readyz", why);
}

static const CheckKeyType path_type = CHECK_KEY_TEXT(parse_path);

static int describe(const CheckDefinition *d, char **ret) {
        return asprintf_ret(ret, "API %s", CHECK_AS(ApiDefinition, d)->path);
}

static void judge_path(const Check *c, const World *w, Watched *ret) {
        const char *path = CHECK_AS(ApiDefinition, c->definition)->path;
        const WorldAnswer *a = world_answer(w, path);
        Finding *f = &ret->finding;

        ret->kind = "Api";
        ret->namespace = "";
        ret->name = path;
        ret->since = w->api_changed;
        *f = (Finding){ .evidence = EVIDENCE_NONE, .proof = PROOF_NONE };

        if (w->api != API_READY) {
                f->reason = world_api_reason(w);
                f->message = w->api_message;
        } else if (streq(path, "/readyz"))
                f->evidence = EVIDENCE_TRUE;
        else if (!a) {
                f->reason = REASON_NOT_SYNCED;
                f->message = "it has not been asked yet";
        } else {
                f->evidence = a->evidence;
                f->reason = a->reason;
                f->message = a->message;
                ret->since = a->changed;
        }
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched = {};

        judge_path(c, w, &watched);
        return callback(&watched, userdata);
}

static int judge(Check *c, Judging *j) {
        Watched watched = {};

        judge_path(c, j->world, &watched);
        return report_count(j, &watched);
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
        .judge = judge,
        .list = list,
};
