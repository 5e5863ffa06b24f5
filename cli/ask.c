/* SPDX-License-Identifier: Apache-2.0 */

#include "ask.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/strv.h"

/* Asking the daemon, and telling people what went wrong: the cause, and what to do next. */

/* Says why the daemon cannot be asked. error is one of vl_client_connect() or vl_client_receive(). */
int tell_unreachable(const Options *options, int error) {
        const char *path = options->socket;

        switch (-error) {
        case ENOENT:
                fprintf(stderr,
                        "msready: there is no socket at %s: msready.socket is not started.\n"
                        "Try: systemctl enable --now msready.socket\n",
                        path);
                break;
        case ECONNREFUSED:
                fprintf(stderr,
                        "msready: nobody listens at %s: msreadyd is not running.\n"
                        "Try: systemctl restart msready.socket\n",
                        path);
                break;
        case EACCES:
        case EPERM:
                fprintf(stderr,
                        "msready: you may not ask at %s.\n"
                        "Ask as root, or see WHO MAY ASK in msready.units(7) for a group that may.\n",
                        path);
                break;
        case ETIMEDOUT:
                fprintf(stderr,
                        "msready: msreadyd does not answer within 5s at %s.\n"
                        "Look at: systemctl status msready.service; journalctl -b -u msready.service\n",
                        path);
                break;
        case ECONNRESET:
        case EPIPE:
                fprintf(stderr, "msready: msreadyd has closed the connection.\n"
                                "Look at: journalctl -b -u msready.service\n");
                break;
        case EPROTO:
                fprintf(stderr, "msready: what answers at %s does not speak varlink.\n", path);
                break;
        default:
                fprintf(stderr, "msready: cannot ask at %s: %s.\n", path, strerror(-error));
                break;
        }
        return STATUS_UNREACHABLE;
}

/* What an error of the interface says to people. gate and cause come from the cluster or a file. */
static int tell_known_error(const char *name, const char *gate, const char *cause) {
        if (streq(name, READINESS "NoSuchGate")) {
                fprintf(stderr,
                        "msready: there is no gate '%s'.\n"
                        "See all of them: msready gates\n",
                        gate);
                return STATUS_NO_SUCH_GATE;
        }
        if (streq(name, READINESS "GateDisabled")) {
                fprintf(stderr,
                        "msready: gate '%s' is disabled on this host: %s.\n"
                        "See its conditions: msready gates\n",
                        gate, cause);
                return STATUS_ERROR;
        }
        if (streq(name, READINESS "GateInvalid")) {
                fprintf(stderr,
                        "msready: gate '%s' is invalid: %s.\n"
                        "Mend its file, then: msready check-config && msready reload\n",
                        gate, cause);
                return STATUS_ERROR;
        }
        if (streq(name, READINESS "ReloadFailed")) {
                fprintf(stderr,
                        "msready: the configuration was not loaded, the old one goes on: %s.\n"
                        "Mend it, then: msready check-config && msready reload\n",
                        cause);
                return STATUS_ERROR;
        }
        if (streq(name, READINESS "TimedOut")) {
                fprintf(stderr, "msready: the time is up.\n");
                return STATUS_TIMED_OUT;
        }
        return -ENOENT;
}

static int tell_service_error(const Options *options, const char *name, const JsonValue *p) {
        _cleanup_free_ char *boot = clean_text(options->boot);
        int64_t number = jv_get_int(p, "errno", 0);

        if (streq(name, READINESS "NoSuchBoot"))
                fprintf(stderr,
                        "msready: no boot with the ID '%s' is on record.\n"
                        "See all of them: msready timeline --boots\n",
                        strempty(boot));
        else if (streq(name, "org.varlink.service.PermissionDenied"))
                fprintf(stderr,
                        "msready: only root and the daemon's own user may do that. Try again as root.\n");
        else if (streq(name, "org.varlink.service.InterfaceNotFound") ||
                 streq(name, "org.varlink.service.MethodNotFound") ||
                 streq(name, "org.varlink.service.MethodNotImplemented"))
                fprintf(stderr,
                        "msready: what answers at %s does not know what '%s' asks for: another version, or "
                        "another program.\nTry: systemctl restart msready.service\n",
                        options->socket, options->verb->name);
        else if (streq(name, "io.systemd.System") && number > 0 && number < 4096)
                fprintf(stderr,
                        "msready: msreadyd failed: %s.\n"
                        "Look at: journalctl -b -u msready.service\n",
                        strerror((int) number));
        else
                return -ENOENT;
        return STATUS_ERROR;
}

