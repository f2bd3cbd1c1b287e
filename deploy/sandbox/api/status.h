/* SPDX-License-Identifier: Apache-2.0 */
/* What a call fails with: a Kubernetes Status. Pure. */
#ifndef DEPLOY_SANDBOX_API_STATUS_H
#define DEPLOY_SANDBOX_API_STATUS_H

#include "deploy/sandbox/api/api.h"
#include "deploy/sandbox/api/kinds.h"

/* Causes of a 422 (and of conflicts), collected before the answer is made. */
struct sbx_causes {
    json_t *list; /* [{reason, message, field}], or NULL */
};
void sbx_causes_free(struct sbx_causes *c);
enum { SBX_CAUSES_MAX = 64 }; /* more are dropped: nobody reads them */
/* reason: "FieldValueRequired", "FieldValueInvalid", …; the message gets its usual prefix
 * ("Required value: …"). `field` is copied. */
void sbx_cause(struct sbx_causes *c, const char *reason, const char *message, const char *field_fmt,
               ...) CF_PRINTF(4, 5);
/* A cause whose reason and message are taken as they are. */
void sbx_cause_raw(struct sbx_causes *c, const char *reason, const char *message,
                   const char *field);

/* Each fills in the answer and returns false. `reason` NULL: none in the Status. */
bool sbx_fail(struct sbx_answer *out, int code, const char *reason, const char *fmt, ...)
    CF_PRINTF(4, 5);
bool sbx_fail_not_found(struct sbx_answer *out, const struct sbx_kind *k, const char *name);
bool sbx_fail_exists(struct sbx_answer *out, const struct sbx_kind *k, const char *name);
bool sbx_fail_conflict(struct sbx_answer *out, const struct sbx_kind *k, const char *name,
                       const char *why);
/* 422 Invalid of an object of that kind, with all causes. */
bool sbx_fail_invalid(struct sbx_answer *out, const char *group, const char *kind, const char *name,
                      const struct sbx_causes *causes);
void sbx_detail(struct sbx_answer *out, const char *key, json_t *value_take);

json_t *sbx_success(const struct sbx_kind *k, const char *name, const char *uid);

#endif
