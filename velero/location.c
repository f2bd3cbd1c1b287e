/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a location serves now. A Backup or Restore that is made while it is away is refused for
 * good, under a name that is used up then: rather wait before. */
#include <string.h>

#include "velero/room.h"

bool cf_location_serves(const struct cf_volumes *v, bool writes, bool *out_so,
                        struct cf_moving *out, struct cf_error *err)
{
    struct cf_kube *k = writes ? v->from : v->to;
    struct cf_object_ref ref =
        cf_velero_ref(v, "BackupStorageLocation", writes ? v->from_location : v->to_location);
    cf_autojson json_t *location = NULL;
    bool found = false;
    *out_so = false;
    if (!cf_kube_find(k, NULL, &ref, &found, &location, err))
        return cf_error_wrap(err, "read BackupStorageLocation %s on %s", ref.name, cf_kube_name(k));
    const char *phase = cf_json_str(location, "", "status", "phase", NULL);
    if (!found)
        return cf_moving_stuck(out, "BackupStorageLocation %s/%s on %s does not exist",
                               v->velero_namespace, ref.name, cf_kube_name(k));
    if (writes && strcmp(cf_json_str(location, "", "spec", "accessMode", NULL), "ReadOnly") == 0)
        return cf_moving_stuck(out,
                               "BackupStorageLocation %s on %s is read-only: nothing can be backed "
                               "up into it",
                               ref.name, cf_kube_name(k));
    if (strcmp(phase, "Available") != 0)
        return cf_moving_waits(out, CF_VELERO_LOOK_SLOW_MS,
                               "BackupStorageLocation %s on %s is %s: %.200s", ref.name,
                               cf_kube_name(k), *phase ? phase : "not yet validated",
                               cf_json_str(location, "", "status", "message", NULL));
    *out_so = true;
    return true;
}
