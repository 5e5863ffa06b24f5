/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test.h"

#include <ctype.h>
#include <stdio.h>

#include "base/string-util.h"
#include "json/json.h"
#include "varlink/interface.h"

/* Compares JSON with the types of an interface's own text: every member that has to be there is, none is that the
 * type does not know, each is of its type. What was seen is noted, for a test to end with. Likewise the tables of
 * methods and of their parameters. */

#define IDL_TYPES_MAX 32
#define IDL_FIELDS_MAX 24
#define IDL_METHODS_MAX 16

typedef struct IdlField {
        char name[48], type[48];
        bool nullable, array;
        bool seen, missed; /* it was there; it was not */
} IdlField;

typedef struct IdlType {
        char name[48];
        bool is_enum; /* fields have names only */
        IdlField fields[IDL_FIELDS_MAX];
        size_t n_fields;
} IdlType;

typedef struct IdlMethod {
        IdlType in; /* its parameters */
        bool requires_more;
} IdlMethod;

typedef struct Idl {
        IdlType types[IDL_TYPES_MAX];
        size_t n_types;
        IdlMethod methods[IDL_METHODS_MAX];
        size_t n_methods;
} Idl;

static inline const char *idl_skip(const char *s) {
        return s + strspn(s, " \t\n");
}

static inline const char *idl_word(const char *s, char *ret, size_t size) {
        size_t n = 0;

        s = idl_skip(s);
        while (isalnum((unsigned char) *s) || *s == '_') {
                assert_true(n + 1 < size);
                ret[n++] = *s++;
        }
        ret[n] = '\0';
        assert_true(n > 0);
        return idl_skip(s);
}

/* "NAME (a: ?[]T, b: T)", "NAME (a, b)" or "NAME ()". Returns what comes behind it. */
static inline const char *idl_parse_type(const char *s, IdlType *t) {
        *t = (IdlType){};
        s = idl_word(s, t->name, sizeof(t->name));
        assert_int_equal(*s++, '(');
        if (*s == ')')
                return s + 1;
        for (;;) {
                IdlField *f = &t->fields[t->n_fields++];

                assert_true(t->n_fields <= IDL_FIELDS_MAX);
                s = idl_word(s, f->name, sizeof(f->name));
                if (*s == ':') {
                        s = idl_skip(s + 1);
                        f->nullable = *s == '?';
                        s += f->nullable;
                        f->array = startswith(s, "[]");
                        s += f->array ? 2 : 0;
                        s = idl_word(s, f->type, sizeof(f->type));
                } else
                        t->is_enum = true;
                if (*s == ')')
                        return s + 1;
                assert_int_equal(*s++, ',');
        }
}

static inline void idl_parse(Idl *idl, const char *text) {
        bool more = false;

        *idl = (Idl){};
        for (const char *s = text; s && *s; s = strchr(s, '\n')) {
                const char *rest;

                s += *s == '\n';
                if ((rest = startswith(s, "type "))) {
                        assert_true(idl->n_types < IDL_TYPES_MAX);
                        s = idl_parse_type(rest, &idl->types[idl->n_types++]);
                } else if ((rest = startswith(s, "method "))) {
                        IdlMethod *m = &idl->methods[idl->n_methods++];

                        assert_true(idl->n_methods <= IDL_METHODS_MAX);
                        m->requires_more = more;
                        s = idl_parse_type(rest, &m->in);
                }
                more = startswith(s, "# [Requires 'more' flag]") || (more && *s == '#');
        }
        assert_true(idl->n_methods > 0);
}

static inline IdlType *idl_find(Idl *idl, const char *name) {
        for (size_t i = 0; i < idl->n_types; i++)
                if (streq(idl->types[i].name, name))
                        return &idl->types[i];
        return NULL;
}

static inline IdlField *idl_field(IdlType *t, const char *name) {
        for (size_t i = 0; i < t->n_fields; i++)
                if (streq(t->fields[i].name, name))
                        return &t->fields[i];
        return NULL;
}

