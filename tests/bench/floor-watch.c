/* SPDX-License-Identifier: Apache-2.0 */

/* floor-watch CA CERTIFICATE KEY URL [WORD]
 *
 * The cost of a watch that is not looked at: libcurl reads the URL and throws its bytes away. Prints "synced"
 * when the initial list is complete and, where there is a WORD, "found" when that comes after it; ends with the
 * last of the two, and says on the standard error how many bytes have come. Nothing is tidied up at the end, so
 * that the line and the end are as close to the event as they can be. */

#include <curl/curl.h>
#include <stdio.h>

#include "base/macro.h"

#define INITIAL_EVENTS_END "\"k8s.io/initial-events-end\":\"true\""

/* A word that a chunk's end cuts is found with the help of the chunk's tail. */
#define WORD_SIZE_MAX 128

typedef struct Watch {
        const char *words[2];
        const char *lines[2];
        size_t current;
        char tail[WORD_SIZE_MAX];
        size_t n_tail;
        uint64_t n_bytes;
} Watch;

/* Looks for the word that is due. Returns what follows it, or NULL. */
static const char *watch_find(Watch *w, const char *data, size_t n) {
        const char *word = w->words[w->current], *found;
        size_t size = strlen(word), n_head = MIN(n, size - 1);
        char seam[2 * WORD_SIZE_MAX];

        memcpy(seam, w->tail, w->n_tail);
        memcpy(seam + w->n_tail, data, n_head);
        found = memmem(seam, w->n_tail + n_head, word, size);
        if (found)
                return data + (found + size - seam) - w->n_tail;
        found = memmem(data, n, word, size);
        return found ? found + size : NULL;
}

static void watch_keep_tail(Watch *w, const char *data, size_t n) {
        size_t keep = strlen(w->words[w->current]) - 1;

        if (n >= keep) {
                w->n_tail = keep;
                memcpy(w->tail, data + n - keep, keep);
                return;
        }
        if (w->n_tail + n > keep) {
                size_t drop = w->n_tail + n - keep;

                memmove(w->tail, w->tail + drop, w->n_tail - drop);
                w->n_tail -= drop;
        }
        memcpy(w->tail + w->n_tail, data, n);
        w->n_tail += n;
}

static size_t on_data(char *data, size_t one, size_t n, void *userdata) {
        Watch *w = userdata;
        const char *end = data + n;

        w->n_bytes += n;
        for (const char *p = data; w->words[w->current];) {
                const char *next = watch_find(w, p, (size_t) (end - p));

                if (!next) {
                        watch_keep_tail(w, p, (size_t) (end - p));
                        return n;
                }
                puts(w->lines[w->current]);
                w->current++;
                if (w->current == ELEMENTSOF(w->words) || !w->words[w->current])
                        return 0;
                w->n_tail = 0;
                p = next;
        }
        return n;
}

static int fail(CURL *easy, CURLcode code, const char *detail) {
        long status = 0;

        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        fprintf(stderr, "floor-watch: HTTP %ld, %s: %s\n", status, curl_easy_strerror(code), detail);
        return EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
        Watch w = { .words = { INITIAL_EVENTS_END }, .lines = { "synced", "found" } };
        char detail[CURL_ERROR_SIZE] = "";
        CURLcode code;
        CURL *easy;

        if (argc < 5 || argc > 6 || (argc == 6 && (!*argv[5] || strlen(argv[5]) >= WORD_SIZE_MAX))) {
                fprintf(stderr, "usage: floor-watch CA CERTIFICATE KEY URL [WORD]\n");
                return 2;
        }
        if (argc == 6)
                w.words[1] = argv[5];

        setvbuf(stdout, NULL, _IOLBF, 0);
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
                return EXIT_FAILURE;
        easy = curl_easy_init();
        if (!easy)
                return EXIT_FAILURE;
        curl_easy_setopt(easy, CURLOPT_CAINFO, argv[1]);
        curl_easy_setopt(easy, CURLOPT_SSLCERT, argv[2]);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, argv[3]);
        curl_easy_setopt(easy, CURLOPT_URL, argv[4]);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &w);

        code = curl_easy_perform(easy);
        if (w.words[0] && (w.current == 0 || (w.words[1] && w.current == 1)))
                return fail(easy, code, detail);
        fprintf(stderr, "%" PRIu64 "\n", w.n_bytes);
        return EXIT_SUCCESS;
}
