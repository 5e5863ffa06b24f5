/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "gates/definition.h"
#include "systemctl.h"
#include "verbs.h"

/* Binds a unit to a gate. A drop-in of the gate's unit upholds the unit, which starts it when the gate opens; a
 * drop-in of the unit binds it to the gate's unit, which stops it when the gate is lost. Marks in the drop-ins say
 * that bind wrote them, and whether bind enabled the gate's unit, so that unbind takes back exactly that. */

#define UNIT_FOLDER "/etc/systemd/system"
#define MARK "# Written by msready bind.\n"
#define ENABLED_MARK "# It enabled the gate's unit, too.\n"

typedef struct Binding {
        const Options *options;
        const char *gate;
        char *unit;
        char *gate_unit;
        char *gate_folder; /* of drop-ins */
        char *unit_folder;
        char *gate_file;
        char *unit_file;
} Binding;

static void binding_done(Binding *b) {
        free(b->unit);
        free(b->gate_unit);
        free(b->gate_folder);
        free(b->unit_folder);
        free(b->gate_file);
        free(b->unit_file);
}

static bool is_unit_name(const char *s) {
        static const char letters[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@\\-";
        size_t n = strlen(s);

        return n > 0 && n < 200 && strspn(s, letters) == n && s[0] != '.' && s[0] != '-' && s[0] != '@';
}

/* The suffix that names the type of the unit; NULL where there is none, because a name may have dots in it. */
static const char *unit_suffix(const char *s) {
        static const char *const suffixes[] = { ".service",   ".socket", ".device", ".mount",
                                                ".automount", ".swap",   ".target", ".path",
                                                ".timer",     ".slice",  ".scope" };
        const char *dot = strrchr(s, '.');

        for (size_t i = 0; dot && i < ELEMENTSOF(suffixes); i++)
                if (streq(dot, suffixes[i]))
                        return dot;
        return NULL;
}

/* A template alone, "app@.service", cannot be started. */
static bool is_template(const char *s) {
        const char *end = unit_suffix(s) ?: s + strlen(s);

        return end > s && end[-1] == '@';
}

/* Makes the names of all units and files. STATUS_USAGE for a name that no gate or no unit can have. */
static int binding_init(Binding *b, const Options *options) {
        const char *unit = options->arguments[1], *root = strempty(options->root);
        int r;

        *b = (Binding){ .options = options, .gate = options->arguments[0] };
        if (!gate_name_is_valid(b->gate) || !is_unit_name(unit) || is_template(unit)) {
                fprintf(stderr, "msready: '%s' is not a valid name of a %s.\n",
                        gate_name_is_valid(b->gate) ? unit : b->gate,
                        gate_name_is_valid(b->gate) ? "unit" : "gate");
                return STATUS_USAGE;
        }
        r = asprintf_ret(&b->unit, "%s%s", unit, unit_suffix(unit) ? "" : ".service");
        if (r >= 0)
                r = asprintf_ret(&b->gate_unit, "msready-gate@%s.service", b->gate);
        if (r >= 0)
                r = asprintf_ret(&b->gate_folder, "%s" UNIT_FOLDER "/%s.d", root, b->gate_unit);
        if (r >= 0)
                r = asprintf_ret(&b->unit_folder, "%s" UNIT_FOLDER "/%s.d", root, b->unit);
        if (r >= 0)
                r = asprintf_ret(&b->gate_file, "%s/%s.conf", b->gate_folder, b->unit);
        if (r >= 0)
                r = asprintf_ret(&b->unit_file, "%s/msready-%s.conf", b->unit_folder, b->gate);
        return r;
}

static int tell_cannot(const char *what, const char *path, int error) {
        fprintf(stderr, "msready: cannot %s %s: %s.\n%s", what, path, strerror(-error),
                error == -EACCES || error == -EPERM ? "Try again as root.\n" : "");
        return STATUS_ERROR;
}

static int write_file(const char *path, const Buffer *text) {
        int r;

        r = mkdir_parents(path, 0755);
        if (r >= 0)
                r = file_write_durable(path, text->data, text->size, 0644);
        return r < 0 ? tell_cannot("write", path, r) : 0;
}

static int do_systemctl(const Binding *b, const char *verb, const char *option, const char *unit) {
        const char *arguments[] = { verb, option ?: unit, option ? unit : NULL, NULL };
        int r;

        r = systemctl_run(b->options->root, arguments);
        if (r <= 0)
                return r;
        fprintf(stderr, "msready: systemctl %s failed with exit status %d.\n", verb, r);
        return STATUS_ERROR;
}

static bool is_enabled(const Binding *b) {
        return systemctl_run(b->options->root,
                             (const char *const[]){ "is-enabled", "--quiet", b->gate_unit, NULL }) == 0;
}

static bool is_pulled_in_from(const Binding *b, const char *target, const char *kind) {
        _cleanup_free_ char *link = NULL;
        struct stat st;

        /* The link counts, wherever it points: below --root= its target does not exist. */
        return asprintf_ret(&link, "%s" UNIT_FOLDER "/%s.%s/%s", strempty(b->options->root), target, kind,
                            b->unit) >= 0 &&
               lstat(link, &st) >= 0;
}

static bool is_listed(const Binding *b, const char *property, const char *target) {
        _cleanup_free_ char *text = NULL;
        _cleanup_(strv_freep) char **units = NULL;

        return !b->options->root && systemctl_show(b->unit, property, &text) >= 0 &&
               strv_split(text, " ", &units) >= 0 && strv_contains(units, target);
}

/* Whether the target pulls the unit in: then it would wait for the unit, and so for the gate. */
static bool holds_up(const Binding *b, const char *target) {
        return is_pulled_in_from(b, target, "wants") || is_pulled_in_from(b, target, "requires") ||
               is_listed(b, "WantedBy", target) || is_listed(b, "RequiredBy", target);
}

static int check_unit(const Binding *b) {
        _cleanup_free_ char *state = NULL;

        if (b->options->root || systemctl_show(b->unit, "LoadState", &state) < 0 ||
            !streq(state, "not-found"))
                return 0;
        fprintf(stderr, "msready: there is no unit %s.\nSee: systemctl list-unit-files\n", b->unit);
        return STATUS_ERROR;
}

static int write_drop_ins(const Binding *b, bool enables) {
        static const char *const booted[] = { "multi-user.target", "graphical.target", "default.target" };
        _cleanup_(buffer_done) Buffer gate = BUFFER_INIT(4096), unit = BUFFER_INIT(4096);
        int r;

        r = buffer_printf(&gate, MARK "%s[Unit]\nUpholds=%s\n", enables ? ENABLED_MARK : "", b->unit);
        if (r >= 0)
                r = buffer_printf(&unit, MARK "[Unit]\nBindsTo=%s\nAfter=%s\n", b->gate_unit, b->gate_unit);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(booted); i++)
                if (holds_up(b, booted[i]))
                        r = buffer_printf(
                                &unit,
                                "# Without this the unit, and with it the gate, would hold up the boot.\n"
                                "After=%s\n",
                                booted[i]);
        if (r >= 0)
                r = write_file(b->gate_file, &gate);
        if (r == 0)
                r = write_file(b->unit_file, &unit);
        return r;
}

