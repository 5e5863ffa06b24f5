/* SPDX-License-Identifier: Apache-2.0 */

/* A gate file becomes a definition assignment by assignment, in the order of reading. No error ends the reading:
 * the first one is kept as the reason why the gate is invalid, the others beside it, and the rest still counts,
 * because an invalid gate is required by its last readable Required=. An unknown key is a warning; a section of an
 * unknown kind is an error, because without it a gate would ask less than its author meant. */

#include "gates/definition.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "base/string-util.h"
#include "base/value.h"
#include "gates/condition-microshift.h"

#define WARNINGS_MAX 32
#define ERRORS_MAX 16
#define LABEL_LENGTH_MAX 63
#define VALUE_SHOWN_MAX 128
#define CAUSE_SHOWN_MAX 511

typedef struct GateReader {
        GateDefinition *definition;
        CheckSyntaxFinder find_syntax;
        CheckDefinition *check; /* that the line belongs to; NULL in [Gate] and in what is skipped */
} GateReader;

/* "FILE:LINE: TEXT", with no more than max bytes of the text. */
static int _printf_(5, 0)
        tell(char **ret, const char *file, unsigned line, size_t max, const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL;

        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return asprintf_ret(ret, "%s:%u: %.*s", file, line, (int) utf8_truncate(text, max), text);
}

/* The first cause stands; those over the ceiling are left out. */
static int _printf_(4, 5)
        make_invalid(GateDefinition *d, const char *file, unsigned line, const char *format, ...) {
        va_list ap;
        char *s;
        int k;

        if (strv_length(d->errors) >= ERRORS_MAX)
                return 0;
        va_start(ap, format);
        k = tell(&s, file, line, CAUSE_SHOWN_MAX, format, ap);
        va_end(ap);
        if (k < 0 || d->invalid)
                return k < 0 ? k : strv_consume(&d->errors, s);
        d->invalid = s;
        return 0;
}

/* Those over the ceiling are left out. */
static int _printf_(4, 5) warn(GateDefinition *d, const char *file, unsigned line, const char *format, ...) {
        va_list ap;
        char *s;
        int k;

        if (strv_length(d->warnings) >= WARNINGS_MAX)
                return 0;
        va_start(ap, format);
        k = tell(&s, file, line, LIMIT_CONFIG_FILE, format, ap);
        va_end(ap);
        return k < 0 ? k : strv_consume(&d->warnings, s);
}

/* As in systemd, names that begin with X- are other programs'. */
static bool is_extension(const char *s) {
        return startswith(s, "X-");
}

static CheckDefinition *find_check(GateDefinition *d, const CheckSyntax *syntax, const char *label) {
        for (size_t i = 0; i < d->n_checks; i++)
                if (d->checks[i]->syntax == syntax && streq(d->checks[i]->label, label))
                        return d->checks[i];
        return NULL;
}

