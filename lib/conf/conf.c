/* SPDX-License-Identifier: Apache-2.0 */

/* The syntax of systemd.syntax(7), read as systemd reads it, with sections [KIND LABEL].
 *
 * Why our own: inih knows no line numbers and cuts long lines without a word. libini_config (tried: 0.6.2)
 * continues a line by indenting the next one, so that an indented assignment becomes part of the value above
 * it, and a backslash followed by a line without "=" is an error; of a key given three times it keeps one or
 * all, but not the place of the empty assignment that resets the others; it merges sections of one name, so
 * that a label given twice is not seen. Neither knows drop-ins with overrides and masks across folders.
 *
 * An error does not end the reading: each is noted with its line and the rest is kept, because other
 * settings of a broken gate (Required=) still count. */

#include "conf/conf.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "conf/folders.h"

#define WHITESPACE " \t\r\n"
#define ERRORS_MAX 16

typedef struct Reader {
        ConfFile *conf;
        const char *file;
        const char
                *section; /* borrowed from the line that opened it; NULL before the first, and in one with an
                                error */
        const char *label;
        bool outside; /* no section was opened yet */
} Reader;

ConfFile *conf_file_free(ConfFile *f) {
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n_lines; i++) {
                free(f->lines[i].section);
                free(f->lines[i].label);
                free(f->lines[i].key);
                free(f->lines[i].value);
        }
        free(f->lines);
        strv_free(f->files);
        strv_free(f->errors);
        free(f->main);
        free(f->name);
        return mfree(f);
}

static int conf_file_new(const char *name, ConfFile **ret) {
        _cleanup_(conf_file_freep) ConfFile *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        f->name = strdup(name);
        if (!f->name)
                return -ENOMEM;
        *ret = TAKE_PTR(f);
        return 0;
}

/* Notes what is wrong on a line. Users read the first few errors only, so further ones are dropped. */
static int note_error(Reader *r, unsigned line, const char *why) {
        if (strv_length(r->conf->errors) >= ERRORS_MAX)
                return 0;
        return strv_extendf(&r->conf->errors, "%s:%u: %s", r->file, line, why);
}

/* Appends an assignment, or a section where key is NULL. */
static int add_line(Reader *r, const char *section, const char *label, const char *key, const char *value,
                    unsigned line) {
        ConfFile *f = r->conf;
        ConfLine *l;

        if (f->n_lines >= LIMIT_CONFIG_LINES)
                return note_error(r, line, "too many lines; the rest is not read");
        /* Grows at powers of two. */
        if ((f->n_lines & (f->n_lines - 1)) == 0) {
                l = realloc(f->lines, MAX(f->n_lines * 2, (size_t) 1) * sizeof(*l));
                if (!l)
                        return -ENOMEM;
                f->lines = l;
        }

        l = f->lines + f->n_lines++;
        *l = (ConfLine){
                .section = strdup(section),
                .label = strdup(label),
                .key = key ? strdup(key) : NULL,
                .value = key ? strdup(value) : NULL,
                .file = r->file,
                .line = line,
        };
        return !l->section || !l->label || (key && (!l->key || !l->value)) ? -ENOMEM : 0;
}

/* "[KIND LABEL]"; text is changed. */
static int take_section(Reader *r, char *text, unsigned line) {
        size_t n = strlen(text);
        size_t before = r->conf->n_lines;
        char *label;
        int k;

        r->outside = false;
        r->section = NULL;
        if (n < 2 || text[n - 1] != ']')
                return note_error(r, line, "a section does not end in \"]\"");
        text[n - 1] = '\0';
        text = strstrip(text + 1);
        if (!*text)
                return note_error(r, line, "a section without a name");

        label = text + strcspn(text, WHITESPACE);
        if (*label)
                *label++ = '\0';
        k = add_line(r, text, strstrip(label), NULL, NULL, line);
        if (k < 0 || r->conf->n_lines == before)
                return k;
        r->section = r->conf->lines[before].section;
        r->label = r->conf->lines[before].label;
        return 0;
}

/* One line, continuations joined; text is changed. */
static int take_line(Reader *r, char *text, unsigned line) {
        char *value;

        text = strstrip(text);
        if (!*text)
                return 0;
        if (*text == '[')
                return take_section(r, text, line);

        value = strchr(text, '=');
        if (!value)
                return note_error(r, line, "must be [SECTION] or KEY=VALUE");
        if (value == text)
                return note_error(r, line, "no key before \"=\"");
        if (r->outside)
                return note_error(r, line, "an assignment before the first section");
        if (!r->section)
                return 0; /* the error of its section is noted */
        *value++ = '\0';
        return add_line(r, r->section, r->label, strstrip(text), strstrip(value), line);
}

/* Whether the next line continues this one: its last backslash is not itself escaped. */
static bool is_continued(const char *line, size_t n) {
        bool escaped = false;

        for (size_t i = 0; i < n; i++)
                escaped = !escaped && line[i] == '\\';
        return escaped;
}

/* Appends a line, without its line end, to those that it continues. */
static int join_line(Buffer *joined, const char *line, size_t n, bool continued) {
        int r;

        r = buffer_put(joined, line, n);
        if (r >= 0 && continued)
                joined->data[joined->size - 1] = ' ';
        return r;
}

/* The end of the line that begins at text, and the beginning of the next one. As in systemd a line ends in LF, CR, or
 * both in either order. */
static const char *line_end(const char *text, const char *end, const char **ret_next) {
        const char *p = text;

        while (p < end && *p != '\n' && *p != '\r')
                p++;
        *ret_next = p;
        if (p < end)
                *ret_next += p + 1 < end && p[1] == (*p == '\n' ? '\r' : '\n') ? 2 : 1;
        return p;
}

