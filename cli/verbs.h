/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "options.h"

/* The verbs, each in the file of its name. */
int verb_bind(const Options *options);
int verb_check_config(const Options *options);
int verb_explain(const Options *options);
int verb_gates(const Options *options);
int verb_help(const Options *options);
int verb_hold(const Options *options);
int verb_log_level(const Options *options);
int verb_objects(const Options *options);
int verb_plot(const Options *options);
int verb_reload(const Options *options);
int verb_status(const Options *options);
int verb_timeline(const Options *options);
int verb_unbind(const Options *options);
int verb_version(const Options *options);
int verb_wait(const Options *options);
int verb_watch(const Options *options);
