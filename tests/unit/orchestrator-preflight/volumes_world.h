/* SPDX-License-Identifier: Apache-2.0 */
/* Two clusters for preflights of a plan that moves data: dc1 has a front behind a router and a database with a claim, both have
 * a Velero that answers, and nothing is wrong. A case changes that, and a preflight is asked. */
#ifndef TESTS_UNIT_PREFLIGHT_VOLUMES_WORLD_H
#define TESTS_UNIT_PREFLIGHT_VOLUMES_WORLD_H

#include "orchestrator/preflight/checks.h"
#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#include <stdlib.h>

struct sides {
    struct cf_fake_kube *dc1, *dc2;
};

#define VELERO_API "velero.io/v1"
#define ARGO_API   "argoproj.io/v1alpha1"
#define FLUX_API   "kustomize.toolkit.fluxcd.io/v1"

/* clang-format off */
#define PLAN_HEAD \
    "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nmetadata: {name: web}\nspec:\n" \
    "  source: {cluster: dc1, namespace: web}\n  target: {cluster: dc2}\n"
#define PLAN_ROUTE "  traffic:\n    router: {type: virtualService, name: web}\n    hold: 1m\n"
#define PLAN_SPLIT PLAN_ROUTE "    steps: [5, 100]\n    writers: {mode: single, switch: weight=100}\n"
#define PLAN_WHOLE PLAN_ROUTE "    steps: [100]\n"
#define PLAN_BOTH  "  workloads: {include: [{kind: Deployment, name: echo}, {kind: StatefulSet, name: db}], start: now}\n"
#define PLAN_DATA(more) "  volumes: {default: {strategy: veleroFsBackup}, velero: {location: there}" more "}\n"

#define POD_OF(app, more) "'template':{'metadata':{'labels':{'app':'" app "'}},'spec':{'containers':[{'name':'c','image':'i:1'}]" more "}}"
#define MOUNTING(claim) ",'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'" claim "'}}]"
#define APP_OBJECT(kind, name, metadata, spec) \
    "{'apiVersion':'apps/v1','kind':'" kind "','metadata':{'name':'" name "','namespace':'web'" metadata "},'spec':{" \
    "'selector':{'matchLabels':{'app':'" name "'}}," spec "},'status':{'replicas':1,'readyReplicas':1}}"
#define DB(metadata) APP_OBJECT("StatefulSet", "db", metadata, \
    "'replicas':1,'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{'accessModes':['ReadWriteOnce']}}]," POD_OF("db", ""))
#define CLAIM_OBJECT(name) "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'" name "','namespace':'web'},'spec':{" \
    "'accessModes':['ReadWriteOnce'],'volumeMode':'Filesystem','storageClassName':'fast','volumeName':'pv-" name "','resources':{'requests':{'storage':'1Gi'}}}," \
    "'status':{'phase':'Bound','capacity':{'storage':'1Gi'}}}"
#define PLACE(name, mode) "{'apiVersion':'" VELERO_API "','kind':'BackupStorageLocation','metadata':{'name':'" name "','namespace':'velero'},'spec':{" \
    "'provider':'aws','accessMode':'" mode "','objectStorage':{'bucket':'b','prefix':'p'}},'status':{'phase':'Available'}}"

static const char *const of_both[] = {
    "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'web'}}",
    "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n1'},'status':{'conditions':[{'type':'Ready','status':'True'}]}}",
    "{'apiVersion':'apps/v1','kind':'DaemonSet','metadata':{'name':'node-agent','namespace':'velero'},'spec':{}}",
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'node-agent-1','namespace':'velero','labels':{'role':'node-agent'}},'spec':{'nodeName':'n1'},'status':{'phase':'Running'}}",
    "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'fast'},'provisioner':'csi.x','volumeBindingMode':'Immediate'}",
};
static const char *const of_source[] = {
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo','namespace':'web'},'spec':{'selector':{'app':'echo'},'ports':[{'port':80}]}}",
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'db','namespace':'web'},'spec':{'selector':{'app':'db'},'ports':[{'port':5432}]}}",
    APP_OBJECT("Deployment", "echo", "", "'replicas':1," POD_OF("echo", "")),
    DB(""),
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'db-0','namespace':'web','labels':{'app':'db'},'ownerReferences':[{'kind':'StatefulSet','name':'db','controller':true}]},"
        "'spec':{'nodeName':'n1','volumes':[{'name':'data','persistentVolumeClaim':{'claimName':'data-db-0'}}]},'status':{'phase':'Running'}}",
    CLAIM_OBJECT("data-db-0"),
    "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'web','namespace':'web'},'spec':{'hosts':['web'],'http':[{'name':'main',"
        "'route':[{'destination':{'host':'echo','port':{'number':80}}}]}]}}",
    PLACE("there", "ReadWrite"),
};
static const char *const kinds[][3] = {
    { VELERO_API, "Backup", "backups" }, { VELERO_API, "Restore", "restores" }, { VELERO_API, "PodVolumeBackup", "podvolumebackups" },
    { VELERO_API, "PodVolumeRestore", "podvolumerestores" }, { VELERO_API, "BackupStorageLocation", "backupstoragelocations" },
    { VELERO_API, "DeleteBackupRequest", "deletebackuprequests" }, { VELERO_API, "ServerStatusRequest", "serverstatusrequests" },
    { "velero.io/v2alpha1", "DataUpload", "datauploads" }, { "velero.io/v2alpha1", "DataDownload", "datadownloads" },
    { ARGO_API, "Application", "applications" }, { ARGO_API, "ApplicationSet", "applicationsets" }, { FLUX_API, "Kustomization", "kustomizations" },
};
/* clang-format on */

