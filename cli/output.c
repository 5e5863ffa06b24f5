/* SPDX-License-Identifier: Apache-2.0 */

#include "output.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <wchar.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "json/builder.h"

/* The largest output of a verb: a list of every object of the largest cluster. */
#define OUTPUT_MAX MIB(128)
/* Longer lines are hard to read, however wide the terminal is. */
#define WRAP_MAX 110

static const char *const sequences[_STYLE_MAX] = {
        [STYLE_NONE] = "\033[0m",   [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[90m",
        [STYLE_GOOD] = "\033[32m",  [STYLE_WAIT] = "\033[33m", [STYLE_BAD] = "\033[31m",
        [STYLE_DOUBT] = "\033[35m",
};

/* Prepares for printing to fd, with pager through a pager: finds out what the locale and the terminal, if it is one,
 * can do. */
void out_init(Output *out, int fd, bool pager) {
        const char *term = getenv("TERM");

        setlocale(LC_CTYPE, "");
        *out = (Output){
                .text = BUFFER_INIT(OUTPUT_MAX),
                .terminal = isatty(fd),
                .utf8 = streq(nl_langinfo(CODESET), "UTF-8"),
                .pager = pager,
        };
        out->movable = out->terminal && term && !streq(term, "dumb");
        out->colours = out->movable && isempty(getenv("NO_COLOR"));
        out_measure(out, fd);
}

/* Asks the terminal for its size. */
void out_measure(Output *out, int fd) {
        struct winsize size;

        if (!out->terminal)
                return;
        out->columns = 80;
        out->rows = 24;
        if (ioctl(fd, TIOCGWINSZ, &size) < 0)
                return;
        if (size.ws_col > 0)
                out->columns = size.ws_col;
        if (size.ws_row > 0)
                out->rows = size.ws_row;
}

void out_done(Output *out) {
        buffer_done(&out->text);
}

/* Keeps r for out_flush() if it is an error and the first one. */
void out_fail(Output *out, int r) {
        if (r < 0 && out->error == 0)
                out->error = r;
}

void out_put(Output *out, const char *s) {
        out_fail(out, buffer_puts(&out->text, s));
}

void out_printf(Output *out, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        out_fail(out, buffer_vprintf(&out->text, format, ap));
        va_end(ap);
}

/* The sequence that turns a style on; STYLE_NONE turns all styles off. */
const char *style_sequence(Style style) {
        assert(style >= 0 && style < _STYLE_MAX);

        return sequences[style];
}

void out_style(Output *out, Style style) {
        if (out->colours)
                out_put(out, style_sequence(style));
}

/* A copy of text from the cluster, on one line and without anything that a terminal obeys. NULL where s is NULL, or
 * for lack of memory. */
char *clean_text(const char *s) {
        char *copy = s ? strdup(s) : NULL;

        return copy ? strip_control(copy) : NULL;
}

/* Puts text from the cluster, cleaned. NULL puts nothing. */
void out_text(Output *out, const char *s) {
        _cleanup_free_ char *clean = clean_text(s);

        if (clean)
                out_put(out, clean);
        else if (s)
                out_fail(out, -ENOMEM);
}

/* Puts text from the cluster, cleaned, in a style. */
void out_styled(Output *out, Style style, const char *s) {
        if (style != STYLE_NONE)
                out_style(out, style);
        out_text(out, s);
        if (style != STYLE_NONE)
                out_style(out, STYLE_NONE);
}

/* A symbol in UTF-8, or where the locale has none in ASCII. */
const char *out_symbol(const Output *out, const char *utf8, const char *ascii) {
        return out->utf8 ? utf8 : ascii;
}

/* The width of the character at s in columns, and in *ret_size its bytes. A byte that the locale does not
 * understand takes one column. */
static size_t character_width(const char *s, size_t *ret_size) {
        mbstate_t state = {};
        wchar_t c;
        size_t n;
        int w;

        if ((unsigned char) *s < 0x80) {
                *ret_size = 1;
                return 1;
        }
        n = mbrtowc(&c, s, strnlen(s, MB_LEN_MAX), &state);
        if (n == (size_t) -1 || n == (size_t) -2 || n == 0) {
                *ret_size = 1;
                return 1;
        }
        *ret_size = n;
        w = wcwidth(c);
        return w < 0 ? 1 : (size_t) w;
}

/* How many columns clean text takes. */
size_t text_width(const char *s) {
        size_t width = 0, n;

        for (; *s; s += n)
                width += character_width(s, &n);
        return width;
}

/* How many bytes of clean text fit into `width` columns. */
size_t text_cut(const char *s, size_t width) {
        const char *p = s;
        size_t used = 0, n, w;

        for (; *p; p += n) {
                w = character_width(p, &n);
                if (used + w > width)
                        break;
                used += w;
        }
        return (size_t) (p - s);
}

static void out_spaces(Output *out, unsigned n) {
        out_printf(out, "%*s", (int) n, "");
}

/* Puts text from the cluster as a paragraph that ends with a line end. On a terminal it is broken at blanks; the
 * terminal itself breaks a word that is too long. */
void out_wrapped(Output *out, unsigned indent, const char *s) {
        _cleanup_free_ char *clean = clean_text(s);
        unsigned limit = MIN(out->columns, (unsigned) WRAP_MAX);
        size_t width = limit > indent + 10 ? limit - indent : 10;
        const char *p = clean;

        if (!clean) {
                out_fail(out, -ENOMEM);
                return;
        }
        while (out->columns > 0 && text_width(p) > width) {
                size_t n = text_cut(p, width);
                const char *blank = p[n] == ' ' ? p + n : memrchr(p, ' ', n);

                if (!blank)
                        blank = strchr(p + n, ' ');
                if (!blank)
                        break;
                out_spaces(out, indent);
                out_printf(out, "%.*s\n", (int) (blank - p), p);
                p = blank + 1;
        }
        out_spaces(out, indent);
        out_put(out, p);
        out_put(out, "\n");
}

/* The bytes of the character at s, or of one of our sequences, which has no width. In *ret_width the columns that it
 * takes; one for a line end. */
size_t text_step(const char *s, size_t *ret_width) {
        size_t n;

        if (*s != '\033') {
                *ret_width = character_width(s, &n);
                return n;
        }
        *ret_width = 0;
        n = strcspn(s, "m");
        return s[n] ? n + 1 : n;
}

static size_t word_width(const char *s) {
        size_t width = 0, w;

        while (*s && *s != ' ' && *s != '\n') {
                s += text_step(s, &w);
                width += w;
        }
        return width;
}

/* On a terminal, breaks the lines put since the text had `from` bytes at blanks, with the styles in them. Indents
 * what follows a break. */
void out_fold(Output *out, size_t from, unsigned indent) {
        _cleanup_free_ char *text = NULL;
        size_t width = 0, n, w;

        if (out->columns == 0 || out->error < 0 || out->text.size <= from)
                return;
        text = strdup(out->text.data + from);
        if (!text) {
                out_fail(out, -ENOMEM);
                return;
        }
        out->text.size = from;
        for (const char *p = text; *p; p += n) {
                n = text_step(p, &w);
                if (*p == ' ' && width > indent && width + 1 + word_width(p + 1) > out->columns) {
                        out_put(out, "\n");
                        out_spaces(out, indent);
                        width = indent;
                        continue;
                }
                width = *p == '\n' ? 0 : width + w;
                out_fail(out, buffer_put(&out->text, p, n));
        }
}

static bool fits_screen(const Output *out) {
        unsigned lines = 0;

        for (size_t i = 0; i < out->text.size; i++)
                lines += out->text.data[i] == '\n';
        return lines < out->rows;
}

/* Whether we may run with the rights of another user, as under sudo: a pager that runs commands would pass them on. */
static bool has_borrowed_rights(void) {
        return getenv("SUDO_UID") || getenv("PKEXEC_UID") || getenv("DOAS_USER") || getuid() != geteuid();
}

/* As systemd's programs do: with the rights of another user only less is run, in its mode that runs no commands. */
static _noreturn_ void exec_pager(int in) {
        static const char *const pagers[] = { "less", "more", "cat", NULL }, *const harmless[] = { "less",
                                                                                                   "cat",
                                                                                                   NULL };
        const char *pager = getenv("MSREADY_PAGER") ?: getenv("SYSTEMD_PAGER") ?: getenv("PAGER");
        bool borrowed = has_borrowed_rights();

        (void) dup2(in, STDIN_FILENO);
        (void) setenv("LESS", "FRSXMK", 0);
        (void) setenv("LESSCHARSET", streq(nl_langinfo(CODESET), "UTF-8") ? "utf-8" : "dos", 0);
        if (borrowed)
                (void) setenv("LESSSECURE", "1", 1);
        else if (!isempty(pager))
                execl("/bin/sh", "sh", "-c", pager, (char *) NULL);
        for (const char *const *p = borrowed ? harmless : pagers; *p; p++)
                execlp(*p, *p, (char *) NULL);
        _exit(EXIT_FAILURE);
}

/* Sends the text through a pager and waits for it. Leaving the pager early is no error. */
static int page_text(const Output *out) {
        int fds[2], status, r;
        pid_t child;

        if (pipe(fds) < 0)
                return -errno;
        child = fork();
        if (child < 0) {
                r = -errno;
                close(fds[0]);
                close(fds[1]);
                return r;
        }
        if (child == 0) {
                close(fds[1]);
                exec_pager(fds[0]);
        }

        close(fds[0]);
        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGINT, SIG_IGN);
        r = fd_write_all(fds[1], out->text.data, out->text.size);
        close(fds[1]);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
        return r == -EPIPE ? 0 : r;
}

static bool pager_is_off(void) {
        const char *pager = getenv("MSREADY_PAGER") ?: getenv("SYSTEMD_PAGER") ?: getenv("PAGER");

        return pager && (isempty(pager) || streq(pager, "cat"));
}

/* Prints what was put, through a pager where the user wants one and the screen is too small, and empties *out.
 * Returns the first error since the last call, or that of printing. */
int out_flush(Output *out) {
        int r = out->error;

        if (r >= 0 && out->text.size > 0) {
                if (out->pager && out->movable && !pager_is_off() && !fits_screen(out))
                        r = page_text(out);
                else
                        r = fd_write_all(STDOUT_FILENO, out->text.data, out->text.size);
        }
        buffer_clear(&out->text);
        out->error = 0;
        return r;
}

/* --json: prints the reply as it came, unless --quiet. parameters may be NULL. -ENOMEM, or the error of write(). */
int print_reply(const Options *options, const JsonValue *parameters) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(8 * LIMIT_VARLINK_REPLY);
        int r;

        if (options->quiet)
                return 0;
        r = parameters ? jv_print(parameters, options->format == FORMAT_PRETTY, &text)
                       : buffer_puts(&text, "{}");
        if (r >= 0)
                r = buffer_putc(&text, '\n');
        if (r < 0)
                return r;
        return fd_write_all(STDOUT_FILENO, text.data, text.size);
}

/* --json where gates are named: prints the reply, but of its list of this name only the items wanted. As
 * print_reply(). */
int print_reply_of(const Options *options, const JsonValue *parameters, const char *list,
                   bool (*is_wanted)(const Options *options, const JsonValue *item)) {
        _cleanup_(jv_freep) JsonValue *reply = NULL;
        JsonBuilder b = {};
        int r;

        JSON_FOREACH(member, parameters) {
                if (!streq(jv_key(member), list)) {
                        jb_copy(&b, jv_key(member), member);
                        continue;
                }
                jb_array(&b, list);
                JSON_FOREACH(item, member)
                        if (is_wanted(options, item))
                                jb_copy(&b, NULL, item);
                jb_end(&b);
        }
        r = jb_finish(&b, &reply);
        return r < 0 ? r : print_reply(options, reply);
}