/* After a failure: a unit bound to a gate's unit that does not exist could never start again. */
static void take_drop_ins_back(const Binding *b) {
        (void) unlink(b->gate_file);
        (void) unlink(b->unit_file);
        (void) rmdir(b->gate_folder); /* fails, as it should, where other files are in them */
        (void) rmdir(b->unit_folder);
}

static bool has_line(const char *path, const char *line) {
        _cleanup_free_ char *text = NULL;

        return file_read(path, LIMIT_CONFIG_FILE, &text, NULL) >= 0 && strstr(text, line);
}

/* Makes a unit run exactly while a gate is open. Doing it twice does no harm. */
int verb_bind(const Options *options) {
        _cleanup_(binding_done) Binding b = {};
        bool enables, is_bound;
        int r;

        r = binding_init(&b, options);
        if (r == 0)
                r = check_unit(&b);
        if (r != 0)
                return r;
        is_bound = has_line(b.gate_file, MARK);
        enables = !is_enabled(&b);
        r = write_drop_ins(&b, enables || has_line(b.gate_file, ENABLED_MARK));
        if (r == 0 && enables)
                r = do_systemctl(&b, "enable", "--quiet", b.gate_unit);
        if (r != 0 && !is_bound)
                take_drop_ins_back(&b);
        if (r == 0 && !options->root)
                r = do_systemctl(&b, "daemon-reload", NULL, NULL);
        if (r == 0 && !options->root)
                r = do_systemctl(&b, "start", "--no-block", b.gate_unit);
        if (r == 0 && !options->quiet)
                printf("%s runs while gate %s is open. To stop it: systemctl stop %s\n", b.unit, b.gate,
                       b.gate_unit);
        return r;
}

