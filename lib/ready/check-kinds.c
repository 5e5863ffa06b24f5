/* SPDX-License-Identifier: Apache-2.0 */

/* All kinds of checks. A kind is one file, check-KIND.c, and one row here. */

#include "ready/check-kinds.h"

#include "base/nearest.h"
#include "base/string-util.h"

/* clang-format off */
const CheckKind *const check_kinds[] = {
        &check_kind_api,
        &check_kind_node,
        &check_kind_pods,
        &check_kind_workload,
        &check_kind_condition,
        &check_kind_endpoint,
        &check_kind_socket,
        NULL,
};
/* clang-format on */

/* What a section of that name may say. NULL where no kind has it; then *ret_nearest (may be NULL) is the section that
 * was meant, NULL where none is near. */
const CheckSyntax *check_find_syntax(const char *section, const char **ret_nearest) {
        const char *names[ELEMENTSOF(check_kinds)] = {};
        size_t n = 0;

        for (const CheckKind *const *k = check_kinds; *k; k++) {
                if (streq((*k)->syntax.section, section))
                        return &(*k)->syntax;
                names[n++] = (*k)->syntax.section;
        }
        if (ret_nearest)
                *ret_nearest = nearest_name(section, (char *const *) names);
        return NULL;
}
