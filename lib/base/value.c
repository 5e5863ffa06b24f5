/* SPDX-License-Identifier: Apache-2.0 */

#include "base/value.h"

#include <linux/limits.h> /* <limits.h> would be the one of this folder */

#include "base/parse.h"
#include "base/string-util.h"

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

/* Takes an absolute path, NULL for "". -EINVAL with *why, -ENOMEM. */
int value_set_path(char **p, const char *value, const char **why) {
        if (*value && (*value != '/' || strlen(value) >= PATH_MAX))
                return value_refuse(why, "not an absolute path");
        return value_set_text(p, value);
}

/* Takes a time span as systemd.time(7) has them, USEC_INFINITY included; `otherwise` for "". -EINVAL with *why. */
int value_set_timespan(usec_t *p, const char *value, usec_t otherwise, const char **why) {
        usec_t u = otherwise;
        int r = *value ? parse_timespan(value, &u) : 0;

        if (r < 0)
                return value_refuse(why, r == -ERANGE ? "too long a time"
                                                      : "not a time span, as 90, 2min or 500ms are");
        *p = u;
        return 0;
}
