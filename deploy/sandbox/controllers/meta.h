/* SPDX-License-Identifier: Apache-2.0 */
/* Reading objects and building their common parts: names, owners, selectors, conditions, pods'
 * states. Pure. */
#ifndef DEPLOY_SANDBOX_CONTROLLERS_META_H
#define DEPLOY_SANDBOX_CONTROLLERS_META_H

#include "base/json.h"

enum { SBX_SUFFIX_LEN = 5, SBX_HASH_LEN = 10 };

const char *sbx_name(const json_t *o);
const char *sbx_ns(const json_t *o); /* "" for cluster scope */
const char *sbx_uid(const json_t *o);
bool sbx_is_going(const json_t *o); /* has a deletionTimestamp */
bool sbx_has_finalizer(const json_t *o, const char *finalizer);
/* A list without the members equal to `drop`: texts, or objects by their `member`. New reference.
 */
json_t *sbx_list_without(const json_t *list, const char *member, const char *drop) CF_NODISCARD;
/* The uid of the owner that controls it, or "". */
const char *sbx_controller_uid(const json_t *o);
/* An ownerReferences list that makes `owner` the controller. New reference. */
json_t *sbx_owned_by(const char *api_version, const char *kind, const json_t *owner);

/* "-" and five characters as Kubernetes draws them, appended: a new name. Caller frees. */
char *sbx_random_name(const char *base) CF_NODISCARD;
/* A digest of a pod template in the same alphabet; SBX_HASH_LEN characters and NUL into buf. */
void sbx_template_hash(const json_t *pod_template, char buf[SBX_HASH_LEN + 1]);

/* Whether labels (may be NULL) have all of `wanted`'s members; a NULL or empty `wanted` never
 * matches. */
bool sbx_labels_have(const json_t *labels, const json_t *wanted);
/* A LabelSelector (matchLabels and matchExpressions) on labels; an empty selector matches
 * everything, NULL nothing. */
bool sbx_selector_matches(const json_t *selector, const json_t *labels);

/* Appends a condition to `list`; its transition time is the one of `object`'s present condition
 * while the status is the same. `generation` below 0: without observedGeneration. Empty reason and
 * message are left out. Returns the condition, borrowed. */
json_t *sbx_condition_add(json_t *list, const json_t *object, const char *type, const char *status,
                          const char *reason, const char *message, int64_t generation,
                          const char *stamp);
/* Sets an integer, or leaves the member out when it is 0, as Kubernetes' status fields do. */
void sbx_set_count(json_t *status, const char *field, int64_t n);

/* An "int or percent" of `total`; `dflt` where it is absent. */
int64_t sbx_int_or_percent(const json_t *value, int64_t total, bool round_up, int64_t dflt);

/* ---- Pods ---- */
bool sbx_pod_is_ready(const json_t *pod);
bool sbx_pod_is_done(const json_t *pod);                 /* Succeeded or Failed */
bool sbx_pod_is_active(const json_t *pod);               /* neither done nor going */
const char *sbx_label(const json_t *o, const char *key); /* "" if absent */
/* A pod from a template: labels, annotations and spec; without a name and owner. New reference. */
json_t *sbx_pod_from(const json_t *pod_template, const char *ns);
/* Whether an image of its containers has that tag. */
bool sbx_pod_has_tag(const json_t *pod, const char *tag);

#endif
