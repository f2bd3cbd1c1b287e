/* SPDX-License-Identifier: Apache-2.0 */
/* The table of actions × situations, for the API's early answer, for docs and for tests. Pure. */
#ifndef CF_ENGINE_ACTIONS_H
#define CF_ENGINE_ACTIONS_H

#include <stdbool.h>

#include "base/json.h"

/* [{"action", "says"}]. New reference. */
json_t *cf_actions_table(void) CF_NODISCARD;

/* Why the table refuses an action now, or NULL when it takes it (the run's owner has the last
 * word). Static text. */
const char *cf_actions_refusal(const char *action, bool committed, bool rolling_back);

#endif
