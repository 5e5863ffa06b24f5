/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* YAML as a bounded tree that knows its lines. */

typedef struct YNode YNode;

/* Iterates over the members of a map or the items of a list; over nothing where n is neither. */
#define YNODE_FOREACH(i, n) for (const YNode *i = ynode_first(n); i; i = ynode_next(i))

int ynode_parse(const char *text, size_t size, YNode **ret, char **reterr_detail);
YNode *ynode_free(YNode *n);
DEFINE_CLEANUP(YNode, ynode_free)

bool ynode_is_map(const YNode *n);
bool ynode_is_list(const YNode *n);
bool ynode_is_null(const YNode *n);
bool ynode_is_plain(const YNode *n);

const YNode *ynode_get(const YNode *map, const char *key);
const YNode *ynode_first(const YNode *n);
const YNode *ynode_next(const YNode *n);
const YNode *ynode_last(const YNode *n);
const YNode *ynode_previous(const YNode *n);
const char *ynode_key(const YNode *member);
const char *ynode_string(const YNode *n);
const char *ynode_type(const YNode *n);
unsigned ynode_line(const YNode *n);
unsigned ynode_key_line(const YNode *member);
unsigned ynode_earlier_line(const YNode *member);
unsigned ynode_rest_line(const YNode *root);
bool ynode_is_last(const YNode *n);