static int read_lines(Reader *r, const char *text, size_t size) {
        _cleanup_(buffer_done) Buffer joined = BUFFER_INIT(size);
        const char *end = text + size;
        unsigned first = 1;
        int k;

        for (unsigned line = 1; text < end; line++) {
                const char *begin = text, *newline = line_end(text, end, &text);
                size_t n;
                bool continued;

                while (begin < newline && strchr(WHITESPACE, *begin))
                        begin++;
                n = (size_t) (newline - begin);
                /* A comment is dropped also between a line and its continuation. */
                if (n > 0 && (*begin == '#' || *begin == ';'))
                        continue;

                continued = is_continued(begin, n);
                if (joined.size == 0)
                        first = line;
                k = join_line(&joined, begin, n, continued);
                if (k >= 0 && !continued && joined.size > 0) {
                        k = take_line(r, joined.data, first);
                        buffer_clear(&joined);
                }
                if (k < 0)
                        return k;
        }
        return joined.size > 0 ? take_line(r, joined.data, first) : 0;
}

/* The number of the line that p is on. */
static unsigned line_of(const char *text, const char *p) {
        unsigned line = 1;

        for (; line_end(text, p, &text) < p; line++)
                ;
        return line;
}

/* Reads text as the next file of conf; file has been added to its files. */
static int read_text(ConfFile *conf, const char *file, const char *text, size_t size) {
        Reader r = { .conf = conf, .file = file, .outside = true };
        const char *nul;

        if (size >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0)
                text += 3, size -= 3;
        if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
                return note_error(&r, 1, "UTF-16, not UTF-8");
        nul = memchr(text, '\0', size);
        if (nul)
                return note_error(&r, line_of(text, nul), "a NUL byte, so this is not text");
        for (const char *p = text, *next; p < text + size; p = next) {
                (void) line_end(p, text + size, &next);
                if (!utf8_is_valid(p, (size_t) (next - p)))
                        return note_error(&r, line_of(text, p), "not UTF-8");
        }
        return read_lines(&r, text, size);
}

static int add_file(ConfFile *conf, const char *file, const char **ret) {
        int r;

        r = strv_extend(&conf->files, file);
        if (r >= 0)
                *ret = conf->files[strv_length(conf->files) - 1];
        return r;
}

/* Reads the next file from the disk. An error of reading is noted and not returned; -ENOMEM is. */
static int read_file(ConfFile *conf, const char *path) {
        _cleanup_free_ char *text = NULL;
        const char *file;
        size_t size;
        int r;

        r = add_file(conf, path, &file);
        if (r < 0)
                return r;
        r = file_read(path, LIMIT_CONFIG_FILE, &text, &size);
        if (r >= 0)
                return read_text(conf, file, text, size);
        if (r == -ENOMEM)
                return r;
        if (r == -E2BIG)
                return strv_extendf(&conf->errors, "%s: larger than %zu KiB", path, LIMIT_CONFIG_FILE >> 10);
        return strv_extendf(&conf->errors, "%s: cannot be read: %s", path, file_read_fault(r));
}

/* After the line has added names to a list: gives each of them the line's place in another list, FILE:LINE, so that
 * both are of one length. -ENOMEM. */
int conf_keep_places(const ConfLine *l, char *const *names, char ***places) {
        int r = 0;

        for (size_t n = strv_length(*places); r >= 0 && n < strv_length(names); n++)
                r = strv_extendf(places, "%s:%u", l->file, l->line);
        return r;
}

/* Reads a text that is no file, under a name; errors call it by file. -ENOMEM. */
int conf_parse(const char *name, const char *file, const char *text, size_t size, ConfFile **ret) {
        _cleanup_(conf_file_freep) ConfFile *f = NULL;
        const char *kept;
        int r;

        r = conf_file_new(name, &f);
        if (r >= 0)
                r = add_file(f, file, &kept);
        if (r >= 0) {
                f->main = strdup(file);
                r = f->main ? read_text(f, kept, text, size) : -ENOMEM;
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

/* Reads the file at path (NULL: none), then the drop-ins FOLDER/NAME.d/….conf of all folders (NULL: none) in
 * the order of their names. A drop-in hides those of its name in later folders; one that is a link to
 * /dev/null is left out. If path is such a link, nothing is read. The result's errors say what could not be
 * read or understood. -ENOMEM. */
int conf_load_path(const char *path, char *const *folders, const char *name, ConfFile **ret) {
        _cleanup_(conf_file_freep) ConfFile *f = NULL;
        _cleanup_(strv_freep) char **dropins = NULL;
        int r;

        r = conf_file_new(name, &f);
        if (r < 0)
                return r;
        if (path) {
                f->main = strdup(path);
                if (!f->main)
                        return -ENOMEM;
                f->masked = path_is_mask(path);
        }
        if (!f->masked) {
                r = path ? read_file(f, path) : 0;
                if (r >= 0)
                        r = folders_dropins(folders, name, &dropins, &f->errors);
                STRV_FOREACH(d, dropins) {
                        if (r < 0)
                                break;
                        r = read_file(f, *d);
                }
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(f);
        return 0;
}

/* Reads the file name ("dns.gate") from the first of folders that has it, and its drop-ins from all of them,
 * as conf_load_path() does. If no folder has the file, main is NULL in the result. -ENOMEM. */
int conf_load(char *const *folders, const char *name, ConfFile **ret) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = folders_find(folders, name, &path);
        if (r < 0)
                return r;
        return conf_load_path(path, folders, name, ret);
}
