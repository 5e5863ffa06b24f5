/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "errors.h"
#include "find-gate.h"
#include "gates/definition.h"
#include "pulls.h"
#include "root.h"
#include "systemctl.h"
#include "unit-name.h"
#include "verbs.h"

/* Binds a unit to a gate. A drop-in of the gate's unit upholds the unit, which starts it when the gate opens; a
 * drop-in of the unit binds it to the gate's unit, which stops it when the gate is lost. Marks in the drop-ins say
 * that bind wrote them, and whether bind enabled the gate's unit, so that unbind takes back exactly that.
 *
 * When systemd reloads, it stops a unit that is bound to an inactive one. So the unit of an open gate is started
 * before the drop-ins are written, and a unit that is running goes on running. */

#define UNIT_FOLDER "/etc/systemd/system"
#define RUNTIME_FOLDER "/run/systemd/system"
#define MARK "# Written by msready bind.\n"
#define ENABLED_MARK "# It enabled the gate's unit, too.\n"

/* How long the unit of an open gate may take to become active, and how often it is looked at. */
#define OPEN_USEC (5 * USEC_PER_SEC)
#define LOOK_USEC (50 * USEC_PER_MSEC)

typedef struct Binding {
        const Options *options;
        const char *gate;
        char *unit;
        char *gate_unit;
        char *gate_folder; /* of drop-ins */
        char *unit_folder;
        char *gate_file;
        char *unit_file;
        /* Only for bind */
        Pulls pulls; /* of the unit */
        FoundGate found;
        bool was_running; /* the unit */
} Binding;

static void binding_done(Binding *b) {
        free(b->unit);
        free(b->gate_unit);
        free(b->gate_folder);
        free(b->unit_folder);
        free(b->gate_file);
        free(b->unit_file);
        pulls_done(&b->pulls);
        found_gate_done(&b->found);
}

/* Where no systemd runs, this system is worked on as one below --root= is. */
static Options offline_or_live(const Options *options) {
        Options o = *options;

        if (!o.root && systemctl_is_offline())
                o.root = "";
        return o;
}

/* The folder of a unit's drop-ins. Below --root= a link on the way must not lead out of it. */
static int drop_in_folder(const Binding *b, const char *unit, char **ret) {
        _cleanup_free_ char *folder = NULL;
        int r;

        r = asprintf_ret(&folder, UNIT_FOLDER "/%s.d", unit);
        return r < 0 ? r : root_path(strempty(b->options->root), folder, ret);
}

