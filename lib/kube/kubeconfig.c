/* SPDX-License-Identifier: Apache-2.0 */

/* What client-go reads from a kubeconfig, for one context, without running anything: exec plugins,
 * auth-providers, passwords and impersonation are refused by name. Where client-go silently takes one of two
 * contradicting settings, or none, that is an error here. Of a key given twice the last counts, with a warning.
 *
 * MicroShift truncates and rewrites its kubeconfig at each start, so that a reader may see any beginning of
 * it. What such a beginning lacks ends in -EAGAIN: read it again before you complain. What is missing where more
 * of the text follows will not come. */

#include "kube/kubeconfig-internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "base/value.h"

#define WRITING "; it may be in the middle of being written"

typedef struct Reader {
        const char *path;
        KubeConfig *config;
        char **detail; /* may be NULL */
} Reader;

static void credential_done(KubeCredential *c) {
        if (c->data)
                explicit_bzero(c->data, c->size);
        free(c->data);
        free(c->file);
}

static bool credential_is_set(const KubeCredential *c) {
        return c->data || c->file;
}

/* Frees the configuration and erases its credentials. */
KubeConfig *kube_config_free(KubeConfig *c) {
        if (!c)
                return NULL;
        credential_done(&c->ca);
        credential_done(&c->certificate);
        credential_done(&c->key);
        credential_done(&c->token);
        free(c->path);
        free(c->context);
        free(c->cluster);
        free(c->user);
        free(c->server);
        free(c->host);
        free(c->prefix);
        free(c->tls_server_name);
        free(c->proxy_url);
        strv_free(c->warnings);
        return mfree(c);
}

/* Puts what is wrong into the detail. n (may be NULL) knows the line. */
static void _printf_(4, 0)
        tell_at(const Reader *r, const YNode *n, const char *more, const char *format, va_list ap) {
        char why[LIMIT_MESSAGE];

        if (!r->detail)
                return;
        vsnprintf(why, sizeof(why), format, ap);
        strip_control(why);
        if (n)
                (void) asprintf_ret(r->detail, "%s:%u: %s%s", r->path, ynode_line(n), why, more);
        else
                (void) asprintf_ret(r->detail, "%s: %s%s", r->path, why, more);
}

/* Reports what is wrong and returns error. */
static int _printf_(4, 5) fail_at(const Reader *r, int error, const YNode *n, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        tell_at(r, n, "", format, ap);
        va_end(ap);
        return error;
}

/* Reports that something is missing: -EAGAIN if the text was cut, so that it may still come, else -EBADMSG. */
static int _printf_(4, 5) fail_missing(const Reader *r, bool cut, const YNode *n, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        tell_at(r, n, cut ? WRITING : "", format, ap);
        va_end(ap);
        return cut ? -EAGAIN : -EBADMSG;
}

/* A setting's text; NULL if it is absent or empty, which is the same to client-go. */
static const char *text_of(const YNode *map, const char *key) {
        const char *s = ynode_string(ynode_get(map, key));

        return isempty(s) ? NULL : s;
}

/* Finds the part of entry NAME in a list of { name: NAME, part: {...} }. named (may be NULL) is where the text has the
 * name. */
static int find_entry(const Reader *r, const YNode *root, const char *list, const char *part,
                      const char *name, const YNode *named, const YNode **ret) {
        const YNode *entries = ynode_get(root, list), *found = NULL;

        if (entries && !ynode_is_list(entries) && !ynode_is_null(entries))
                return fail_at(r, -EBADMSG, entries, "%s is not a list", list);
        YNODE_FOREACH(e, entries) {
                if (!streq(strempty(text_of(e, "name")), name))
                        continue;
                if (found)
                        return fail_at(r, -EBADMSG, e, "%s \"%s\" is given twice; remove one", part, name);
                found = e;
        }
        if (!found)
                return fail_missing(r, ynode_is_last(entries ?: root) || (named && ynode_is_last(named)),
                                    entries, "no %s \"%s\"", part, name);
        *ret = ynode_get(found, part);
        if (!ynode_is_map(*ret))
                return fail_missing(r, ynode_is_last(*ret ?: found), *ret ?: found, "%s \"%s\" is empty",
                                    part, name);
        return 0;
}

