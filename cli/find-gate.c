/* SPDX-License-Identifier: Apache-2.0 */

#include "find-gate.h"

#include "base/nearest.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "describe.h"
#include "gates/definition.h"
#include "root.h"

/* The daemon knows best. Where it does not answer, and below --root=, the gates' files say which gates there are. They
 * do not tell whether one is disabled or invalid on the host that they are for. */

#define SUFFIX ".gate"

static const char *const folders[] = { CONFIG_FOLDER "/gates.d", VENDOR_FOLDER "/gates.d" };

/* The gates that have files. */
typedef struct GateFiles {
        char **names;
        char **masked; /* names */
        char *mask;    /* the file that masks the gate in question; NULL */
} GateFiles;

static void gate_files_done(GateFiles *f) {
        strv_free(f->names);
        strv_free(f->masked);
        free(f->mask);
}

void found_gate_done(FoundGate *g) {
        free(g->fault);
        free(g->hint);
}

/* An empty file masks a unit and no gate. */
static int is_mask(const char *root, const char *path) {
        _cleanup_free_ char *real = NULL;
        int r;

        r = root_path(root, path, &real);
        return r < 0 ? r : streq(real + strlen(root), "/dev/null");
}

/* Takes one file of a folder; those of folders before it hide it. */
static int take_file(const char *root, const char *folder, const char *file, const char *gate,
                     GateFiles *f) {
        _cleanup_free_ char *name = NULL, *path = NULL;
        const char *end = endswith(file, SUFFIX);
        int r;

        if (!end)
                return 0;
        name = strndup(file, (size_t) (end - file));
        if (!name)
                return -ENOMEM;
        if (!gate_name_is_valid(name) || strv_contains(f->names, name) || strv_contains(f->masked, name))
                return 0;
        r = asprintf_ret(&path, "%s/%s", folder, file);
        if (r < 0)
                return r;
        r = is_mask(root, path);
        if (r <= 0)
                return r == -ENOMEM ? r : strv_extend(&f->names, name);
        if (streq(name, gate))
                f->mask = TAKE_PTR(path);
        return strv_extend(&f->masked, name);
}

