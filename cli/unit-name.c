/* SPDX-License-Identifier: Apache-2.0 */

#include "unit-name.h"

#include "base/string-util.h"
#include "base/strv.h"

/* Whether s can be the name of a unit, with its suffix or without. What passes can be written into a unit file: it
 * has no specifier, no white space and no line end. */
bool unit_name_is_valid(const char *s) {
        static const char letters[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@\\-";
        size_t n = strlen(s);

        return n > 0 && n < 200 && strspn(s, letters) == n && s[0] != '.' && s[0] != '-' && s[0] != '@';
}

/* The suffix that names the type of the unit; NULL where there is none, because a name may have dots in it. */
const char *unit_suffix(const char *s) {
        static const char *const suffixes[] = { ".service",   ".socket", ".device", ".mount",
                                                ".automount", ".swap",   ".target", ".path",
                                                ".timer",     ".slice",  ".scope" };
        const char *dot = strrchr(s, '.');

        for (size_t i = 0; dot && i < ELEMENTSOF(suffixes); i++)
                if (streq(dot, suffixes[i]))
                        return dot;
        return NULL;
}

/* Whether s is a template alone, "app@.service", which cannot be started. */
bool unit_is_template(const char *s) {
        const char *end = unit_suffix(s) ?: s + strlen(s);

        return end > s && end[-1] == '@';
}

/* The template of an instance: "app@.service" for "app@1.service"; NULL where unit is none. -ENOMEM. */
int unit_template(const char *unit, char **ret) {
        const char *at = strchr(unit, '@'), *suffix = unit_suffix(unit);

        if (!at || !suffix || at + 1 >= suffix) {
                *ret = NULL;
                return 0;
        }
        return asprintf_ret(ret, "%.*s@%s", (int) (at - unit), unit, suffix);
}

/* name with the instance of unit where name is a template, else name itself: "app@1.service" for "app@.service" and
 * "web@1.service". -ENOMEM. */
int unit_instantiate(const char *name, const char *unit, char **ret) {
        const char *at = strchr(unit, '@'), *end = unit_suffix(unit), *to = strchr(name, '@');

        if (!unit_is_template(name) || !at || !end || at > end || !to)
                return asprintf_ret(ret, "%s", name);
        return asprintf_ret(ret, "%.*s%.*s%s", (int) (to - name), name, (int) (end - at), at, to + 1);
}

/* The names of the folders of a unit's drop-ins, the nearest first: for "a-b@1.service" these are
 * "a-b@1.service.d", "a-b@.service.d", "a-.service.d" and "service.d". name ends in suffix. -ENOMEM. */
int unit_drop_in_folders(const char *name, const char *suffix, char ***ret) {
        _cleanup_(strv_freep) char **names = NULL;
        const char *at = strchr(name, '@');
        size_t n = strlen(name) - strlen(suffix);
        int r;

        r = strv_extendf(&names, "%s.d", name);
        if (r >= 0 && at) {
                n = (size_t) (at - name);
                r = strv_extendf(&names, "%.*s@%s.d", (int) n, name, suffix);
        }
        for (; r >= 0 && n > 0; n--)
                if (name[n - 1] == '-')
                        r = strv_extendf(&names, "%.*s%s.d", (int) n, name, suffix);
        if (r >= 0)
                r = strv_extendf(&names, "%s.d", suffix + 1);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(names);
        return 0;
}
