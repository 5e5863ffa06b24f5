/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/definition.h"

#include "base/limits.h"
#include "base/string-util.h"

#define SUFFIX ".gate"

static int load_conf(char *const *folders, const char *name, ConfFile **ret) {
        _cleanup_free_ char *file = NULL;
        int r;

        r = asprintf_ret(&file, "%s" SUFFIX, name);
        return r < 0 ? r : conf_load(folders, file, ret);
}

/* An invalid gate is required also where the vendor's file of its name, further down, says so: a slip in an
 * override must not take a gate out of the verdict. */
static int inherit_required(char *const *folders, const char *name, CheckSyntaxFinder find_syntax,
                            GateDefinition *d) {
        STRV_FOREACH(f, folders) {
                _cleanup_(gate_definition_freep) GateDefinition *other = NULL;
                _cleanup_(conf_file_freep) ConfFile *conf = NULL;
                char *const folder[] = { *f, NULL };
                int r;

                r = load_conf(folder, name, &conf);
                if (r < 0)
                        return r;
                if (!conf->main || conf->masked)
                        continue;
                r = gate_definition_parse(name, conf, find_syntax, &other);
                if (r < 0)
                        return r;
                if (other->required > 0) {
                        d->required = 1;
                        return 0;
                }
        }
        return 0;
}

/* The gate's own file, below the mask, with its drop-ins; without checks where no folder has one. */
static int load_below_mask(char *const *folders, const char *name, CheckSyntaxFinder find_syntax,
                           GateDefinition **ret) {
        _cleanup_(conf_file_freep) ConfFile *empty = NULL;
        int r;

        STRV_FOREACH(f, folders) {
                _cleanup_(conf_file_freep) ConfFile *conf = NULL, *whole = NULL;
                char *const folder[] = { *f, NULL };

                r = load_conf(folder, name, &conf);
                if (r < 0)
                        return r;
                if (!conf->main || conf->masked)
                        continue;
                r = conf_load_path(conf->main, folders, conf->name, &whole);
                return r < 0 ? r : gate_definition_parse(name, whole, find_syntax, ret);
        }
        r = conf_parse(name, name, "", 0, &empty);
        return r < 0 ? r : gate_definition_parse(name, empty, find_syntax, ret);
}

/* A masked gate has the description of its own file, and what that file says of where it is required. */
static int load_masked(char *const *folders, const char *name, const char *mask,
                       CheckSyntaxFinder find_syntax, GateDefinition **ret) {
        _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
        int r;

        if (!gate_name_is_valid(name))
                return -ENOENT;
        r = load_below_mask(folders, name, find_syntax, &d);
        if (r < 0)
                return r;
        gate_definition_clear_checks(d);
        d->after = strv_free(d->after);
        d->after_places = strv_free(d->after_places);
        d->warnings = strv_free(d->warnings);
        d->errors = strv_free(d->errors);
        d->files = strv_free(d->files);
        d->invalid = mfree(d->invalid);
        d->masked = strdup(mask);
        if (!d->masked)
                return -ENOMEM;
        r = strv_extend(&d->files, mask);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(d);
        return 0;
}

/* Loads the gate of that name out of folders, the first on top, with its drop-ins. Where its files are wrong the
 * definition says so in invalid, where it is masked, by what. -ENOENT where no folder has it, -ENOMEM. */
int gate_definition_load(char *const *folders, const char *name, CheckSyntaxFinder find_syntax,
                         GateDefinition **ret) {
        _cleanup_(gate_definition_freep) GateDefinition *d = NULL;
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        int r;

        r = load_conf(folders, name, &conf);
        if (r < 0)
                return r;
        if (!conf->main)
                return -ENOENT;
        if (conf->masked)
                return load_masked(folders, name, conf->main, find_syntax, ret);
        r = gate_definition_parse(name, conf, find_syntax, &d);
        if (r >= 0 && d->invalid && d->required <= 0)
                r = inherit_required(folders, name, find_syntax, d);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(d);
        return 0;
}

void gate_definitions_free(GateDefinition **definitions, size_t n) {
        for (size_t i = 0; i < n; i++)
                gate_definition_free(definitions[i]);
        free(definitions);
}

static int load_all(char *const *folders, char *const *files, CheckSyntaxFinder find_syntax,
                    GateDefinition **definitions, size_t *n) {
        STRV_FOREACH(f, files) {
                _cleanup_free_ char *name = strndup(*f, strlen(*f) - strlen(SUFFIX));
                int r;

                if (!name)
                        return -ENOMEM;
                r = gate_definition_load(folders, name, find_syntax, definitions + *n);
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return r;
                (*n)++;
        }
        return 0;
}

/* Loads all gates of folders, sorted by name. Invalid and masked ones are among them. -E2BIG above
 * LIMIT_GATES, an error of the system where a folder cannot be listed, both with reterr_detail (may be NULL);
 * -ENOMEM. The result goes to gate_definitions_free(). */
int gate_definitions_load(char *const *folders, CheckSyntaxFinder find_syntax, GateDefinition ***ret,
                          size_t *ret_n, char **reterr_detail) {
        _cleanup_(strv_freep) char **files = NULL;
        GateDefinition **definitions;
        size_t n = 0;
        int r;

        r = conf_enumerate(folders, SUFFIX, &files, reterr_detail);
        if (r < 0)
                return r;
        if (strv_length(files) > LIMIT_GATES) {
                if (reterr_detail)
                        (void) asprintf_ret(reterr_detail, "%zu gates; more than %d are too many",
                                            strv_length(files), LIMIT_GATES);
                return -E2BIG;
        }
        definitions = calloc(strv_length(files) + 1, sizeof(*definitions));
        if (!definitions)
                return -ENOMEM;
        r = load_all(folders, files, find_syntax, definitions, &n);
        if (r < 0) {
                gate_definitions_free(definitions, n);
                return r;
        }

        *ret = definitions;
        *ret_n = n;
        return 0;
}
