/* SPDX-License-Identifier: Apache-2.0 */
/* BackupStorageLocations: whether the bucket answers, asked again and again. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define LOCATIONS "backupstoragelocations"

const json_t *vl_location(struct vl_cluster *c, const char *name)
{
    return vl_one(c, LOCATIONS, name);
}

char *vl_location_key(const json_t *location)
{
    return cf_xasprintf("%s/%s", cf_json_str(location, "", "spec", "objectStorage", "bucket", NULL),
                        cf_json_str(location, "", "spec", "objectStorage", "prefix", NULL));
}

bool vl_location_reachable(struct vl_cluster *c, const json_t *location)
{
    return location &&
           !vl_meets(vl_common(c->velero)->switches, VL_STORAGE_AWAY, c->name,
                     "BackupStorageLocation", sbx_name(location), NULL, sbx_uid(location), NULL);
}

bool vl_location_read_only(const json_t *location)
{
    return strcmp(cf_json_str(location, "ReadWrite", "spec", "accessMode", NULL), "ReadOnly") == 0;
}

bool vl_location_available(const json_t *location)
{
    return strcmp(vl_phase(location), "Available") == 0;
}

static void validate(struct vl_cluster *c, const json_t *location)
{
    bool fine = vl_location_reachable(c, location) &&
                *cf_json_str(location, "", "spec", "objectStorage", "bucket", NULL);
    cf_autofree char *now = vl_time(c, 0);
    cf_autofree char *message = cf_xasprintf(
        "BackupStorageLocation \"%s\" is unavailable: rpc error: code = Unknown desc = operation "
        "error S3: ListObjectsV2, exceeded maximum number of attempts, connection refused",
        sbx_name(location));
    vl_status(c, LOCATIONS, location,
              json_pack("{s:s,s:s,s:o}", "phase", fine ? "Available" : "Unavailable",
                        "lastValidationTime", now, "message",
                        fine ? json_null() : json_string(message)));
}

/* At once when it is new or the bucket's state has changed the way that a failed call tells; else
 * now and then. Each validation is remembered by its number, so that the wait begins anew. */
static void look_at(struct vl_cluster *c, const json_t *location)
{
    json_t *memory = vl_memory(c->server, location);
    int64_t n = cf_json_int(memory, 0, "validations", NULL);
    cf_autofree char *what = cf_xasprintf("validate %lld", (long long)n);
    if (*vl_phase(location) && !vl_every(c, VL_CHECK_MS, what, sbx_uid(location)))
        return;
    json_object_set_new(memory, "validations", json_integer(n + 1));
    validate(c, location);
}

void vl_ctl_locations(struct vl_cluster *c)
{
    size_t i;
    json_t *o;
    json_array_foreach(vl_all(c, LOCATIONS), i, o)
    {
        look_at(c, o);
    }
}
