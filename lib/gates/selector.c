/* SPDX-License-Identifier: Apache-2.0 */

/* Label selectors in kubectl's syntax: requirements with commas between, each "KEY", "!KEY", "KEY=VALUE",
 * "KEY==VALUE", "KEY!=VALUE", "KEY in (A,B)" or "KEY notin (A,B)". They mean what they mean to kubectl: != and
 * notin also match objects without the label. */

#include "gates/selector.h"

#include "base/string-util.h"
#include "base/value.h"
#include "kube/name.h"

#define BLANKS " \t"
#define REQUIREMENTS_MAX 64
#define VALUES_MAX 256

void selector_free(SelectorRequirement *requirements, size_t n) {
        for (size_t i = 0; i < n; i++) {
                free(requirements[i].key);
                strv_free(requirements[i].values);
        }
        free(requirements);
}

typedef struct Scan {
        const char *p;
        const char *why;
} Scan;

static int refuse(Scan *s, const char *why) {
        s->why = why;
        return -EINVAL;
}

static void skip_blanks(Scan *s) {
        s->p += strspn(s->p, BLANKS);
}

/* Up to the next character that has a meaning of its own. */
static size_t word_length(const Scan *s) {
        return strcspn(s->p, BLANKS ",=!()");
}

static int take_key(Scan *s, SelectorRequirement *q) {
        size_t n;

        skip_blanks(s);
        n = word_length(s);
        if (*s->p == '"' || *s->p == '\'')
                return refuse(s, VALUE_QUOTED);
        if (!kube_label_key_is_valid(s->p, n))
                return refuse(s, "the name of a label is missing or not valid");
        q->key = strndup(s->p, n);
        if (!q->key)
                return -ENOMEM;
        s->p += n;
        return 0;
}

/* One value, which may be empty. */
static int take_value(Scan *s, SelectorRequirement *q) {
        size_t n;

        skip_blanks(s);
        n = word_length(s);
        if (*s->p == '"' || *s->p == '\'')
                return refuse(s, VALUE_QUOTED);
        if (!kube_label_value_is_valid(s->p, n))
                return refuse(
                        s, "not a value that a label can have: letters, digits and inner - _ ., 63 at most");
        if (strv_length(q->values) >= VALUES_MAX)
                return refuse(s, "too many values");
        s->p += n;
        return strv_consume(&q->values, strndup(s->p - n, n));
}

/* "(A,B)". */
static int take_set(Scan *s, SelectorRequirement *q) {
        int r;

        skip_blanks(s);
        if (*s->p++ != '(') {
                s->p--;
                return refuse(s, "\"(\" is missing after in or notin");
        }
        for (;;) {
                r = take_value(s, q);
                if (r < 0)
                        return r;
                skip_blanks(s);
                if (*s->p == ')') {
                        s->p++;
                        return 0;
                }
                if (*s->p != ',')
                        return refuse(s, "\")\" is missing");
                s->p++;
        }
}

/* The operator and its values. */
static int take_operator(Scan *s, SelectorRequirement *q) {
        static const struct {
                const char *text;
                SelectorOperator operator;
                int (*take)(Scan *s, SelectorRequirement *q);
        } operators[] = {
                { "==", SELECTOR_EQUALS, take_value },     { "=", SELECTOR_EQUALS, take_value },
                { "!=", SELECTOR_NOT_EQUALS, take_value }, { "in", SELECTOR_IN, take_set },
                { "notin", SELECTOR_NOT_IN, take_set },
        };
        size_t word;

        skip_blanks(s);
        word = word_length(s);
        if (*s->p == '\0' || *s->p == ',') {
                q->operator= SELECTOR_EXISTS;
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(operators); i++) {
                const char *rest = startswith(s->p, operators[i].text);

                if (!rest || (word > 0 && word != strlen(operators[i].text)))
                        continue;
                q->operator= operators[i].operator;
                s->p = rest;
                return operators[i].take(s, q);
        }
        return refuse(s, "=, !=, in or notin is missing after the name of a label");
}

static int take_requirement(Scan *s, SelectorRequirement *q) {
        int r;

        skip_blanks(s);
        if (*s->p == '!') {
                s->p++;
                q->operator= SELECTOR_ABSENT;
                r = take_key(s, q);
        } else {
                r = take_key(s, q);
                if (r >= 0)
                        r = take_operator(s, q);
        }
        if (r < 0)
                return r;

        skip_blanks(s);
        if (*s->p != '\0' && *s->p != ',')
                return refuse(s, "a comma is missing");
        return 0;
}

/* Reads a selector. -EINVAL with the reason (static) in reterr_why (may be NULL), -ENOMEM. An empty text has no
 * requirements. */
int selector_parse(const char *text, SelectorRequirement **ret, size_t *ret_n, const char **reterr_why) {
        SelectorRequirement *requirements = NULL;
        Scan s = { .p = text };
        size_t n = 0;
        int r = 0;

        skip_blanks(&s);
        for (bool more = *s.p; more && r >= 0; more = r >= 0 && *s.p++ == ',') {
                SelectorRequirement *grown;

                if (n >= REQUIREMENTS_MAX) {
                        r = refuse(&s, "too many requirements");
                        break;
                }
                grown = realloc(requirements, (n + 1) * sizeof(*grown));
                if (!grown) {
                        r = -ENOMEM;
                        break;
                }
                requirements = grown;
                requirements[n] = (SelectorRequirement){};
                r = take_requirement(&s, requirements + n++);
        }
        if (r < 0) {
                selector_free(requirements, n);
                if (s.why && reterr_why)
                        *reterr_why = s.why;
                return r;
        }

        *ret = requirements;
        *ret_n = n;
        return 0;
}

static bool requirement_matches(const SelectorRequirement *q, const KubeObject *o) {
        const char *value = kube_label(o, q->key);

        switch (q->operator) {
        case SELECTOR_EQUALS:
        case SELECTOR_IN:
                return value && strv_contains(q->values, value);
        case SELECTOR_NOT_EQUALS:
        case SELECTOR_NOT_IN:
                return !value || !strv_contains(q->values, value);
        case SELECTOR_EXISTS:
                return value;
        case SELECTOR_ABSENT:
                return !value;
        }
        return false;
}

/* Whether the object's labels meet all requirements; none are met by everything. */
bool selector_matches(const SelectorRequirement *requirements, size_t n, const KubeObject *o) {
        for (size_t i = 0; i < n; i++)
                if (!requirement_matches(requirements + i, o))
                        return false;
        return true;
}
