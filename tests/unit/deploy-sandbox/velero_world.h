/* SPDX-License-Identifier: Apache-2.0 */
/* Two clusters with a Velero each and volumes with files, for tests. East writes the location
 * `there`, west reads it. Everything takes a hundredth of a real one. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_VELERO_WORLD_H
#define TESTS_UNIT_DEPLOY_SANDBOX_VELERO_WORLD_H

#include "deploy/sandbox/velero/velero.h"
#include "deploy/sandbox/velero/words.h"
#include "deploy/sandbox/volumes/volumes.h"
#include "tests/unit/deploy-sandbox/controllers_world.h"

enum { VELERO_UNTIL_MS = 60000, VELERO_LOOK_MS = 3 };

struct velero_world {
    struct sbx_api *east, *west;
    struct sbx_volumes *volumes;
    struct sbx_controllers *controllers;
    struct sbx_velero *velero;
};

/* Before the world goes up; NULL: the default. */
static const char *velero_versions;

/* ---- waiting ---- */

/* Until the value at the pointer of an object is one of the words ("A,B"). */
static inline void until_field(struct sbx_api *api, const char *group, const char *plural,
                               const char *ns, const char *name, const char *pointer,
                               const char *words)
{
    int64_t end = cf_mono_now_ms() + VELERO_UNTIL_MS;
    while (!sbx_word_in(words, field(api, group, plural, ns, name, pointer))) {
        if (cf_mono_now_ms() > end)
            fail_msg("%s/%s %s is \"%s\", not one of %s", plural, name, pointer,
                     field(api, group, plural, ns, name, pointer), words);
        cf_sleep_ms(&cf_clock_real, VELERO_LOOK_MS);
    }
}

