/* SPDX-License-Identifier: Apache-2.0 */

/* From files to gates that can be put on the board. Three things are decided here and nowhere else: which gates
 * there are, which of them are required, and which apply on this host. */

#include "configuration.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/string-util.h"
#include "chosen-kubeconfig.h"
#include "gates/gate-condition.h"
#include "gates/definition.h"
#include "ready/check-kinds.h"

/* /etc/msready and /usr/lib/msready, unless the build was told another prefix. */
static char *const settings_folders[] = { (char *) CONFIG_FOLDER, (char *) VENDOR_FOLDER, NULL };
static char *const gate_folders[] = { (char *) CONFIG_FOLDER "/gates.d", (char *) VENDOR_FOLDER "/gates.d",
                                      NULL };

#define DROP_IN_SUFFIX ".gate.d"

/* The folders of the gates' files. They live as long as the options. */
char *const *configuration_folders(const Options *options) {
        return options->gates_dirs ?: gate_folders;
}

void configuration_done(Configuration *c) {
        settings_free(c->settings);
        for (size_t i = 0; i < c->n_setups; i++)
                gate_setup_done(&c->setups[i]);
        free(c->setups);
        strv_free(c->errors);
        strv_free(c->warnings);
        *c = CONFIGURATION_NULL;
}

static int load_settings(const Options *options, Settings **ret, char **reterr_detail, char ***ret_errors) {
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        int r;

        r = options->config ? conf_load_path(options->config, NULL, "msready.conf", &conf)
                            : conf_load(settings_folders, "msready.conf", &conf);
        if (r < 0) {
                (void) asprintf_ret(reterr_detail, "%s: %s", options->config ?: "msready.conf",
                                    strerror(-r));
                return r;
        }
        return settings_parse(conf, ret, reterr_detail, ret_errors);
}

static GateTiming timing_of(const GateDefinition *d, const Settings *s) {
        return (GateTiming){
                .settle = d->has_settle ? d->settle : s->timing.settle,
                .hold = d->has_hold ? d->hold : s->timing.hold,
                .unknown = d->has_unknown ? d->unknown : s->timing.unknown,
        };
}

/* Require= decides where it is set; else Required= of the gate. */
static bool is_required(const GateDefinition *d, const Settings *settings) {
        if (strv_contains(settings->require_added, d->name))
                return true;
        return settings->has_require ? strv_contains(settings->require, d->name) : d->required == 1;
}

/* Where Require= names the gate, FILE:LINE; NULL where it does not. */
static const char *find_place(const Settings *s, const char *name) {
        for (size_t i = 0; s->require && s->require[i]; i++)
                if (streq(s->require[i], name))
                        return s->require_places[i];
        for (size_t i = 0; s->require_added && s->require_added[i]; i++)
                if (streq(s->require_added[i], name))
                        return s->added_places[i];
        return NULL;
}

/* A masked gate that Require= names is a required one that waits and says so. */
static int refuse_masked(GateDefinition *d, const Settings *settings) {
        const char *place = d->masked ? find_place(settings, d->name) : NULL;

        return place ? asprintf_ret(&d->invalid, "%s: Require= names %s, which is masked by %s", place,
                                    d->name, d->masked)
                     : 0;
}

static int apply_conditions(GateSetup *s, const GateDefinition *d, const GateFacts *facts) {
        int r;

        r = gate_conditions_hold_below_mask(d, facts);
        if (r < 0)
                return r;
        s->missed = s->required && r > 0;
        r = gate_conditions_hold(d, facts, &s->cause);
        if (r == -ENOMEM)
                return r;
        /* A condition that cannot be read disables nothing: the gate is enabled, and waits with the cause. */
        s->enabled = r != 0;
        if (r > 0)
                s->cause = mfree(s->cause);
        return 0;
}