/* Looks for another unit that bind bound to the gate. Returns 1 and in *ret its drop-in, or 0. */
static int find_other(const Binding *b, char **ret) {
        DIR *folder = opendir(b->gate_folder);
        struct dirent *entry;
        int r = 0;

        if (!folder)
                return 0;
        while (r == 0 && (entry = readdir(folder))) {
                _cleanup_free_ char *path = NULL;

                if (!endswith(entry->d_name, ".conf"))
                        continue;
                r = path_join(b->gate_folder, entry->d_name, &path);
                if (r >= 0 && !streq(path, b->gate_file) && has_line(path, MARK)) {
                        *ret = TAKE_PTR(path);
                        r = 1;
                }
        }
        closedir(folder);
        return r;
}

/* Moves the mark that bind enabled the gate's unit to a drop-in that stays. */
static int hand_mark_over(const char *path) {
        _cleanup_free_ char *text = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(LIMIT_CONFIG_FILE);
        int r;

        r = file_read(path, LIMIT_CONFIG_FILE - 100, &text, NULL);
        if (r >= 0)
                r = buffer_printf(&b, ENABLED_MARK "%s", text);
        if (r < 0)
                return tell_cannot("read", path, r);
        return write_file(path, &b);
}

static int remove_file(const char *path, const char *folder) {
        if (unlink(path) < 0 && errno != ENOENT)
                return tell_cannot("remove", path, -errno);
        (void) rmdir(folder); /* fails, as it should, where other files are in it */
        return 0;
}

/* Takes back what bind did. The unit itself is not stopped. */
int verb_unbind(const Options *options) {
        _cleanup_(binding_done) Binding b = {};
        _cleanup_free_ char *other = NULL;
        bool enabled;
        int r;

        r = binding_init(&b, options);
        if (r != 0)
                return r;
        if (!has_line(b.gate_file, MARK)) {
                fprintf(stderr, "msready: %s is not bound to gate %s: there is no %s.\n", b.unit, b.gate,
                        b.gate_file);
                return STATUS_ERROR;
        }
        enabled = has_line(b.gate_file, ENABLED_MARK);
        r = find_other(&b, &other);
        if (r > 0)
                r = enabled && !has_line(other, ENABLED_MARK) ? hand_mark_over(other) : 0;
        else if (r == 0 && enabled)
                r = do_systemctl(&b, "disable", "--quiet", b.gate_unit);
        /* The drop-in with the marks goes last, so that unbind can be run again after a failure. */
        if (r == 0)
                r = remove_file(b.unit_file, b.unit_folder);
        if (r == 0)
                r = remove_file(b.gate_file, b.gate_folder);
        if (r == 0 && !options->root)
                r = do_systemctl(&b, "daemon-reload", NULL, NULL);
        if (r == 0 && !options->root && enabled && !other)
                r = do_systemctl(&b, "stop", "--no-block", b.gate_unit);
        return r;
}
