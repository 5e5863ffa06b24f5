/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The interfaces of a service, their methods, and the parameters of each. */

typedef struct VlService VlService;
typedef struct VlCall VlCall;

typedef enum VlType {
        VL_BOOL,
        VL_INT,
        VL_STRING,
        VL_STRINGS, /* []string */
        VL_OBJECT,  /* any object; the method checks its members */
        _VL_TYPE_MAX,
        _VL_TYPE_INVALID = -EINVAL,
} VlType;

typedef struct VlParameter {
        const char *name;
        VlType type;
        bool nullable;
} VlParameter;

/* parameters ends with a NULL name; NULL: the method takes none. A call is checked against them before
 * on_call runs. on_call answers now, or keeps the call with vl_call_defer(); a negative errno that it
 * returns becomes the answer. */
typedef struct VlMethod {
        const char *name;
        int (*on_call)(VlService *service, VlCall *call);
        const VlParameter *parameters;
        bool requires_more;
} VlMethod;

/* description is the interface's text; methods ends with a NULL name. */
typedef struct VlInterface {
        const char *name;
        const char *description;
        const VlMethod *methods;
} VlInterface;

/* Where msreadyd serves io.msready.Readiness, unless told otherwise. */
#define VL_SOCKET_DEFAULT "/run/msready/io.msready.Readiness"

/* The texts of the .varlink files of the source tree. */
extern const char vl_text_io_msready_Readiness[];
extern const char vl_text_io_systemd_service[];
extern const char vl_text_org_varlink_service[];