static inline int velero_up(void **state)
{
    struct velero_world *w = cf_xcalloc(1, sizeof(*w));
    struct cf_error err = CF_ERROR_INIT;
    w->east = sbx_api_new("east");
    w->west = sbx_api_new("west");
    w->volumes = sbx_volumes_new();
    struct sbx_api *apis[] = { w->east, w->west };
    struct sbx_controllers_options kept = patient();
    kept.volumes = w->volumes;
    kept.detach_ms = 10;
    w->controllers = sbx_controllers_start(apis, 2, &kept, &err);
    w->velero = sbx_velero_start(&(struct sbx_velero_options){ .apis = apis,
                                                               .count = 2,
                                                               .volumes = w->volumes,
                                                               .listener_slot = 3,
                                                               .versions = velero_versions,
                                                               .wait_percent = 1,
                                                               .download_url = "http://sandbox" },
                                 &err);
    if (!w->velero)
        fail_msg("%s", err.message);
    make(w->east, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    for (size_t i = 0; i < CF_ARRAY_LEN(apis); i++)
        until_field(apis[i], "apps", "daemonsets", VL_NS, "node-agent", "/status/numberReady", "1");
    *state = w;
    return 0;
}

static inline int velero_down(void **state)
{
    struct velero_world *w = *state;
    sbx_velero_stop(w->velero);
    sbx_controllers_stop(w->controllers);
    sbx_api_free(w->east);
    sbx_api_free(w->west);
    sbx_volumes_free(w->volumes);
    free(w);
    return 0;
}

static inline void until_phase(struct sbx_api *api, const char *plural, const char *name,
                               const char *words)
{
    until_field(api, VL_G, plural, VL_NS, name, "/status/phase", words);
}

static inline void until_gone(struct sbx_api *api, const char *plural, const char *name)
{
    int64_t end = cf_mono_now_ms() + VELERO_UNTIL_MS;
    while (is_there(api, VL_G, plural, VL_NS, name)) {
        if (cf_mono_now_ms() > end)
            fail_msg("%s/%s is still there", plural, name);
        cf_sleep_ms(&cf_clock_real, VELERO_LOOK_MS);
    }
}

static inline void until_count(struct sbx_api *api, const char *plural, size_t n)
{
    int64_t end = cf_mono_now_ms() + VELERO_UNTIL_MS;
    while (count(api, VL_G, plural, VL_NS) != n) {
        if (cf_mono_now_ms() > end)
            fail_msg("there are %zu %s, not %zu", count(api, VL_G, plural, VL_NS), plural, n);
        cf_sleep_ms(&cf_clock_real, VELERO_LOOK_MS);
    }
}

/* The first object of a kind of Velero's; new reference. */
static inline json_t *first_of(struct sbx_api *api, const char *plural)
{
    cf_autojson json_t *all = sbx_api_all(api, VL_G, plural, VL_NS);
    if (json_array_size(all) == 0)
        fail_msg("there are no %s", plural);
    return json_incref(json_array_get(all, 0));
}

/* ---- what is backed up ---- */

/* A claim `NAME` and a pod `pod-NAME` that runs with it, in a namespace. */
static inline void make_claim(struct sbx_api *api, const char *ns, const char *name,
                              const char *class)
{
    cf_autofree char *claim =
        cf_xasprintf("{'metadata':{'name':'%s'},'spec':{'accessModes':['ReadWriteOnce'],"
                     "'storageClassName':'%s','resources':{'requests':{'storage':'1Gi'}}}}",
                     name, class);
    make(api, "", "persistentvolumeclaims", ns, claim);
}

static inline void make_pod_with(struct sbx_api *api, const char *ns, const char *claim)
{
    cf_autofree char *name = cf_xasprintf("pod-%s", claim);
    cf_autofree char *pod = cf_xasprintf(
        "{'metadata':{'name':'%s'},'spec':{'containers':[{'name':'c','image':'pause','volumeMounts'"
        ":[{'name':'vol','mountPath':'/data'}]}],'volumes':[{'name':'vol','persistentVolumeClaim':{"
        "'claimName':'%s'}}]}}",
        name, claim);
    until_field(api, "", "serviceaccounts", ns, "default", "/metadata/name", "default");
    make(api, "", "pods", ns, pod);
    until_field(api, "", "pods", ns, name, "/status/phase", "Running");
}

static inline char *key_of_claim(struct sbx_api *api, const char *ns, const char *claim)
{
    until_field(api, "", "persistentvolumeclaims", ns, claim, "/status/phase", "Bound");
    cf_autojson json_t *o = sbx_api_one(api, "", "persistentvolumeclaims", ns, claim);
    return sbx_volume_key(sbx_api_cluster(api), cf_json_str(o, "", "spec", "volumeName", NULL));
}

static inline void put_text(struct velero_world *w, struct sbx_api *api, const char *claim,
                            const char *path, const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *key = key_of_claim(api, "shop", claim);
    assert_true(sbx_volume_write(w->volumes, key, path, text, strlen(text), &err));
}

/* The text of a file, "" when there is none; valid until the next call. */
static inline const char *text_in(struct velero_world *w, struct sbx_api *api, const char *ns,
                                  const char *claim, const char *path)
{
    static char text[256];
    size_t len = 0;
    cf_autofree char *key = key_of_claim(api, ns, claim);
    cf_autofree char *bytes = sbx_volume_read(w->volumes, key, path, &len);
    snprintf(text, sizeof(text), "%s", bytes ? bytes : "");
    return text;
}

/* A claim `data` with a file, and its pod. */
static inline void make_data(struct velero_world *w)
{
    make_claim(w->east, "shop", "data", "standard");
    make_pod_with(w->east, "shop", "data");
    put_text(w, w->east, "data", "a.txt", "alpha");
}

#define FS_BACKUP                                                                                  \
    "'includedNamespaces':['shop'],'storageLocation':'there','defaultVolumesToFsBackup':true,"     \
    "'snapshotVolumes':false"
#define SNAPSHOT_BACKUP                                                                            \
    "'includedNamespaces':['shop'],'storageLocation':'there','snapshotMoveData':true"

static inline void back_up(struct velero_world *w, const char *name, const char *spec)
{
    cf_autofree char *text = cf_xasprintf("{'metadata':{'name':'%s'},'spec':{%s}}", name, spec);
    make(w->east, VL_G, "backups", VL_NS, text);
}

static inline void restore(struct velero_world *w, const char *name, const char *backup,
                           const char *more)
{
    cf_autofree char *text = cf_xasprintf(
        "{'metadata':{'name':'%s'},'spec':{'backupName':'%s','includedResources':['pods',"
        "'persistentvolumeclaims','persistentvolumes']%s}}",
        name, backup, more);
    make(w->west, VL_G, "restores", VL_NS, text);
}

/* West knows the backup and so many of its PodVolumeBackups. */
static inline void until_synced(struct velero_world *w, const char *name, size_t volumes)
{
    until_phase(w->west, "backups", name, "Completed,PartiallyFailed");
    until_count(w->west, "podvolumebackups", volumes);
}

/* ---- faults ---- */

static inline void fault(struct velero_world *w, const char *quoted)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *body = read_json(quoted);
    if (!sbx_velero_fault(w->velero, body, &err))
        fail_msg("%s", err.message);
}

#endif
