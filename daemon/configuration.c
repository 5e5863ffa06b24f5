/* SPDX-License-Identifier: Apache-2.0 */

/* From files to gates that can be put on the board. Three things are decided here and nowhere else: which gates
 * there are, which of them are required, and which apply on this host. */

#include "configuration.h"

#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "chosen-kubeconfig.h"
#include "gates/gate-condition.h"
#include "gates/definition.h"
#include "ready/check-kinds.h"

/* /etc/msready and /usr/lib/msready, unless the build was told another prefix. */
static char *const settings_folders[] = { (char *) CONFIG_FOLDER, (char *) VENDOR_FOLDER, NULL };
static char *const gate_folders[] = { (char *) CONFIG_FOLDER "/gates.d", (char *) VENDOR_FOLDER "/gates.d",
                                      NULL };

/* The folders of the gates' files. They live as long as the options. */
char *const *configuration_folders(const Options *options) {
        return options->gates_dirs ?: gate_folders;
}

void configuration_done(Configuration *c) {
        settings_free(c->settings);
        for (size_t i = 0; i < c->n_setups; i++)
                gate_setup_done(&c->setups[i]);
        free(c->setups);
        strv_free(c->warnings);
        *c = CONFIGURATION_NULL;
}

static int load_settings(const Options *options, Settings **ret, char **reterr_detail) {
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        int r;

        r = options->config ? conf_load_path(options->config, NULL, "msready.conf", &conf)
                            : conf_load(settings_folders, "msready.conf", &conf);
        if (r < 0) {
                (void) asprintf_ret(reterr_detail, "%s: %s", options->config ?: "msready.conf",
                                    strerror(-r));
                return r;
        }
        return settings_parse(conf, ret, reterr_detail);
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

/* facts may be NULL where the definition is invalid. */
static int take_definition(Configuration *c, GateDefinition *definition, const GateFacts *facts) {
        _cleanup_(gate_definition_freep) GateDefinition *d = definition;
        GateSetup *s = &c->setups[c->n_setups];
        int r;

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

        if (!d->invalid) {
                r = gate_conditions_hold(d, facts, &s->cause);
                if (r == -ENOMEM)
                        return r;
                /* A condition that cannot be read disables nothing: the gate is enabled, and waits with the cause. */
                s->enabled = r != 0;
                if (r > 0)
                        s->cause = mfree(s->cause);
        }

        s->definition = TAKE_PTR(d);
        c->n_setups++;
        return 0;
}

static bool has_gate(const Configuration *c, const char *name) {
        for (size_t i = 0; i < c->n_setups; i++)
                if (streq(c->setups[i].definition->name, name))
                        return true;
        return false;
}

/* A name in Require= that no gate has becomes a required gate that waits and says so. */
static int invent(Configuration *c, const char *name) {
        _cleanup_(gate_definition_freep) GateDefinition *d = calloc(1, sizeof(GateDefinition));
        int r;

        if (!d)
                return -ENOMEM;
        d->name = strdup(name);
        d->description = strdup("");
        if (!d->name || !d->description)
                return -ENOMEM;
        r = asprintf_ret(&d->invalid,
                         "Require= names %s, but there is no gate of that name, or it is masked", name);
        return r < 0 ? r : take_definition(c, TAKE_PTR(d), NULL);
}

static int invent_missing(Configuration *c, char *const *names) {
        int r;

        STRV_FOREACH(name, names) {
                r = has_gate(c, *name) ? 0 : invent(c, *name);
                if (r < 0)
                        return r;
        }
        return 0;
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

        r = invent_missing(c, c->settings->require);
        if (r < 0)
                return r;
        return invent_missing(c, c->settings->require_added);
}

/* Reads everything. On failure *reterr_detail says what is wrong, with file and line, and nothing has been
 * changed. Invalid gates are no failure: they are gates that wait. */
int configuration_load(const Options *options, Configuration *ret, char **reterr_detail) {
        _cleanup_(configuration_done) Configuration c = CONFIGURATION_NULL;
        int r;

        r = load_settings(options, &c.settings, reterr_detail);
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

/* A reload refuses a context or a file that is not there; MicroShift may yet write it. Who may not read it cannot
 * tell. */
static int warn_of_kubeconfig(Configuration *c, const Options *options) {
        _cleanup_free_ char *detail = NULL;
        int r;

        if (!c->settings->kubeconfig && !c->settings->context)
                return 0;
        r = chosen_kubeconfig_try(options, c->settings, &c->warnings, &detail);
        return r >= 0 || r == -EACCES || !detail ? 0 : strv_consume(&c->warnings, TAKE_PTR(detail));
}

/* --check-config: says on stdout what is wrong. Returns 0 where nothing is, 1 where there are warnings only,
 * -EBADMSG for errors. */
int configuration_check(const Options *options) {
        _cleanup_(configuration_done) Configuration c = CONFIGURATION_NULL;
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        _cleanup_free_ char *detail = NULL;
        Board board = BOARD_INIT;
        bool bad = false, required = false, warned;
        int r;

        r = configuration_load(options, &c, &detail);
        if (r < 0) {
                printf("error: %s\n", detail ?: strerror(-r));
                return -EBADMSG;
        }
        for (size_t i = 0; i < c.n_setups; i++) {
                const GateSetup *s = &c.setups[i];
                const char *trouble = gate_setup_trouble(s);

                required = required || (s->required && s->enabled);
                if (trouble)
                        printf("error: gate %s: %s\n", s->definition->name, trouble);
                bad = bad || trouble;
        }
        r = warn_of_kubeconfig(&c, options);
        if (r >= 0)
                r = board_set(&board, c.setups, c.n_setups, instant_now(), &warnings, &removed);
        board_done(&board);
        if (r < 0)
                return r;
        STRV_FOREACH(w, c.warnings)
                printf("warning: %s\n", *w);
        STRV_FOREACH(w, warnings)
                printf("warning: %s\n", *w);
        if (!required)
                printf("warning: no gate is required, so the cluster waits with the reason NothingRequired\n");

        warned = c.warnings || warnings || !required;
        if (!bad)
                printf("%zu gates, no errors%s\n", c.n_setups, warned ? ", see the warnings" : "");
        return bad ? -EBADMSG : warned;
}
