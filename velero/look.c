/* SPDX-License-Identifier: Apache-2.0 */
/* One cluster's Velero as it is. Reads, and one ServerStatusRequest: the only way to ask the server
 * whether it lives and which version it is. What this service may not read is left out, and the rules
 * that need it do not hold then. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "federation/kube/discovery.h"
#include "velero/room.h"

enum {
    ASK_MS = 10 * 1000, /* a server that lives answers within a second or two */
    ASK_STEP_MS = 250,
};

struct looking {
    struct cf_kube *k;
    const char *ns, *run_id;
    json_t *facts;
};

/* --- small readings --- */

static bool is_allowed(struct cf_error *why, struct cf_error *err)
{
    if (why->kind == CF_ERR_DENIED || why->kind == CF_ERR_NOT_FOUND) {
        cf_error_clear(why);
        return true;
    }
    return cf_error_move(err, why);
}

/* A list that may not be allowed: empty then. */
static bool list(const struct looking *l, const char *api_version, const char *kind, const char *ns,
                 void (*trim)(json_t *), json_t **out, struct cf_error *err)
{
    struct cf_error why = CF_ERROR_INIT;
    if (cf_velero_list(l->k, api_version, kind, ns, NULL, trim, out, &why))
        return true;
    if (!is_allowed(&why, err))
        return false;
    *out = json_array();
    return true;
}

static const char *name_of(const json_t *object)
{
    return cf_json_str(object, "", "metadata", "name", NULL);
}

static void put(const struct looking *l, const char *key, json_t *value)
{
    json_object_set_new(l->facts, key, value);
}

/* --- kinds and fields --- */

static bool serves(const struct looking *l, const char *api_version, const char *kind, bool *out,
                   struct cf_error *err)
{
    struct cf_kube_resource r;
    struct cf_error why = CF_ERROR_INIT;
    *out = cf_kube_resource_of(l->k, NULL, api_version, kind, &r, &why);
    if (*out || why.kind == CF_ERR_NOT_FOUND)
        return true;
    return cf_error_move(err, &why);
}

static bool look_kinds(const struct looking *l, bool *out_installed, struct cf_error *err)
{
    static const struct {
        const char *key, *api_version, *kind;
    } kinds[] = {
        { "backups", CF_VELERO_V1, "Backup" },
        { "restores", CF_VELERO_V1, "Restore" },
        { "podvolumebackups", CF_VELERO_V1, "PodVolumeBackup" },
        { "datauploads", CF_VELERO_V2ALPHA1, "DataUpload" },
        { "datadownloads", CF_VELERO_V2ALPHA1, "DataDownload" },
    };
    json_t *known = json_object();
    put(l, "kinds", known);
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++) {
        bool there = false;
        if (!serves(l, kinds[i].api_version, kinds[i].kind, &there, err))
            return false;
        json_object_set_new(known, kinds[i].key, json_boolean(there));
    }
    *out_installed = cf_json_bool(known, false, "backups", NULL);
    put(l, "installed", json_boolean(*out_installed));
    return true;
}

/* Fields that a pass rests on; a CRD that does not have one drops it without a word. */
static const struct {
    const char *crd, *kind, *field;
} needed[] = {
    { "backups.velero.io", "Backup", "includedNamespaceScopedResources" },
    { "backups.velero.io", "Backup", "includedClusterScopedResources" },
    { "backups.velero.io", "Backup", "orderedResources" },
    { "backups.velero.io", "Backup", "snapshotMoveData" },
    { "restores.velero.io", "Restore", "resourceModifier" },
    { "restores.velero.io", "Restore", "namespaceMapping" },
};

static const json_t *schema_of(const json_t *crd)
{
    size_t i;
    json_t *version;
    json_array_foreach(cf_json_at(crd, "spec", "versions", NULL), i, version)
    {
        if (strcmp(cf_json_str(version, "", "name", NULL), "v1") == 0)
            return cf_json_at(version, "schema", "openAPIV3Schema", "properties", "spec",
                              "properties", NULL);
    }
    return NULL;
}