/* The path of a file that the kubeconfig names: relative to the kubeconfig's folder. */
static int path_beside(const Reader *r, const char *file, char **ret) {
        _cleanup_free_ char *folder = NULL;
        int k;

        k = path_parent(r->path, &folder);
        return k < 0 ? k : path_join(folder, file, ret);
}

/* Whether data is PEM and each part that begins also ends. */
static bool pem_is_complete(const char *data) {
        const char *p = strstr(data, "-----BEGIN ");

        while (p) {
                const char *end = strstr(p, "-----END ");

                if (!end || !strstr(end + strlen("-----END "), "-----"))
                        return false;
                p = strstr(end, "-----BEGIN ");
                if (!p)
                        return true;
        }
        return false;
}

/* Whether it could be PEM, had it been written to its end. */
static bool pem_is_cut(const char *data) {
        return !pem_is_complete(data) && (!*data || strstr(data, "-----"));
}

/* Takes a byte order mark away, which would be part of the first line. */
static void strip_byte_order_mark(char *data, size_t *size) {
        if (!startswith(data, BYTE_ORDER_MARK))
                return;
        *size -= strlen(BYTE_ORDER_MARK);
        memmove(data, data + strlen(BYTE_ORDER_MARK), *size + 1);
}

/* Takes KEY or KEY-data. */
static int take_credential(const Reader *r, const YNode *map, const char *key, KubeCredential *ret) {
        char data_key[64];
        const char *file = text_of(map, key), *data;
        const YNode *n;
        int k;

        snprintf(data_key, sizeof(data_key), "%s-data", key);
        n = ynode_get(map, data_key);
        data = text_of(map, data_key);
        if (file && data)
                return fail_at(r, -EBADMSG, n, "both %s and %s are set; remove one", key, data_key);
        if (file)
                return path_beside(r, file, &ret->file);
        if (!data)
                return 0;

        k = base64_decode(data, &ret->data, &ret->size);
        if (k == -ENOMEM)
                return k;
        if (k == -EBADMSG)
                return fail_at(r, k, n, "%s is not base64", data_key);
        if (k < 0)
                return fail_missing(r, ynode_is_last(n), n, "%s is incomplete base64", data_key);
        strip_byte_order_mark(ret->data, &ret->size);
        if (!pem_is_complete(ret->data))
                return fail_missing(r, ynode_is_last(n), n, "%s is not PEM, or is incomplete", data_key);
        return 0;
}

static int take_bool(const Reader *r, const YNode *map, const char *key, bool *ret) {
        const char *s = text_of(map, key);
        int k = s ? parse_boolean(s) : 0;

        if (k < 0)
                return fail_at(r, -EBADMSG, ynode_get(map, key), "%s must be true or false", key);
        *ret = k;
        return 0;
}

static int take_cluster(const Reader *r, const YNode *cluster) {
        KubeConfig *c = r->config;
        const char *server = text_of(cluster, "server"), *proxy = text_of(cluster, "proxy-url");
        const char *why = NULL;
        int k;

        if (!server)
                return fail_missing(r, ynode_is_last(cluster), cluster, "cluster \"%s\" has no server",
                                    c->cluster);
        k = kube_config_set_server(c, server, &why);
        if (k == -EBADMSG)
                return fail_at(r, k, ynode_get(cluster, "server"), "server of cluster \"%s\" %s", c->cluster,
                               why);
        if (k >= 0 && proxy && !kube_config_proxy_is_supported(proxy))
                return fail_at(r, -EBADMSG, ynode_get(cluster, "proxy-url"),
                               "proxy-url of cluster \"%s\" is not an http, https or socks5 URL",
                               c->cluster);
        k = k ?: set_string(&c->proxy_url, proxy) ?:
                set_string(&c->tls_server_name, text_of(cluster, "tls-server-name")) ?:
                take_bool(r, cluster, "insecure-skip-tls-verify", &c->insecure) ?:
                take_credential(r, cluster, "certificate-authority", &c->ca);
        if (k >= 0 && c->insecure && credential_is_set(&c->ca))
                return fail_at(
                        r, -EBADMSG, cluster,
                        "cluster \"%s\" has both a certificate-authority and insecure-skip-tls-verify; "
                        "remove one",
                        c->cluster);
        return k;
}

