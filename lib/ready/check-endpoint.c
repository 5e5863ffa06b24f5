/* SPDX-License-Identifier: Apache-2.0 */

/* [Endpoint]: a URL answers as its user would want it. */

#include "ready/check-kinds.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/string-util.h"
#include "base/value.h"

#define URL_LENGTH_MAX 2048
#define RANGES_MAX 32

static int parse_url(void *p, const char *value, const char **why) {
        const char *host = startswith(value, "https://") ?: startswith(value, "http://");
        size_t n;

        if (!*value)
                return value_set_text(p, value);
        if (!host || !value_is_plain(value) || strlen(value) > URL_LENGTH_MAX)
                return value_refuse(why, "neither an http:// nor an https:// URL");
        n = strcspn(host, "/?#");
        if (n == 0 || host[0] == ':')
                return value_refuse(why, "a URL without a host");
        if (memchr(host, '@', n))
                return value_refuse(why, "a URL with a user in it, which is not supported");
        return value_set_text(p, value);
}

static int parse_ca_file(void *p, const char *value, const char **why) {
        return value_set_path(p, value, why);
}

static int add_range(struct ExpectedStatus *x, unsigned from, unsigned to) {
        StatusRange *grown = realloc(x->ranges, (x->n_ranges + 1) * sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        x->ranges = grown;
        x->ranges[x->n_ranges++] = (StatusRange){ .from = from, .to = to };
        return 0;
}

static int parse_range(struct ExpectedStatus *x, char *text, const char **why) {
        char *dash = strchr(text, '-');
        unsigned from, to;

        if (dash)
                *dash++ = '\0';
        if (parse_unsigned(text, 599, &from) < 0 || parse_unsigned(dash ?: text, 599, &to) < 0 ||
            from < 100 || to < from)
                return value_refuse(why, "neither a status of HTTP nor a range such as 200-299");
        if (x->n_ranges >= RANGES_MAX)
                return value_refuse(why, "too many ranges");
        return add_range(x, from, to);
}

static int parse_expect(void *p, const char *value, const char **why) {
        _cleanup_(strv_freep) char **texts = NULL;
        struct ExpectedStatus *x = p;
        int r;

        if (!*value || x->is_default)
                x->n_ranges = 0;
        x->is_default = !*value;
        if (!*value)
                return add_range(x, 200, 399);

        r = strv_split(value, " \t,", &texts);
        STRV_FOREACH(t, texts)
                if (r >= 0)
                        r = parse_range(x, *t, why);
        return r;
}

static void expect_done(void *p) {
        free(((struct ExpectedStatus *) p)->ranges);
}

static bool expect_equal(const void *a, const void *b) {
        const struct ExpectedStatus *x = a, *y = b;

        return x->n_ranges == y->n_ranges &&
               memcmp(x->ranges, y->ranges, x->n_ranges * sizeof(StatusRange)) == 0;
}

static uint64_t expect_hash(uint64_t hash, const void *p) {
        const struct ExpectedStatus *x = p;

        return fnv_bytes(hash, x->ranges, x->n_ranges * sizeof(StatusRange));
}

static const CheckKeyType url_type = CHECK_KEY_TEXT(parse_url);
static const CheckKeyType ca_file_type = CHECK_KEY_TEXT(parse_ca_file);
static const CheckKeyType expect_type = {
        .parse = parse_expect, .done = expect_done, .equal = expect_equal, .hash = expect_hash
};

static int describe(const CheckDefinition *d, char **ret) {
        return asprintf_ret(ret, "%s", question_definition(d)->address);
}

/* The URL, the statuses that are expected, and the CA that has to have signed. */
static int question(const CheckDefinition *definition, char **ret) {
        const EndpointDefinition *d = CHECK_AS(EndpointDefinition, definition);
        Buffer b = BUFFER_INIT(LIMIT_CONFIG_FILE);
        int r;

        r = buffer_puts(&b, d->question.address);
        for (size_t i = 0; i < d->expect.n_ranges && r >= 0; i++)
                r = buffer_printf(&b, "%c%u-%u", i > 0 ? ',' : ' ', d->expect.ranges[i].from,
                                  d->expect.ranges[i].to);
        if (d->ca_file && r >= 0)
                r = buffer_printf(&b, " %s", d->ca_file);
        if (r < 0) {
                buffer_done(&b);
                return r;
        }

        *ret = buffer_steal(&b);
        return 0;
}

#define MEMBER(m) offsetof(EndpointDefinition, m)

static const CheckKey keys[] = {
        { "URL", MEMBER(question.address), &url_type, .is_required = true },
        { "ExpectStatus", MEMBER(expect), &expect_type },
        { "CAFile", MEMBER(ca_file), &ca_file_type },
        { "IntervalSec", MEMBER(question.interval), &question_key_interval },
        {},
};

const CheckKind check_kind_endpoint = {
        .syntax = {
                .section = "Endpoint",
                .size = sizeof(EndpointDefinition),
                .keys = keys,
                .describe = describe,
        },
        .question = question,
        .judge = check_count_listed,
        .list = question_list,
};
