/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buffer.h"
#include "json/json.h"
#include "options.h"

/* Text is gathered before it is printed, so that a pager gets all of it. Text from the cluster goes in by
 * out_text() or clean_text(), never as it is: a terminal would obey it. */

typedef enum Style {
        STYLE_NONE,
        STYLE_BOLD,
        STYLE_DIM,
        STYLE_GOOD,
        STYLE_WAIT,
        STYLE_BAD,
        STYLE_DOUBT,
        _STYLE_MAX,
        _STYLE_INVALID = -EINVAL,
} Style;

typedef struct Output {
        Buffer text;
        int error; /* the first one; what is put after it is dropped */
        bool terminal;
        bool movable; /* a terminal whose cursor can be moved */
        bool colours;
        bool utf8;
        bool pager;
        unsigned columns; /* 0: no limit */
        unsigned rows;
} Output;

void out_init(Output *out, int fd, bool pager);
void out_done(Output *out);
void out_measure(Output *out, int fd);
int out_flush(Output *out);
void out_fail(Output *out, int r);

void out_put(Output *out, const char *s);
void out_printf(Output *out, const char *format, ...) _printf_(2, 3);
void out_style(Output *out, Style style);
void out_styled(Output *out, Style style, const char *s);
void out_text(Output *out, const char *s);
void out_wrapped(Output *out, unsigned indent, const char *s);
void out_fold(Output *out, size_t from, unsigned indent);
const char *out_symbol(const Output *out, const char *utf8, const char *ascii);
const char *style_sequence(Style style);
char *clean_text(const char *s);
size_t text_width(const char *s);
size_t text_cut(const char *s, size_t width);
size_t text_step(const char *s, size_t *ret_width);

int print_reply(const Options *options, const JsonValue *parameters);
int print_reply_of(const Options *options, const JsonValue *parameters, const char *list,
                   bool (*is_wanted)(const Options *options, const JsonValue *item));
