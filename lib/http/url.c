/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>

#include "base/parse.h"
#include "base/string-util.h"
#include "base/value.h"
#include "http/http-internal.h"

/* 2 KiB of selectors, each byte encoded as three, and room for the rest. */
#define URL_MAX 8192

static void handle_freep(CURLU **u) {
        curl_url_cleanup(*u);
}

static void text_freep(char **s) {
        curl_free(*s);
}

void http_url_done(HttpUrl *url) {
        url->text = mfree(url->text);
        url->host = mfree(url->host);
}

static int error_of(CURLUcode code) {
        return code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

static int get_part(CURLU *u, CURLUPart part, unsigned flags, char **ret) {
        CURLUcode code = curl_url_get(u, part, ret, flags);

        return code == CURLUE_OK ? 0 : error_of(code);
}

/* A URL is printable ASCII, but some libcurls accept other bytes. */
static bool is_plain(const char *text) {
        return value_is_plain(text) && strlen(text) <= URL_MAX;
}

static int copy_host(CURLU *u, HttpUrl *url) {
        _cleanup_(text_freep) char *host = NULL;
        struct in6_addr a;
        int r;

        r = get_part(u, CURLUPART_HOST, 0, &host);
        if (r < 0)
                return r;
        if (host[0] == '[') {
                size_t n = strcspn(host + 1, "]");

                url->host = strndup(host + 1, n);
        } else
                url->host = strdup(host);
        if (!url->host)
                return -ENOMEM;
        if (isempty(url->host))
                return -EINVAL;

        for (char *p = url->host; *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        *p = (char) (*p - 'A' + 'a');
        url->is_ipv6 = inet_pton(AF_INET6, url->host, &a) == 1;
        return url->is_ipv6 || !strchr(url->host, ':') ? 0 : -EINVAL;
}

static int copy_rest(CURLU *u, const char *default_port, HttpUrl *url) {
        _cleanup_(text_freep) char *port = NULL, *text = NULL;
        CURLUcode code;
        int r;

        code = curl_url_get(u, CURLUPART_PORT, &port, 0);
        if (code == CURLUE_NO_PORT) {
                code = curl_url_set(u, CURLUPART_PORT, default_port, 0);
                if (code == CURLUE_OK)
                        code = curl_url_get(u, CURLUPART_PORT, &port, 0);
        }
        if (code != CURLUE_OK)
                return error_of(code);
        r = parse_unsigned(port, 65535, &url->port);
        if (r < 0 || url->port == 0)
                return -EINVAL;

        r = get_part(u, CURLUPART_URL, 0, &text);
        if (r < 0)
                return r;
        url->text = strdup(text);
        return url->text ? 0 : -ENOMEM;
}

/* Reads an http or https URL. A user or password in it is an error, because URLs end in logs. The port is
 * always written out. -EINVAL, -ENOMEM. */
int http_url_parse(const char *text, HttpUrl *ret) {
        _cleanup_(handle_freep) CURLU *u = curl_url();
        _cleanup_(http_url_done) HttpUrl url = HTTP_URL_NULL;
        CURLUcode code;
        int r;

        if (!u)
                return -ENOMEM;
        if (!is_plain(text))
                return -EINVAL;
        code = curl_url_set(u, CURLUPART_URL, text, CURLU_DISALLOW_USER);
        if (code != CURLUE_OK)
                return error_of(code);

        url.is_tls = strncasecmp(text, "https:", 6) == 0;
        if (!url.is_tls && strncasecmp(text, "http:", 5) != 0)
                return -EINVAL;

        r = copy_host(u, &url) ?: copy_rest(u, url.is_tls ? "443" : "80", &url);
        if (r < 0)
                return r;

        *ret = url;
        url = HTTP_URL_NULL;
        return 0;
}

/* Reads a proxy's URL as client-go does: the default port is the scheme's own (libcurl's is 1080), and with
 * socks5, too, the proxy resolves names. -EINVAL, -ENOMEM. */
int http_url_parse_proxy(const char *text, HttpUrl *ret) {
        static const struct {
                const char *scheme, *passed, *port;
        } schemes[] = {
                { "http://", NULL, "80" },
                { "https://", NULL, "443" },
                { "socks5://", "socks5h", "1080" },
                { "socks5h://", NULL, "1080" },
        };
        _cleanup_(handle_freep) CURLU *u = curl_url();
        _cleanup_(http_url_done) HttpUrl url = HTTP_URL_NULL;
        size_t i = 0;
        CURLUcode code;
        int r;

        if (!u)
                return -ENOMEM;
        if (!is_plain(text))
                return -EINVAL;

        while (i < ELEMENTSOF(schemes) &&
               strncasecmp(text, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
                i++;
        if (i == ELEMENTSOF(schemes))
                return -EINVAL;

        code = curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
        if (code == CURLUE_OK && schemes[i].passed)
                code = curl_url_set(u, CURLUPART_SCHEME, schemes[i].passed, CURLU_NON_SUPPORT_SCHEME);
        if (code != CURLUE_OK)
                return error_of(code);

        r = copy_host(u, &url) ?: copy_rest(u, schemes[i].port, &url);
        if (r < 0)
                return r;

        *ret = url;
        url = HTTP_URL_NULL;
        return 0;
}

/* Puts another host into the URL's text; url->host, which the connection goes to, stays. -EINVAL, -ENOMEM. */
int http_url_replace_host(HttpUrl *url, const char *host) {
        _cleanup_(handle_freep) CURLU *u = curl_url();
        _cleanup_(text_freep) char *text = NULL;
        CURLUcode code;
        int r;

        if (!u)
                return -ENOMEM;
        code = curl_url_set(u, CURLUPART_URL, url->text, 0);
        if (code == CURLUE_OK)
                code = curl_url_set(u, CURLUPART_HOST, host, 0);
        if (code != CURLUE_OK)
                return error_of(code);

        r = get_part(u, CURLUPART_URL, 0, &text);
        if (r < 0)
                return r;
        return set_string(&url->text, text);
}
