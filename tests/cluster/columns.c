/* SPDX-License-Identifier: Apache-2.0 */

/* columns MICROSECONDS: reads nodes and pods, one JSON object per line, and prints for each its namespace, name,
 * READY, STATUS and RESTARTS as they are at that time since 1970, its reason and its message, tabs between. */

#include <stdio.h>

#include "base/limits.h"
#include "base/parse.h"
#include "base/string-util.h"
#include "diagnosis/columns.h"
#include "history/lines.h"

static int read_all(FILE *f, Buffer *b) {
        char chunk[4096];
        size_t n;
        int r;

        while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
                r = buffer_put(b, chunk, n);
                if (r < 0)
                        return r;
        }
        return ferror(f) ? -EIO : 0;
}

static int print_object(const JsonValue *v, usec_t realtime) {
        KubeKind kind = kube_kind_from_string(strempty(jv_get_string(v, "kind")));
        _cleanup_(kube_object_freep) KubeObject *o = NULL;
        _cleanup_(pod_columns_done) PodColumns c = POD_COLUMNS_NULL;
        const char *reason, *message, *status;
        _cleanup_free_ char *flat = NULL;
        int r;

        if (kind != KUBE_POD && kind != KUBE_NODE)
                return -EINVAL;
        r = kube_object_parse(kind, v, &o, NULL, 0);
        if (r < 0)
                return r;
        if (kind == KUBE_POD) {
                r = pod_columns(KUBE_POD_OF(o), realtime, &c);
                if (r < 0)
                        return r;
                status = c.status;
                pod_blocking_reason(KUBE_POD_OF(o), &reason, &message);
        } else {
                status = node_status_column(KUBE_NODE_OF(o));
                reason = message = "";
        }

        flat = strdup(strempty(message));
        if (!flat)
                return -ENOMEM;
        printf("%s\t%s\t%u/%u\t%s\t%s\t%s\t%s\n", o->namespace, o->name, c.ready, c.total, status,
               strempty(c.restarts), reason, strip_control(flat));
        return 0;
}

int main(int argc, char *argv[]) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(MIB(256));
        const char *text;
        uint64_t realtime;
        size_t size;
        int r;

        if (argc != 2 || parse_uint64(argv[1], &realtime) < 0)
                return 2;
        r = read_all(stdin, &b);
        text = buffer_cstr(&b);
        size = b.size;
        while (r >= 0) {
                _cleanup_(jv_freep) JsonValue *v = NULL;

                r = lines_next(&text, &size, &v);
                if (r == 0)
                        return 0;
                if (r > 0)
                        r = print_object(v, realtime);
        }
        fprintf(stderr, "columns: %s\n", strerror(-r));
        return 1;
}