static inline void put(struct cf_fake_kube *f, const char *text)
{
    cf_autojson json_t *object = cf_test_json(text);
    cf_fake_kube_put_json(f, object);
}

/* The server answers before it is asked for its answer. */
static inline void answer(void *arg, const struct cf_kube_request *request)
{
    static const char part[] = "/serverstatusrequests/";
    const char *name = strstr(request->path, part);
    if (!name || strcmp(request->method, "GET") != 0)
        return;
    cf_autojson json_t *asked =
        cf_fake_kube_peek(arg, VELERO_API, "ServerStatusRequest", "velero", name + strlen(part));
    if (!asked)
        return;
    json_object_set_new(asked, "status",
                        cf_test_json("{'phase':'Processed','serverVersion':'v1.18.3'}"));
    cf_fake_kube_put_json(arg, asked);
}

static inline struct cf_fake_kube *cluster_up(void)
{
    struct cf_fake_kube *f = cf_fake_kube_new();
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        cf_fake_kube_kind(f, kinds[i][0], kinds[i][1], kinds[i][2], true);
    cf_fake_kube_kind(f, "storage.k8s.io/v1", "StorageClass", "storageclasses", false);
    for (size_t i = 0; i < CF_ARRAY_LEN(of_both); i++)
        put(f, of_both[i]);
    cf_fake_kube_hook(f, answer, f);
    return f;
}

static inline void sides_up(struct sides *s)
{
    s->dc1 = cluster_up();
    s->dc2 = cluster_up();
    for (size_t i = 0; i < CF_ARRAY_LEN(of_source); i++)
        put(s->dc1, of_source[i]);
    put(s->dc2, PLACE("there", "ReadOnly"));
    put(s->dc2,
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'kube-system','uid':'x'}}");
}

static inline void sides_down(struct sides *s)
{
    cf_fake_kube_free(s->dc1);
    cf_fake_kube_free(s->dc2);
}

static inline bool give_kube(void *self, const char *cluster, struct cf_kube **out,
                             struct cf_error *err)
{
    struct sides *s = self;
    (void)err;
    *out = cf_fake_kube_client(strcmp(cluster, "dc1") == 0 ? s->dc1 : s->dc2, cluster);
    return true;
}

static inline bool give_record(void *self, const char *cluster, json_t **out, struct cf_error *err)
{
    (void)self;
    (void)cluster;
    (void)err;
    *out = json_object();
    return true;
}

static inline bool give_source(void *self, const char *cluster, struct cf_source **out,
                               const char **out_preset, struct cf_error *err)
{
    (void)self;
    (void)out;
    (void)out_preset;
    return cf_error_set(err, CF_ERR_NOT_FOUND, "cluster %s has no metrics source", cluster);
}

/* What a preflight of the plan says. */
static inline json_t *preflight(struct sides *s, const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_plan_issues_free) struct cf_plan_issues issues = CF_PLAN_ISSUES_INIT;
    struct cf_preflight_world world = { give_kube, give_record, give_source, s };
    struct cf_plan *plan = NULL;
    json_t *report = NULL;
    if (!cf_plan_decode(text, strlen(text), CF_PLAN_YAML, &plan, NULL, &issues))
        fail_msg("plan: %s %s\n%s", issues.items[0].pointer, issues.items[0].detail, text);
    struct cf_preflight_request request = {
        .plan = plan, .run_id = "", .world = &world, .clock = &cf_clock_real
    };
    assert_ok(cf_preflight_run(&request, &report, &err), &err);
    cf_plan_free(plan);
    return report;
}

/* The first result of the check at this level whose message has the text; NULL: none. Borrowed. */
static inline const json_t *result_of(const json_t *report, const char *id, const char *level,
                                      const char *text)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(report, "results"), i, row)
    {
        if (strcmp(cf_json_str(row, "", "id", NULL), id) == 0 &&
            strcmp(cf_json_str(row, "", "level", NULL), level) == 0 &&
            strstr(cf_json_str(row, "", "message", NULL), text))
            return row;
    }
    return NULL;
}

#endif