/* facts may be NULL where the definition is invalid. */
static int take_definition(Configuration *c, GateDefinition *definition, const GateFacts *facts) {
        _cleanup_(gate_definition_freep) GateDefinition *d = definition;
        GateSetup *s = &c->setups[c->n_setups];
        int r;

        r = refuse_masked(d, c->settings);
        if (r < 0)
                return r;
        *s = (GateSetup){
                .timing = timing_of(d, c->settings),
                .enabled = true,
                .required = is_required(d, c->settings),
        };
        STRV_FOREACH(f, d->files)
                s->vendor = s->vendor || startswith(*f, VENDOR_FOLDER "/gates.d/");
        STRV_FOREACH(w, d->warnings) {
                r = strv_extend(&c->warnings, *w);
                if (r < 0)
                        return r;
        }
        r = d->invalid ? 0 : apply_conditions(s, d, facts);
        if (r < 0)
                return r;

        s->definition = TAKE_PTR(d);
        c->n_setups++;
        return 0;
}

/* The names of all gates; the array is the caller's, the names are not. NULL: no memory. */
static const char **list_names(const Configuration *c) {
        const char **names = calloc(c->n_setups + 1, sizeof(*names));

        for (size_t i = 0; names && i < c->n_setups; i++)
                names[i] = c->setups[i].definition->name;
        return names;
}

/* A name in Require= that no gate has becomes a required gate that waits and says so. */
static int invent(Configuration *c, const char *name, const char *place, const char *nearest) {
        _cleanup_(gate_definition_freep) GateDefinition *d = calloc(1, sizeof(GateDefinition));
        int r;

        if (!d)
                return -ENOMEM;
        d->name = strdup(name);
        d->description = strdup("");
        if (!d->name || !d->description)
                return -ENOMEM;
        r = asprintf_ret(&d->invalid, "%s: Require= names %s, but there is no such gate%s%s%s", place, name,
                         nearest ? ", did you mean " : "", strempty(nearest), nearest ? "?" : "");
        return r < 0 ? r : take_definition(c, TAKE_PTR(d), NULL);
}

static bool has_gate(const Configuration *c, const char *name) {
        for (size_t i = 0; i < c->n_setups; i++)
                if (streq(c->setups[i].definition->name, name))
                        return true;
        return false;
}

static int invent_missing(Configuration *c, const char *const *gates, char *const *names,
                          char *const *places) {
        int r = 0;

        for (size_t i = 0; names && names[i] && r >= 0; i++)
                if (!has_gate(c, names[i]))
                        r = invent(c, names[i], places[i], nearest_name(names[i], (char *const *) gates));
        return r;
}

/* The order of explanation lacks what such a name was to say. Those over the ceiling are left out: for tens of
 * thousands of names the search for what was meant would take minutes. */
static int warn_of_after(Configuration *c, const char *const *gates, const GateDefinition *d) {
        int r = 0;

        for (size_t i = 0; d->after && d->after[i] && r >= 0; i++) {
                const char *name = d->after[i], *nearest;

                if (strv_length(c->warnings) >= LIMIT_PROBLEMS)
                        break;
                if (strv_contains((char *const *) gates, name))
                        continue;
                nearest = nearest_name(name, (char *const *) gates);
                r = strv_extendf(&c->warnings, "%s: After=%s: there is no such gate, ignoring%s%s%s",
                                 d->after_places[i], name, nearest ? "; did you mean " : "",
                                 strempty(nearest), nearest ? "?" : "");
        }
        return r;
}

/* A drop-in of a gate that does not exist changes nothing, which its author does not expect. */
static int warn_of_dropins(Configuration *c, const char *const *gates, char *folder) {
        char *const folders[] = { folder, NULL };
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        r = conf_enumerate(folders, DROP_IN_SUFFIX, &names, NULL);
        if (r < 0) /* as for strays */
                return r == -ENOMEM ? r : 0;
        STRV_FOREACH(n, names) {
                _cleanup_free_ char *gate = strndup(*n, strlen(*n) - strlen(DROP_IN_SUFFIX));
                const char *nearest;

                if (r < 0 || !gate)
                        return r < 0 ? r : -ENOMEM;
                if (strv_length(c->warnings) >= LIMIT_PROBLEMS)
                        break;
                if (strv_contains((char *const *) gates, gate))
                        continue;
                nearest = nearest_name(gate, (char *const *) gates);
                r = strv_extendf(&c->warnings, "%s/%s: there is no such gate, ignoring its drop-ins%s%s%s",
                                 folder, *n, nearest ? "; did you mean " : "", strempty(nearest),
                                 nearest ? DROP_IN_SUFFIX "?" : "");
        }
        return r;
}

