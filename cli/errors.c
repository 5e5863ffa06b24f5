/* SPDX-License-Identifier: Apache-2.0 */

#include "errors.h"

#include <stdio.h>

#include "base/limits.h"
#include "output.h"
#include "suggest.h"

/* Tells the user on standard error what went wrong: the cause, and what to do next. */

/* Tells why the daemon cannot be reached. error is a negative errno of vl_client_connect() or vl_client_receive().
 * Returns the exit status. */
int tell_unreachable(const Options *options, int error) {
        const char *path = options->socket;

        switch (-error) {
        case ENOENT:
                fprintf(stderr,
                        "msready: there is no socket at %s; msready.socket creates it.\n"
                        "Try: systemctl enable --now msready.socket\n",
                        path);
                break;
        case ECONNREFUSED:
                fprintf(stderr,
                        "msready: nothing listens at %s.\n"
                        "Try: systemctl restart msready.socket\n",
                        path);
                break;
        case EACCES:
        case EPERM:
                fprintf(stderr,
                        "msready: permission denied on %s.\n"
                        "Try again as root, or see WHO MAY ASK in msready.units(7) for access by a group.\n",
                        path);
                break;
        case ETIMEDOUT:
                fprintf(stderr,
                        "msready: msreadyd at %s did not answer within 5s.\n"
                        "Look at: systemctl status msready.service; journalctl -b -u msready.service\n",
                        path);
                break;
        case ECONNRESET:
        case EPIPE:
                fprintf(stderr, "msready: msreadyd closed the connection.\n"
                                "Look at: journalctl -b -u msready.service\n");
                break;
        case EPROTO:
                fprintf(stderr, "msready: the service at %s does not speak varlink.\n", path);
                break;
        default:
                fprintf(stderr, "msready: cannot ask msreadyd at %s: %s.\n", path, strerror(-error));
                break;
        }
        return STATUS_UNREACHABLE;
}

/* Tells of an error of gates and of the configuration. gate and cause are clean: they come from the cluster or from a
 * file. Returns whether it is one. */
static bool tell_gate_error(const char *name, const char *gate, const char *cause) {
        if (streq(name, READINESS "GateDisabled"))
                fprintf(stderr,
                        "msready: gate '%s' is disabled on this host: %s.\n"
                        "See what it asks for: msready gates %s\n",
                        gate, cause, gate);
        else if (streq(name, READINESS "GateInvalid"))
                fprintf(stderr,
                        "msready: gate '%s' is invalid: %s.\n"
                        "Fix the file, then run: msready check-config && msready reload\n",
                        gate, cause);
        else if (streq(name, READINESS "ReloadFailed"))
                fprintf(stderr,
                        "msready: the configuration was not loaded; the daemon keeps the old one: %s.\n"
                        "Fix the file, then run: msready check-config && msready reload\n",
                        cause);
        else
                return false;
        return true;
}

/* Tells of another error that is known. Returns whether it is one. */
static bool tell_service_error(const Options *options, const char *name, const JsonValue *p) {
        _cleanup_free_ char *boot = clean_text(options->boot);
        int64_t number = jv_get_int(p, "errno", 0);

        if (streq(name, READINESS "NoSuchBoot"))
                fprintf(stderr,
                        "msready: no boot with the ID '%s' is on record.\n"
                        "To list them: msready timeline --boots\n",
                        strempty(boot));
        else if (streq(name, "org.varlink.service.PermissionDenied"))
                fprintf(stderr,
                        "msready: only root and the daemon's own user may do that. Try again as root.\n");
        else if (streq(name, "org.varlink.service.InterfaceNotFound") ||
                 streq(name, "org.varlink.service.MethodNotFound") ||
                 streq(name, "org.varlink.service.MethodNotImplemented"))
                fprintf(stderr,
                        "msready: the service at %s does not support '%s'; it may be another version or another "
                        "program.\nTry: systemctl restart msready.service\n",
                        options->socket, options->verb->name);
        else if (streq(name, "io.systemd.System") && number > 0 && number < 4096)
                fprintf(stderr,
                        "msready: msreadyd failed: %s.\n"
                        "Look at: journalctl -b -u msready.service\n",
                        strerror((int) number));
        else
                return false;
        return true;
}

/* Tells of the error that a method replied. Returns the exit status. */
int tell_error(const Options *options, const VlReply *reply) {
        _cleanup_free_ char *gate = clean_text(jv_get_string(reply->parameters, "gate"));
        _cleanup_free_ char *cause = clean_text(jv_get_string(reply->parameters, "cause"));
        _cleanup_free_ char *name = clean_text(reply->error);
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(KIB(64));

        if (!name)
                return -ENOMEM;
        if (streq(name, READINESS "NoSuchGate"))
                return tell_no_such_gate(options, gate ?: "?");
        if (streq(name, READINESS "TimedOut")) {
                fprintf(stderr, "msready: timed out.\n");
                return STATUS_TIMED_OUT;
        }
        if (tell_gate_error(name, gate ?: "?", cause ?: "no cause given") ||
            tell_service_error(options, name, reply->parameters))
                return STATUS_ERROR;

        if (reply->parameters)
                (void) jv_print(reply->parameters, false, &text);
        fprintf(stderr, "msready: msreadyd answered %s %s\n", name, buffer_cstr(&text));
        return STATUS_ERROR;
}
