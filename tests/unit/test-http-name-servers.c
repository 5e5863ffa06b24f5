/* SPDX-License-Identifier: Apache-2.0 */

/* A network and an /etc of the test's own: what glibc makes of resolv.conf is what comes out here. Where both
 * look, the expectation is glibc's. */

#include "folder.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "http/http.h"
#include "http/resolve.h"

#define UP                                                                                                  \
        "ip link set lo up && ip -6 address add fe80::53/64 dev lo nodad && "                               \
        "ip -6 address add fd00::53/64 dev lo nodad"

/* Where a name server is, and how. */
static const struct {
        const char *address;
        int type;
        bool silent;
        const char *only; /* the name that it knows; NULL: the usual ones */
} places[] = {
        { "fe80::53%lo", SOCK_DGRAM, false },      { "fd00::53", SOCK_DGRAM, false },
        { "127.0.0.53", SOCK_DGRAM, false },       { "127.0.0.53", SOCK_STREAM, false },
        { "127.0.0.54", SOCK_STREAM, false },      { "127.0.0.55", SOCK_DGRAM, true },
        { "fe80::53%lo", SOCK_STREAM, false },     { "127.0.0.1", SOCK_DGRAM, .only = "any.test" },
        { "::1", SOCK_DGRAM, .only = "any.test" },
};

static Folder etc;
static pid_t server;
static bool ready;

typedef struct Fixture {
        Loop *loop;
        HttpResolve resolve;
        HttpResolveResult result;
        char text[256];
} Fixture;

/* These names are at 127.0.0.1; cut.test does not fit into a datagram. */
static size_t answer(uint8_t *data, size_t size, const char *only, bool whole) {
        static const char *const known[] = { "app.test", "printer", "short.corp.test", "cut.test" };
        static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1 };
        char name[256] = "";
        bool found;
        size_t i = 12, n = 0;

        while (i < size && data[i] != 0) {
                n += (size_t) snprintf(name + n, sizeof(name) - n, "%s%.*s", n > 0 ? "." : "", data[i],
                                       (const char *) data + i + 1);
                i += data[i] + 1U;
        }
        found = only && streq(name, only);
        for (size_t k = 0; k < ELEMENTSOF(known) && !only; k++)
                found = found || streq(name, known[k]);

        memset(data + 6, 0, 6);
        data[2] = streq(name, "cut.test") && !whole ? 0x83 : 0x81;
        data[3] = found ? 0x80 : 0x83;
        if (found && data[i + 2] == 1 && data[2] == 0x81) {
                memcpy(data + i + 5, record, sizeof(record));
                data[7] = 1;
                i += sizeof(record);
        }
        return i + 5;
}

static void serve_datagram(int fd, const char *only) {
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        uint8_t data[1024];
        ssize_t n = recvfrom(fd, data, 512, 0, (struct sockaddr *) &from, &size);

        if (n > 17)
                (void) sendto(fd, data, answer(data, (size_t) n, only, false), 0, (struct sockaddr *) &from,
                              size);
}

/* A question for each family comes in a connection. */
static void serve_connection(int listener) {
        _cleanup_close_ int fd = accept(listener, NULL, NULL);
        uint8_t data[1024];

        for (size_t n; recv(fd, data, 2, MSG_WAITALL) == 2;) {
                n = (size_t) data[0] << 8 | data[1];
                if (n > 512 || recv(fd, data + 2, n, MSG_WAITALL) != (ssize_t) n)
                        return;
                n = answer(data + 2, n, NULL, true);
                data[0] = (uint8_t) (n >> 8);
                data[1] = (uint8_t) n;
                if (send(fd, data, n + 2, MSG_NOSIGNAL) < 0)
                        return;
        }
}

static int bound(const char *address, int type) {
        const struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_NUMERICHOST };
        struct addrinfo *info;
        int fd;

        if (getaddrinfo(address, "53", &hints, &info) != 0)
                return -1;
        fd = socket(info->ai_family, type | SOCK_CLOEXEC, 0);
        if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || (type == SOCK_STREAM && listen(fd, 8) < 0))
                fd = safe_close(fd);
        freeaddrinfo(info);
        return fd;
}

