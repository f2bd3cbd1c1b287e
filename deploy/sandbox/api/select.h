/* SPDX-License-Identifier: Apache-2.0 */
/* Label and field selectors of list and watch requests. Pure. */
#ifndef DEPLOY_SANDBOX_API_SELECT_H
#define DEPLOY_SANDBOX_API_SELECT_H

#include "base/json.h"
#include "deploy/sandbox/api/kinds.h"

enum { SBX_FIELD_TERMS_MAX = 8 };

struct sbx_select {
    char *labels; /* checked text, or NULL */
    struct {
        char *path, *value;
        bool negative;
    } fields[SBX_FIELD_TERMS_MAX];
    int field_count;
};

/* INVALID (message as a real server words it) for malformed labels and for fields that the kind
 * does not select by. */
bool sbx_select_parse(struct sbx_select *s, const struct sbx_kind *k, const char *labels,
                      const char *fields, struct cf_error *err) CF_NODISCARD;
void sbx_select_free(struct sbx_select *s);
bool sbx_select_matches(const struct sbx_select *s, const json_t *obj);
bool sbx_select_is_empty(const struct sbx_select *s);

#endif