static int add_check(GateDefinition *d, const CheckSyntax *syntax, const ConfLine *l,
                     CheckDefinition **ret) {
        CheckDefinition **grown;
        int k;

        if (d->n_checks >= LIMIT_CHECKS)
                return make_invalid(d, l->file, l->line, "too many checks");
        grown = realloc(d->checks, (d->n_checks + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        d->checks = grown;
        k = check_definition_new(syntax, l->label, l->file, l->line, ret);
        if (k < 0)
                return k;
        grown[d->n_checks++] = *ret;
        return 0;
}

/* Whether a section of that kind and label stands further up in the same file. */
static bool is_repeated(const ConfFile *conf, const ConfLine *l) {
        for (const ConfLine *o = conf->lines; o < l; o++)
                if (!o->key && o->file == l->file && streq(o->section, l->section) &&
                    streq(o->label, l->label))
                        return true;
        return false;
}

/* nearest: of the sections of checks. */
static int refuse_section(GateDefinition *d, const ConfLine *l, const char *nearest) {
        nearest = nearest_name(l->section, (char *const[]){ (char *) "Gate", (char *) nearest, NULL });
        return make_invalid(d, l->file, l->line, "unknown section [%.*s]%s%s%s",
                            (int) utf8_truncate(l->section, VALUE_SHOWN_MAX), l->section,
                            nearest ? ", did you mean [" : "", strempty(nearest), nearest ? "]?" : "");
}

/* A drop-in goes on with the check of that kind and label where there is one. */
static int open_section(GateReader *r, const ConfFile *conf, const ConfLine *l) {
        GateDefinition *d = r->definition;
        bool is_full = strv_length(d->errors) >= ERRORS_MAX; /* the search takes a while */
        const char *nearest = NULL;
        const CheckSyntax *syntax = r->find_syntax(l->section, is_full ? NULL : &nearest);

        r->check = NULL;
        if (is_extension(l->section))
                return 0;
        if (streq(l->section, "Gate"))
                return *l->label ? make_invalid(d, l->file, l->line, "[Gate] takes no label") : 0;
        if (!syntax)
                return refuse_section(d, l, nearest);
        if (strlen(l->label) > LABEL_LENGTH_MAX || !value_is_printable(l->label))
                return make_invalid(d, l->file, l->line, "a label that is too long or cannot be printed");
        if (!d->invalid && is_repeated(conf, l))
                return make_invalid(d, l->file, l->line, "[%s%s%s] occurs twice%s", l->section,
                                    *l->label ? " " : "", l->label, *l->label ? "" : "; give them labels");

        r->check = find_check(d, syntax, l->label);
        return r->check ? 0 : add_check(d, syntax, l, &r->check);
}

static int warn_of_key(GateReader *r, const ConfLine *l) {
        const char *nearest;

        if (strv_length(r->definition->warnings) >= WARNINGS_MAX)
                return 0; /* the search takes a while */
        nearest = r->check ? check_definition_nearest_key(r->check, l->key) : gate_key_nearest(l->key);
        return warn(r->definition, l->file, l->line, "unknown key %.*s= in [%s], ignoring%s%s%s",
                    (int) utf8_truncate(l->key, VALUE_SHOWN_MAX), l->key, l->section,
                    nearest ? "; did you mean " : "", strempty(nearest), nearest ? "=?" : "");
}

/* Keeps where the value stands, for what is found out about it later. */
static int keep_place(GateDefinition *d, size_t conditions, const ConfLine *l) {
        if (d->n_conditions > conditions) {
                d->conditions[conditions].line = l->line;
                d->conditions[conditions].file = strdup(l->file);
                if (!d->conditions[conditions].file)
                        return -ENOMEM;
        }
        return conf_keep_places(l, d->after, &d->after_places);
}

static int take_assignment(GateReader *r, const ConfLine *l) {
        GateDefinition *d = r->definition;
        size_t conditions = d->n_conditions;
        const char *why = NULL, *shown;
        int k;

        if (is_extension(l->section) || is_extension(l->key) || (!r->check && !streq(l->section, "Gate")))
                return 0;

        k = r->check ? check_definition_set(r->check, l->key, l->value, &why)
                     : gate_key_set(d, l->key, l->value, &why);
        if (k == -ENOENT)
                return warn_of_key(r, l);
        if (k == 0 && value_has_comment(l->value)) {
                why = VALUE_COMMENTED;
                k = 1;
        }
        shown = value_shown(l->value);
        if (k == -EINVAL)
                k = make_invalid(d, l->file, l->line, "%s=%.*s: %s", l->key,
                                 (int) utf8_truncate(shown, VALUE_SHOWN_MAX), shown,
                                 value_explain(l->value, why));
        else if (k > 0)
                k = warn(d, l->file, l->line, "%s=%.*s: %s", l->key,
                         (int) utf8_truncate(shown, VALUE_SHOWN_MAX), shown, why);
        return k < 0 ? k : keep_place(d, conditions, l);
}

static int look_for_missing(GateDefinition *d, const ConfFile *conf) {
        int k = 0;

        /* What a line with an error should have said is not told as missing. */
        if (d->invalid)
                return 0;
        for (size_t i = 0; k >= 0 && i < d->n_checks; i++) {
                const CheckDefinition *c = d->checks[i];
                const char *missing = check_definition_missing(c), *conflict = check_definition_conflict(c);

                if (missing)
                        k = make_invalid(d, c->file, c->line, "[%s%s%s] lacks %s=", c->syntax->section,
                                         *c->label ? " " : "", c->label, missing);
                else if (conflict)
                        k = make_invalid(d, c->file, c->line, "[%s%s%s] %s", c->syntax->section,
                                         *c->label ? " " : "", c->label, conflict);
        }
        if (k >= 0 && d->n_checks == 0 && !d->invalid)
                k = asprintf_ret(&d->invalid, "%s: no checks", conf->main ?: d->name);
        return k;
}

static int warn_conditions(GateDefinition *d) {
        int k = 0;

        for (size_t i = 0; k >= 0 && i < d->n_conditions; i++) {
                const GateCondition *c = d->conditions + i;

                if (c->key && !microshift_config_knows(c->key))
                        k = warn(
                                d, c->file, c->line,
                                "msready does not know MicroShift's default of %s: empty where it is not set",
                                c->key);
        }
        return k;
}

/* Rule R7: nothing tells whether the condition is of this boot. */
static int warn_uncontrolled(GateDefinition *d) {
        int k = 0;

        for (size_t i = 0; i < d->n_checks; i++)
                if (d->checks[i]->syntax->is_controller)
                        return 0;
        for (size_t i = 0; k >= 0 && i < d->n_checks; i++) {
                const CheckDefinition *c = d->checks[i];

                if (check_definition_needs_controller(c))
                        k = warn(d, c->file, c->line,
                                 "[%s] without its controller, a [Workload] or [Pods], beside it: "
                                 "what an earlier boot left behind counts as true",
                                 c->syntax->section);
        }
        return k;
}

/* Makes the definition of the gate `name` from conf. An error in the files does not fail: it is in the result's
 * invalid, beside what could be read. find_syntax has the sections of checks. -ENOMEM. */
int gate_definition_parse(const char *name, const ConfFile *conf, CheckSyntaxFinder find_syntax,
                          GateDefinition **ret) {
        _cleanup_(gate_definition_freep) GateDefinition *d = calloc(1, sizeof(*d));
        GateReader r = { .definition = d, .find_syntax = find_syntax };
        int k;

        if (!d)
                return -ENOMEM;
        d->required = -1;
        d->name = strdup(name);
        if (!d->name)
                return -ENOMEM;
        k = strv_copy(conf->files, &d->files);
        if (k < 0)
                return k;

        if (!gate_name_is_valid(name))
                k = asprintf_ret(&d->invalid,
                                 "%s: a gate's name has only a-z, 0-9 and inner dashes, 63 at most",
                                 conf->main ?: name);
        else if (streq(name, "cluster"))
                k = asprintf_ret(&d->invalid,
                                 "%s: cluster means all required gates: give the gate another name",
                                 conf->main ?: name);
        else if (conf->errors) {
                k = asprintf_ret(&d->invalid, "%s", conf->errors[0]);
                if (k >= 0)
                        k = strv_copy(conf->errors + 1, &d->errors);
        }
        for (size_t i = 0; k >= 0 && i < conf->n_lines; i++)
                k = conf->lines[i].key ? take_assignment(&r, conf->lines + i)
                                       : open_section(&r, conf, conf->lines + i);
        if (k >= 0)
                k = look_for_missing(d, conf);
        if (k >= 0)
                k = warn_conditions(d);
        if (k >= 0)
                k = warn_uncontrolled(d);
        if (k < 0)
                return k;

        strip_control(d->name);
        *ret = TAKE_PTR(d);
        return 0;
}