static _noreturn_ void serve(struct pollfd *fds) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                (void) poll(fds, ELEMENTSOF(places), -1);
                for (size_t i = 0; i < ELEMENTSOF(places); i++)
                        if (!(fds[i].revents & POLLIN))
                                continue;
                        else if (places[i].type == SOCK_DGRAM)
                                serve_datagram(fds[i].fd, places[i].only);
                        else
                                serve_connection(fds[i].fd);
        }
}

static int group_setup(void **state) {
        struct pollfd fds[ELEMENTSOF(places)];

        folder_begin(&etc);
        folder_write(&etc, "nsswitch.conf", "hosts: files dns\n");
        folder_write(&etc, "hosts", "");
        if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS) < 0 ||
            sethostname("host.corp.test", 14) < 0 || system(UP) != 0 ||
            mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount(etc.path, "/etc", "none", MS_BIND, NULL) < 0)
                return http_global_init();

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                fds[i] = (struct pollfd){ .fd = bound(places[i].address, places[i].type),
                                          .events = places[i].silent ? 0 : POLLIN };
                assert_true(fds[i].fd >= 0);
        }
        server = fork();
        assert_true(server >= 0);
        if (server == 0)
                serve(fds);
        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                close(fds[i].fd);
        ready = true;
        return http_global_init();
}

static int group_teardown(void **state) {
        http_global_done();
        if (server > 0) {
                kill(server, SIGKILL);
                waitpid(server, NULL, 0);
        }
        folder_end(&etc);
        return 0;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        assert_ok(loop_new(&f->loop));
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        http_resolve_done(&f->resolve);
        loop_free(f->loop);
        free(f);
        return 0;
}

static void on_end(HttpResolve *resolve, HttpResolveResult result, const char *text) {
        Fixture *f = container_of(resolve, Fixture, resolve);

        f->result = result;
        snprintf(f->text, sizeof(f->text), "%s", text);
        loop_exit(f->loop, 0);
}

static const char *ask(Fixture *f, const char *name) {
        usec_t deadline = now_monotonic() + 10 * USEC_PER_SEC;

        assert_ok(http_resolve_start(f->loop, &f->resolve, name, NULL, deadline, on_end));
        assert_ok(loop_run(f->loop));
        return f->result == HTTP_RESOLVE_OK ? f->text : "none";
}

/* What the host's other programs are told. */
static const char *told_by_glibc(const char *name) {
        const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
        static char text[INET_ADDRSTRLEN];
        struct addrinfo *info;

        if (getaddrinfo(name, NULL, &hints, &info) != 0)
                return "none";
        (void) getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
        freeaddrinfo(info);
        return text;
}