/* Refuses ways to authenticate that we do not support, saying what to use instead. */
static int refuse_unsupported(const Reader *r, const YNode *user) {
        static const struct {
                const char *key;
                const char *what;
        } unsupported[] = {
                { "exec", "an exec plugin" },
                { "auth-provider", "an auth-provider" },
                { "username", "a user name and password" },
                { "password", "a user name and password" },
                { "as", "impersonation" },
                { "as-uid", "impersonation" },
                { "as-groups", "impersonation" },
                { "as-user-extra", "impersonation" },
        };

        for (size_t i = 0; i < ELEMENTSOF(unsupported); i++) {
                const YNode *n = ynode_get(user, unsupported[i].key);

                if (text_of(user, unsupported[i].key) || ynode_first(n))
                        return fail_at(
                                r, -EOPNOTSUPP, n,
                                "user \"%s\" authenticates with %s (%s), which is not supported; use a client "
                                "certificate or a token",
                                r->config->user, unsupported[i].what, unsupported[i].key);
        }
        return 0;
}

static int set_token(KubeConfig *c, const char *token) {
        char *copy = strdup(token);

        if (!copy)
                return -ENOMEM;
        erase_and_free(c->token.data);
        c->token.data = copy;
        c->token.size = strlen(copy);
        return 0;
}

static int take_user(const Reader *r, const YNode *user) {
        KubeConfig *c = r->config;
        const char *token = text_of(user, "token"), *file = text_of(user, "tokenFile");
        bool has_key;
        int k;

        k = refuse_unsupported(r, user) ?:
                take_credential(r, user, "client-certificate", &c->certificate) ?:
                take_credential(r, user, "client-key", &c->key);
        has_key = credential_is_set(&c->key);
        if (k >= 0 && credential_is_set(&c->certificate) != has_key)
                return fail_missing(r, ynode_is_last(user), user,
                                    "user \"%s\" has a client-%s without a client-%s", c->user,
                                    has_key ? "key" : "certificate", has_key ? "certificate" : "key");
        if (k >= 0 && token) {
                if (!value_is_plain(token))
                        return fail_at(r, -EBADMSG, ynode_get(user, "token"),
                                       "token of user \"%s\" is not a valid token", c->user);
                k = set_token(c, token);
        }
        if (k >= 0 && file)
                k = path_beside(r, file, &c->token.file);
        /* "user: {}" is anonymous; after a key without its value the file breaks off. */
        if (k >= 0 && ynode_first(user) && !token && !file && !has_key)
                return fail_missing(r, ynode_is_last(user), user,
                                    "user \"%s\" needs a client-certificate or a token", c->user);
        return k;
}

/* Over plain http client-go leaves out all of the user (may be NULL) and of TLS. */
static int leave_out_credentials(const Reader *r, const YNode *cluster, const YNode *user) {
        KubeConfig *c = r->config;
        const YNode *server = ynode_get(cluster, "server");

        if (!credential_is_set(&c->ca) && !ynode_first(user))
                return 0;
        credential_done(&c->ca);
        c->ca = (KubeCredential){};
        return kube_config_warn(
                c, ynode_line(server),
                "server of cluster \"%s\" has no https:// in front: it is asked over plain http and "
                "without credentials, as kubectl does",
                c->cluster);
}

static int refuse_root(const Reader *r, const YNode *root) {
        if (ynode_is_null(root))
                return fail_at(r, -EAGAIN, NULL, "is empty" WRITING);
        if (ynode_is_list(root))
                return fail_at(r, -EBADMSG, root, "is a list, not a kubeconfig");
        return fail_missing(r, ynode_is_last(root), root, "is not a kubeconfig");
}

