/* SPDX-License-Identifier: Apache-2.0 */
/* ServerStatusRequests and DownloadRequests: answered soon, gone after a while. */
#include "deploy/sandbox/velero/downloads.h"
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define STATUSES  "serverstatusrequests"
#define DOWNLOADS "downloadrequests"

static void look_at_status(struct vl_cluster *c, const json_t *o)
{
    int version = atomic_load(&c->version);
    if (vl_phase_in(o, "Processed")) {
        if (vl_every(c, VL_STATUS_GONE_MS, "gone", sbx_uid(o)))
            vl_delete(c, STATUSES, o);
        return;
    }
    if (!vl_after(c, VL_REQUEST_MS, "status", sbx_uid(o)))
        return;
    cf_autofree char *text = cf_xasprintf("v1.%d.%d", version / 1000, version % 1000);
    cf_autofree char *now = vl_time(c, 0);
    vl_status(c, STATUSES, o,
              json_pack("{s:s,s:s,s:s,s:[{s:s,s:s},{s:s,s:s},{s:s,s:s}]}", "phase", "Processed",
                        "processedTimestamp", now, "serverVersion", text, "plugins", "name",
                        "velero.io/aws", "kind", "ObjectStore", "name",
                        "velero.io/csi-pvc-backupper", "kind", "BackupItemActionV2", "name",
                        "velero.io/csi-pvc-restorer", "kind", "RestoreItemActionV2"));
}

/* The location that a request's target is in, or NULL. */
static const json_t *location_of(struct vl_cluster *c, const char *kind, const char *name)
{
    const json_t *backup;
    if (strncmp(kind, "Restore", 7) == 0) {
        const json_t *restore = vl_one(c, "restores", name);
        name = cf_json_str(restore, "", "spec", "backupName", NULL);
    }
    backup = vl_one(c, "backups", name);
    return vl_location(c, cf_json_str(backup, "", "spec", "storageLocation", NULL));
}

static void answer_download(struct vl_cluster *c, const json_t *o)
{
    const char *kind = cf_json_str(o, "", "spec", "target", "kind", NULL),
               *name = cf_json_str(o, "", "spec", "target", "name", NULL);
    const json_t *location = location_of(c, kind, name);
    bool dead = vl_meets(vl_common(c->velero)->switches, VL_DOWNLOAD_DEAD, c->name,
                         "DownloadRequest", sbx_name(o), name, sbx_uid(o), NULL);
    cf_autofree char *base = vl_download_url(c->velero);
    if (!location || !base)
        return;
    cf_autofree char *key = vl_location_key(location);
    cf_autofree char *token = vl_download_token(key, kind, name);
    cf_autofree char *url = cf_xasprintf("%s/%s", dead ? "http://127.0.0.1:9" : base, token);
    cf_autofree char *end = vl_time(c, vl_ms(c, VL_URL_GONE_MS));
    vl_status(
        c, DOWNLOADS, o,
        json_pack("{s:s,s:s,s:s}", "phase", "Processed", "downloadURL", url, "expiration", end));
}

static void look_at_download(struct vl_cluster *c, const json_t *o)
{
    if (vl_phase_in(o, "Processed")) {
        if (vl_every(c, VL_URL_GONE_MS, "gone", sbx_uid(o)))
            vl_delete(c, DOWNLOADS, o);
    } else if (!vl_meets(vl_common(c->velero)->switches, VL_DOWNLOAD_NEVER, c->name,
                         "DownloadRequest", sbx_name(o),
                         cf_json_str(o, "", "spec", "target", "name", NULL), sbx_uid(o), NULL) &&
               vl_after(c, VL_REQUEST_MS, "download", sbx_uid(o))) {
        answer_download(c, o);
    }
}

void vl_ctl_requests(struct vl_cluster *c)
{
    size_t i;
    json_t *o;
    json_array_foreach(vl_all(c, STATUSES), i, o)
    {
        look_at_status(c, o);
    }
    json_array_foreach(vl_all(c, DOWNLOADS), i, o)
    {
        look_at_download(c, o);
    }
}
