/* SPDX-License-Identifier: Apache-2.0 */

#include "varlink/server-internal.h"

/* Finds the function of a method by its name: the tables of interfaces, the checks of parameters, and the
 * interface that every service has. */

static int on_get_info(VlService *service, VlCall *call);
static int on_get_interface_description(VlService *service, VlCall *call);

const VlInterface vl_service_interface = {
        .name = "org.varlink.service",
        .description = vl_text_org_varlink_service,
        .methods =
                (const VlMethod[]){
                        { "GetInfo", on_get_info },
                        { "GetInterfaceDescription", on_get_interface_description,
                          (const VlParameter[]){ { "interface", VL_STRING }, {} } },
                        {},
                },
};

/* The interface whose name is the first size bytes of name. */
static const VlInterface *find_interface(const VlService *service, const char *name, size_t size) {
        const VlInterface *const *i = service->interfaces;
        const VlInterface *found = &vl_service_interface;

        for (; found; found = i ? *i++ : NULL)
                if (strlen(found->name) == size && memcmp(found->name, name, size) == 0)
                        return found;
        return NULL;
}

static const VlMethod *find_method(const VlInterface *interface, const char *name) {
        for (const VlMethod *m = interface->methods; m->name; m++)
                if (streq(m->name, name))
                        return m;
        return NULL;
}

/* All five fields and no others: systemd's clients refuse more or fewer. */
static int on_get_info(VlService *service, VlCall *call) {
        JsonBuilder b = {};

        jb_string(&b, "vendor", strempty(service->vendor));
        jb_string(&b, "product", strempty(service->product));
        jb_string(&b, "version", strempty(service->version));
        jb_string(&b, "url", strempty(service->url));
        jb_array(&b, "interfaces");
        jb_string(&b, NULL, vl_service_interface.name);
        for (const VlInterface *const *i = service->interfaces; i && *i; i++)
                jb_string(&b, NULL, (*i)->name);
        jb_end(&b);
        return vl_call_answer(call, NULL, &b);
}

static int on_get_interface_description(VlService *service, VlCall *call) {
        const char *name = jv_get_string(vl_call_parameters(call), "interface");
        const VlInterface *interface = find_interface(service, name, strlen(name));
        JsonBuilder b = {};

        if (!interface)
                return vl_call_error_string(call, "org.varlink.service.InterfaceNotFound", "interface",
                                            name);

        jb_string(&b, "description", interface->description);
        return vl_call_answer(call, NULL, &b);
}

static bool is_array_of_strings(const JsonValue *v) {
        if (!jv_is_array(v))
                return false;
        JSON_FOREACH(i, v)
                if (!jv_is_string(i))
                        return false;
        return true;
}

static bool type_matches(VlType type, const JsonValue *v) {
        switch (type) {
        case VL_BOOL:
                return jv_is_bool(v);
        case VL_INT:
                return jv_is_int(v);
        case VL_STRING:
                return jv_is_string(v);
        case VL_STRINGS:
                return is_array_of_strings(v);
        case VL_OBJECT:
                return jv_is_object(v);
        default:
                return false;
        }
}

static const VlParameter *find_parameter(const VlParameter *table, const char *name) {
        for (; table && table->name; table++)
                if (streq(table->name, name))
                        return table;
        return NULL;
}

/* The name of the first parameter that is unknown, missing or not of its type; NULL if there is none. */
static const char *find_invalid_parameter(const VlParameter *table, const JsonValue *parameters) {
        JSON_FOREACH(v, parameters) {
                const VlParameter *p = find_parameter(table, jv_key(v));

                if (!p || (jv_is_null(v) ? !p->nullable : !type_matches(p->type, v)))
                        return jv_key(v);
        }
        for (const VlParameter *p = table; p && p->name; p++)
                if (!p->nullable && !jv_get(parameters, p->name))
                        return p->name;
        return NULL;
}

/* Calls the method, or refuses the call. */
static int call_method(VlService *service, VlCall *call) {
        const char *name = call->request.method, *dot = strrchr(name, '.'), *invalid;
        const VlInterface *interface;
        const VlMethod *method;
        size_t size = dot ? (size_t) (dot - name) : strlen(name);

        interface = find_interface(service, name, size);
        if (!interface || !dot) {
                _cleanup_free_ char *unknown = strndup(name, size);

                return vl_call_error_string(call, "org.varlink.service.InterfaceNotFound", "interface",
                                            strempty(unknown));
        }
        method = find_method(interface, dot + 1);
        if (!method)
                return vl_call_error_string(call, "org.varlink.service.MethodNotFound", "method", name);
        /* No method here takes over the connection for a protocol of its own. */
        if (!method->on_call || (call->request.flags & VL_UPGRADE))
                return vl_call_error_string(call, "org.varlink.service.MethodNotImplemented", "method",
                                            name);
        if (method->requires_more && !vl_call_wants_more(call))
                return vl_call_error(call, "org.varlink.service.ExpectedMore", NULL);
        invalid = find_invalid_parameter(method->parameters, vl_call_parameters(call));
        if (invalid)
                return vl_call_invalid_parameter(call, invalid);

        return method->on_call(service, call);
}

/* Passes a call that has just begun to its method, and sets the connection's state afterwards. */
int service_dispatch(VlServer *server, VlCall *call) {
        bool oneway = call->request.flags & VL_ONEWAY;
        VlSlot *slot;
        bool failed;
        int r;

        r = call_method(server->service, call);
        failed = r < 0 && !call->answered;
        if (failed)
                (void) vl_call_error_errno(call, r);
        /* A call that is neither answered nor deferred would keep the client waiting for ever; a slot may
         * have given it up already. */
        assert(call->answered || call->slot || call->connection->broken);

        if (call->slot && !call->answered && !oneway) {
                call_wait(call);
                return 0;
        }
        slot = call_end(call);
        connection_set_state(call->connection, VL_IDLE);
        if (slot && (failed || !call->answered))
                slot->on_gone(slot);
        return 0;
}