static int take_root(const Reader *r, const YNode *root, const char *wanted) {
        KubeConfig *c = r->config;
        const YNode *context, *cluster, *user = NULL;
        const YNode *named = wanted ? NULL : ynode_get(root, "current-context");
        const char *name = wanted ?: text_of(root, "current-context"), *s;
        int k;

        if (!ynode_is_map(root))
                return refuse_root(r, root);
        if (!name)
                return fail_missing(r, ynode_is_last(root), NULL,
                                    "has no current-context; set one, or Context= in msready.conf");

        k = find_entry(r, root, "contexts", "context", name, named, &context)
                    ?: set_string(&c->context, name);
        if (k < 0)
                return k;
        s = text_of(context, "cluster");
        if (!s)
                return fail_missing(r, ynode_is_last(context), context, "context \"%s\" names no cluster",
                                    name);
        k = set_string(&c->cluster, s)
                    ?: find_entry(r, root, "clusters", "cluster", s, ynode_get(context, "cluster"),
                                  &cluster);
        if (k < 0)
                return k;

        /* Without a user requests are anonymous. */
        s = text_of(context, "user");
        if (s)
                k = set_string(&c->user, s)
                            ?: find_entry(r, root, "users", "user", s, ynode_get(context, "user"), &user);
        k = k ?: take_cluster(r, cluster);
        if (k >= 0 && !c->https)
                return leave_out_credentials(r, cluster, user);
        return k < 0 || !user ? k : take_user(r, user);
}

/* A warning may be the cause of the error that the detail tells. */
static int add_warning_to_detail(const Reader *r) {
        _cleanup_free_ char *detail = NULL;

        if (!r->detail || !*r->detail || !r->config->warnings)
                return 0;
        detail = TAKE_PTR(*r->detail);
        return asprintf_ret(r->detail, "%s (%s)", detail, r->config->warnings[0]);
}

/* Reads the text of the kubeconfig at path, for a context (NULL: its current one), without the files that it
 * names. Errors: -EAGAIN for what a half-written file can look like (empty, cut off, parts missing at the end),
 * -EBADMSG for what more bytes cannot fix, -EOPNOTSUPP for what is not supported, -ENOMEM. reterr_detail
 * (may be NULL) has file, line, key, and what to do. */
int kube_config_parse(const char *text, size_t size, const char *path, const char *context, KubeConfig **ret,
                      char **reterr_detail) {
        _cleanup_(kube_config_freep) KubeConfig *c = calloc(1, sizeof(*c));
        _cleanup_(ynode_freep) YNode *root = NULL;
        _cleanup_free_ char *why = NULL;
        Reader r = { .path = path, .config = c, .detail = reterr_detail };
        int k;

        if (!c)
                return -ENOMEM;
        k = set_string(&c->path, path);
        if (k < 0)
                return k;
        k = ynode_parse(text, size, &root, &why);
        if (k == -ENOMEM)
                return k;
        if (k < 0)
                return fail_missing(&r, k == -ENODATA, NULL, "%s", why ?: "is not YAML");
        k = kube_config_warn_of_text(c, root);
        if (k < 0)
                return k;
        k = take_root(&r, root, isempty(context) ? NULL : context);
        if (k < 0 && k != -ENOMEM)
                return add_warning_to_detail(&r) ?: k;
        if (k < 0)
                return k;

        *ret = TAKE_PTR(c);
        return 0;
}

/* Reads the file of a credential that is not in the kubeconfig itself. */
static int load_credential(const Reader *r, const char *key, KubeCredential *c) {
        int k;

        if (!c->file)
                return 0;
        k = file_read(c->file, LIMIT_CREDENTIAL, &c->data, &c->size);
        if (k == -ENOMEM)
                return k;
        if (k < 0)
                return fail_at(r, -EAGAIN, NULL, "%s: %s: %s", key, c->file, file_read_fault(k));
        strip_byte_order_mark(c->data, &c->size);
        if (!pem_is_complete(c->data))
                return fail_missing(r, pem_is_cut(c->data), NULL, "%s: %s is not PEM, or is incomplete", key,
                                    c->file);
        return 0;
}

/* Reads the token's file, if there is one, again. On failure the token stays as it was: -EAGAIN if the file
 * cannot be read or is empty, -EBADMSG if it is no token, -ENOMEM. */