static bool look_fields(const struct looking *l, struct cf_error *err)
{
    cf_autojson json_t *crd = NULL;
    const char *read = "";
    json_t *prunes = json_array();
    put(l, "prunes", prunes);
    for (size_t i = 0; i < CF_ARRAY_LEN(needed); i++) {
        if (strcmp(read, needed[i].crd) != 0) {
            struct cf_object_ref ref =
                cf_ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", NULL, needed[i].crd);
            struct cf_error why = CF_ERROR_INIT;
            json_decref(crd);
            crd = NULL;
            if (!cf_kube_get(l->k, NULL, &ref, &crd, &why) && !is_allowed(&why, err))
                return false;
            read = needed[i].crd;
        }
        const json_t *schema = schema_of(crd);
        if (schema && !json_object_get(schema, needed[i].field)) {
            cf_autofree char *path = cf_xasprintf("%s.spec.%s", needed[i].kind, needed[i].field);
            json_array_append_new(prunes, json_string(path));
        }
    }
    return true;
}

/* --- the server --- */

static bool await_answer(const struct looking *l, const struct cf_object_ref *ref,
                         struct cf_error *err)
{
    for (int waited = 0; waited <= ASK_MS; waited += ASK_STEP_MS) {
        cf_autojson json_t *request = NULL;
        bool found = false;
        if (!cf_kube_find(l->k, NULL, ref, &found, &request, err))
            return false;
        if (strcmp(cf_json_str(request, "", "status", "phase", NULL), "Processed") == 0) {
            json_t *plugins = json_array();
            size_t i;
            json_t *plugin;
            put(l, "version",
                json_string(cf_json_str(request, "", "status", "serverVersion", NULL)));
            json_array_foreach(cf_json_at(request, "status", "plugins", NULL), i, plugin)
            {
                json_array_append_new(plugins, json_string(cf_json_str(plugin, "", "name", NULL)));
            }
            put(l, "plugins", plugins);
            return true;
        }
        if (!found)
            return true; /* answered and gone, or taken away: it counts as no answer */
        cf_sleep_ms(&cf_clock_real, ASK_STEP_MS);
    }
    return true;
}

static bool ask_server(const struct looking *l, struct cf_error *err)
{
    char name[CF_VELERO_NAME_MAX] = "crossfade-look-";
    struct cf_error why = CF_ERROR_INIT;
    cf_random_hex(name + strlen(name), 10);
    cf_autojson json_t *request =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:{}}", "apiVersion", CF_VELERO_V1, "kind",
                  "ServerStatusRequest", "metadata", "name", name, "namespace", l->ns, "spec");
    struct cf_object_ref ref = cf_ref(CF_VELERO_V1, "ServerStatusRequest", l->ns, name);
    put(l, "version", json_string(""));
    put(l, "plugins", json_array());
    if (*l->run_id)
        cf_json_put_take(request, json_string(l->run_id), "metadata", "labels", CF_VELERO_LABEL_RUN,
                         NULL);
    if (!cf_velero_make(l->k, request, NULL, &why))
        return is_allowed(&why, err);
    if (!await_answer(l, &ref, err))
        return false;
    if (!cf_kube_delete(l->k, NULL, &ref, NULL, &why) && !is_allowed(&why, err))
        return false;
    return true;
}

static bool look_locations(const struct looking *l, struct cf_error *err)
{
    cf_autojson json_t *items = NULL;
    json_t *locations = json_array();
    size_t i;
    json_t *one;
    put(l, "locations", locations);
    if (!list(l, CF_VELERO_V1, "BackupStorageLocation", l->ns, NULL, &items, err))
        return false;
    json_array_foreach(items, i, one)
    {
        json_array_append_new(
            locations,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "name", name_of(one),
                      "provider", cf_json_str(one, "", "spec", "provider", NULL), "bucket",
                      cf_json_str(one, "", "spec", "objectStorage", "bucket", NULL), "prefix",
                      cf_json_str(one, "", "spec", "objectStorage", "prefix", NULL), "accessMode",
                      cf_json_str(one, "ReadWrite", "spec", "accessMode", NULL), "phase",
                      cf_json_str(one, "", "status", "phase", NULL), "message",
                      cf_json_str(one, "", "status", "message", NULL), "lastSyncedAt",
                      cf_json_str(one, "", "status", "lastSyncedTime", NULL), "isDefault",
                      cf_json_bool(one, false, "spec", "default", NULL)));
    }
    return true;
}

