/* SPDX-License-Identifier: Apache-2.0 */

/* Runs a fuzz target over the files of a folder, as TAP. Each is handed over in memory of exactly its size, so that
 * the sanitizers see what is read behind it. */

#include "fuzz.h"

#include <stdio.h>

#include <dirent.h>

#include "base/file.h"
#include "base/limits.h"

static int replay(const char *path) {
        _cleanup_free_ char *text = NULL;
        _cleanup_free_ uint8_t *exact = NULL;
        size_t size;
        int r;

        r = file_read(path, MIB(4), &text, &size);
        if (r < 0)
                return r;
        exact = malloc(size ?: 1);
        if (!exact)
                return -ENOMEM;
        memcpy(exact, text, size);
        (void) LLVMFuzzerTestOneInput(exact, size);
        return 0;
}

static int is_visible(const struct dirent *e) {
        return e->d_name[0] != '.';
}

int main(int argc, char *argv[]) {
        struct dirent **entries = NULL;
        int n, failed = 0;

        n = argc == 2 ? scandir(argv[1], &entries, is_visible, alphasort) : -1;
        if (n <= 0) {
                fprintf(stderr, "%s: no corpus\n", argc == 2 ? argv[1] : "usage: replay FOLDER");
                return 1;
        }
        printf("1..%d\n", n);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                r = path_join(argv[1], entries[i]->d_name, &path);
                if (r >= 0)
                        r = replay(path);
                printf("%sok %d - %s\n", r < 0 ? "not " : "", i + 1, entries[i]->d_name);
                fflush(stdout);
                failed += r < 0;
                free(entries[i]);
        }
        free(entries);
        return failed > 0;
}
