/* SPDX-License-Identifier: Apache-2.0 */

/* Checks that the daemon answers by asking an address ([Endpoint], [Socket]). The answer is in the world, under the
 * key that the kind makes of its question; it also counts while the API is out of reach. */

#include "ready/question.h"

#include <arpa/inet.h>

#include "base/parse.h"
#include "base/value.h"

#define HOST_MAX 253
#define HOST_PART_MAX 63
#define DIGITS "0123456789"
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-_."

/* Whether no part between dots is empty or too long; a name may end in a dot. */
static bool has_possible_parts(const char *host) {
        size_t n;

        for (;; host += n + 1) {
                n = strcspn(host, ".");
                if (n == 0 || n > HOST_PART_MAX)
                        return false;
                if (!host[n] || !host[n + 1])
                        return true;
        }
}

/* What is wrong with the host of an address, without its brackets, static; NULL: nothing. What has digits and dots
 * only is no name. */
const char *question_host_fault(const char *host, bool bracketed) {
        struct in6_addr six;
        struct in_addr four;
        bool is_six = inet_pton(AF_INET6, host, &six) == 1;

        if (bracketed)
                return is_six              ? NULL
                       : strchr(host, '%') ? "an IPv6 address with a scope, which is not supported"
                                           : "brackets around what is no IPv6 address";
        if (!*host)
                return "a host is missing";
        if (is_six)
                return "an IPv6 address without its brackets: [IPV6]:PORT";
        if (strlen(host) > HOST_MAX || host[strspn(host, HOST_CHARACTERS)] || !has_possible_parts(host) ||
            (!host[strspn(host, DIGITS ".")] && inet_pton(AF_INET, host, &four) != 1))
                return "must be a host name or an IP address";
        return NULL;
}

/* The same for the port, which comes back in *ret where nothing is wrong. */
const char *question_port_fault(const char *port, unsigned *ret) {
        unsigned n;

        if (parse_unsigned(port, 65535, &n) < 0 || n == 0)
                return "not a port: a number from 1 to 65535";
        *ret = n;
        return NULL;
}

static int parse_interval(void *p, const char *value, const char **why) {
        usec_t u, *interval = p;
        int r;

        r = value_set_timespan(&u, value, 0, why);
        if (r < 0)
                return r;
        if (*value && (u < USEC_PER_SEC || u == USEC_INFINITY))
                return value_refuse(why, "must be at least 1s, and not infinity");
        *interval = u;
        return 0;
}

const CheckKeyType question_key_interval = { .parse = parse_interval, .size = sizeof(usec_t) };

/* The list of a CheckKind that has a question. */
int question_list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched = {
                .kind = c->kind->syntax.section,
                .namespace = "",
                .name = question_definition(c->definition)->address,
                .finding = { .evidence = EVIDENCE_NONE,
                             .proof = PROOF_NONE,
                             .reason = REASON_NOT_ASKED,
                             .message = "it has not been asked yet" },
        };
        _cleanup_free_ char *key = NULL;
        const WorldAnswer *a;
        int r;

        r = c->kind->question(c->definition, &key);
        if (r < 0)
                return r;

        a = world_answer(w, key);
        if (a) {
                watched.since = a->changed;
                finding_set(&watched.finding, a->evidence, a->reason, a->message);
                watched.finding.is_reported = true;
                if (a->evidence == EVIDENCE_TRUE)
                        watched.finding.proof = PROOF_OBSERVED;
        }
        return callback(&watched, userdata);
}
