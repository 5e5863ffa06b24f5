/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/readiness.h"

#include "options.h"

/* What outlives the process: the gates' states and this boot's time line in the runtime folder (rule R6), and
 * the boots on record in the state folder. */

typedef struct PublishState PublishState;

int publish_state_new(const Readiness *readiness, const Options *options, PublishState **ret);
PublishState *publish_state_free(PublishState *p);
DEFINE_CLEANUP(PublishState, publish_state_free)

void publish_state_restore(PublishState *p, Readiness *readiness);
void publish_state_save(PublishState *p);
void publish_state_save_boots(PublishState *p);
