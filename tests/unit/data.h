/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/string-util.h"
#include "base/strv.h"

/* The paths of the texts, *.txt, in tests/data/NAME of the source tree, sorted; the caller's. */
static inline char **data_texts(const char *name) {
        _cleanup_free_ char *folder = NULL;
        _cleanup_closedir_ DIR *d = NULL;
        char **paths = NULL;

        assert_non_null(getenv("MSREADY_SOURCE"));
        assert_ok(asprintf_ret(&folder, "%s/tests/data/%s", getenv("MSREADY_SOURCE"), name));
        d = opendir(folder);
        assert_non_null(d);
        for (struct dirent *e = readdir(d); e; e = readdir(d))
                if (endswith(e->d_name, ".txt"))
                        assert_ok(strv_extendf(&paths, "%s/%s", folder, e->d_name));
        strv_sort(paths);
        return paths;
}
