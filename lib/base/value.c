/* SPDX-License-Identifier: Apache-2.0 */

#include "base/value.h"

#include <ctype.h>
#include <linux/limits.h> /* <limits.h> would be the one of this folder */

#include "base/parse.h"
#include "base/string-util.h"

#define BLANKS " \t"

/* For parsers to return: -EINVAL, with the reason in *why. text is not copied. */
int value_refuse(const char **why, const char *text) {
        *why = text;
        return -EINVAL;
}

/* What a message shows of a value that was refused. "USER:PASSWORD@HOST", with or without a scheme, is not shown: the
 * daemon tells everybody who asks why a gate waits. */
const char *value_shown(const char *value) {
        const char *at = strchr(value, '@');

        return at && memchr(value, ':', (size_t) (at - value)) ? "..." : value;
}

/* Whether the whole value stands in quotes. */
bool value_is_quoted(const char *value) {
        size_t n = strlen(value);

        return n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n - 1] == value[0];
}

/* Whether a comment seems to follow on the value's line. */
bool value_has_comment(const char *value) {
        for (const char *s = value; *s; s++)
                if ((*s == '#' || *s == ';') && s > value && strchr(BLANKS, s[-1]))
                        return true;
        return false;
}

/* Whether it has one of systemd's specifiers, as %H is. With more letters or digits it is a byte of a URL (%C3), or
 * the scope of an address. */
bool value_has_specifier(const char *value) {
        for (const char *s = value; (s = strchr(s, '%')); s++)
                if (isalpha((unsigned char) s[1]) && !isalnum((unsigned char) s[2]))
                        return true;
        return false;
}

/* Whether a quote begins the value or a word of it. */
static bool has_quoted_word(const char *value) {
        for (const char *s = value; (s = strpbrk(s, "\"'")); s++)
                if (s == value || strchr(BLANKS "+!|", s[-1]))
                        return true;
        return false;
}

/* Why a value was refused, `why` being the reason of its parser: where the value has what msready takes literally and
 * others do not, that is the reason. The result is static where `why` is. */
const char *value_explain(const char *value, const char *why) {
        if (has_quoted_word(value))
                return VALUE_QUOTED;
        if (value_has_comment(value))
                return VALUE_COMMENTED;
        return value_has_specifier(value) && !startswith(why, VALUE_SPECIFIER) ? VALUE_SPECIFIER : why;
}

/* Whether it has no control characters of ASCII. */
bool value_is_printable(const char *value) {
        for (; *value; value++)
                if ((unsigned char) *value < ' ' || *value == 0x7f)
                        return false;
        return true;
}

/* Whether all of it is printable ASCII without blanks. */
bool value_is_plain(const char *value) {
        for (; *value; value++)
                if ((unsigned char) *value <= ' ' || (unsigned char) *value >= 0x7f)
                        return false;
        return true;
}

/* Takes a text, NULL for "". -ENOMEM. */
int value_set_text(char **p, const char *value) {
        return set_string(p, *value ? value : NULL);
}

/* What is wrong with an absolute path, static; NULL: nothing. */
const char *value_path_fault(const char *value) {
        if (*value != '/')
                return "must be an absolute path, which begins with /";
        if (strlen(value) >= PATH_MAX)
                return "too long for a path";
        if (value_has_comment(value))
                return VALUE_COMMENTED;
        return value_has_specifier(value) ? VALUE_SPECIFIER : NULL;
}

/* Takes an absolute path, NULL for "". -EINVAL with *why, -ENOMEM. */
int value_set_path(char **p, const char *value, const char **why) {
        const char *fault = *value ? value_path_fault(value) : NULL;

        return fault ? value_refuse(why, fault) : value_set_text(p, value);
}

/* Takes a time span as systemd.time(7) has them, USEC_INFINITY included; `otherwise` for "". -EINVAL with *why. */
int value_set_timespan(usec_t *p, const char *value, usec_t otherwise, const char **why) {
        usec_t u = otherwise;
        int r = *value ? parse_timespan(value, &u) : 0;

        if (r < 0)
                return value_refuse(why, r == -ERANGE ? "too long a time"
                                                      : "must be a time span such as 90, 2min or 500ms");
        *p = u;
        return 0;
}
