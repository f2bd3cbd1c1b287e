/* SPDX-License-Identifier: Apache-2.0 */
/* BackupRepositories: one for each namespace and location, made when the first volume wants it. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define REPOSITORIES "backuprepositories"
#define READ_ONLY_BUG                                                                              \
    "cannot create a kopia repository in a read-only backup storage location" /* 1.18.0 */

static const json_t *find(struct vl_cluster *c, const char *location, const char *ns)
{
    size_t i;
    json_t *o;
    json_array_foreach(vl_all(c, REPOSITORIES), i, o)
    {
        if (strcmp(cf_json_str(o, "", "spec", "volumeNamespace", NULL), ns) == 0 &&
            strcmp(cf_json_str(o, "", "spec", "backupStorageLocation", NULL), location) == 0)
            return o;
    }
    return NULL;
}

static void make(struct vl_cluster *c, const char *location, const char *ns)
{
    cf_autofree char *base = cf_xasprintf("%s-%s-kopia", ns, location);
    cf_autofree char *name = vl_new_name(base), *in_label = vl_label_value(location);
    cf_autofree char *id = cf_xasprintf("s3:sandbox/restic/%s", ns);
    vl_create(c, REPOSITORIES,
              json_pack("{s:{s:s,s:{s:s,s:s,s:s}},s:{s:s,s:s,s:s,s:s,s:s}}", "metadata", "name",
                        name, "labels", "velero.io/volume-namespace", ns, VL_LOCATION, in_label,
                        "velero.io/repository-type", "kopia", "spec", "volumeNamespace", ns,
                        "backupStorageLocation", location, "repositoryType", "kopia",
                        "resticIdentifier", id, "maintenanceFrequency", "1h0m0s"));
}

bool vl_repository_ready(struct vl_cluster *c, const char *location, const char *ns, char **out_why)
{
    const json_t *o = find(c, location, ns);
    if (!o) {
        cf_autofree char *key = cf_xasprintf("!repository %s %s", location, ns);
        if (!json_object_get(c->pass.kinds, key)) /* several ask in one look */
            make(c, location, ns);
        json_object_set_new(c->pass.kinds, key, json_true());
        return false;
    }
    if (strcmp(vl_phase(o), "NotReady") == 0)
        *out_why = cf_xstrdup(cf_json_str(o, "", "status", "message", NULL));
    return strcmp(vl_phase(o), "Ready") == 0;
}

/* In 1.18.0 a read-only location's repository is never ready. */
static void look_at(struct vl_cluster *c, const json_t *o)
{
    const json_t *location =
        vl_location(c, cf_json_str(o, "", "spec", "backupStorageLocation", NULL));
    bool bug = atomic_load(&c->version) == VL_VERSION(18, 0) && vl_location_read_only(location);
    bool ready = location && vl_location_reachable(c, location) && !bug;
    if (!vl_phase_in(o, "New") && !ready)
        return;
    vl_status(c, REPOSITORIES, o,
              json_pack("{s:s,s:o}", "phase", ready ? "Ready" : "NotReady", "message",
                        ready ? json_null()
                        : bug ? json_string(READ_ONLY_BUG)
                              : json_string("error to connect to the backup storage")));
}

void vl_ctl_repositories(struct vl_cluster *c)
{
    size_t i;
    json_t *o;
    json_array_foreach(vl_all(c, REPOSITORIES), i, o)
    {
        if (!vl_phase_in(o, "Ready"))
            look_at(c, o);
    }
}
