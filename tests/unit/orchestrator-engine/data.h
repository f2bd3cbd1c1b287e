/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's test world with data: the application has a claim that moves, both clusters have pods and
 * the Velero of the velero room's tests. */
#ifndef TESTS_UNIT_ENGINE_DATA_H
#define TESTS_UNIT_ENGINE_DATA_H

#define world velero_world /* the velero room's is another one */
#include "tests/unit/velero/world.h"
#undef world
#undef RUN_ID
#include "orchestrator/engine/moves.h"
#include "tests/unit/orchestrator-engine/life.h"

#define DATA_PLAN                                                                                  \
    "apiVersion: crossfade.dev/v1alpha1\n"                                                         \
    "kind: MigrationPlan\n"                                                                        \
    "metadata: {name: web}\n"                                                                      \
    "spec:\n"                                                                                      \
    "  source: {cluster: dc1, namespace: web}\n"                                                   \
    "  target: {cluster: dc2}\n"                                                                   \
    "  traffic:\n"                                                                                 \
    "    router: {type: virtualService, name: web}\n"                                              \
    "    steps: [100]\n"                                                                           \
    "    hold: 10s\n"
#define DATA_VOLUMES(more)                                                                         \
    "  volumes:\n"                                                                                 \
    "    default: {strategy: veleroFsBackup}\n"                                                    \
    "    passes: 1\n"                                                                              \
    "    finalSync: {rehearse: false" more "}\n"
#define DISCARD "  rollback: {targetData: discard}\n"
#define REVERSE                                                                                    \
    "    velero: {location: there, backLocation: back}\n"                                          \
    "  rollback: {targetData: reverse}\n"

static const char writer[] =
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'echo','namespace':'web',"
    "'generation':1},'spec':{'replicas':1,'selector':{'matchLabels':{'app':'echo'}},'template':{"
    "'metadata':{'labels':{'app':'echo'}},'spec':{'containers':[{'name':'echo','image':'echo:1'}],"
    "'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'data'}}]}}},'status':{"
    "'observedGeneration':1,'replicas':1,'updatedReplicas':1,'readyReplicas':1,"
    "'availableReplicas':1}}";

/* What volume.sync would find: its intend is the sandbox stories' business. */
static const char found[] =
    "{'claims':[{'name':'data','strategy':'veleroFsBackup','verify':'none','storageClass':'',"
    "'size':''}],'pods':[{'terminationGracePeriodSeconds':30}],'writers':[{'apiVersion':'apps/v1',"
    "'kind':'Deployment','name':'echo'}],'there':{'from':'there','to':'there-too'},'back':{'from':"
    "'back','to':'back-too'}}";

struct data {
    struct world *w;
    struct velero_world velero;
    bool kept;        /* Flux keeps the source's writer */
    int put_back;     /* how often it has started it again */
    bool moves_back;  /* its servers take what is asked of them on the way back */
    bool target_away; /* for Crossfade; what is in it goes on */
};

/* ---- Flux ---- */

#define FLUX_API "kustomize.toolkit.fluxcd.io/v1"

static inline json_t *kustomization(struct data *d)
{
    return cf_fake_kube_peek(d->w->dc1, FLUX_API, "Kustomization", "flux-system", "shop");
}

static inline bool is_suspended(struct data *d)
{
    cf_autojson json_t *owner = kustomization(d);
    return cf_json_bool(owner, false, "spec", "suspend", NULL);
}

/* From now on the writer has one replica whenever its Kustomization is not suspended. */
static inline void data_keep(struct data *d)
{
    cf_autojson json_t *kept = cf_fake_kube_peek(d->w->dc1, "apps/v1", "Deployment", "web", "echo");
    cf_json_put_take(kept,
                     cf_test_json("{'kustomize.toolkit.fluxcd.io/name':'shop',"
                                  "'kustomize.toolkit.fluxcd.io/namespace':'flux-system'}"),
                     "metadata", "labels", NULL);
    cf_fake_kube_put_json(d->w->dc1, kept);
    cf_fake_kube_kind(d->w->dc1, FLUX_API, "Kustomization", "kustomizations", true);
    put_text(d->w->dc1, "{'apiVersion':'" FLUX_API "','kind':'Kustomization','metadata':{'name':"
                        "'shop','namespace':'flux-system'},'spec':{'path':'./shop'}}");
    d->kept = true;
}

