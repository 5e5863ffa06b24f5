/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/kubeconfig.h"

#include <arpa/inet.h>
#include <strings.h>

#include "base/parse.h"
#include "base/string-util.h"
#include "base/value.h"

#define URL_MAX 2048
#define HOST_MAX 253
#define PORT_MAX 65535

static int refuse_url(const char **reterr_why, const char *why) {
        *reterr_why = why;
        return -EBADMSG;
}

static bool is_plain(const char *url) {
        return value_is_plain(url) && !strpbrk(url, "\"<>\\^`{|}") && strlen(url) <= URL_MAX;
}

/* NAME, ADDRESS or [ADDRESS], with or without :PORT. */
static int take_authority(KubeConfig *c, const char *s, size_t n, const char **reterr_why) {
        _cleanup_free_ char *authority = strndup(s, n);
        char *host = authority, *port;

        if (!authority)
                return -ENOMEM;
        if (strchr(authority, '@'))
                return refuse_url(reterr_why, "has a user in it, which is not supported");
        if (*host == '[') {
                port = strchr(++host, ']');
                if (!port || (port[1] && port[1] != ':'))
                        return refuse_url(reterr_why, "has an IPv6 address without its brackets");
                *port++ = '\0';
                if (!strchr(host, ':') || host[strspn(host, "0123456789abcdefABCDEF:.")] != '\0')
                        return refuse_url(reterr_why,
                                          "has brackets around something that is not an IPv6 address");
        } else {
                port = strchrnul(host, ':');
                if (strchr(*port ? port + 1 : port, ':'))
                        return refuse_url(reterr_why, "has an IPv6 address without its brackets");
        }
        if (*port)
                *port++ = '\0';
        if (!*host || strlen(host) > HOST_MAX || strchr(host, '%'))
                return refuse_url(reterr_why, "has no host, or one that is not supported");
        if (*port && (parse_unsigned(port, PORT_MAX, &c->port) < 0 || c->port == 0))
                return refuse_url(reterr_why, "has a port that is not a number from 1 to 65535");

        for (char *p = host; *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        *p = (char) (*p - 'A' + 'a');
        c->host = strdup(host);
        return c->host ? 0 : -ENOMEM;
}

/* What follows the scheme; NULL if url has another one, or none. Its case does not count. */
static const char *after_scheme(const char *url, const char *scheme) {
        size_t n = strlen(scheme);

        return strncasecmp(url, scheme, n) == 0 ? url + n : NULL;
}

/* Puts the server's URL together from its parts, so that each server has one spelling. */
static int name_server(KubeConfig *c) {
        const char *open = strchr(c->host, ':') ? "[" : "", *close = *open ? "]" : "";
        const char *scheme = c->https ? "https" : "http";

        if (c->port == (c->https ? 443 : 80))
                return asprintf_ret(&c->server, "%s://%s%s%s%s", scheme, open, c->host, close, c->prefix);
        return asprintf_ret(&c->server, "%s://%s%s%s:%u%s", scheme, open, c->host, close, c->port,
                            c->prefix);
}

/* Takes a server's URL apart. Like client-go, takes one without scheme for plain http, and drops what follows "?" or
 * "#". -EBADMSG with a literal in reterr_why that continues "server of cluster X", -ENOMEM. */
int kube_config_set_server(KubeConfig *c, const char *url, const char **reterr_why) {
        const char *rest, *path;
        bool bare;
        size_t n;
        int r;

        if (!is_plain(url))
                return refuse_url(reterr_why, "is not a URL");
        c->https = (rest = after_scheme(url, "https://"));
        rest = rest ?: after_scheme(url, "http://");
        bare = !rest;
        if (bare && strstr(url, "://"))
                return refuse_url(reterr_why, "does not begin with https:// or http://");
        rest = rest ?: url;

        c->port = c->https ? 443 : 80;
        n = strcspn(rest, "/?#");
        r = take_authority(c, rest, n, reterr_why);
        if (r < 0)
                return r;

        path = rest + n;
        n = strcspn(path, "?#");
        while (n > 0 && path[n - 1] == '/')
                n--;
        if (bare && n > 0)
                return refuse_url(reterr_why, "has a path, but no https:// in front");
        c->prefix = strndup(path, n);
        return c->prefix ? name_server(c) : -ENOMEM;
}

/* Whether the server is on this host, as far as a literal address or "localhost" says so. */
bool kube_config_is_loopback(const KubeConfig *c) {
        struct in6_addr six;
        struct in_addr four;

        if (inet_pton(AF_INET, c->host, &four) == 1)
                return ntohl(four.s_addr) >> 24 == 127;
        if (inet_pton(AF_INET6, c->host, &six) == 1)
                return IN6_IS_ADDR_LOOPBACK(&six);
        return strcasecmp(c->host, "localhost") == 0;
}

bool kube_config_proxy_is_supported(const char *url) {
        static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };

        if (!is_plain(url))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(schemes); i++) {
                const char *rest = after_scheme(url, schemes[i]);

                if (rest && strcspn(rest, "/?#") > 0)
                        return true;
        }
        return false;
}
