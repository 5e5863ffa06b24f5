/* SPDX-License-Identifier: Apache-2.0 */

/* Which type the YAML 1.1 of Go's libraries makes of a plain scalar: "no" is a boolean there, and "0x1f" a
 * number. The rules are those of goyaml.v2, which sigs.k8s.io/yaml uses. */

#include "yaml/yaml.h"

#include <strings.h>

#include "base/strv.h"

#define DIGITS "0123456789_"

static bool is_boolean(const char *s) {
        static const char *const words[] = {
                "y", "Y",  "yes", "Yes", "YES",   "true",  "True",  "TRUE", "on",  "On",  "ON", "n",
                "N", "no", "No",  "NO",  "false", "False", "FALSE", "off",  "Off", "OFF", NULL,
        };

        return strv_contains((char *const *) words, s);
}

static bool is_number(const char *s) {
        static const struct {
                const char *prefix, *digits;
        } bases[] = { { "0x", DIGITS "abcdefABCDEF" }, { "0o", "01234567_" }, { "0b", "01_" } };
        static const char *const infinities[] = { ".inf", ".Inf", ".INF", NULL };
        static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };
        size_t whole, fraction = 0;

        if (strv_contains((char *const *) nans, s))
                return true;
        s += *s == '+' || *s == '-';
        if (strv_contains((char *const *) infinities, s))
                return true;
        for (size_t i = 0; i < ELEMENTSOF(bases); i++)
                if (strncasecmp(s, bases[i].prefix, 2) == 0)
                        return s[2] && !s[2 + strspn(s + 2, bases[i].digits)];
        if (*s == '_')
                return false;
        whole = strspn(s, DIGITS);
        s += whole;
        if (*s == '.') {
                fraction = strspn(s + 1, DIGITS);
                s += 1 + fraction;
        }
        if (whole + fraction == 0)
                return false;
        if (*s == 'e' || *s == 'E') {
                s += s[1] == '+' || s[1] == '-' ? 2 : 1;
                if (!*s)
                        return false;
                s += strspn(s, DIGITS);
        }
        return !*s;
}

/* "map", "list", "null", "boolean", "number" or "string"; NULL for NULL. */
const char *ynode_type(const YNode *n) {
        if (!n)
                return NULL;
        if (ynode_is_map(n))
                return "map";
        if (ynode_is_list(n))
                return "list";
        if (ynode_is_null(n))
                return "null";
        if (!ynode_is_plain(n))
                return "string";
        return is_boolean(ynode_string(n)) ? "boolean" : is_number(ynode_string(n)) ? "number" : "string";
}
