/* SPDX-License-Identifier: Apache-2.0 */

/* The host's programs resolve names through glibc, so glibc reads resolv.conf here, too. c-ares reads it in
 * another way: it refuses a scope (fe80::53%eth0) before 1.24 and in 1.34.5, and in 1.18 makes two dots of
 * systemd-resolved's "search ." and does not know use-vc.
 *
 * Nor can each c-ares be told of a scope, and none tells two servers apart by it. So IPv6 name servers have
 * stand-ins, 100::1 for the first and so on (RFC 6666 sets this prefix aside for what goes nowhere), and the
 * true address takes their place where a socket is connected. */

/* For ares_set_socket_functions(): 1.18 has nothing else, and 1.34 something newer. */
#define CARES_NO_DEPRECATED

#include "http/name-servers.h"

#include <arpa/inet.h>
#include <resolv.h>
#include <sys/socket.h>

#include "base/buffer.h"

#define TEXT_SIZE (NAME_SERVERS_MAX * (INET6_ADDRSTRLEN + sizeof("[]:53,")))

static_assert(NAME_SERVERS_MAX == MAXNS, "as many as glibc has");

static struct in6_addr stand_in(unsigned i) {
        return (struct in6_addr){ .s6_addr = { [0] = 1, [15] = (uint8_t) (i + 1) } };
}

static ares_socket_t on_socket(int domain, int type, int protocol, void *userdata) {
        return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int on_close(ares_socket_t fd, void *userdata) {
        return close(fd);
}

static int on_connect(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t size,
                      void *userdata) {
        const struct sockaddr_in6 *a = (const struct sockaddr_in6 *) (const void *) address;
        const NameServers *servers = userdata;

        for (unsigned i = 0; address->sa_family == AF_INET6 && i < servers->n_ipv6; i++) {
                const struct in6_addr s = stand_in(i);

                if (IN6_ARE_ADDR_EQUAL(&a->sin6_addr, &s))
                        return connect(fd, (const struct sockaddr *) &servers->ipv6[i], sizeof(*a));
        }

        return connect(fd, address, size);
}

/* c-ares takes answers from the address that it knows, and from no other. */
static ares_ssize_t on_receive(ares_socket_t fd, void *data, size_t size, int flags, struct sockaddr *from,
                               ares_socklen_t *from_size, void *userdata) {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *) (void *) from;
        const NameServers *servers = userdata;
        ssize_t n = recvfrom(fd, data, size, flags, from, from_size);

        for (unsigned i = 0; n >= 0 && from && from->sa_family == AF_INET6 && i < servers->n_ipv6; i++)
                if (IN6_ARE_ADDR_EQUAL(&a->sin6_addr, &servers->ipv6[i].sin6_addr) &&
                    a->sin6_scope_id == servers->ipv6[i].sin6_scope_id) {
                        a->sin6_addr = stand_in(i);
                        break;
                }

        return n;
}

static ares_ssize_t on_send(ares_socket_t fd, const struct iovec *data, int n, void *userdata) {
        const struct msghdr message = { .msg_iov = (struct iovec *) (uintptr_t) data,
                                        .msg_iovlen = (size_t) n };

        return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions functions = {
        .asocket = on_socket,
        .aclose = on_close,
        .aconnect = on_connect,
        .arecvfrom = on_receive,
        .asendv = on_send,
};

/* Notes an IPv6 server. Returns its number; one that resolv.conf names twice has one. */
static unsigned note_ipv6(NameServers *servers, struct sockaddr_in6 address) {
        unsigned i = 0;

        /* To the kernel :: is this host, which answers from ::1. */
        if (IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr))
                address.sin6_addr = in6addr_loopback;
        /* An answer from any other address has no scope. */
        if (!IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr))
                address.sin6_scope_id = 0;
        while (i < servers->n_ipv6 && memcmp(&servers->ipv6[i], &address, sizeof(address)) != 0)
                i++;
        if (i == servers->n_ipv6)
                servers->ipv6[servers->n_ipv6++] = address;
        return i;
}