/* Tells of an error that a method replied. Returns the exit status for it. */
int tell_error(const Options *options, const VlReply *reply) {
        _cleanup_free_ char *gate = clean_text(jv_get_string(reply->parameters, "gate"));
        _cleanup_free_ char *cause = clean_text(jv_get_string(reply->parameters, "cause"));
        _cleanup_free_ char *name = clean_text(reply->error);
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(KIB(64));
        int r;

        if (!name)
                return -ENOMEM;
        r = tell_known_error(name, gate ?: "?", cause ?: "it does not say why");
        if (r < 0)
                r = tell_service_error(options, name, reply->parameters);
        if (r >= 0)
                return r;

        if (reply->parameters)
                (void) jv_print(reply->parameters, false, &text);
        fprintf(stderr, "msready: msreadyd answered %s %s\n", name, buffer_cstr(&text));
        return STATUS_ERROR;
}

/* Calls a method of the daemon, "io.msready.Readiness.Describe". Returns 0 and the reply, for
 * vl_reply_done(), or an exit status: what went wrong has been told. */
int ask(const Options *options, const char *method, const JsonValue *parameters, VlReply *ret) {
        usec_t deadline = usec_add(now_monotonic(), REPLY_USEC);
        _cleanup_(vl_client_freep) VlClient *client = NULL;
        VlReply reply;
        int r;

        r = vl_client_connect(options->socket, deadline, &client);
        if (r >= 0)
                r = vl_client_call(client, method, parameters, deadline, &reply);
        if (r < 0)
                return tell_unreachable(options, r);
        if (reply.error) {
                r = tell_error(options, &reply);
                vl_reply_done(&reply);
                return r;
        }

        *ret = reply;
        return 0;
}

/* The parameters {"gates": [...]}, or NULL where none is named: the daemon tells those apart. */
int ask_gates_parameter(char *const *gates, JsonValue **ret) {
        JsonBuilder b = {};

        if (!gates || !*gates) {
                *ret = NULL;
                return 0;
        }
        jb_strings(&b, "gates", gates);
        return jb_finish(&b, ret);
}

/* --json: the reply as it came, unless --quiet. */
int print_reply(const Options *options, const JsonValue *parameters) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(8 * LIMIT_VARLINK_REPLY);
        int r;

        if (options->quiet)
                return 0;
        r = parameters ? jv_print(parameters, options->format == FORMAT_PRETTY, &text)
                       : buffer_puts(&text, "{}");
        if (r >= 0)
                r = buffer_putc(&text, '\n');
        if (r < 0)
                return r;
        return fwrite(text.data, 1, text.size, stdout) == text.size && fflush(stdout) == 0 ? 0 : -errno;
}

/* --json where gates are named: the reply, with what is wanted of the list of this name. */
int print_reply_of(const Options *options, const JsonValue *parameters, const char *list,
                   bool (*is_wanted)(const Options *options, const JsonValue *item)) {
        _cleanup_(jv_freep) JsonValue *reply = NULL;
        JsonBuilder b = {};
        int r;

        JSON_FOREACH(member, parameters) {
                if (!streq(jv_key(member), list)) {
                        jb_copy(&b, jv_key(member), member);
                        continue;
                }
                jb_array(&b, list);
                JSON_FOREACH(item, member)
                        if (is_wanted(options, item))
                                jb_copy(&b, NULL, item);
                jb_end(&b);
        }
        r = jb_finish(&b, &reply);
        return r < 0 ? r : print_reply(options, reply);
}