static int read_files(const char *root, const char *gate, GateFiles *f) {
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                _cleanup_(strv_freep) char **files = NULL;
                int r;

                r = root_list(root, folders[i], &files);
                if (r == -ENOENT || r == -ENOTDIR)
                        continue;
                STRV_FOREACH(n, files)
                        if (r >= 0)
                                r = take_file(root, folders[i], *n, gate, f);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int find_no_gate(const Options *options, const char *gate, char *const *names, FoundGate *g) {
        const char *nearest = nearest_name(gate, names);
        int r;

        g->status = STATUS_NO_SUCH_GATE;
        if (streq(gate, "cluster")) {
                r = asprintf_ret(&g->fault, "cluster is no gate: it means all that are required.");
                return r < 0 ? r
                             : asprintf_ret(&g->hint,
                                            "A unit that starts when the cluster is ready requires "
                                            "microshift-ready.target: see msready.units(7).");
        }
        r = nearest ? asprintf_ret(&g->fault, "there is no gate '%s'. Did you mean %s?", gate, nearest)
                    : asprintf_ret(&g->fault, "there is no gate '%s'.", gate);
        if (r < 0)
                return r;
        if (options->root)
                return asprintf_ret(&g->hint, "Its file would be %s%s/%s" SUFFIX, options->root, folders[0],
                                    gate);
        return asprintf_ret(&g->hint, "To list them: msready gates");
}

/* mask is clean. */
static int find_masked(const char *gate, const char *root, const char *mask, const char *then,
                       FoundGate *g) {
        int r;

        g->status = STATUS_ERROR;
        r = asprintf_ret(&g->fault, "gate %s is masked by %s%s.", gate, root, mask);
        return r < 0 ? r : asprintf_ret(&g->hint, "To unmask it: rm %s%s%s", root, mask, then);
}

/* Looks for the gate among the files. names: of the gates that the daemon knows, or NULL where it was not asked. */
static int find_among_files(const Options *options, const char *gate, char *const *names, FoundGate *g) {
        const char *root = strempty(options->root);
        _cleanup_(gate_files_done) GateFiles f = {};
        int r;

        r = read_files(root, gate, &f);
        if (r < 0)
                return r;
        if (f.mask)
                return find_masked(gate, root, f.mask, "", g);
        if (!strv_contains(f.names, gate))
                return find_no_gate(options, gate, names ?: f.names, g);
        if (!names)
                return 0;
        g->status = STATUS_ERROR;
        r = asprintf_ret(&g->fault, "the daemon has not read the file of gate %s yet.", gate);
        return r < 0 ? r : asprintf_ret(&g->hint, "To load it: msready reload");
}

/* Judges the gate by what the daemon says of its files. */
static int judge_definition(const char *gate, const JsonValue *definition, FoundGate *g) {
        const char *mask = jv_get_string(definition, "masked"),
                   *told = mask ?: jv_get_string(definition, "cause");
        bool enabled = jv_get_bool(definition, "enabled", false);
        _cleanup_free_ char *cause = NULL;
        int r;

        if (!told && enabled)
                return 0;
        cause = clean_text(told ?: "no cause given");
        if (!cause)
                return -ENOMEM;
        if (mask)
                return find_masked(gate, "", cause, " && msready reload", g);
        g->status = STATUS_ERROR;
        r = asprintf_ret(&g->fault, "gate %s is %s: %s.", gate,
                         enabled ? "invalid" : "disabled on this host", cause);
        if (r < 0)
                return r;
        if (enabled)
                return asprintf_ret(&g->hint,
                                    "Fix the file, then run: msready check-config && msready reload");
        return asprintf_ret(&g->hint, "See why: msready gates %s", gate);
}

static int ask_state(const Options *options, const char *gate, GateState *ret) {
        char *const names[] = { (char *) gate, NULL };
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        _cleanup_(snapshot_done) Snapshot s = {};
        _cleanup_(vl_reply_done) VlReply reply = {};
        int r;

        r = ask_gates_parameter(names, &parameters);
        if (r >= 0)
                r = try_to_ask(options, READINESS "Describe", parameters, &reply);
        if (r >= 0 && !reply.error)
                r = snapshot_update(&s, reply.parameters);
        if (r < 0 || reply.error)
                return r == -ENOMEM ? r : 0;
        *ret = get_state(snapshot_find(&s, gate));
        return 0;
}

/* Looks for the gate among those that the daemon knows. */
static int find_among_known(const Options *options, const char *gate, const JsonValue *definitions,
                            FoundGate *g) {
        const JsonValue *definition = find_definition(definitions, gate);
        _cleanup_(strv_freep) char **names = strv_new_empty();
        int r;

        if (definition) {
                r = judge_definition(gate, definition, g);
                return r == 0 && !g->fault ? ask_state(options, gate, &g->state) : r;
        }
        r = names ? add_gate_names(definitions, &names) : -ENOMEM;
        return r < 0 ? r : find_among_files(options, gate, names, g);
}

/* Finds out whether there is a gate of that name, which is a valid one, and its state, or why a unit that is bound to
 * it would not run. found_gate_done() frees *ret. Returns 0 or a negative errno. */
int find_gate(const Options *options, const char *gate, FoundGate *ret) {
        _cleanup_(found_gate_done) FoundGate g = { .state = _GATE_STATE_INVALID };
        _cleanup_(vl_reply_done) VlReply reply = {};
        int r;

        if (!options->root) {
                g.unreachable = try_to_ask(options, READINESS "ListGates", NULL, &reply);
                if (g.unreachable >= 0 && reply.error)
                        g.unreachable = -EOPNOTSUPP;
        }
        if (options->root || g.unreachable < 0)
                r = find_among_files(options, gate, NULL, &g);
        else
                r = find_among_known(options, gate, jv_get(reply.parameters, "definitions"), &g);
        if (r < 0)
                return r;

        *ret = g;
        g = (FoundGate){};
        return 0;
}
