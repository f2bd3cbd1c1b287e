/* SPDX-License-Identifier: Apache-2.0 */
/* What is different about a bridge by name: which Services may have one (the table of bridge.h), and
 * what its slices carry. */
#include <stdio.h>
#include <string.h>

#include "lb/bridge_objects.h"

char *cf_bridge_service_name(const struct cf_bridge *b, char buf[CF_DEST_NAME_MAX])
{
    char beside[CF_DEST_WORD_MAX];
    snprintf(buf, CF_DEST_NAME_MAX, "%s",
             b->by_name ? b->service : cf_bridge_name(b->service, beside));
    return buf;
}

bool cf_bridge_slice_is_by_name(const json_t *slice)
{
    return strcmp(cf_json_str(slice, "", "metadata", "labels", CF_BRIDGE_BY_NAME, NULL), "true") ==
           0;
}

bool cf_bridge_family_fits(const json_t *service, const char *address_type)
{
    const json_t *families = cf_json_at(service, "spec", "ipFamilies", NULL);
    bool fits = json_array_size(families) == 0;
    for (size_t i = 0; i < json_array_size(families); i++) {
        const char *family = json_string_value(json_array_get(families, i));
        fits |= family && strcmp(family, address_type) == 0;
    }
    return fits;
}

void cf_bridge_carry_hostname(json_t *endpoint, const json_t *theirs)
{
    const char *hostname = cf_json_str(theirs, "", "hostname", NULL);
    if (*hostname)
        json_object_set_new(endpoint, "hostname", json_string(hostname));
}

static bool spec_is(const json_t *service, const char *field, const char *value)
{
    return strcmp(cf_json_str(service, "", "spec", field, NULL), value) == 0;
}

bool cf_bridge_by_name_fits(const struct cf_bridge *b, const json_t *service, struct cf_error *err)
{
    bool selects = json_object_size(cf_json_at(service, "spec", "selector", NULL)) > 0;
    bool alias = spec_is(service, "type", "ExternalName");
    const char *why = NULL;
    if (alias)
        why =
            "is an ExternalName, an alias that no endpoint is asked for; point its externalName at "
            "the other cluster, or make it a Service with the workload's selector";
    else if (cf_bridge_is_ours(service))
        why = "is a bridge itself; name the Service that it stands beside";
    else if (!selects)
        why = "has no selector: whoever keeps its endpoints says where it leads; write the other "
              "cluster's addresses there, or give it the workload's selector";
    else if (spec_is(service, "internalTrafficPolicy", "Local") &&
             !spec_is(service, "clusterIP", "None"))
        why =
            "has internalTrafficPolicy Local, by which callers reach pods of their own node only; "
            "set it to Cluster until the workload runs here";
    if (why) {
        cf_error_set(err, CF_ERR_INVALID, "Service %s/%s %s", b->ns, b->service, why);
        return cf_error_reason(err, "no-bridge-possible");
    }
    if (!*cf_json_str(service, "", "metadata", "deletionTimestamp", NULL))
        return true;
    cf_error_set(err, CF_ERR_CONFLICT, "Service %s/%s is being deleted; make it anew", b->ns,
                 b->service);
    return cf_error_reason(err, "no-bridge-possible");
}
