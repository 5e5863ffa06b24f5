/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/limits.h"
#include "kube/prune.h"
#include "kube/scanner.h"

/* The first byte says whether this is a watch or a list and who is wanted, the second how it is cut into
 * pieces; what the scanner says must not depend on that. */

typedef struct Said {
        KubeScanner scanner;
        unsigned choice;
        uint64_t hash;
        int error;
} Said;

static void note(Said *s, const void *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                s->hash = (s->hash ^ ((const unsigned char *) data)[i]) * UINT64_C(0x100000001b3);
}

static void note_text(Said *s, const char *text) {
        assert(text);
        note(s, text, strlen(text) + 1);
}

static void note_brief(Said *s, const KubeBrief *b) {
        note_text(s, b->namespace);
        note_text(s, b->name);
        note_text(s, b->uid);
        note_text(s, b->resource_version);
        note_text(s, b->owner_kind);
        note_text(s, b->owner_name);
        note_text(s, b->owner_uid);
        for (char *const *l = b->labels; l && *l; l++)
                note_text(s, *l);
        note(s, &b->initial_events_end, sizeof(b->initial_events_end));
        note(s, &b->is_partial, sizeof(b->is_partial));
}

static bool on_wanted(KubeScanner *scanner, const KubeBrief *brief) {
        Said *s = container_of(scanner, Said, scanner);

        assert(brief->name[0]);
        note_brief(s, brief);
        switch (s->choice) {
        case 0:
                return true;
        case 1:
                return false;
        default:
                return brief->name[0] < 'm';
        }
}

static int on_frame(KubeScanner *scanner, const KubeFrame *f) {
        Said *s = container_of(scanner, Said, scanner);

        assert(f->text ? f->wanted : !f->wanted || f->fault);
        note_text(s, f->fault ?: "");
        note(s, &f->type, sizeof(f->type));
        note_brief(s, f->brief);
        if (f->text) {
                size_t size = f->size;

                assert(f->text[size] == '\0' && f->text[0] == '{' && f->text[size - 1] == '}');
                note(s, f->text, size);
                if (kube_prune(KUBE_POD, f->text, &size) >= 0) {
                        assert(size <= f->size && f->text[size] == '\0');
                        note(s, f->text, size);
                }
        }
        return 0;
}

static const KubeScannerOps ops = { .wanted = on_wanted, .on_frame = on_frame };

static void scan(Said *s, const uint8_t *data, size_t size, unsigned mode, size_t piece) {
        int r = 0;

        *s = (Said){ .choice = mode / 2 % 3, .hash = UINT64_C(0xcbf29ce484222325) };
        kube_scanner_init(&s->scanner, &ops, KIB(1));
        kube_scanner_reset(&s->scanner, mode % 2 ? KUBE_SCAN_LIST : KUBE_SCAN_WATCH);
        for (size_t i = 0; i < size && r == 0; i += piece)
                r = kube_scanner_feed(&s->scanner, data + i, size - i < piece ? size - i : piece);
        s->error = kube_scanner_finish(&s->scanner);
        assert(r == 0 || s->error == r);
        if (s->error == 0 && mode % 2)
                note_text(s, kube_scanner_resource_version(&s->scanner));
        kube_scanner_done(&s->scanner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Said whole, pieces;

        if (size < 2)
                return 0;
        scan(&whole, data + 2, size - 2, data[0], size);
        scan(&pieces, data + 2, size - 2, data[0], 1 + data[1] % 100);
        assert(whole.error == pieces.error && whole.hash == pieces.hash);
        return 0;
}
