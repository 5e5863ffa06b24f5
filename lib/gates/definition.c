/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/definition.h"

#include "base/hash.h"

#define NAME_MAX_LENGTH 63

void gate_condition_done(GateCondition *c) {
        free(c->argument);
        free(c->key);
        free(c->file);
}

/* Drops all conditions, as an empty assignment of one does. */
void gate_definition_clear_conditions(GateDefinition *d) {
        for (size_t i = 0; i < d->n_conditions; i++)
                gate_condition_done(d->conditions + i);
        d->conditions = mfree(d->conditions);
        d->n_conditions = 0;
}

void gate_definition_clear_checks(GateDefinition *d) {
        for (size_t i = 0; i < d->n_checks; i++)
                check_definition_free(d->checks[i]);
        d->checks = mfree(d->checks);
        d->n_checks = 0;
}

/* Whether the gate applies because MicroShift deploys a folder of manifests. */
bool gate_definition_asks_for_manifests(const GateDefinition *d) {
        for (size_t i = 0; i < d->n_conditions; i++)
                if (d->conditions[i].kind == GATE_CONDITION_MICROSHIFT_DEPLOYS && !d->conditions[i].negate)
                        return true;
        return false;
}

GateDefinition *gate_definition_free(GateDefinition *d) {
        if (!d)
                return NULL;
        gate_definition_clear_conditions(d);
        gate_definition_clear_checks(d);
        strv_free(d->after);
        strv_free(d->after_places);
        strv_free(d->files);
        strv_free(d->warnings);
        strv_free(d->errors);
        free(d->name);
        free(d->description);
        free(d->invalid);
        free(d->masked);
        return mfree(d);
}

/* [a-z0-9]([a-z0-9-]*[a-z0-9])?, at most 63 long: what unit names and file names take unescaped. */
bool gate_name_is_valid(const char *name) {
        size_t n = strlen(name);

        if (n == 0 || n > NAME_MAX_LENGTH || name[0] == '-' || name[n - 1] == '-')
                return false;
        return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* Whether both gates ask the same questions in the same order, so that what was learnt for one holds for the
 * other, check by check. An invalid gate asks nothing. */
bool gate_definition_checks_equal(const GateDefinition *a, const GateDefinition *b) {
        if (!a->invalid != !b->invalid || a->n_checks != b->n_checks)
                return false;
        for (size_t i = 0; i < a->n_checks; i++)
                if (!check_definition_equal(a->checks[i], b->checks[i]))
                        return false;
        return true;
}

/* A number that is the same where gate_definition_checks_equal() says so, also in another run of the program.
 * -ENOMEM. */
int gate_definition_checks_hash(const GateDefinition *d, uint64_t *ret) {
        uint64_t h = FNV_INIT;
        int r;

        for (size_t i = 0; !d->invalid && i < d->n_checks; i++) {
                r = check_definition_hash(d->checks[i], &h);
                if (r < 0)
                        return r;
        }

        *ret = h;
        return 0;
}