/* A file without ".gate" in its name is read for no gate. What has that and more, such as dns.gate~ and dns.gate.off,
 * was put aside. */
static int warn_of_stray(Configuration *c, const char *folder, const char *file) {
        _cleanup_free_ char *path = NULL;
        struct stat st;
        int r;

        if (strstr(file, ".gate"))
                return 0;
        r = path_join(folder, file, &path);
        if (r < 0 || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
                return r;
        return strv_extendf(&c->warnings, "%s: ignoring; a gate's file is called NAME.gate", path);
}

static int warn_of_strays(Configuration *c, char *folder) {
        char *const folders[] = { folder, NULL };
        _cleanup_(strv_freep) char **files = NULL;
        int r;

        r = conf_enumerate(folders, "", &files, NULL);
        if (r < 0) /* too many, or not to be listed now: gates are all that has to be found */
                return r == -ENOMEM ? r : 0;
        STRV_FOREACH(f, files)
                r = r < 0 ? r : warn_of_stray(c, folder, *f);
        return r;
}

/* What can be said of names once all gates are known. */
static int look_up_names(Configuration *c, char *const *folders) {
        _cleanup_free_ const char **gates = list_names(c);
        const Settings *s = c->settings;
        size_t n = c->n_setups;
        int r = gates ? 0 : -ENOMEM;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = warn_of_after(c, gates, c->setups[i].definition);
        STRV_FOREACH(f, folders)
                r = (r < 0 ? r : warn_of_dropins(c, gates, *f)) ?: warn_of_strays(c, *f);
        if (r >= 0)
                r = invent_missing(c, gates, s->require, s->require_places);
        if (r >= 0)
                r = invent_missing(c, gates, s->require_added, s->added_places);
        return r;
}

/* A default folder need not exist; one of --gates-dir= should. */
static int warn_of_missing_folders(Configuration *c, const Options *options) {
        STRV_FOREACH(folder, options->gates_dirs) {
                int r;

                if (access(*folder, F_OK) >= 0)
                        continue;
                r = strv_extendf(&c->warnings, "--gates-dir=%s: %s, loading no gates from it", *folder,
                                 strerror(errno));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int load_gates(const Options *options, Configuration *c, char **reterr_detail) {
        _cleanup_(host_gate_facts_done) HostGateFacts host = HOST_GATE_FACTS_NULL;
        char *const *folders = configuration_folders(options);
        GateDefinition **definitions = NULL;
        size_t n = 0;
        int r;

        r = host_gate_facts_load(&host);
        if (r < 0)
                return r;
        r = gate_definitions_load(folders, check_find_syntax, &definitions, &n, reterr_detail);
        if (r < 0)
                return r;

        c->setups =
                calloc(n + strv_length(c->settings->require) + strv_length(c->settings->require_added) + 1,
                       sizeof(GateSetup));
        r = c->setups ? 0 : -ENOMEM;
        for (size_t i = 0; i < n && r >= 0; i++)
                r = take_definition(c, TAKE_PTR(definitions[i]), &host.facts);
        gate_definitions_free(definitions, n);
        if (r < 0)
                return r;

        return look_up_names(c, folders);
}

/* Reads everything. On failure *reterr_detail says what is wrong, with file and line, and nothing has been changed.
 * Invalid gates are no failure: they are gates that wait. With --check-config errors of msready.conf are none, either,
 * so that the gates are judged as well. */
int configuration_load(const Options *options, Configuration *ret, char **reterr_detail) {
        _cleanup_(configuration_done) Configuration c = CONFIGURATION_NULL;
        int r;

        r = load_settings(options, &c.settings, reterr_detail, options->check_config ? &c.errors : NULL);
        if (r < 0)
                return r;
        STRV_FOREACH(w, c.settings->warnings) {
                r = strv_extend(&c.warnings, *w);
                if (r < 0)
                        return r;
        }
        r = warn_of_missing_folders(&c, options);
        if (r >= 0)
                r = load_gates(options, &c, reterr_detail);
        if (r < 0)
                return r;

        *ret = c;
        c = CONFIGURATION_NULL;
        return 0;
}

/* Adds what a reload would refuse in a kubeconfig or a context; MicroShift may yet write it. Who may not read it
 * cannot tell, unless he has the daemon's rights. -ENOMEM. */
int configuration_warn_of_kubeconfig(const Settings *settings, const Options *options, char ***warnings) {
        _cleanup_free_ char *detail = NULL;
        int r;

        if (!settings->kubeconfig && !settings->context)
                return 0;
        r = chosen_kubeconfig_try(options, settings, warnings, &detail);
        if (r >= 0 || !detail || (r == -EACCES && options->check_config && geteuid() != 0))
                return 0;
        return strv_consume(warnings, TAKE_PTR(detail));
}

static int find_errors(const Gate *g, Problems *p) {
        const char *trouble = gate_setup_trouble(&g->setup);
        int r;

        r = trouble ? problems_add(&p->errors, "gate %s: %s", gate_name(g), trouble) : 0;
        STRV_FOREACH(e, trouble ? g->setup.definition->errors : NULL)
                r = r < 0 ? r : problems_add(&p->errors, "gate %s: %s", gate_name(g), *e);
        return r;
}

/* Adds all that is wrong with the configuration whose gates are on the board. order: the warnings of board_set().
 * -ENOMEM. */
int configuration_find_problems(const Configuration *c, const Board *board, char *const *order,
                                Problems *p) {
        bool required = false;
        int r = 0;

        STRV_FOREACH(e, c->errors)
                r = r < 0 ? r : problems_add(&p->errors, "%s", *e);
        BOARD_FOREACH(g, board) {
                required = required || gate_is_required(g);
                p->n_gates += !g->setup.definition->masked;
                r = r < 0 ? r : find_errors(g, p);
        }
        STRV_FOREACH(w, c->warnings)
                r = r < 0 ? r : problems_add(&p->warnings, "%s", *w);
        STRV_FOREACH(w, order)
                r = r < 0 ? r : problems_add(&p->warnings, "%s", *w);
        if (r >= 0 && !required)
                r = problems_add(&p->warnings, "no gate is required, so the cluster waits with the reason "
                                               "NothingRequired");
        return r;
}

static int find_all_problems(const Options *options, Problems *ret) {
        _cleanup_(configuration_done) Configuration c = CONFIGURATION_NULL;
        _cleanup_(strv_freep) char **order = NULL, **removed = NULL;
        _cleanup_(board_done) Board board = BOARD_INIT;
        _cleanup_free_ char *detail = NULL;
        int r;

        r = configuration_load(options, &c, &detail);
        if (r < 0)
                return problems_add(&ret->errors, "%s", detail ?: strerror(-r));
        r = board_set(&board, c.setups, c.n_setups, instant_now(), &order, &removed);
        if (r >= 0)
                r = configuration_find_problems(&c, &board, order, ret);
        return r < 0 ? r : configuration_warn_of_kubeconfig(c.settings, options, &ret->warnings);
}

/* --check-config: says on stdout what is wrong. Returns 0 where nothing is, 1 where there are warnings only,
 * -EBADMSG for errors. */
int configuration_check(const Options *options) {
        _cleanup_(problems_done) Problems p = PROBLEMS_NULL;
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(LIMIT_VARLINK_REPLY);
        int r;

        r = find_all_problems(options, &p);
        if (r >= 0)
                r = problems_put(&p, &text);
        if (r < 0)
                return r;
        (void) fputs(buffer_cstr(&text), stdout);
        return p.errors ? -EBADMSG : p.warnings ? 1 : 0;
}
