/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/field.h"

#include "base/limits.h"
#include "base/string-util.h"

#define PATH_MAX_LENGTH 253

/* Copies the first name of the path, which room has space for. Returns what is behind its dot, NULL where it is the
 * last. */
static const char *take_name(const char *path, char *room) {
        while (*path && *path != '.') {
                if (*path == '\\')
                        path++;
                *room++ = *path++;
        }
        *room = '\0';
        return *path ? path + 1 : NULL;
}

/* Whether it is such a path, of a length that one may have. */
bool kube_field_is_path(const char *path) {
        bool in_name = false;

        if (strlen(path) > PATH_MAX_LENGTH)
                return false;
        for (const char *s = path; *s; s++) {
                if (*s == '.' && !in_name)
                        return false;
                in_name = *s != '.';
                if (*s == '\\' && *++s != '.')
                        return false;
                if ((unsigned char) *s <= ' ' || (unsigned char) *s >= 0x7f || strchr("[]{}*'\"", *s))
                        return false;
        }
        return in_name;
}

/* Numbers that a double does not tell from their neighbours are not taken for what they print as. */
static bool is_exact(const JsonValue *v) {
        int64_t i;

        return jv_int(v, &i) != -ERANGE;
}

/* Reads what is at a path: in ret_found whether there is anything; in ret_value its text, no more than LIMIT_MESSAGE
 * bytes of it, NULL where there is nothing and for what has no text to compare (a map, a list). -ENOMEM. */
int kube_field_read(const JsonValue *object, const char *path, bool *ret_found, char **ret_value) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(1));
        char name[PATH_MAX_LENGTH + 1];
        char *value = NULL;
        const char *text;
        int r = 0;

        assert(kube_field_is_path(path));

        while (path && object) {
                path = take_name(path, name);
                object = jv_get(object, name);
        }
        text = object ? jv_string(object) : NULL;
        if (object && !text && !jv_is_null(object) && !jv_is_object(object) && !jv_is_array(object) &&
            is_exact(object)) {
                r = jv_print(object, false, &b);
                text = buffer_cstr(&b);
        }
        if (r >= 0 && text) {
                value = strndup(text, utf8_truncate(text, LIMIT_MESSAGE));
                r = value ? 0 : -ENOMEM;
        }
        if (r < 0)
                return r;

        *ret_found = object && !jv_is_null(object);
        *ret_value = value;
        return 0;
}
