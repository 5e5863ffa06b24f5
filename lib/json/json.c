/* SPDX-License-Identifier: Apache-2.0 */

/* cJSON keeps numbers as doubles and prints 2^53 as 9.00719925474099e+15, so the printer is ours: integers
 * are printed as integers, and a number never takes the locale's decimal comma. An integer that a double
 * does not hold exactly is kept as cJSON's "raw" text; only jb_int() makes such nodes. */

#include "json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/string-util.h"

/* Up to this many members are compared pair by pair, which needs no memory. */
#define PAIRWISE_MAX 16

static int compare_keys(const void *a, const void *b) {
        return strcmp((*(const cJSON *const *) a)->string, (*(const cJSON *const *) b)->string);
}

static int check_keys_sorted(const cJSON *object, size_t n) {
        _cleanup_free_ const cJSON **members = calloc(n, sizeof(*members));
        size_t i = 0;

        if (!members)
                return -ENOMEM;
        for (const cJSON *m = object->child; m; m = m->next)
                members[i++] = m;
        qsort(members, n, sizeof(*members), compare_keys);
        for (i = 1; i < n; i++)
                if (streq(members[i - 1]->string, members[i]->string))
                        return -EBADMSG;
        return 0;
}

static int check_keys(const cJSON *object) {
        size_t n = 0;

        for (const cJSON *m = object->child; m; m = m->next, n++) {
                if (n >= PAIRWISE_MAX)
                        return check_keys_sorted(object, jv_length(object));
                for (const cJSON *o = object->child; o != m; o = o->next)
                        if (streq(o->string, m->string))
                                return -EBADMSG;
        }
        return 0;
}

/* Finds what only decoded text shows: keys that occur twice, numbers beyond a double. Recurses no deeper
 * than JSON_DEPTH_MAX. */
static int check_tree(const cJSON *v) {
        int r;

        if (cJSON_IsNumber(v))
                return isfinite(v->valuedouble) ? 0 : -EBADMSG;
        r = cJSON_IsObject(v) ? check_keys(v) : 0;
        for (const cJSON *c = v->child; c && r >= 0; c = c->next)
                r = check_tree(c);
        return r;
}

/* Reads exactly one JSON value with nothing but white space around it; text need not end in NUL. The result
 * is the caller's, for jv_free(). -EBADMSG for anything else, also for bytes that are not UTF-8, for
 * "\u0000" and for a key that occurs twice in one object, because another reader might take the other one.
 * -E2BIG as jv_check_text(); -ENOMEM. */
