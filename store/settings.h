/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the whole service that people change while it runs. Event: setting.changed. */
#ifndef CF_STORE_SETTINGS_H
#define CF_STORE_SETTINGS_H

#include "store/store.h"

/* {"frozen": bool, "reason": text}: no forward move anywhere. */
#define CF_SETTING_FREEZE "freeze"

struct cf_setting {
    json_t *value; /* NULL if it was never set */
    char *author;
    int64_t at_ms;
};
void cf_setting_free(struct cf_setting *s);

bool cf_setting_get(struct cf_store *store, const char *name, struct cf_setting *out,
                    struct cf_error *err) CF_NODISCARD;
/* Notifies all replicas (listen.h). */
bool cf_setting_put(struct cf_store *store, const char *name, const json_t *value,
                    const char *author, struct cf_error *err) CF_NODISCARD;

#endif
