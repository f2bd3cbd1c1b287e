/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a loaded configuration, shared by config.c (fills it) and config_show.c (reads
 * it). */
#ifndef CF_BASE_CONFIG_VALUES_H
#define CF_BASE_CONFIG_VALUES_H

#include "base/config.h"

struct cf_config_value {
    char *text; /* NULL: unset */
    char *origin;
    int64_t number; /* of everything but strings and paths; booleans are 0 and 1 */
};

struct cf_config {
    const struct cf_config_key *table;
    size_t count;
    struct cf_config_value *values; /* one per row of the table */
};

/* "http.listen" → "CROSSFADE_HTTP_LISTEN" into buf; returns buf. */
char *cf_config_env_name(const char *key, char *buf, size_t size);

#endif
