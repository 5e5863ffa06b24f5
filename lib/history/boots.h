/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "history/timeline.h"

/* When a gate first opened in a boot. */
typedef struct BootGate {
        char *name;
        usec_t ready;     /* since PID 1 started; USEC_INFINITY: never */
        char *waited_for; /* what it last waited for; NULL: nothing */
        int required;     /* 1: until the boot was ready; 0: not; negative: an older msready did not say */
} BootGate;

typedef struct Boot {
        char *boot_id;
        usec_t started; /* realtime */
        usec_t ready;   /* since PID 1 started; USEC_INFINITY: never */
        bool pulled_images;
        BootGate *gates;
        size_t n_gates;
} Boot;

int boot_new(const char *boot_id, usec_t started, Boot **ret);
Boot *boot_free(Boot *b);
DEFINE_CLEANUP(Boot, boot_free)

int boot_set_gate(Boot *b, const char *name, usec_t ready, const char *waited_for);
void boot_set_required(Boot *b, const char *name, bool required);
void boot_take_result(Boot *b, const Boot *first);
void boot_to_json(JsonBuilder *b, const char *key, const Boot *boot);
int boot_from_json(const JsonValue *v, Boot **ret);
int boot_retell(const Boot *b, Timeline *timeline);

/* The recorded boots, oldest first, one per boot ID: the content of boots.jsonl. */
typedef struct BootLog BootLog;

int boot_log_new(size_t limit, BootLog **ret);
BootLog *boot_log_free(BootLog *l);
DEFINE_CLEANUP(BootLog, boot_log_free)

int boot_log_parse(BootLog *l, const char *text, size_t size);
void boot_log_put(BootLog *l, Boot *boot);
size_t boot_log_length(const BootLog *l);
const Boot *boot_log_get(const BootLog *l, size_t i);
const Boot *boot_log_find(const BootLog *l, const char *boot_id);
int boot_log_print(const BootLog *l, Buffer *out);
void boot_log_to_json(JsonBuilder *b, const char *key, const BootLog *l);
int boot_log_typical(const BootLog *l, bool pulled_images, const char *except, usec_t *ret);
