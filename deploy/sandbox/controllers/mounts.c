/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes at nodes: VolumeAttachments while a pod uses them, one node at a time unless many may
 * write; what a restored pod waits for; what is in volumes that are gone. */
#include "deploy/sandbox/controllers/mounts.h"

#include <string.h>

#include "base/digest.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/volumes/volumes.h"

#define ATTACHMENTS "storage.k8s.io", "volumeattachments"
#define USERS       "!users" /* an index beside the kinds of a pass */

static const char *claim_of(const json_t *volume)
{
    return cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL);
}

static void note_users(json_t *users, json_t *pod)
{
    size_t i;
    json_t *volume;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        if (!*claim_of(volume))
            continue;
        cf_autofree char *key = cf_xasprintf("%s/%s", sbx_ns(pod), claim_of(volume));
        json_t *list = json_object_get(users, key);
        if (!list) {
            list = json_array();
            json_object_set_new(users, key, list);
        }
        json_array_append(list, pod);
    }
}

const json_t *sbx_claim_users(struct sbx_pass *p, const char *ns, const char *claim)
{
    json_t *users = json_object_get(p->kinds, USERS);
    if (!users) {
        size_t i;
        json_t *pod;
        users = json_object();
        json_object_set_new(p->kinds, USERS, users);
        json_array_foreach(sbx_pass_all(p, "", "pods"), i, pod)
        {
            if (!sbx_pod_is_done(pod))
                note_users(users, pod);
        }
    }
    cf_autofree char *key = cf_xasprintf("%s/%s", ns, claim);
    return json_object_get(users, key);
}

bool sbx_has_access_mode(const json_t *spec, const char *mode)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(spec, "accessModes"), i, m)
    {
        if (json_is_string(m) && strcmp(json_string_value(m), mode) == 0)
            return true;
    }
    return false;
}

static bool many_nodes(const json_t *volume)
{
    const json_t *spec = json_object_get(volume, "spec");
    return sbx_has_access_mode(spec, "ReadWriteMany") || sbx_has_access_mode(spec, "ReadOnlyMany");
}

/* The attachable volume behind a pod's volume, or NULL. */
static const json_t *attachable(struct sbx_pass *p, const json_t *pod, const json_t *volume)
{
    const char *name = claim_of(volume);
    const json_t *claim =
        *name ? sbx_pass_one(p, "", "persistentvolumeclaims", sbx_ns(pod), name) : NULL;
    const char *bound = cf_json_str(claim, "", "spec", "volumeName", NULL);
    const json_t *pv = *bound ? sbx_pass_one(p, "", "persistentvolumes", NULL, bound) : NULL;
    return cf_json_at(pv, "spec", "csi", NULL) ? pv : NULL;
}

static char *attachment_name(const char *volume, const char *node)
{
    char hex[CF_SHA256_HEX];
    cf_autofree char *text = cf_xasprintf("%s %s", volume, node);
    return cf_xasprintf("csi-%s", cf_sha256_hex(text, strlen(text), hex));
}

/* ---- What pods wait for ---- */

char *sbx_pod_shut_out(struct sbx_pass *p, const json_t *pod)
{
    size_t i, k;
    json_t *volume, *other;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        const json_t *claim = *claim_of(volume) ? sbx_pass_one(p, "", "persistentvolumeclaims",
                                                               sbx_ns(pod), claim_of(volume))
                                                : NULL;
        if (!sbx_has_access_mode(json_object_get(claim, "spec"), "ReadWriteOncePod"))
            continue;
        json_array_foreach(sbx_claim_users(p, sbx_ns(pod), claim_of(volume)), k, other)
        {
            if (strcmp(sbx_uid(other), sbx_uid(pod)) != 0 &&
                *cf_json_str(other, "", "spec", "nodeName", NULL))
                return cf_xstrdup("node has pod using PersistentVolumeClaim with the same name and "
                                  "ReadWriteOncePod access mode");
        }
    }
    return NULL;
}

char *sbx_pod_unmounted(struct sbx_pass *p, const json_t *pod)
{
    const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
    size_t i;
    json_t *volume;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        const json_t *pv = attachable(p, pod, volume);
        if (!pv)
            continue;
        cf_autofree char *name = attachment_name(sbx_name(pv), node);
        const json_t *there = sbx_pass_one(p, ATTACHMENTS, NULL, name);
        if (!cf_json_bool(there, false, "status", "attached", NULL))
            return cf_xasprintf("Multi-Attach error for volume \"%s\": it is not attached to %s",
                                sbx_name(pv), node);
    }
    return NULL;
}

static const json_t *wait_container(const json_t *pod)
{
    const json_t *first = json_array_get(cf_json_at(pod, "spec", "initContainers", NULL), 0);
    return strcmp(cf_json_str(first, "", "name", NULL), SBX_RESTORE_WAIT) == 0 ? first : NULL;
}

