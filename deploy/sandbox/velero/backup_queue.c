/* SPDX-License-Identifier: Apache-2.0 */
/* Backups before they begin: their place in the queue, what is wrong with them, and what the server
 * writes into those that it takes up. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#include "base/units.h"

#define BACKUPS "backups"

/* ---- Validation ---- */

static const char *location_name(struct vl_cluster *c, const json_t *b)
{
    const char *name = cf_json_str(b, "", "spec", "storageLocation", NULL);
    size_t i;
    json_t *o;
    if (*name)
        return name;
    json_array_foreach(vl_all(c, "backupstoragelocations"), i, o)
    {
        if (cf_json_bool(o, false, "spec", "default", NULL))
            return sbx_name(o);
    }
    return "default";
}

static void add(json_t *errors, char *text_take)
{
    json_array_append_new(errors, json_string(text_take));
    free(text_take);
}

static void check_location(const json_t *location, const char *name, bool was_named, json_t *errors)
{
    if (!location)
        add(errors, cf_xasprintf("an existing backup storage location was not specified at backup "
                                 "creation time and the %sdefault %s %s. Please address this issue "
                                 "(see `velero backup-location -h` for options) and create a new "
                                 "backup. Error: BackupStorageLocation.velero.io \"%s\" not found",
                                 was_named ? "" : "server ", name,
                                 was_named ? "was not found" : "does not exist", name));
    else if (vl_location_read_only(location))
        add(errors, cf_xasprintf("backup can't be created because backup storage location %s is "
                                 "currently in read-only mode",
                                 name));
    if (vl_phase_in(location, "Unavailable"))
        add(errors, cf_xasprintf("backup can't be created because BackupStorageLocation %s is in "
                                 "Unavailable status.",
                                 name));
}

static bool has_any(const json_t *spec, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_object_get(spec, names[i]);
        if (json_array_size(v) > 0 || json_is_boolean(v))
            return true;
    }
    return false;
}

static void check_filters(const json_t *spec, json_t *errors)
{
    static const char *const old[] = { "includedResources", "excludedResources",
                                       "includeClusterResources" };
    static const char *const fresh[] = { "includedNamespaceScopedResources",
                                         "excludedNamespaceScopedResources",
                                         "includedClusterScopedResources",
                                         "excludedClusterScopedResources" };
    if (has_any(spec, old, CF_ARRAY_LEN(old)) && has_any(spec, fresh, CF_ARRAY_LEN(fresh)))
        add(errors,
            cf_xstrdup("include-resources, exclude-resources and include-cluster-resources are old "
                       "filter parameters.\ninclude-cluster-scoped-resources, "
                       "exclude-cluster-scoped-resources, include-namespace-scoped-resources and "
                       "exclude-namespace-scoped-resources are new filter parameters.\nThey cannot "
                       "be used together"));
    if (json_object_get(spec, "labelSelector") && json_object_get(spec, "orLabelSelectors"))
        add(errors, cf_xstrdup("encountered labelSelector as well as orLabelSelectors in backup "
                               "spec, only one can be specified"));
}

static json_t *validate(struct vl_cluster *c, const json_t *b, const char *name)
{
    json_t *errors = json_array();
    check_location(vl_location(c, name), name,
                   *cf_json_str(b, "", "spec", "storageLocation", NULL) != '\0', errors);
    check_filters(json_object_get(b, "spec"), errors);
    cf_autofree char *wrong = vl_policy_wrong(c, b);
    if (wrong)
        add(errors, cf_xasprintf("invalid resource policies: %s", wrong));
    return errors;
}

/* ---- Beginning ---- */

static void fill_in(json_t *patch, const json_t *spec, const char *member, json_t *value_take)
{
    if (json_object_get(spec, member))
        json_decref(value_take);
    else
        cf_json_put_take(patch, value_take, "spec", member, NULL);
}