int kube_config_load_token(KubeConfig *c, char **reterr_detail) {
        Reader r = { .path = c->path, .config = c, .detail = reterr_detail };
        char *data;
        const char *token;
        size_t size;
        bool nul;
        int k;

        if (!c->token.file)
                return 0;
        k = file_read(c->token.file, LIMIT_CREDENTIAL, &data, &size);
        if (k == -ENOMEM)
                return k;
        if (k < 0)
                return fail_at(&r, -EAGAIN, NULL, "tokenFile: %s: %s", c->token.file, file_read_fault(k));

        nul = memchr(data, '\0', size);
        strip_byte_order_mark(data, &size);
        token = strstrip(data);
        if (!*token && !nul)
                k = fail_at(&r, -EAGAIN, NULL, "tokenFile: %s is empty" WRITING, c->token.file);
        else if (nul || !value_is_plain(token))
                k = fail_at(&r, -EBADMSG, NULL, "tokenFile: %s holds no token", c->token.file);
        else
                k = set_token(c, token);
        explicit_bzero(data, size);
        free(data);
        return k;
}

static int load_files(KubeConfig *c, char **reterr_detail) {
        Reader r = { .path = c->path, .config = c, .detail = reterr_detail };
        _cleanup_free_ char *token_detail = NULL;
        int k;

        k = load_credential(&r, "certificate-authority", &c->ca) ?:
                load_credential(&r, "client-certificate", &c->certificate) ?:
                load_credential(&r, "client-key", &c->key);
        if (k < 0)
                return k;

        /* The kubeconfig's own token serves until the token's file can be read. */
        k = kube_config_load_token(c, &token_detail);
        if (k < 0 && k != -ENOMEM && c->token.data)
                return 0;
        if (k < 0 && reterr_detail)
                *reterr_detail = TAKE_PTR(token_detail);
        return k;
}

/* Reads a kubeconfig and the files that it names. Errors as kube_config_parse(), also -EAGAIN if a file that
 * it names cannot be read; for the kubeconfig itself -E2BIG and the system's errors, such as -ENOENT and
 * -EACCES. */
int kube_config_load(const char *path, const char *context, KubeConfig **ret, char **reterr_detail) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;
        Reader r = { .path = path, .detail = reterr_detail };
        char *text;
        size_t size;
        int k;

        k = file_read(path, LIMIT_KUBECONFIG, &text, &size);
        if (k == -ENOMEM)
                return k;
        if (k < 0)
                return fail_at(&r, k, NULL, "%s", file_read_fault(k));
        k = kube_config_parse(text, size, path, context, &c, reterr_detail);
        explicit_bzero(text, size);
        free(text);
        if (k >= 0)
                k = load_files(c, reterr_detail);
        if (k < 0)
                return k;

        *ret = TAKE_PTR(c);
        return 0;
}

static bool credential_equal(const KubeCredential *a, const KubeCredential *b) {
        if (!a->data != !b->data || a->size != b->size || !streq_ptr(a->file, b->file))
                return false;
        return !a->data || memcmp(a->data, b->data, a->size) == 0;
}

/* Whether both lead to the same server, with the same trust and credentials. */
bool kube_config_equal(const KubeConfig *a, const KubeConfig *b) {
        return streq_ptr(a->server, b->server) && streq_ptr(a->tls_server_name, b->tls_server_name) &&
               streq_ptr(a->proxy_url, b->proxy_url) && a->insecure == b->insecure &&
               credential_equal(&a->ca, &b->ca) && credential_equal(&a->certificate, &b->certificate) &&
               credential_equal(&a->key, &b->key) && credential_equal(&a->token, &b->token);
}

/* The path in $KUBECONFIG's value; NULL if it is empty. -EOPNOTSUPP if it lists several, with what to do in
 * reterr_detail (may be NULL), -ENOMEM. */
int kube_config_path_from_environment(const char *value, char **ret, char **reterr_detail) {
        _cleanup_(strv_freep) char **paths = NULL;
        int k;

        k = strv_split(strempty(value), ":", &paths);
        if (k < 0)
                return k;
        if (strv_length(paths) > 1) {
                if (reterr_detail)
                        (void) asprintf_ret(
                                reterr_detail,
                                "$KUBECONFIG lists %zu files; merging them is not supported. Name one, or "
                                "set Kubeconfig= in msready.conf",
                                strv_length(paths));
                return -EOPNOTSUPP;
        }
        *ret = paths ? TAKE_PTR(paths[0]) : NULL;
        return 0;
}