static bool look_running(const struct looking *l, struct cf_error *err)
{
    static const char *const kinds[] = { "Backup", "Restore" };
    static const char *const ends[] = { "Completed", "PartiallyFailed", "Failed",
                                        "FailedValidation" };
    json_t *running = json_array();
    put(l, "running", running);
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++) {
        cf_autojson json_t *items = NULL;
        size_t j;
        json_t *one;
        if (!list(l, CF_VELERO_V1, kinds[i], l->ns, NULL, &items, err))
            return false;
        json_array_foreach(items, j, one)
        {
            const char *phase = cf_json_str(one, "", "status", "phase", NULL);
            const char *run = cf_json_str(one, "", "metadata", "labels", CF_VELERO_LABEL_RUN, NULL);
            bool over = *run && strcmp(run, l->run_id) == 0;
            for (size_t e = 0; e < CF_ARRAY_LEN(ends); e++)
                over = over || strcmp(phase, ends[e]) == 0;
            if (!over)
                json_array_append_new(running,
                                      json_pack("{s:s, s:s, s:s}", "kind", kinds[i], "name",
                                                name_of(one), "phase", *phase ? phase : "New"));
        }
    }
    return true;
}

/* --- node-agents --- */

/* The value of a flag, as "--name=value" or the argument behind "--name". */
static const char *flag_of(const json_t *set, const char *flag)
{
    static const char *const lists[] = { "command", "args" };
    const json_t *container =
        json_array_get(cf_json_at(set, "spec", "template", "spec", "containers", NULL), 0);
    size_t len = strlen(flag);
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        const json_t *args = json_object_get(container, lists[l]);
        for (size_t i = 0; i < json_array_size(args); i++) {
            const char *arg = json_string_value(json_array_get(args, i));
            if (!arg || strncmp(arg, flag, len) != 0)
                continue;
            if (arg[len] == '=')
                return arg + len + 1;
            if (!arg[len])
                return json_string_value(json_array_get(args, i + 1));
        }
    }
    return NULL;
}

/* The node-agent's configuration is JSON under any key of a ConfigMap that its flag names. */
static bool ignores_delay(const struct looking *l, const json_t *set, bool *out,
                          struct cf_error *err)
{
    const char *name = flag_of(set, "--node-agent-configmap");
    struct cf_object_ref ref = cf_ref("v1", "ConfigMap", l->ns, name);
    struct cf_error why = CF_ERROR_INIT;
    cf_autojson json_t *map = NULL;
    const char *key;
    json_t *text;
    *out = false;
    if (!name)
        return true;
    if (!cf_kube_get(l->k, NULL, &ref, &map, &why))
        return is_allowed(&why, err);
    json_object_foreach(json_object_get(map, "data"), key, text)
    {
        struct cf_error broken = CF_ERROR_INIT;
        cf_autojson json_t *config =
            cf_json_parse(json_string_value(text), json_string_length(text), 64 * 1024, &broken);
        *out = *out || cf_json_bool(config, false, "restorePVC", "ignoreDelayBinding", NULL);
    }
    return true;
}

static bool is_agent(const json_t *pod)
{
    static const char *const labels[] = { "role", "name" };
    for (size_t i = 0; i < CF_ARRAY_LEN(labels); i++)
        if (strcmp(cf_json_str(pod, "", "metadata", "labels", labels[i], NULL), "node-agent") == 0)
            return true;
    return false;
}

static bool look_nodes(const struct looking *l, json_t *agent, struct cf_error *err)
{
    cf_autojson json_t *pods = NULL;
    cf_autojson json_t *nodes = NULL;
    cf_autojson json_t *with = json_object();
    json_t *present = json_array(), *missing = json_array();
    size_t i;
    json_t *one;
    json_object_set_new(agent, "nodes", present);
    json_object_set_new(agent, "missing", missing);
    if (!list(l, "v1", "Pod", l->ns, cf_velero_trim_pod, &pods, err) ||
        !list(l, "v1", "Node", NULL, NULL, &nodes, err))
        return false;
    json_array_foreach(pods, i, one)
    {
        const char *node = cf_json_str(one, "", "spec", "nodeName", NULL);
        bool runs = strcmp(cf_json_str(one, "", "status", "phase", NULL), "Running") == 0;
        if (is_agent(one) && runs && *node && json_object_set_new(with, node, json_true()) == 0)
            json_array_append_new(present, json_string(node));
    }
    json_array_foreach(nodes, i, one)
    {
        if (!json_object_get(with, name_of(one)))
            json_array_append_new(missing, json_string(name_of(one)));
    }
    return true;
}