static inline VlType idl_parameter_type(Idl *idl, const IdlField *f) {
        IdlType *t = idl_find(idl, f->type);

        if (f->array && streq(f->type, "string"))
                return VL_STRINGS;
        assert_false(f->array);
        if (t)
                return t->is_enum ? VL_STRING : VL_OBJECT;
        return streq(f->type, "bool") ? VL_BOOL : streq(f->type, "int") ? VL_INT : VL_STRING;
}

/* Fails where the table of parameters is not what the interface's text says of the method. */
static inline void idl_check_method(Idl *idl, IdlMethod *of_text, const VlMethod *method) {
        size_t n = 0;

        assert_int_equal(method->requires_more, of_text->requires_more);
        for (const VlParameter *p = method->parameters; p && p->name; p++, n++) {
                const IdlField *f = idl_field(&of_text->in, p->name);

                if (!f || p->type != idl_parameter_type(idl, f) || p->nullable != f->nullable)
                        fail_msg("%s takes another parameter %s than its text says", method->name, p->name);
        }
        assert_int_equal(n, of_text->in.n_fields);
}

/* Fails where the interface's methods are not those of its text. */
static inline void idl_check_methods(const VlInterface *interface) {
        Idl idl;
        size_t n = 0;

        idl_parse(&idl, interface->description);
        for (const VlMethod *m = interface->methods; m->name; m++, n++) {
                IdlMethod *found = NULL;

                for (size_t i = 0; i < idl.n_methods; i++)
                        if (streq(idl.methods[i].in.name, m->name))
                                found = &idl.methods[i];
                if (!found)
                        fail_msg("%s has no method %s in its text", interface->name, m->name);
                idl_check_method(&idl, found, m);
        }
        assert_int_equal(n, idl.n_methods);
}

static inline void idl_check(Idl *idl, const char *type, const JsonValue *v);

static inline void idl_check_basic(const char *type, const JsonValue *v) {
        int64_t i;

        if (streq(type, "string"))
                assert_true(jv_is_string(v) && utf8_is_valid(jv_string(v), strlen(jv_string(v))));
        else if (streq(type, "bool"))
                assert_true(jv_is_bool(v));
        else if (streq(type, "int")) {
                assert_ok(jv_int(v, &i));
                assert_true(i >= -1 && i <= INT64_C(1) << 53);
        } else
                fail_msg("the interface knows no type %s", type);
}

static inline void idl_check_object(Idl *idl, IdlType *t, const JsonValue *v) {
        assert_true(jv_is_object(v));
        JSON_FOREACH(member, v)
                if (!idl_field(t, jv_key(member)))
                        fail_msg("%s has no member %s", t->name, jv_key(member));
        for (size_t i = 0; i < t->n_fields; i++) {
                IdlField *f = &t->fields[i];
                const JsonValue *member = jv_get(v, f->name);

                if (!member || jv_is_null(member)) {
                        if (!f->nullable)
                                fail_msg("%s lacks its member %s", t->name, f->name);
                        f->missed = true;
                        continue;
                }
                f->seen = true;
                if (!f->array) {
                        idl_check(idl, f->type, member);
                        continue;
                }
                assert_true(jv_is_array(member));
                JSON_FOREACH(e, member)
                        idl_check(idl, f->type, e);
        }
}

/* Fails where v is not of the type. */
static inline void idl_check(Idl *idl, const char *type, const JsonValue *v) {
        IdlType *t = idl_find(idl, type);
        IdlField *f;

        if (!t) {
                idl_check_basic(type, v);
                return;
        }
        if (!t->is_enum) {
                idl_check_object(idl, t, v);
                return;
        }
        f = jv_is_string(v) ? idl_field(t, jv_string(v)) : NULL;
        if (!f)
                fail_msg("%s has no value \"%s\"", type, strna(jv_string(v)));
        f->seen = true;
}

/* Fails where a member, or a value of an enumeration, has not been seen, or a nullable one never missed. */
static inline void idl_check_all_seen(Idl *idl, const char *type) {
        IdlType *t = idl_find(idl, type);

        assert_non_null(t);
        for (size_t i = 0; i < t->n_fields; i++) {
                if (!t->fields[i].seen)
                        fail_msg("%s.%s was never seen", type, t->fields[i].name);
                if (t->fields[i].nullable && !t->fields[i].missed)
                        fail_msg("%s.%s was never absent", type, t->fields[i].name);
        }
}
