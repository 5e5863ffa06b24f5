/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/http-internal.h"

/* Each end has words of its own. */
static void test_descriptions(void **state) {
        for (HttpEnd i = 0; i < _HTTP_END_MAX; i++)
                for (HttpEnd k = 0; k < i; k++)
                        assert_string_not_equal(http_end_describe(i), http_end_describe(k));
}

/* What cannot be brought about on one host, and wordings of other versions of libcurl and OpenSSL. */
static void test_ends(void **state) {
        static const struct {
                HttpFailure failure;
                HttpEnd end;
        } cases[] = {
                { { .code = CURLE_OK }, HTTP_END_EOF },
                { { .code = CURLE_COULDNT_CONNECT, .os_error = ECONNREFUSED }, HTTP_END_REFUSED },
                { { .code = CURLE_COULDNT_CONNECT, .os_error = ENETUNREACH }, HTTP_END_UNREACHABLE },
                { { .code = CURLE_COULDNT_CONNECT, .os_error = EHOSTUNREACH }, HTTP_END_UNREACHABLE },
                { { .code = CURLE_COULDNT_CONNECT, .os_error = EPERM }, HTTP_END_UNREACHABLE },
                { { .code = CURLE_COULDNT_CONNECT, .os_error = ETIMEDOUT }, HTTP_END_TIMEOUT },
                { { .code = CURLE_COULDNT_CONNECT, .os_error = ECONNREFUSED, .via_proxy = true },
                  HTTP_END_PROXY },
                { { .code = CURLE_RECV_ERROR, .os_error = ETIMEDOUT, .answered = true }, HTTP_END_TIMEOUT },
                { { .code = CURLE_RECV_ERROR,
                    .answered = true,
                    .detail = "OpenSSL SSL_read: Connection timed out, errno 110" },
                  HTTP_END_TIMEOUT },
                { { .code = CURLE_RECV_ERROR, .answered = true }, HTTP_END_TRUNCATED },
                { { .code = CURLE_RECV_ERROR }, HTTP_END_DISCONNECTED },
                { { .code = CURLE_RECV_ERROR, .proxy_status = 403, .via_proxy = true }, HTTP_END_PROXY },
                { { .code = CURLE_RECV_ERROR, .proxy_status = 200, .via_proxy = true },
                  HTTP_END_DISCONNECTED },
                { { .code = CURLE_PEER_FAILED_VERIFICATION, .verify_result = 9 }, HTTP_END_TLS_CLOCK },
                { { .code = CURLE_PEER_FAILED_VERIFICATION, .verify_result = 10 }, HTTP_END_TLS_EXPIRED },
                { { .code = CURLE_PEER_FAILED_VERIFICATION, .verify_result = 19 }, HTTP_END_TLS },
                { { .code = CURLE_PEER_FAILED_VERIFICATION }, HTTP_END_TLS },
                { { .code = CURLE_SSL_CERTPROBLEM }, HTTP_END_TLS_CREDENTIALS },
                { { .code = CURLE_SSL_CONNECT_ERROR,
                    .detail = "error:0A000086:SSL routines::certificate verify failed" },
                  HTTP_END_TLS },
                { { .code = CURLE_SSL_CONNECT_ERROR,
                    .detail = "error:14094412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate" },
                  HTTP_END_TLS_CREDENTIALS },
                { { .code = CURLE_SSL_CONNECT_ERROR,
                    .detail = "OpenSSL SSL_connect: Connection reset by peer in connection to 192.0.2.1:1" },
                  HTTP_END_DISCONNECTED },
                { { .code = CURLE_RECV_ERROR,
                    .detail = "error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0" },
                  HTTP_END_TLS_CREDENTIALS },
                { { .code = CURLE_OUT_OF_MEMORY }, HTTP_END_NO_MEMORY },
                { { .code = CURLE_FTP_WEIRD_227_FORMAT }, HTTP_END_INTERNAL },
        };

        for (unsigned i = 0; i < ELEMENTSOF(cases); i++) {
                HttpFailure failure = cases[i].failure;
                HttpEnd end;

                failure.detail = failure.detail ?: "";
                end = http_end_of(&failure);
                if (end != cases[i].end)
                        fail_msg("case %u: %s instead of %s", i, http_end_describe(end),
                                 http_end_describe(cases[i].end));
        }
}

static void test_urls(void **state) {
        HttpUrl url = HTTP_URL_NULL;

        assert_ok(http_url_parse("HTTPS://LocalHost/a/../b?c=d%20e", &url));
        assert_string_equal(url.host, "localhost");
        assert_int_equal(url.port, 443);
        assert_true(url.is_tls);
        assert_false(url.is_ipv6);
        assert_ok(http_url_replace_host(&url, "kubernetes"));
        assert_non_null(startswith(url.text, "https://kubernetes:443/"));
        assert_string_equal(url.host, "localhost");
        http_url_done(&url);

        assert_ok(http_url_parse("http://[FD00::1]:8080/", &url));
        assert_string_equal(url.host, "fd00::1");
        assert_int_equal(url.port, 8080);
        assert_true(url.is_ipv6);
        assert_ok(http_url_replace_host(&url, "kubernetes"));
        assert_string_equal(url.text, "http://kubernetes:8080/");
        http_url_done(&url);

        /* Ports are those of the scheme, and names are the proxy's. */
        assert_ok(http_url_parse_proxy("http://user:pw@proxy", &url));
        assert_int_equal(url.port, 80);
        assert_string_equal(url.host, "proxy");
        http_url_done(&url);
        assert_ok(http_url_parse_proxy("socks5://[::1]", &url));
        assert_int_equal(url.port, 1080);
        assert_non_null(startswith(url.text, "socks5h://[::1]:1080"));
        http_url_done(&url);
        assert_error(http_url_parse_proxy("socks4://proxy", &url), EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_descriptions),
                cmocka_unit_test(test_ends),
                cmocka_unit_test(test_urls),
        };

        return cmocka_run_group_tests_name("http-end", tests, NULL, NULL);
}
