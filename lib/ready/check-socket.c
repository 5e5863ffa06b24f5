/* SPDX-License-Identifier: Apache-2.0 */

/* [Socket]: a service that does not speak HTTP, such as an MQTT broker, accepts a connection. */

#include "ready/check-kinds.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "base/parse.h"
#include "base/string-util.h"
#include "base/value.h"

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

static bool is_ipv6(const char *s) {
        struct in6_addr a;

        return inet_pton(AF_INET6, s, &a) == 1;
}

/* A name or an IPv4 address. What has digits and dots only is no name. */
static bool is_host(const char *s) {
        struct in_addr a;

        if (!*s || strlen(s) > CHECK_NAME_MAX || s[strspn(s, HOST_CHARACTERS)])
                return false;
        return s[strspn(s, "0123456789.")] || inet_pton(AF_INET, s, &a) == 1;
}

/* Takes HOST:PORT or [IPV6]:PORT apart; the host comes without brackets. -EINVAL where it is neither, -ENOMEM. */
int check_socket_split(const char *address, char **ret_host, unsigned *ret_port) {
        const char *colon = strrchr(address, ':');
        bool bracketed = address[0] == '[' && colon && colon > address && colon[-1] == ']';
        _cleanup_free_ char *host = NULL;
        unsigned port;

        if (!colon || parse_unsigned(colon + 1, 65535, &port) < 0 || port == 0)
                return -EINVAL;
        host = strndup(address + bracketed, (size_t) (colon - address) - 2 * bracketed);
        if (!host)
                return -ENOMEM;
        if (!(bracketed ? is_ipv6(host) : is_host(host)))
                return -EINVAL;

        *ret_host = TAKE_PTR(host);
        *ret_port = port;
        return 0;
}

static int parse_connect(void *p, const char *value, const char **why) {
        _cleanup_free_ char *host = NULL;
        unsigned port;
        int r;

        if (*value == '/') {
                if (strlen(value) >= sizeof(((struct sockaddr_un *) 0)->sun_path))
                        return value_refuse(why, "too long for the path of a socket");
        } else if (*value) {
                r = check_socket_split(value, &host, &port);
                if (r < 0)
                        return r == -EINVAL ? value_refuse(why, "neither /PATH, HOST:PORT nor [IPV6]:PORT")
                                            : r;
        }
        return value_set_text(p, value);
}

static const CheckKeyType connect_type = CHECK_KEY_TEXT(parse_connect);

static int describe(const CheckDefinition *d, char **ret) {
        return asprintf_ret(ret, "socket %s", question_definition(d)->address);
}

#define MEMBER(m) offsetof(SocketDefinition, m)

static const CheckKey keys[] = {
        { "Connect", MEMBER(question.address), &connect_type, .is_required = true },
        { "IntervalSec", MEMBER(question.interval), &question_key_interval },
        {},
};

const CheckKind check_kind_socket = {
        .syntax = {
                .section = "Socket",
                .size = sizeof(SocketDefinition),
                .keys = keys,
                .describe = describe,
        },
        .question = describe,
        .judge = check_count_listed,
        .list = question_list,
};
