/* SPDX-License-Identifier: Apache-2.0 */

/* Trust and credentials, kept as long as a request needs them: libcurl refers to the texts. The key is
 * erased with the last reference; OpenSSL erases its own copy. */

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "http/http-internal.h"

static int copy_text(const char *text, size_t size, char **ret, size_t *ret_size) {
        if (!text)
                return 0;
        if (size > LIMIT_CREDENTIAL)
                return -E2BIG;

        *ret = malloc(size + 1);
        if (!*ret)
                return -ENOMEM;
        memcpy(*ret, text, size);
        (*ret)[size] = '\0';
        *ret_size = size;
        return 0;
}

static void erase_text(char *text, size_t size) {
        if (!text)
                return;
        explicit_bzero(text, size);
        free(text);
}

#if !HAVE_CURL_CAINFO_BLOB
/* The CA as a file without a name. libcurl tells connections (and from 7.87 on loaded CAs) apart by the
 * file's path, and the kernel reuses the number of the descriptor: slashes in front, which mean nothing to
 * the kernel, make the path differ from those of the last targets. */
static int make_ca_file(HttpTarget *target) {
        static unsigned generation;
        _cleanup_close_ int fd = -1;
        int r;

        fd = memfd_create("msready-ca", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fd_write_all(fd, target->ca, target->ca_size);
        if (r < 0)
                return r;

        snprintf(target->ca_path, sizeof(target->ca_path), "%.*s/proc/self/fd/%d", (int) (generation++ % 32),
                 "////////////////////////////////", fd);
        target->ca_fd = TAKE_FD(fd);
        return 0;
}
#endif

static int copy_proxy(HttpTarget *target, const char *proxy_url) {
        _cleanup_(http_url_done) HttpUrl url = HTTP_URL_NULL;
        int r;

        if (isempty(proxy_url))
                return 0;
        r = http_url_parse_proxy(proxy_url, &url);
        if (r < 0)
                return r;

        target->proxy_url = TAKE_PTR(url.text);
        target->proxy_host = TAKE_PTR(url.host);
        target->proxy_port = url.port;
        return 0;
}

/* Copies spec. -EINVAL: a certificate without a key or the reverse, or a proxy that is not supported;
 * -E2BIG: a text over LIMIT_CREDENTIAL; -ENOMEM. Bad PEM shows when it is used: the request ends with
 * HTTP_END_TLS (the CA) or HTTP_END_TLS_CREDENTIALS. */
int http_target_new(const HttpTargetSpec *spec, HttpTarget **ret) {
        _cleanup_(http_target_unrefp) HttpTarget *target = NULL;
        int r;

        if (!spec->certificate != !spec->key)
                return -EINVAL;

        target = calloc(1, sizeof(HttpTarget));
        if (!target)
                return -ENOMEM;
        target->n_ref = 1;
        target->ca_fd = -1;
        target->insecure = spec->insecure;

        r = copy_text(spec->ca, spec->ca_size, &target->ca, &target->ca_size) ?:
                copy_text(spec->certificate, spec->certificate_size, &target->certificate,
                          &target->certificate_size) ?:
                copy_text(spec->key, spec->key_size, &target->key, &target->key_size) ?:
                copy_proxy(target, spec->proxy_url);
        if (r < 0)
                return r;

        if (!isempty(spec->tls_server_name)) {
                target->tls_server_name = strdup(spec->tls_server_name);
                if (!target->tls_server_name)
                        return -ENOMEM;
        }

#if !HAVE_CURL_CAINFO_BLOB
        if (target->ca) {
                r = make_ca_file(target);
                if (r < 0)
                        return r;
        }
#endif

        *ret = TAKE_PTR(target);
        return 0;
}

HttpTarget *http_target_ref(HttpTarget *target) {
        if (target)
                target->n_ref++;
        return target;
}

HttpTarget *http_target_unref(HttpTarget *target) {
        if (!target || --target->n_ref > 0)
                return NULL;

        free(target->ca);
        free(target->certificate);
        erase_text(target->key, target->key_size);
        safe_close(target->ca_fd);
        free(target->tls_server_name);
        erase_and_free(target->proxy_url); /* it may hold a password */
        free(target->proxy_host);
        return mfree(target);
}

static CURLcode set_blob(CURL *easy, CURLoption option, char *data, size_t size) {
        struct curl_blob blob = { .data = data, .len = size, .flags = CURL_BLOB_NOCOPY };

        return curl_easy_setopt(easy, option, &blob);
}

static CURLcode apply_ca(const HttpTarget *target, CURL *easy) {
        CURLcode c;

        if (!target->ca)
                return CURLE_OK;

        /* No other CA than this one. */
        c = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        if (c != CURLE_OK)
                return c;

#if HAVE_CURL_CAINFO_BLOB
        c = curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
        if (c != CURLE_OK)
                return c;
        return set_blob(easy, CURLOPT_CAINFO_BLOB, target->ca, target->ca_size);
#else
        return curl_easy_setopt(easy, CURLOPT_CAINFO, target->ca_path);
#endif
}

static CURLcode apply_certificate(const HttpTarget *target, CURL *easy) {
        CURLcode c;

        if (!target->certificate)
                return CURLE_OK;

        c = curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
        if (c == CURLE_OK)
                c = curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
        if (c == CURLE_OK)
                c = set_blob(easy, CURLOPT_SSLCERT_BLOB, target->certificate, target->certificate_size);
        if (c == CURLE_OK)
                c = set_blob(easy, CURLOPT_SSLKEY_BLOB, target->key, target->key_size);
        return c;
}

/* Sets everything except the name that is verified, which is part of the URL. The target must outlive the
 * handle. */
CURLcode http_target_apply(const HttpTarget *target, CURL *easy) {
        CURLcode c;

        c = apply_ca(target, easy);
        if (c == CURLE_OK)
                c = apply_certificate(target, easy);
        if (c == CURLE_OK && target->insecure)
                c = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        if (c == CURLE_OK && target->insecure)
                c = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        if (c == CURLE_OK && target->proxy_url)
                c = curl_easy_setopt(easy, CURLOPT_PROXY, target->proxy_url);
        return c;
}