static bool look_agent(const struct looking *l, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("apps/v1", "DaemonSet", l->ns, "node-agent");
    cf_autojson json_t *set = NULL;
    struct cf_error why = CF_ERROR_INIT;
    bool ignores = false;
    json_t *agent = json_object();
    put(l, "agent", agent);
    if (!cf_kube_get(l->k, NULL, &ref, &set, &why) && !is_allowed(&why, err))
        return false;
    if (!look_nodes(l, agent, err) || (set && !ignores_delay(l, set, &ignores, err)))
        return false;
    json_object_set_new(agent, "present", json_boolean(set != NULL));
    json_object_set_new(agent, "ignoreDelayBinding", json_boolean(ignores));
    return true;
}

/* --- classes --- */

static bool look_classes(const struct looking *l, struct cf_error *err)
{
    static const char is_default[] = "storageclass.kubernetes.io/is-default-class";
    static const char marked[] = "velero.io/csi-volumesnapshot-class";
    cf_autojson json_t *classes = NULL;
    cf_autojson json_t *snapshots = NULL;
    json_t *out = json_array(), *out_snapshots = json_array();
    size_t i;
    json_t *one;
    put(l, "classes", out);
    put(l, "snapshotClasses", out_snapshots);
    if (!list(l, "storage.k8s.io/v1", "StorageClass", NULL, NULL, &classes, err) ||
        !list(l, "snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", NULL, NULL, &snapshots, err))
        return false;
    json_array_foreach(classes, i, one)
    {
        const char *is = cf_json_str(one, "", "metadata", "annotations", is_default, NULL);
        json_array_append_new(out,
                              json_pack("{s:s, s:s, s:s, s:b}", "name", name_of(one), "provisioner",
                                        cf_json_str(one, "", "provisioner", NULL), "bindingMode",
                                        cf_json_str(one, "Immediate", "volumeBindingMode", NULL),
                                        "isDefault", strcmp(is, "true") == 0));
    }
    json_array_foreach(snapshots, i, one)
    {
        const char *is = cf_json_str(one, "", "metadata", "labels", marked, NULL);
        json_array_append_new(out_snapshots,
                              json_pack("{s:s, s:s, s:b}", "name", name_of(one), "driver",
                                        cf_json_str(one, "", "driver", NULL), "labelled",
                                        strcmp(is, "true") == 0));
    }
    return true;
}

bool cf_velero_look(struct cf_kube *kube, const char *velero_namespace, const char *run_id,
                    json_t **out_facts, struct cf_error *err)
{
    cf_autojson json_t *facts = json_object();
    struct looking l = { .k = kube, .ns = velero_namespace, .run_id = run_id, .facts = facts };
    bool installed = false, ok = look_kinds(&l, &installed, err) && look_classes(&l, err);
    if (ok && installed)
        ok = look_fields(&l, err) && ask_server(&l, err) && look_locations(&l, err) &&
             look_running(&l, err) && look_agent(&l, err);
    if (!ok)
        return cf_error_wrap(err, "look at Velero on %s", cf_kube_name(kube));
    if (!installed) {
        static const char *const empty[] = { "prunes", "plugins", "locations", "running" };
        put(&l, "version", json_string(""));
        put(&l, "agent",
            json_pack("{s:b, s:[], s:[], s:b}", "present", 0, "nodes", "missing",
                      "ignoreDelayBinding", 0));
        for (size_t i = 0; i < CF_ARRAY_LEN(empty); i++)
            put(&l, empty[i], json_array());
    }
    *out_facts = cf_steal(&facts);
    return true;
}
