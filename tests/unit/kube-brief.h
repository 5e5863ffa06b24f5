/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strv.h"
#include "kube/scanner.h"

/* Whether the object has the label app=APP. */
static inline bool brief_is_of_app(const KubeBrief *brief, const char *app) {
        STRV_FOREACH(label, brief->labels) {
                const char *value = startswith(*label, "app=");

                if (value)
                        return streq(value, app);
        }
        return false;
}