/* Makes the names of all units and files. STATUS_USAGE for a name that no gate or no unit can have. */
static int binding_init(Binding *b, const Options *options) {
        const char *unit = options->arguments[1];
        int r;

        *b = (Binding){ .options = options, .gate = options->arguments[0] };
        if (!gate_name_is_valid(b->gate) || !unit_name_is_valid(unit) || unit_is_template(unit)) {
                fprintf(stderr, "msready: '%s' is not a valid name of a %s. Usage: msready %s %s\n",
                        gate_name_is_valid(b->gate) ? unit : b->gate,
                        gate_name_is_valid(b->gate) ? "unit" : "gate", options->verb->name,
                        options->verb->arguments);
                return STATUS_USAGE;
        }
        r = asprintf_ret(&b->unit, "%s%s", unit, unit_suffix(unit) ? "" : ".service");
        if (r >= 0)
                r = asprintf_ret(&b->gate_unit, "msready-gate@%s.service", b->gate);
        if (r >= 0)
                r = drop_in_folder(b, b->gate_unit, &b->gate_folder);
        if (r >= 0)
                r = drop_in_folder(b, b->unit, &b->unit_folder);
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

/* Says what was done to a file or a unit. */
static void tell_done(const Binding *b, const char *what, const char *name) {
        if (!b->options->quiet)
                printf("%s %s\n", what, name);
}

static int write_file(const char *path, const Buffer *text) {
        int r;

        r = mkdir_parents(path, 0755);
        if (r >= 0)
                r = file_write_durable(path, text->data, text->size, 0644);
        return r < 0 ? tell_cannot("write", path, r) : 0;
}

static bool is_active(const char *unit) {
        _cleanup_free_ char *state = NULL;

        return systemctl_show(unit, "ActiveState", &state) >= 0 &&
               (streq(state, "active") || streq(state, "reloading"));
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

/* Adds the targets that systemd says pull the unit in. */
static int add_listed(Binding *b) {
        static const char *const properties[] = { "WantedBy", "RequiredBy", "BoundBy", "UpheldBy" };
        char ***targets = &b->pulls.targets;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(properties); i++) {
                _cleanup_free_ char *text = NULL;
                _cleanup_(strv_freep) char **units = NULL;

                if (systemctl_show(b->unit, properties[i], &text) < 0)
                        continue;
                r = strv_split(text, " ", &units);
                STRV_FOREACH(u, units)
                        if (r >= 0 && endswith(*u, ".target") && !strv_contains(*targets, *u))
                                r = strv_extend(targets, *u);
        }
        return r;
}

/* Finds what pulls the unit in: as its files say it, because below --root= there is nobody else to ask and a file
 * may be newer than the last reload, and as systemd says it. */
static int find_pulls(Binding *b) {
        int r;

        r = pulls_read(b->options->root, b->unit, &b->pulls);
        if (r < 0) {
                fprintf(stderr, "msready: cannot read the units of %s: %s.\n",
                        isempty(b->options->root) ? "this system" : b->options->root,
                        r == -E2BIG ? "too many files or aliases" : strerror(-r));
                return STATUS_ERROR;
        }
        return b->options->root ? 0 : add_listed(b);
}

static bool is_not_found(const Binding *b) {
        _cleanup_free_ char *state = NULL;

        return systemctl_show(b->unit, "LoadState", &state) >= 0 && streq(state, "not-found");
}

/* systemctl unmasks the name that is masked, which may be an alias or a template, and that in /etc or /run alone. */
static int tell_masked(const Binding *b) {
        const char *mask = b->pulls.mask, *root = b->options->root;

        fprintf(stderr, "msready: %s is masked by %s.\n", b->unit, mask);
        if (startswith(mask, UNIT_FOLDER "/") || startswith(mask, RUNTIME_FOLDER "/"))
                fprintf(stderr, "To unmask it: systemctl %s%s%sunmask %s%s\n",
                        isempty(root) ? "" : "--root=", strempty(root), isempty(root) ? "" : " ",
                        startswith(mask, RUNTIME_FOLDER) ? "--runtime " : "", strrchr(mask, '/') + 1);
        return STATUS_ERROR;
}

/* Whether gates wait for that unit themselves, so that neither it nor the gate would ever start again. */
static bool is_beneath_gates(const char *unit) {
        static const char *const beneath[] = { "microshift.service", "microshift-ready.",
                                               "msready.",           "msready-gate@",
                                               "msready-wait",       "msready-boot-check." };

        for (size_t i = 0; i < ELEMENTSOF(beneath); i++)
                if (startswith(unit, beneath[i]))
                        return true;
        return false;
}

/* Refuses a unit that systemd cannot start. Below --root= it may still be installed. */
static int check_unit(const Binding *b) {
        const Pulls *p = &b->pulls;
        int r;

        if (is_beneath_gates(b->unit)) {
                fprintf(stderr, "msready: %s cannot be bound to a gate: gates wait for it.\n", b->unit);
                return STATUS_ERROR;
        }
        if (p->mask)
                return tell_masked(b);
        if (b->options->root || !is_not_found(b))
                return 0;
        if (p->quadlet) {
                /* The file may be newer than the generator's last run. */
                r = do_systemctl(b, "daemon-reload", NULL, NULL);
                if (r != 0 || !is_not_found(b))
                        return r;
                fprintf(stderr,
                        "msready: podman's generator makes no unit %s of %s.\n"
                        "See: /usr/lib/systemd/system-generators/podman-system-generator --dryrun\n",
                        b->unit, p->quadlet);
                return STATUS_ERROR;
        }
        fprintf(stderr, "msready: there is no unit %s.\nSee: systemctl list-unit-files\n", b->unit);
        return STATUS_ERROR;
}

/* Orders the unit after a target, unless it asks to be started before it. */
static int order_after(const Binding *b, Buffer *unit, const char *target) {
        if (strv_contains(b->pulls.before, target))
                return 0;
        return buffer_printf(unit,
                             "# Without this the target would wait for the unit, and so for the gate.\n"
                             "After=%s\n",
                             target);
}

static int write_drop_ins(const Binding *b, bool enables) {
        _cleanup_(buffer_done) Buffer gate = BUFFER_INIT(4096), unit = BUFFER_INIT(LIMIT_CONFIG_FILE - 100);
        int r;

        r = buffer_printf(&gate, MARK "%s[Unit]\nUpholds=%s\n", enables ? ENABLED_MARK : "", b->unit);
        if (r >= 0)
                r = buffer_printf(&unit, MARK "[Unit]\nBindsTo=%s\nAfter=%s\n", b->gate_unit, b->gate_unit);
        STRV_FOREACH(t, b->pulls.targets)
                if (r >= 0)
                        r = order_after(b, &unit, *t);
        STRV_FOREACH(t, b->pulls.later)
                if (r >= 0 && !strv_contains(b->pulls.targets, *t))
                        r = order_after(b, &unit, *t);
        if (r < 0)
                return tell_cannot("write", b->unit_file, r);
        r = write_file(b->gate_file, &gate);
        return r == 0 ? write_file(b->unit_file, &unit) : r;
}

/* A unit that is ordered before a target cannot be ordered after it as well. */
static void tell_who_waits(const Binding *b) {
        STRV_FOREACH(t, b->pulls.targets)
                if (strv_contains(b->pulls.before, *t))
                        fprintf(stderr,
                                "msready: %s waits for %s, and so for gate %s: the unit is ordered before it.\n",
                                *t, b->unit, b->gate);
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

/* Refuses a gate that a unit would wait for in vain, unless the user insists. */
static int check_gate(Binding *b) {
        const FoundGate *g = &b->found;
        int r;

        r = find_gate(b->options, b->gate, &b->found);
        if (r < 0)
                return r;
        if (!g->fault)
                return 0;
        fprintf(stderr, "msready: %s\n", g->fault);
        if (b->options->force)
                return 0;
        fprintf(stderr, "%s\nA unit bound to it would not run. To bind it nevertheless, add --force.\n",
                g->hint);
        return g->status;
}

/* Starts the unit of an open gate, and waits until it is active. tell_binding() tells where it is not. */
static int open_first(const Binding *b) {
        usec_t deadline = usec_add(now_monotonic(), OPEN_USEC);
        int r;

        if (access(UNIT_FOLDER, W_OK) < 0 && errno != ENOENT)
                return tell_cannot("write", b->unit_file, -errno);
        r = do_systemctl(b, "start", "--no-block", b->gate_unit);
        while (r == 0 && !is_active(b->gate_unit) && now_monotonic() < deadline)
                (void) usleep((useconds_t) LOOK_USEC);
        return r;
}

/* Writes the drop-ins and enables the gate's unit. After a failure nothing is left. */
static int write_binding(const Binding *b) {
        bool was_bound = has_line(b->gate_file, MARK), enables = !is_enabled(b);
        int r;

        r = write_drop_ins(b, enables || has_line(b->gate_file, ENABLED_MARK));
        if (r == 0 && enables)
                r = do_systemctl(b, "enable", "--quiet", b->gate_unit);
        if (r != 0) {
                if (!was_bound)
                        take_drop_ins_back(b);
                return r;
        }
        tell_done(b, "Wrote", b->gate_file);
        tell_done(b, "Wrote", b->unit_file);
        if (enables)
                tell_done(b, "Enabled", b->gate_unit);
        return 0;
}

/* Says what became of the unit. */
static void tell_binding(const Binding *b) {
        GateState state = b->found.state;

        if (b->options->root)
                printf("%s will run while gate %s is open%s.\n", b->unit, b->gate,
                       b->pulls.is_absent ? "; no such unit is there yet" : "");
        else if (is_active(b->gate_unit))
                printf("%s runs while gate %s is open. To stop it: systemctl stop %s\n", b->unit, b->gate,
                       b->gate_unit);
        else if (state < 0 || state == GATE_READY)
                printf("%s %s gate %s opens.\n", b->unit,
                       b->was_running ? "is stopped until" : "starts when", b->gate);
        else
                printf("%s %s gate %s opens; the gate is %s now. See: msready explain %s\n", b->unit,
                       b->was_running ? "is stopped until" : "starts when", b->gate,
                       gate_state_to_string(state), b->gate);
}

/* Makes a unit run exactly while a gate is open. Doing it twice does no harm. */
int verb_bind(const Options *given) {
        const Options own = offline_or_live(given), *options = &own;
        _cleanup_(binding_done) Binding b = {};
        int r;

        r = binding_init(&b, options);
        if (r == 0)
                r = find_pulls(&b);
        if (r == 0)
                r = check_unit(&b);
        if (r == 0)
                r = check_gate(&b);
        if (r != 0)
                return r;
        b.was_running = !options->root && is_active(b.unit);
        if (!options->root && b.found.state == GATE_READY)
                r = open_first(&b);
        if (r == 0)
                r = write_binding(&b);
        if (r == 0 && !options->root)
                r = do_systemctl(&b, "daemon-reload", NULL, NULL);
        if (r == 0 && !options->root)
                r = do_systemctl(&b, "start", "--no-block", b.gate_unit);
        if (r != 0)
                return r;
        tell_who_waits(&b);
        if (b.found.unreachable < 0)
                (void) tell_unreachable(options, b.found.unreachable);
        if (!options->quiet)
                tell_binding(&b);
        return 0;
}

/* Looks for another unit that bind bound to the gate. Returns 1 and in *ret its drop-in, or 0. */
static int find_other(const Binding *b, char **ret) {
        _cleanup_closedir_ DIR *folder = opendir(b->gate_folder);
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

static int remove_file(const Binding *b, const char *path, const char *folder) {
        if (unlink(path) >= 0)
                tell_done(b, "Removed", path);
        else if (errno != ENOENT)
                return tell_cannot("remove", path, -errno);
        (void) rmdir(folder); /* fails, as it should, where other files are in it */
        return 0;
}

/* Names the gates that the unit is bound to. */
static int tell_not_bound(const Binding *b) {
        _cleanup_closedir_ DIR *folder = opendir(b->unit_folder);
        struct dirent *entry;

        fprintf(stderr, "msready: %s is not bound to gate %s: there is no %s.\n", b->unit, b->gate,
                b->gate_file);
        while (folder && (entry = readdir(folder))) {
                const char *name = startswith(entry->d_name, "msready-"), *end;
                _cleanup_free_ char *path = NULL, *gate = NULL;

                end = name ? endswith(name, ".conf") : NULL;
                if (!end || path_join(b->unit_folder, entry->d_name, &path) < 0 || !has_line(path, MARK))
                        continue;
                gate = strndup(name, (size_t) (end - name));
                if (gate && gate_name_is_valid(gate))
                        fprintf(stderr, "It is bound to gate %s.\n", gate);
        }
        return STATUS_ERROR;
}

/* Takes back what bind did. The unit itself is not stopped. */
int verb_unbind(const Options *given) {
        const Options own = offline_or_live(given), *options = &own;
        _cleanup_(binding_done) Binding b = {};
        _cleanup_free_ char *other = NULL;
        bool enabled;
        int r;

        r = binding_init(&b, options);
        if (r != 0)
                return r;
        if (!has_line(b.gate_file, MARK))
                return tell_not_bound(&b);
        enabled = has_line(b.gate_file, ENABLED_MARK);
        r = find_other(&b, &other);
        if (r > 0)
                r = enabled && !has_line(other, ENABLED_MARK) ? hand_mark_over(other) : 0;
        else if (r == 0 && enabled)
                r = do_systemctl(&b, "disable", "--quiet", b.gate_unit);
        /* The drop-in with the marks goes last, so that unbind can be run again after a failure. */
        if (r == 0)
                r = remove_file(&b, b.unit_file, b.unit_folder);
        if (r == 0)
                r = remove_file(&b, b.gate_file, b.gate_folder);
        if (r == 0 && !options->root)
                r = do_systemctl(&b, "daemon-reload", NULL, NULL);
        if (r == 0 && !options->root && enabled && !other)
                r = do_systemctl(&b, "stop", "--no-block", b.gate_unit);
        return r;
}
