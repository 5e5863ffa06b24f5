/* SPDX-License-Identifier: Apache-2.0 */

/* [Endpoint]: a URL answers as its user would want it. */

#include "ready/check-kinds.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/string-util.h"
#include "base/value.h"

#define URL_LENGTH_MAX 2048
#define RANGES_MAX 32

/* HOST, HOST:PORT or these with [IPV6] or [IPV6%25SCOPE]; changed. What is wrong with it, static; NULL: nothing. */
static const char *find_fault_of_authority(char *authority) {
        bool bracketed = authority[0] == '[';
        char *host = authority + bracketed, *end = strchr(host, bracketed ? ']' : ':'), *port = NULL, *scope;
        struct in_addr four;
        const char *fault;
        unsigned n;

        if (bracketed && (!end || (end[1] && end[1] != ':')))
                return "an IPv6 address needs brackets around it: [IPV6] or [IPV6]:PORT";
        if (end) {
                port = end + bracketed;
                port = *port ? port + 1 : NULL;
                *end = '\0';
        }
        if (!bracketed && port && strchr(port, ':'))
                return "an IPv6 address needs brackets around it: [IPV6] or [IPV6]:PORT";
        scope = bracketed ? strstr(host, "%25") : NULL;
        if (scope && scope[3])
                *scope = '\0';
        else if (bracketed && strchr(host, '%'))
                return "the scope of an IPv6 address is written with %25 in a URL: [fe80::1%25eth0]";
        /* libcurl, as browsers do, also takes 127.1 for an address. */
        fault = !bracketed && inet_aton(host, &four) ? NULL : question_host_fault(host, bracketed);
        /* "http://HOST:/" has the default port. */
        return fault || isempty(port) ? fault : question_port_fault(port, &n);
}

static const char *find_fault_of_url(const char *url) {
        const char *rest = NULL;
        char authority[URL_LENGTH_MAX + 1];

        if (strncasecmp(url, "https://", 8) == 0)
                rest = url + 8;
        else if (strncasecmp(url, "http://", 7) == 0)
                rest = url + 7;
        if (!rest)
                return "must be an http:// or https:// URL";
        if (strlen(url) > URL_LENGTH_MAX)
                return "too long for a URL: 2048 bytes at most";
        if (!value_is_plain(url))
                return "a URL with a blank or another character that must be escaped, as in %20";
        snprintf(authority, sizeof(authority), "%.*s", (int) strcspn(rest, "/?#"), rest);
        if (strchr(authority, '@'))
                return "a URL with a user in it, which is not supported";
        if (strchr(rest, '#'))
                return "what is behind # is never sent to a server: leave it out";
        return find_fault_of_authority(authority);
}

static int parse_url(void *p, const char *value, const char **why) {
        const char *fault = *value ? find_fault_of_url(value) : NULL;

        return fault ? value_refuse(why, fault) : value_set_text(p, value);
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
                return value_refuse(why, "must be an HTTP status or a range such as 200-299");
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