static inline void flux_turn(struct data *d)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    if (!d->kept || is_suspended(d) || replicas(d->w->dc1) == 1)
        return;
    cf_autojson json_t *patch = json_pack("{s:{s:i}}", "spec", "replicas", 1);
    assert_ok(cf_kube_merge_patch(d->velero.east.kube, NULL, &ref, patch, NULL, NULL, &err), &err);
    d->put_back++;
}

/* ---- kubelets ---- */

static inline void settle_pods(struct cf_fake_kube *f, struct side *s)
{
    bool runs = replicas(f) > 0;
    cf_autojson json_t *pod = cf_fake_kube_peek(f, "v1", "Pod", "web", "echo-1");
    if (runs && !pod)
        add_pod(s, "web", "echo-1", "data", "n1", "Running");
    else if (!runs && pod)
        cf_fake_kube_remove(f, "v1", "Pod", "web", "echo-1");
}

/* Everything beside the run has its turn; none of it is a call of the run's process. */
static inline void data_turn(struct data *d)
{
    struct world *w = d->w;
    bool dead = w->dead;
    int die_at = w->die_at, calls = w->calls;
    void (*beside)(struct world *) = w->beside;
    w->dead = false;
    w->die_at = 0;
    w->beside = NULL;
    world_turn(&d->velero);
    flux_turn(d);
    if (d->moves_back)
        world_turn_back(&d->velero);
    controllers(w);
    settle_pods(w->dc1, &d->velero.east);
    settle_pods(w->dc2, &d->velero.west);
    w->dead = dead;
    w->die_at = die_at;
    w->beside = beside;
    w->calls = calls;
}

static inline struct cf_pass_result data_pass(struct data *d)
{
    struct cf_fake_fault away = { .times = 1000, .kind = CF_ERR_UNAVAILABLE };
    if (d->target_away)
        cf_fake_kube_fail(d->w->dc2, &away);
    struct cf_pass_result result = world_pass(d->w);
    cf_fake_kube_mend(d->w->dc2);
    data_turn(d);
    return result;
}

/* ---- beginning and end ---- */

static inline void data_side(struct data *d, struct side *s, struct cf_fake_kube *api,
                             const char *name)
{
    s->velero_world = &d->velero;
    s->name = name;
    s->api = api;
    s->kube = cf_fake_kube_client(api, name);
    side_serves_velero(s);
    cf_fake_kube_kind(api, "storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", false);
    put_text(api,
             "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n1'},'status':{'conditions':"
             "[{'type':'Ready','status':'True'}]}}");
}

static inline struct data *data_new(const char *plan_text)
{
    struct data *d = cf_xcalloc(1, sizeof *d);
    struct world *w = d->w = world_new(plan_text);
    d->velero = (struct velero_world){ .v = pure_way("[{'name':'data','strategy':"
                                                     "'veleroFsBackup'}]"),
                                       .cut = -1 };
    d->velero.v.run_id = RUN_ID;
    d->velero.v.from_namespace = d->velero.v.to_namespace = "web";
    data_side(d, &d->velero.east, w->dc1, "dc1");
    data_side(d, &d->velero.west, w->dc2, "dc2");
    add_location(&d->velero.east, "there", "ReadWrite");
    add_location(&d->velero.west, "there-too", "ReadOnly");
    add_location(&d->velero.west, "back", "ReadWrite");
    add_location(&d->velero.east, "back-too", "ReadOnly");
    put_text(w->dc1, writer);
    cf_fake_kube_remove(w->dc1, "autoscaling/v2", "HorizontalPodAutoscaler", "web", "echo");
    add_claim(&d->velero.east, "web", "data");
    size_t i;
    json_t *step;
    json_array_foreach(cf_json_at(w->row, "steps", NULL), i, step)
    {
        const char *kind = cf_json_str(step, "", "kind", NULL);
        if (strcmp(kind, "preflight") == 0)
            json_object_set_new(step, "state", json_string("done"));
        if (strcmp(kind, "volume.sync") == 0 && step == step_at(w, "volume.sync", 0))
            json_object_set_new(step, "intent", cf_test_json(found));
    }
    data_turn(d);
    return d;
}