static const struct {
        const char *text, *name;
        bool found;
} rows[] = {
        { "nameserver fe80::53%lo\n", "app.test", true },
        { "nameserver fe80::53%lo\n", "nobody.test", false },
        { "nameserver fe80::53%1\n", "app.test", true },
        { "nameserver fe80::53\n", "app.test", false },
        { "nameserver fe80::53%none\n", "app.test", false },
        { "nameserver fe80::53%lo\n", "cut.test", true },
        { "nameserver fe80::53%lo\noptions edns0 trust-ad use-vc\n", "app.test", true },
        /* Not the first. */
        { "nameserver fe80::53\nnameserver fe80::53%lo\n", "app.test", true },
        { "nameserver 127.0.0.56\nnameserver 127.0.0.53\n", "app.test", true },
        { "nameserver 127.0.0.56\nnameserver fe80::53%none\nnameserver fd00::53\n", "app.test", true },
        { "nameserver 127.0.0.55\nnameserver fe80::53%lo\noptions timeout:1\n", "app.test", true },
        { "nameserver 127.0.0.56\nnameserver 127.0.0.57\nnameserver 127.0.0.58\nnameserver 127.0.0.53\n",
          "app.test", false },
        { "nameserver fd00::53\nnameserver fd00::53\n", "app.test", true },
        { "nameserver fd00::53%1\n", "app.test", true },
        /* Lines. */
        { "nameserver 127.0.0.53\t# the stub\n", "app.test", true },
        { "#nameserver 127.0.0.56\n;nameserver 127.0.0.56\n\nnameserver\t127.0.0.53 \t\n", "app.test",
          true },
        { "nameserver 127.0.0.53", "app.test", true },
        { "nameserver 127.53\n", "app.test", true },
        { "nameserver 127.0.0.53:53\n", "app.test", false },
        { "nameserver [fe80::53]:53%lo\n", "app.test", false },
        { " nameserver 127.0.0.53\n", "app.test", false },
        { "", "app.test", false },
        /* This host. */
        { "", "any.test", true },
        { "nameserver 0.0.0.0\n", "any.test", true },
        { "nameserver ::\n", "any.test", true },
        /* The search. */
        { "nameserver 127.0.0.53\nsearch .\n", "printer", true },
        { "nameserver 127.0.0.53\nsearch .\n", "nobody.test", false },
        { "nameserver 127.0.0.53\nsearch\tx.test\tcorp.test\n", "short", true },
        { "nameserver 127.0.0.53\nsearch corp.test\ndomain x.test\n", "short", false },
        { "nameserver 127.0.0.53\nsearch x.test\ndomain corp.test\n", "short", true },
        { "nameserver 127.0.0.53\nsearch a b c d e f corp.test\n", "short", true },
        { "nameserver 127.0.0.53\nsearch corp.test\noptions ndots:3\n", "app.test", true },
        { "nameserver 127.0.0.53\n", "short", true }, /* the host's name has a domain */
        { "nameserver 127.0.0.53\nsearch .\n", "short", false },
        { "nameserver 127.0.0.53\nsearch x.test\n", "short", false },
        /* The options. */
        { "nameserver 127.0.0.54\noptions use-vc\n", "app.test", true },
        { "nameserver 127.0.0.54\n", "app.test", false },
        { "nameserver 127.0.0.53\noptions edns0 trust-ad rotate attempts:3\n", "app.test", true },
};

/* As glibc, for each text, one after the other: nothing of the text before is left. */
static void test_resolv_conf(void **state) {
        Fixture *f = *state;

        if (!ready)
                skip_test("no network of its own can be had here");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *expected = rows[i].found ? "127.0.0.1" : "none";

                folder_write(&etc, "resolv.conf", rows[i].text);
                if (!streq(ask(f, rows[i].name), expected))
                        fail_msg("%s: %s, expected %s of\n%s", rows[i].name, f->text, expected,
                                 rows[i].text);
                if (!streq(told_by_glibc(rows[i].name), expected))
                        fail_msg("glibc differs about %s of\n%s", rows[i].name, rows[i].text);
        }
}

/* A link that changes, and a file that is not there, count at once. */
static void test_changes(void **state) {
        _cleanup_free_ char *path = folder_path(&etc, "resolv.conf");
        Fixture *f = *state;

        if (!ready)
                skip_test("no network of its own can be had here");
        assert_int_equal(unlink(path), 0);
        assert_string_equal(ask(f, "app.test"), "none");
        folder_write(&etc, "a", "nameserver fe80::53%lo\n");
        folder_write(&etc, "b", "nameserver 127.0.0.56\n");
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(symlink("a", path), 0);
                assert_string_equal(ask(f, "app.test"), "127.0.0.1");
                assert_int_equal(unlink(path), 0);
                assert_int_equal(symlink("b", path), 0);
                assert_string_equal(ask(f, "app.test"), "none");
                assert_int_equal(unlink(path), 0);
        }
}

static void test_files_come_first(void **state) {
        Fixture *f = *state;

        if (!ready)
                skip_test("no network of its own can be had here");
        folder_write(&etc, "resolv.conf", "nameserver fe80::53%lo\n");
        folder_write(&etc, "hosts", "127.0.0.77 hosted.test app.test\n");
        assert_string_equal(ask(f, "hosted.test"), "127.0.0.77");
        assert_string_equal(ask(f, "app.test"), "127.0.0.77");
        assert_string_equal(ask(f, "printer"), "127.0.0.1");
        folder_write(&etc, "hosts", "");
        assert_string_equal(ask(f, "app.test"), "127.0.0.1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(test_resolv_conf),
                CASE(test_changes),
                CASE(test_files_come_first),
        };

        return cmocka_run_group_tests_name("http-name-servers", tests, group_setup, group_teardown);
}