static char *content_key(struct sbx_pass *p, const json_t *pod, const char *name)
{
    size_t i;
    json_t *volume;
    const char *cluster = sbx_api_cluster(p->world->api);
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        if (strcmp(cf_json_str(volume, "", "name", NULL), name) != 0)
            continue;
        const json_t *claim = *claim_of(volume) ? sbx_pass_one(p, "", "persistentvolumeclaims",
                                                               sbx_ns(pod), claim_of(volume))
                                                : NULL;
        const char *bound = cf_json_str(claim, "", "spec", "volumeName", NULL);
        return *bound ? sbx_volume_key(cluster, bound)
                      : sbx_volume_key_of_pod(cluster, sbx_uid(pod), name);
    }
    return sbx_volume_key_of_pod(cluster, sbx_uid(pod), name);
}

bool sbx_pod_awaits_files(struct sbx_pass *p, const json_t *pod)
{
    struct sbx_volumes *contents = p->world->options.volumes;
    const json_t *container = wait_container(pod);
    if (!container || !contents)
        return false;
    const char *restore = json_string_value(json_array_get(json_object_get(container, "args"), 0));
    cf_autofree char *mark = cf_xasprintf(".velero/%s", restore ? restore : "");
    size_t i;
    json_t *mount;
    json_array_foreach(json_object_get(container, "volumeMounts"), i, mount)
    {
        cf_autofree char *key = content_key(p, pod, cf_json_str(mount, "", "name", NULL));
        if (!sbx_volume_has(contents, key, mark))
            return true;
    }
    return false;
}

/* ---- Attachments ---- */

/* On which nodes a volume is wanted: name of the attachment → its volume and node. */
static json_t *wanted(struct sbx_pass *p)
{
    json_t *all = json_object();
    size_t i, k;
    json_t *pod, *volume;
    json_array_foreach(sbx_pass_all(p, "", "pods"), i, pod)
    {
        const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
        if (!*node || sbx_pod_is_done(pod))
            continue;
        json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), k, volume)
        {
            const json_t *pv = attachable(p, pod, volume);
            if (!pv)
                continue;
            cf_autofree char *name = attachment_name(sbx_name(pv), node);
            json_object_set_new(all, name, json_pack("{s:O,s:s}", "volume", pv, "node", node));
        }
    }
    return all;
}

static void attach(struct sbx_pass *p, const char *name, const json_t *want, const json_t *taken)
{
    const json_t *pv = json_object_get(want, "volume");
    const json_t *there = sbx_pass_one(p, ATTACHMENTS, NULL, name);
    if (there && !cf_json_bool(there, false, "status", "attached", NULL))
        sbx_pass_status(p, SBX_MANAGER, ATTACHMENTS, there, json_pack("{s:b}", "attached", 1));
    if (there || (json_object_get(taken, sbx_name(pv)) && !many_nodes(pv)))
        return;
    sbx_pass_create(p, SBX_MANAGER, ATTACHMENTS,
                    json_pack("{s:{s:s},s:{s:s,s:s,s:{s:s}}}", "metadata", "name", name, "spec",
                              "attacher", cf_json_str(pv, "", "spec", "csi", "driver", NULL),
                              "nodeName", cf_json_str(want, "", "node", NULL), "source",
                              "persistentVolumeName", sbx_name(pv)));
}

void sbx_ctl_attachments(struct sbx_pass *p)
{
    cf_autojson json_t *want = wanted(p), *taken = json_object();
    const char *name;
    size_t i;
    json_t *o, *v;
    json_array_foreach(sbx_pass_all(p, ATTACHMENTS), i, o)
    {
        if (!json_object_get(want, sbx_name(o)) &&
            sbx_pass_after(p, p->world->options.detach_ms, false, "detach %s", sbx_uid(o)))
            sbx_pass_delete(p, ATTACHMENTS, o, -1);
        else
            json_object_set_new(taken,
                                cf_json_str(o, "", "spec", "source", "persistentVolumeName", NULL),
                                json_true());
    }
    json_object_foreach(want, name, v)
    {
        attach(p, name, v, taken);
    }
}

/* ---- Contents ---- */

static bool content_lives(void *user, const char *key)
{
    struct sbx_pass *p = user;
    struct sbx_api *api = p->world->api;
    const char *rest = key + strlen(sbx_api_cluster(api)) + 1;
    if (strncmp(rest, "pod/", 4) != 0) {
        if (sbx_pass_one(p, "", "persistentvolumes", NULL, rest))
            return true; /* at this pass' begin; a newer one is asked for */
        cf_autojson json_t *pv = sbx_api_one(api, "", "persistentvolumes", NULL, rest);
        return pv != NULL;
    }
    cf_autojson json_t *pods = sbx_api_all(api, "", "pods", NULL);
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        size_t n = strlen(sbx_uid(pod));
        if (strncmp(rest + 4, sbx_uid(pod), n) == 0 && rest[4 + n] == '/')
            return true;
    }
    return false;
}

void sbx_ctl_contents(struct sbx_pass *p)
{
    if (!p->world->options.volumes)
        return;
    cf_autofree char *prefix = cf_xasprintf("%s/", sbx_api_cluster(p->world->api));
    sbx_volumes_sweep(p->world->options.volumes, prefix, content_lives, p);
}