static inline void data_free(struct data *d)
{
    cf_kube_unref(d->velero.east.kube);
    cf_kube_unref(d->velero.west.kube);
    way_free(&d->velero.v);
    world_free(d->w);
    free(d);
}

/* So that the claim can be set aside on the way back. */
static inline void bind_source(struct data *d)
{
    put_text(d->w->dc1,
             "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'data',"
             "'namespace':'web','uid':'uid-data'},'spec':{'accessModes':['ReadWriteOnce'],"
             "'volumeName':'pv-data'},'status':{'phase':'Bound'}}");
    put_text(d->w->dc1,
             "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'pv-data'},'spec':{"
             "'persistentVolumeReclaimPolicy':'Delete','claimRef':{'namespace':'web','name':'data',"
             "'uid':'uid-data'}},'status':{'phase':'Bound'}}");
}

/* ---- passes ---- */

static inline void data_until(struct data *d, const char *until, int passes)
{
    for (int i = 0; i < passes && !reached(d->w, until); i++)
        data_pass(d);
    if (reached(d->w, until))
        return;
    dump_run(d->w);
    fail_msg("not %s but %s, hold %s: %s", until, state_of(d->w), hold_of(d->w),
             hold_message(d->w));
}

static inline void data_until_step(struct data *d, const char *kind, int nth, const char *state)
{
    for (int i = 0; i < 200; i++) {
        if (strcmp(step_state(d->w, kind, nth), state) == 0)
            return;
        data_pass(d);
    }
    dump_run(d->w);
    fail_msg("step %s %d is %s, not %s; hold %s: %s", kind, nth, step_state(d->w, kind, nth), state,
             hold_of(d->w), hold_message(d->w));
}

/* ---- what is asked of the run, and what it has told ---- */

static inline int64_t roll_back(struct data *d, const char *word)
{
    int64_t id = act(d->w, "rollback");
    json_t *action = json_array_get(d->w->actions, json_array_size(d->w->actions) - 1);
    if (word)
        json_object_set_new(action, "expect", json_pack("{s:s}", "targetData", word));
    return id;
}

static inline int event_at(const struct data *d, const char *kind, const char *step)
{
    size_t i;
    json_t *event;
    json_array_foreach(d->w->events, i, event)
    {
        const char *of = cf_json_str(event, "", "body", "kind", NULL);
        if (strcmp(cf_json_str(event, "", "kind", NULL), kind) == 0 &&
            (!step || strcmp(of, step) == 0))
            return (int)i;
    }
    return -1;
}

/* The source as before the run; nothing of ours in the target. */
static inline void assert_home(struct data *d, const char *what)
{
    cf_autojson json_t *claim =
        cf_fake_kube_peek(d->w->dc2, "v1", "PersistentVolumeClaim", "web", "data");
    if (replicas(d->w->dc1) != 1 || replicas(d->w->dc2) != -1 || claim) {
        dump_run(d->w);
        fail_msg("%s: source %d, target %d, claim %s", what, replicas(d->w->dc1),
                 replicas(d->w->dc2), claim ? "left" : "gone");
    }
    assert_router_as_before(d->w);
}

/* The target has the writers and the traffic, and can be asked to give the data back. */
static inline struct data *switched(void)
{
    struct data *d = data_new(DATA_PLAN AUTO DATA_VOLUMES("") REVERSE);
    d->moves_back = true;
    bind_source(d);
    data_until_step(d, "traffic.soak", 0, "applied");
    return d;
}

#endif
