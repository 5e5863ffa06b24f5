/* SPDX-License-Identifier: Apache-2.0 */

/* What kubectl passes over in silence, and what its author may not have meant. */

#include "kube/kubeconfig-internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"

#define WARNINGS_MAX 16
#define SHOWN_KEY_MAX 32

/* Adds a warning of a line of the kubeconfig; further ones than WARNINGS_MAX are dropped. -ENOMEM. */
int kube_config_warn(KubeConfig *c, unsigned line, const char *format, ...) {
        char why[LIMIT_MESSAGE];
        va_list ap;

        if (strv_length(c->warnings) >= WARNINGS_MAX)
                return 0;
        va_start(ap, format);
        vsnprintf(why, sizeof(why), format, ap);
        va_end(ap);
        strip_control(why);
        return strv_extendf(&c->warnings, "%s:%u: %s", c->path, line, why);
}

/* What a message shows of a key: not what may be a secret in a wrong place. */
static const char *shown_key(const char *key) {
        size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");

        return n > 0 && n <= SHOWN_KEY_MAX && !key[n] ? key : "...";
}

static bool begins_invisibly(const char *key) {
        return startswith(key, BYTE_ORDER_MARK) || startswith(key, "\xc2\xa0") /* no-break space */
               || startswith(key, "\xe2\x80\x8b") /* zero width space */;
}

/* Warns of the keys of n and of all that is in it, which is as deep as a tree may be. */
static int warn_of_keys(KubeConfig *c, const YNode *n) {
        int r = 0;

        YNODE_FOREACH(m, n) {
                const char *key = ynode_key(m);

                if (key && ynode_earlier_line(m) > 0)
                        r = kube_config_warn(c, ynode_key_line(m),
                                             "key \"%s\" was already given on line %u; the last one counts",
                                             shown_key(key), ynode_earlier_line(m));
                else if (key && begins_invisibly(key))
                        r = kube_config_warn(
                                c, ynode_key_line(m),
                                "a key begins with an invisible character, which makes it another key");
                r = r < 0 ? r : warn_of_keys(c, m);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Warns of what is in the text and does not count. -ENOMEM. */
int kube_config_warn_of_text(KubeConfig *c, const YNode *root) {
        unsigned rest = ynode_rest_line(root);
        int r = 0;

        if (rest > 0)
                r = kube_config_warn(c, rest,
                                     "nothing is read from here on: only the first document counts");
        return r < 0 ? r : warn_of_keys(c, root);
}
