/* SPDX-License-Identifier: Apache-2.0 */

/* What the API server lets a name be, so that a name that no object can have is told where it is read instead of
 * waited for. The rules are those of Kubernetes' apimachinery: nothing that it takes may be refused here. */

#include "kube/name.h"

#include "base/string-util.h"
#include "base/value.h"

#define LABEL_MAX 63
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool is_among(char c, const char *characters) {
        return c && strchr(characters, c);
}

static bool is_alphanumeric(char c) {
        return (c >= 'A' && c <= 'Z') || is_among(c, LOWER DIGITS);
}

/* One part between dots, of any length: a-z, 0-9 and inner dashes (RFC 1123). */
static bool is_dns_part(const char *s, size_t n) {
        if (n == 0 || s[0] == '-' || s[n - 1] == '-')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_among(s[i], LOWER DIGITS "-"))
                        return false;
        return true;
}

/* Such parts with dots between them. Only the whole is limited. */
static bool is_dns_name(const char *s, size_t n) {
        const char *end = s + n, *dot;

        if (n > KUBE_NAME_MAX)
                return false;
        while ((dot = memchr(s, '.', (size_t) (end - s)))) {
                if (!is_dns_part(s, (size_t) (dot - s)))
                        return false;
                s = dot + 1;
        }
        return is_dns_part(s, (size_t) (end - s));
}

/* The name of a node, a pod, a workload or a custom resource. */
bool kube_name_is_valid(const char *s) {
        return is_dns_name(s, strlen(s));
}

bool kube_namespace_is_valid(const char *s) {
        return strlen(s) <= LABEL_MAX && is_dns_part(s, strlen(s));
}

/* The name of an object of any kind, some of which the API server only wants to fit into a path ("system:node"). One
 * with blanks, which none of them has in practice, is refused: it could not be told from what follows it. */
bool kube_name_is_path_segment(const char *s) {
        if (!*s || streq(s, ".") || streq(s, "..") || strlen(s) > KUBE_NAME_MAX || value_is_quoted(s))
                return false;
        for (; *s; s++)
                if ((unsigned char) *s <= ' ' || *s == 0x7f || *s == '/' || *s == '%')
                        return false;
        return true;
}

/* The group of a resource. */
bool kube_group_is_valid(const char *s, size_t n) {
        return is_dns_name(s, n);
}

/* The version or the plural of a resource: RFC 1035, so that it begins with a letter. */
bool kube_word_is_valid(const char *s, size_t n) {
        return n <= LABEL_MAX && is_dns_part(s, n) && is_among(s[0], LOWER);
}

/* The "]" of the bracket expression that begins at s; NULL: it has none. */
static const char *find_bracket_end(const char *s) {
        s += 1 + is_among(s[1], "!^");
        /* One that comes first is one of the characters. */
        s += *s == ']';
        while (*s && *s != ']') {
                /* [:CLASS:], [=C=] or [.C.]; what is not spelt so are characters. */
                const char close[] = { s[1], ']', '\0' };
                size_t n = s[1] == ':' ? strspn(s + 2, LOWER) : 1;

                if (*s == '[' && is_among(s[1], ":=.") && s[2] && startswith(s + 2 + n, close))
                        s += n + 3;
                else if (*s == '\\' && s[1])
                        s++;
                s++;
        }
        return *s ? s : NULL;
}

/* Whether the pattern (of fnmatch(3)) can match a name: what is no wildcard has to be possible in one. */
bool kube_name_pattern_is_valid(const char *s) {
        char last = '\0';

        if (strlen(s) > KUBE_NAME_MAX || is_among(s[0], "-."))
                return false;
        for (; *s; s++) {
                last = *s;
                if (*s == '[') {
                        s = find_bracket_end(s);
                        if (!s)
                                return false;
                } else if (*s == '\\')
                        last = *++s;
                if (!is_among(last, LOWER DIGITS "-.*?["))
                        return false;
        }
        return !is_among(last, "-.");
}

/* At most 63 of [A-Za-z0-9._-], the first and last alphanumeric. */
static bool is_label_name(const char *s, size_t n) {
        if (n == 0 || n > LABEL_MAX || !is_alphanumeric(s[0]) || !is_alphanumeric(s[n - 1]))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_alphanumeric(s[i]) && !is_among(s[i], "._-"))
                        return false;
        return true;
}

/* [PREFIX/]NAME, the prefix a DNS name. */
bool kube_label_key_is_valid(const char *s, size_t n) {
        const char *slash = memchr(s, '/', n);
        size_t prefix = slash ? (size_t) (slash - s) : 0;

        if (!slash)
                return is_label_name(s, n);
        return is_dns_name(s, prefix) && is_label_name(slash + 1, n - prefix - 1);
}

bool kube_label_value_is_valid(const char *s, size_t n) {
        return n == 0 || is_label_name(s, n);
}
