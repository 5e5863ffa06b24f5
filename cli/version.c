/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/version.h"
#include "verbs.h"

int verb_version(const Options *options) {
        printf("msready %s\n", PROJECT_VERSION);
        return fflush(stdout) == 0 ? 0 : -errno;
}