/* What the server writes into a Backup that it takes up: the request with its defaults. */
static json_t *taken_up(struct vl_cluster *c, const json_t *b, const char *location)
{
    const json_t *spec = json_object_get(b, "spec");
    cf_autofree char *label = vl_label_value(location);
    int version = atomic_load(&c->version);
    json_t *patch =
        json_pack("{s:{s:{s:s},s:{s:s,s:s,s:s,s:s}},s:{s:s}}", "metadata", "labels", VL_LOCATION,
                  label, "annotations", "velero.io/source-cluster-k8s-gitversion", "v1.35.4",
                  "velero.io/source-cluster-k8s-major-version", "1",
                  "velero.io/source-cluster-k8s-minor-version", "35", "velero.io/resource-timeout",
                  "10m0s", "spec", "storageLocation", location);
    fill_in(patch, spec, "ttl", json_string("720h0m0s"));
    fill_in(patch, spec, "csiSnapshotTimeout", json_string("10m0s"));
    fill_in(patch, spec, "itemOperationTimeout", json_string("4h0m0s"));
    fill_in(patch, spec, "defaultVolumesToFsBackup", json_false());
    fill_in(patch, spec, "includedNamespaces", json_pack("[s]", "*"));
    if (version >= VL_VERSION(12, 0))
        fill_in(patch, spec, "snapshotMoveData", json_false());
    if (version >= VL_VERSION(17, 0))
        fill_in(patch, spec, "volumeGroupSnapshotLabelKey", json_string("velero.io/volume-group"));
    return patch;
}

static int64_t ttl_ms(const json_t *b)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t ms;
    return cf_duration_parse(cf_json_str(b, "720h", "spec", "ttl", NULL), &ms, &err)
               ? ms
               : INT64_C(720) * 3600 * 1000;
}

void vl_backup_start(struct vl_cluster *c, const json_t *b)
{
    if (!vl_after(c, VL_START_MS, "start", sbx_uid(b)))
        return;
    const char *location = location_name(c, b);
    cf_autojson json_t *errors = validate(c, b, location);
    cf_autofree char *now = vl_time(c, 0), *end = vl_time(c, ttl_ms(b));
    json_t *patch = taken_up(c, b, location);
    if (json_array_size(errors) > 0) {
        json_object_set_new(
            patch, "status",
            json_pack("{s:s,s:O}", "phase", "FailedValidation", "validationErrors", errors));
    } else {
        json_object_set_new(patch, "status",
                            json_pack("{s:s,s:i,s:s,s:s,s:s}", "phase", "InProgress", "version", 1,
                                      "formatVersion", "1.1.0", "startTimestamp", now, "expiration",
                                      end));
        json_object_set_new(vl_memory(c->server, b), "mine", json_true());
    }
    vl_patch(c, BACKUPS, b, patch);
}

/* ---- The queue ---- */

/* The phase that a Backup really is in, when it shows one that nobody knows. */
static const char *real_phase(struct vl_cluster *c, const json_t *b)
{
    return cf_json_str(json_object_get(c->server, sbx_uid(b)), vl_phase(b), "shows", NULL);
}

static bool is_before(const json_t *a, const json_t *b)
{
    return strcmp(sbx_uid(a), sbx_uid(b)) < 0; /* uids grow */
}

/* A new Backup: its place in the queue, which older servers do not tell. */
void vl_backup_queue(struct vl_cluster *c, const json_t *b)
{
    int64_t before = 1;
    bool running = false, tells = atomic_load(&c->version) >= VL_VERSION(18, 0);
    size_t i;
    json_t *other;
    json_array_foreach(vl_all(c, BACKUPS), i, other)
    {
        if (other == b || sbx_is_going(other))
            continue;
        before += vl_phase_in(other, tells ? "Queued" : "New") && is_before(other, b);
        running = running || sbx_word_in("InProgress,ReadyToStart", real_phase(c, other));
    }
    bool waits = running || before > 1;
    if (!vl_after(c, VL_QUEUE_MS, "queue", sbx_uid(b)))
        return;
    if (!tells && !waits)
        vl_backup_start(c, b);
    else if (tells && !vl_phase_in(b, "Queued"))
        vl_status(c, BACKUPS, b,
                  json_pack("{s:s,s:I}", "phase", "Queued", "queuePosition", (json_int_t)before));
    else if (tells && !waits)
        vl_status(c, BACKUPS, b, json_pack("{s:s,s:n}", "phase", "ReadyToStart", "queuePosition"));
    else if (tells)
        vl_status(c, BACKUPS, b, json_pack("{s:I}", "queuePosition", (json_int_t)before));
}