int jv_parse(const char *text, size_t size, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        int r;

        r = jv_check_text(text, size);
        if (r < 0)
                return r;

        v = cJSON_ParseWithLength(text, size);
        if (!v)
                return -ENOMEM; /* the text itself was found to be good */

        r = check_tree(v);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

JsonValue *jv_free(JsonValue *v) {
        cJSON_Delete(v);
        return NULL;
}

/* For NULL, which stands for an absent member, all of jv_is_…() are false, jv_is_null() too. */
bool jv_is_null(const JsonValue *v) {
        return cJSON_IsNull(v);
}

bool jv_is_object(const JsonValue *v) {
        return cJSON_IsObject(v);
}

bool jv_is_array(const JsonValue *v) {
        return cJSON_IsArray(v);
}

bool jv_is_string(const JsonValue *v) {
        return cJSON_IsString(v);
}

bool jv_is_bool(const JsonValue *v) {
        return cJSON_IsBool(v);
}

/* Whether jv_int() would succeed. */
bool jv_is_int(const JsonValue *v) {
        int64_t i;

        return jv_int(v, &i) >= 0;
}

/* The first member of an object or element of an array; NULL where v is empty, something else or NULL. */
const JsonValue *jv_first(const JsonValue *v) {
        return jv_is_object(v) || jv_is_array(v) ? v->child : NULL;
}

const JsonValue *jv_next(const JsonValue *v) {
        return v->next;
}

/* The name of a member of an object; NULL for anything else. */
const char *jv_key(const JsonValue *member) {
        return member->string;
}

/* The number of members or elements, 0 for any other value. Counts them each time: not for the condition of
 * a loop. */
size_t jv_length(const JsonValue *v) {
        size_t n = 0;

        JSON_FOREACH(i, v)
                n++;
        return n;
}

/* The text of a string, borrowed; NULL for anything else. */
const char *jv_string(const JsonValue *v) {
        return cJSON_GetStringValue((cJSON *) v);
}

bool jv_bool(const JsonValue *v, bool otherwise) {
        return jv_is_bool(v) ? cJSON_IsTrue(v) : otherwise;
}

/* The value of a number without a fraction ("1.0" and "1e3" have none). -EINVAL for anything else, -ERANGE from
 * 2^53 on either way, where a double no longer tells neighbours apart. */
int jv_int(const JsonValue *v, int64_t *ret) {
        if (cJSON_IsRaw(v)) {
                *ret = strtoll(v->valuestring, NULL, 10);
                return 0;
        }
        if (!cJSON_IsNumber(v) || v->valuedouble != trunc(v->valuedouble))
                return -EINVAL;
        if (fabs(v->valuedouble) > (double) JSON_INTEGER_MAX)
                return -ERANGE;
        *ret = (int64_t) v->valuedouble;
        return 0;
}

/* The member of that name (case counts); NULL if it is absent or object is not an object, or is NULL. */
const JsonValue *jv_get(const JsonValue *object, const char *key) {
        if (!jv_is_object(object))
                return NULL;
        JSON_FOREACH(m, object)
                if (streq(m->string, key))
                        return m;
        return NULL;
}

/* Follows the keys downwards; NULL ends them: jv_path(node, "status", "nodeInfo", "bootID", NULL). */
const JsonValue *jv_path(const JsonValue *object, ...) {
        const char *key;
        va_list ap;

        va_start(ap, object);
        while (object && (key = va_arg(ap, const char *)))
                object = jv_get(object, key);
        va_end(ap);
        return object;
}

const char *jv_get_string(const JsonValue *object, const char *key) {
        return jv_string(jv_get(object, key));
}

bool jv_get_bool(const JsonValue *object, const char *key, bool otherwise) {
        return jv_bool(jv_get(object, key), otherwise);
}

int64_t jv_get_int(const JsonValue *object, const char *key, int64_t otherwise) {
        int64_t i;

        return jv_int(jv_get(object, key), &i) < 0 ? otherwise : i;
}

/* A time; otherwise if the member is absent, negative or not an integer. */
usec_t jv_get_usec(const JsonValue *object, const char *key, usec_t otherwise) {
        int64_t i = jv_get_int(object, key, -1);

        return i < 0 ? otherwise : (usec_t) i;
}

/* The copy is the caller's. NULL if memory runs out. */
JsonValue *jv_copy(const JsonValue *v) {
        return cJSON_Duplicate(v, true);
}

static int print_escaped(unsigned char c, Buffer *out) {
        static const char letters[] = {
                ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
        };

        if (c == '"' || c == '\\')
                return buffer_printf(out, "\\%c", c);
        if (c < sizeof(letters) && letters[c])
                return buffer_printf(out, "\\%c", letters[c]);
        if (c >= 0x80)
                return buffer_putc(out, '?');
        return buffer_printf(out, "\\u%04x", c);
}

/* Appends a string as JSON text. Bytes that are not UTF-8 must not get out: if s has one, every byte that is
 * not ASCII becomes '?'. -E2BIG, -ENOMEM: part of it may have been appended. */
int jv_print_string(const char *s, Buffer *out) {
        bool valid = utf8_is_valid(s, strlen(s));
        int r;

        r = buffer_putc(out, '"');
        while (r >= 0 && *s) {
                size_t n = 0;

                for (unsigned char c; (c = (unsigned char) s[n]) && c >= 0x20 && c != '"' && c != '\\'; n++)
                        if (c >= 0x80 && !valid)
                                break;
                r = buffer_put(out, s, n);
                s += n;
                if (r >= 0 && *s)
                        r = print_escaped((unsigned char) *s++, out);
        }
        return r < 0 ? r : buffer_putc(out, '"');
}

static int print_number(const cJSON *v, Buffer *out) {
        char text[64];
        int64_t i;

        if (jv_int(v, &i) >= 0)
                return buffer_printf(out, "%" PRId64, i);

        /* The shortest text that reads back as the same double. */
        for (int digits = 15; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, v->valuedouble);
                if (strtod(text, NULL) == v->valuedouble)
                        break;
        }
        /* Anything but a digit, sign or exponent is the locale's decimal point, of one byte or more. */
        for (char *t = text; *t;) {
                size_t plain = strspn(t, "+-0123456789e"), point = strcspn(t + plain, "+-0123456789e");
                int r;

                r = buffer_put(out, t, plain);
                if (r >= 0 && point > 0)
                        r = buffer_putc(out, '.');
                if (r < 0)
                        return r;
                t += plain + point;
        }
        return 0;
}

static int print_break(bool pretty, unsigned level, Buffer *out) {
        return pretty ? buffer_printf(out, "\n%*s", (int) level * 2, "") : 0;
}

static int print_value(const cJSON *v, bool pretty, unsigned level, Buffer *out);

static int print_members(const cJSON *v, bool pretty, unsigned level, Buffer *out) {
        bool object = jv_is_object(v);
        int r;

        r = buffer_putc(out, object ? '{' : '[');
        if (r < 0)
                return r;
        JSON_FOREACH(m, v) {
                r = buffer_puts(out, m != v->child ? "," : "") ?: print_break(pretty, level + 1, out);
                if (object)
                        r = r ?: jv_print_string(m->string, out) ?: buffer_puts(out, pretty ? ": " : ":");
                r = r ?: print_value(m, pretty, level + 1, out);
                if (r < 0)
                        return r;
        }
        if (v->child)
                r = print_break(pretty, level, out);
        return r ?: buffer_putc(out, object ? '}' : ']');
}

static int print_value(const cJSON *v, bool pretty, unsigned level, Buffer *out) {
        if (jv_is_object(v) || jv_is_array(v))
                return print_members(v, pretty, level, out);
        if (jv_is_string(v))
                return jv_print_string(v->valuestring, out);
        if (jv_is_bool(v))
                return buffer_puts(out, cJSON_IsTrue(v) ? "true" : "false");
        if (cJSON_IsRaw(v) || cJSON_IsNumber(v))
                return print_number(v, out);
        return buffer_puts(out, "null");
}

/* Appends v as text, in one line or, pretty, in lines of two columns per level; without a line end. -E2BIG
 * over the buffer's ceiling, -ENOMEM; nothing is appended then. */
int jv_print(const JsonValue *v, bool pretty, Buffer *out) {
        size_t before = out->size;
        int r;

        assert(v);

        r = print_value(v, pretty, 0, out);
        if (r < 0)
                buffer_truncate(out, before);
        return r;
}
