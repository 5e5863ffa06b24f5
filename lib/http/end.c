/* SPDX-License-Identifier: Apache-2.0 */

#include "http/http-internal.h"

static const char *const description_table[_HTTP_END_MAX] = {
        [HTTP_END_EOF] = "the answer is complete",
        [HTTP_END_TRUNCATED] = "the connection broke in the middle of the answer",
        [HTTP_END_DISCONNECTED] = "the connection broke before the answer",
        [HTTP_END_REFUSED] = "connection refused",
        [HTTP_END_UNREACHABLE] = "no route to the address, or the connection is not allowed",
        [HTTP_END_TIMEOUT] = "timed out",
        [HTTP_END_RESOLVE] = "the name does not resolve",
        [HTTP_END_RESOLVE_TIMEOUT] = "the name does not resolve: no name server answers",
        [HTTP_END_TLS] = "TLS failed",
        [HTTP_END_TLS_CLOCK] = "the server's certificate is not valid yet at this host's time",
        [HTTP_END_TLS_EXPIRED] = "the server's certificate has expired at this host's time",
        [HTTP_END_TLS_CREDENTIALS] = "TLS failed: no client certificate that the server accepts",
        [HTTP_END_PROXY] = "the proxy is unreachable or refuses the connection",
        [HTTP_END_PROTOCOL] = "the answer is not HTTP",
        [HTTP_END_TOO_LARGE] = "the answer is too large",
        [HTTP_END_ABORTED] = "the answer was not read to its end",
        [HTTP_END_NO_MEMORY] = "out of memory",
        [HTTP_END_INTERNAL] = "libcurl cannot make this request",
};

/* An end in words for users: they go on after the name of what was asked, and may be followed by ": " and the
 * detail that came with the end. The hints look for some of them ("resolve", "TLS", "refused", "no route").
 * Static; never NULL. */
const char *http_end_describe(HttpEnd end) {
        assert(end >= 0 && end < _HTTP_END_MAX);
        return description_table[end];
}

/* OpenSSL's results of a verification, as libcurl passes them on. */
enum {
        VERIFY_NOT_YET_VALID = 9,
        VERIFY_HAS_EXPIRED = 10,
        VERIFY_CRL_NOT_YET_VALID = 11,
        VERIFY_CRL_HAS_EXPIRED = 12,
};

static bool detail_has(const HttpFailure *f, const char *words) {
        return strstr(f->detail, words);
}

static HttpEnd end_of_verification(const HttpFailure *f) {
        switch (f->verify_result) {
        case VERIFY_NOT_YET_VALID:
        case VERIFY_CRL_NOT_YET_VALID:
                return HTTP_END_TLS_CLOCK;
        case VERIFY_HAS_EXPIRED:
        case VERIFY_CRL_HAS_EXPIRED:
                return HTTP_END_TLS_EXPIRED;
        default:
                return HTTP_END_TLS;
        }
}

/* The server's verdict on our certificate comes as an alert, of which libcurl passes on the text only: in
 * the handshake up to TLS 1.2, at the first read with 1.3. */
static bool is_refusal_of_credentials(const HttpFailure *f) {
        return detail_has(f, "alert") && (detail_has(f, "certificate") || detail_has(f, "unknown ca") ||
                                          detail_has(f, "access denied"));
}

/* The connection broke in the handshake, as with a server that starts or stops. */
static bool is_broken_handshake(const HttpFailure *f) {
        return detail_has(f, "SSL_ERROR_SYSCALL") || detail_has(f, "eset by peer") ||
               detail_has(f, "unexpected eof") || detail_has(f, "roken pipe");
}

static HttpEnd end_of_connect(const HttpFailure *f) {
        if (f->via_proxy)
                return HTTP_END_PROXY;

        switch (f->os_error) {
        case ECONNREFUSED:
                return HTTP_END_REFUSED;
        case ETIMEDOUT:
                return HTTP_END_TIMEOUT;
        case ECONNRESET:
                return HTTP_END_DISCONNECTED;
        default:
                return HTTP_END_UNREACHABLE;
        }
}

static HttpEnd end_of_transfer(const HttpFailure *f) {
        if (is_refusal_of_credentials(f))
                return HTTP_END_TLS_CREDENTIALS;
        /* Keepalive or TCP_USER_TIMEOUT gave up. */
        if (f->os_error == ETIMEDOUT || detail_has(f, "onnection timed out"))
                return HTTP_END_TIMEOUT;

        return f->answered ? HTTP_END_TRUNCATED : HTTP_END_DISCONNECTED;
}

/* The end that a result of libcurl stands for. Pure. */
HttpEnd http_end_of(const HttpFailure *f) {
        if (f->code != CURLE_OK && f->via_proxy && f->proxy_status != 0 && f->proxy_status / 100 != 2)
                return HTTP_END_PROXY;

        switch (f->code) {
        case CURLE_OK:
                return HTTP_END_EOF;

        case CURLE_COULDNT_CONNECT:
                return end_of_connect(f);

        case CURLE_COULDNT_RESOLVE_HOST:
                return HTTP_END_RESOLVE;

        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_PROXY:
                return HTTP_END_PROXY;

        case CURLE_OPERATION_TIMEDOUT:
                return HTTP_END_TIMEOUT;

        case CURLE_PEER_FAILED_VERIFICATION:
                return end_of_verification(f);

        case CURLE_SSL_CERTPROBLEM:
                return HTTP_END_TLS_CREDENTIALS;

        case CURLE_SSL_CONNECT_ERROR:
                if (is_refusal_of_credentials(f))
                        return HTTP_END_TLS_CREDENTIALS;
                return is_broken_handshake(f) ? HTTP_END_DISCONNECTED : HTTP_END_TLS;

        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_USE_SSL_FAILED:
                return HTTP_END_TLS;

        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_PARTIAL_FILE:
                return end_of_transfer(f);

        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a header */
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_HTTP2:
                return HTTP_END_PROTOCOL;

#if LIBCURL_VERSION_NUM >= 0x080600
        case CURLE_TOO_LARGE:
                return HTTP_END_TOO_LARGE;
#endif

        case CURLE_OUT_OF_MEMORY:
                return HTTP_END_NO_MEMORY;

        default:
                return HTTP_END_INTERNAL;
        }
}
