/* SPDX-License-Identifier: Apache-2.0 */
/* Pure: discovery documents of all three forms to rows. Names that do not fit or are missing are
 * left out: they are none that an API server could serve. */
#ifndef CF_FEDERATION_KUBE_DISCOVERY_PARSE_H
#define CF_FEDERATION_KUBE_DISCOVERY_PARSE_H

#include "federation/kube/discovery.h"

struct kube_resources {
    struct cf_kube_resource *items;
    size_t n, cap;
};

/* Appends "/api/v1" or "/apis/apps/v1". */
void kube_group_version_path(const char *api_version, struct cf_buf *out);

/* Each appends rows; LIMIT beyond CF_KUBE_RESOURCES_MAX, TRANSIENT when it is no such document (a
 * proxy answered). */
/* APIResourceList of one group and version. */
bool kube_parse_resource_list(const json_t *list, const char *api_version,
                              struct kube_resources *out, struct cf_error *err) CF_NODISCARD;
/* APIGroupDiscoveryList: all groups; a kind is taken from the first version that has it. Stale
 * groups go to `missing`. */
bool kube_parse_aggregated(const json_t *list, struct kube_resources *out, struct cf_buf *missing,
                           struct cf_error *err) CF_NODISCARD;
/* Appends a row unless its group has this plural already (in a version that came before). */
bool kube_resources_add_first(struct kube_resources *out, const struct cf_kube_resource *r,
                              struct cf_error *err) CF_NODISCARD;

#endif