/* Brings glibc back to where it has read nothing. */
static void forget_read(void) {
        if (_res.options & RES_INIT)
                res_nclose(&_res);
        _res.options = 0;
        _res.retry = 0;
}

/* Writes glibc's name servers as c-ares is told of them. */
static int list_servers(NameServers *servers, Buffer *text) {
        char address[INET6_ADDRSTRLEN];

        for (int i = 0; i < _res.nscount && i < NAME_SERVERS_MAX; i++) {
                const struct sockaddr_in6 *ipv6 = _res._u._ext.nsaddrs[i];
                struct in_addr ipv4 = _res.nsaddr_list[i].sin_addr;
                int r;

                if (_res.nsaddr_list[i].sin_family == AF_INET) {
                        /* As with :: above. */
                        if (ipv4.s_addr == htonl(INADDR_ANY))
                                ipv4.s_addr = htonl(INADDR_LOOPBACK);
                        (void) inet_ntop(AF_INET, &ipv4, address, sizeof(address));
                        r = buffer_printf(text, "%s:53,", address);
                } else if (ipv6) {
                        const struct in6_addr s = stand_in(note_ipv6(servers, *ipv6));

                        (void) inet_ntop(AF_INET6, &s, address, sizeof(address));
                        r = buffer_printf(text, "[%s]:53,", address);
                } else
                        continue;
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Adds what else resolv.conf says of questions; domains stays referenced. Returns the options' mask. */
static int add_options(struct ares_options *options, char *domains[static MAXDNSRCH]) {
        const int mask = ARES_OPT_NDOTS | ARES_OPT_FLAGS;
        int n = 0;

        options->ndots = (int) _res.ndots;
        options->flags = (_res.options & RES_USEVC ? ARES_FLAG_USEVC : 0) |
                         (_res.options & RES_USE_EDNS0 ? ARES_FLAG_EDNS : 0);

        /* Where there may be more than glibc has room for here, c-ares reads them itself. */
        if (_res.dnsrch[MAXDNSRCH - 1])
                return mask;
        for (char **d = _res.dnsrch; *d; d++)
                if (!streq(*d, ".")) /* as it is: done in any case */
                        domains[n++] = *d;
        options->domains = domains;
        options->ndomains = n;
        /* With none, 1.34 would take that of the host's name. */
        if (n == 0)
                options->flags |= ARES_FLAG_NOSEARCH;
        return mask | ARES_OPT_DOMAINS;
}

static int open_channel(NameServers *servers, const char *text, struct ares_options *options, int mask,
                        ares_channel *ret) {
        int status;

        if (ares_init_options(ret, options, mask) != ARES_SUCCESS) {
                *ret = NULL;
                return -ENOMEM;
        }

        ares_set_socket_functions(*ret, &functions, servers);
        status = ares_set_servers_ports_csv(*ret, text);
        return status == ARES_SUCCESS ? 0 : status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

/* Opens a channel with these options and the name servers that resolv.conf has now, or with those given
 * ("ADDRESS:PORT,..."), and then without the hosts file. It refers to servers, which is empty. ret is the
 * caller's to destroy, after an error, too, unless it is NULL. -EINVAL for bad servers, -ENOMEM; the error
 * in reading resolv.conf. */
int name_servers_open(NameServers *servers, const char *given, const struct ares_options *options, int mask,
                      ares_channel *ret) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(TEXT_SIZE);
        struct ares_options all = *options;
        char lookups[] = "b", *domains[MAXDNSRCH];
        int r;

        *ret = NULL;
        if (given) {
                all.lookups = lookups;
                return open_channel(servers, given, &all, mask | ARES_OPT_LOOKUPS, ret);
        }

        /* With its default glibc would keep what it has read for as long as the file is the same, and so the
         * index of an interface that has gone since, or none for one that has come. */
        forget_read();
        _res.retry = 1;
        if (res_init() < 0)
                return errno > 0 ? -errno : -ENOMEM;

        r = list_servers(servers, &text);
        if (r >= 0) {
                mask |= add_options(&all, domains);
                r = open_channel(servers, buffer_cstr(&text), &all, mask, ret);
        }
        forget_read();
        return r;
}
