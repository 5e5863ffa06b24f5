/* SPDX-License-Identifier: Apache-2.0 */

/* [Socket]: a service that does not speak HTTP, such as an MQTT broker, accepts a connection. */

#include "ready/check-kinds.h"

#include <sys/un.h>

#include "base/string-util.h"
#include "base/value.h"

#define NO_ADDRESS "must be /PATH, HOST:PORT or [IPV6]:PORT"

static int split(const char *address, char **ret_host, unsigned *ret_port, const char **why) {
        const char *colon = strrchr(address, ':'), *fault;
        bool bracketed = address[0] == '[' && colon && colon > address && colon[-1] == ']';
        _cleanup_free_ char *host = NULL;

        if (!colon || (address[0] == '[' && !bracketed) || strchr(address, '/') || strchr(address, '@'))
                return value_refuse(why, NO_ADDRESS);
        host = strndup(address + bracketed, (size_t) (colon - address) - 2 * bracketed);
        if (!host)
                return -ENOMEM;
        fault = question_host_fault(host, bracketed);
        if (!fault)
                fault = question_port_fault(colon + 1, ret_port);
        if (fault)
                return value_refuse(why, fault);

        *ret_host = TAKE_PTR(host);
        return 0;
}

/* Takes HOST:PORT or [IPV6]:PORT apart; the host comes without brackets. -EINVAL where it is neither, -ENOMEM. */
int check_socket_split(const char *address, char **ret_host, unsigned *ret_port) {
        const char *why;

        return split(address, ret_host, ret_port, &why);
}

static int parse_connect(void *p, const char *value, const char **why) {
        _cleanup_free_ char *host = NULL;
        unsigned port;
        int r;

        if (*value && *value != '/') {
                r = split(value, &host, &port, why);
                return r < 0 ? r : value_set_text(p, value);
        }
        if (strlen(value) >= sizeof(((struct sockaddr_un *) 0)->sun_path))
                return value_refuse(why, "too long for the path of a socket, which has 107 bytes at most");
        return value_set_path(p, value, why);
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
