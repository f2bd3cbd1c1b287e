/* SPDX-License-Identifier: Apache-2.0 */
/* Proves how the writers of one side stop and start again: what is saved is what they had, it is given back exactly where
 * ours is still in place, and nobody counts as standing still who may still write. */
#include "orchestrator/engine/steps/freeze.h"

#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#define KEDA   "keda.sh/v1alpha1"
#define CLAIMS "[{'name':'data-db-0'},{'name':'data-db-1'}]"

struct rig {
    struct cf_fake_kube *api;
    struct cf_kube *kube;
    struct cf_freeze f;
    json_t *rows;
    struct cf_error err;
};

static void put_text(struct rig *r, const char *text)
{
    cf_autojson json_t *object = cf_test_json(text);
    cf_fake_kube_put_json(r->api, object);
}

static void rig_up(struct rig *r)
{
    *r = (struct rig){ .api = cf_fake_kube_new() };
    r->kube = cf_fake_kube_client(r->api, "east");
    r->f = (struct cf_freeze){ .kube = r->kube, .cluster = "east", .ns = "shop" };
    cf_fake_kube_kind(r->api, "storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", false);
}

static void rig_down(struct rig *r)
{
    json_decref(r->rows);
    cf_kube_unref(r->kube);
    cf_fake_kube_free(r->api);
}

static void add_db(struct rig *r, int replicas, int ready)
{
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'db','namespace':'shop',"
        "'uid':'uid-db','generation':4},'spec':{'replicas':%d},'status':{'replicas':%d,"
        "'readyReplicas':%d}}",
        replicas, replicas, ready);
    put_text(r, text);
}

static void add_keda(struct rig *r, const char *metadata)
{
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'" KEDA "','kind':'ScaledObject','metadata':{'name':'db','namespace':'shop',"
        "'uid':'uid-keda'%s},'spec':{'scaleTargetRef':{'kind':'StatefulSet','name':'db'}}}",
        metadata);
    cf_fake_kube_kind(r->api, KEDA, "ScaledObject", "scaledobjects", true);
    put_text(r, text);
}

static json_t *now(struct rig *r, const char *api_version, const char *kind, const char *name)
{
    return cf_fake_kube_peek(r->api, api_version, kind, "shop", name);
}

/* The rows as text. */
static char *save(struct rig *r, const char *writers, const char *more)
{
    cf_autojson json_t *first = cf_test_json(writers);
    cf_autojson json_t *second = cf_test_json(more);
    json_decref(r->rows);
    r->rows = NULL;
    assert_ok(cf_freeze_rows(&r->f, first, second, &r->rows, &r->err), &r->err);
    return cf_test_dump(r->rows);
}

#define DB "[{'apiVersion':'apps/v1','kind':'StatefulSet','name':'db'}]"

static void stop(struct rig *r)
{
    assert_ok(cf_freeze_stop(&r->f, r->rows, &r->err), &r->err);
}

/* What is left, as text; "[]" where all was given back. */
static char *give_back(struct rig *r)
{
    cf_autojson json_t *left = json_array();
    assert_ok(cf_freeze_give_back(&r->f, r->rows, left, &r->err), &r->err);
    return cf_test_dump(left);
}

static int64_t replicas(struct rig *r)
{
    cf_autojson json_t *db = now(r, "apps/v1", "StatefulSet", "db");
    return cf_json_int(db, -1, "spec", "replicas", NULL);
}

/* --- what is saved --- */

static void what_runs_is_saved_with_what_it_had(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    add_db(&r, 3, 2);
    put_text(&r, "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'api',"
                 "'namespace':'shop','uid':'uid-api'},'spec':{},'status':{'readyReplicas':1}}");
    put_text(&r, "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'off',"
                 "'namespace':'shop','uid':'uid-off'},'spec':{'replicas':0}}");
    put_text(&r, "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'nightly',"
                 "'namespace':'shop','uid':'uid-cron'},'spec':{}}");
    put_text(&r, "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'asleep',"
                 "'namespace':'shop','uid':'uid-asleep'},'spec':{'suspend':true}}");
    cf_autofree char *rows =
        save(&r,
             "[{'kind':'StatefulSet','name':'db'},{'kind':'Deployment','name':'api'},"
             "{'kind':'Deployment','name':'off'},{'kind':'DaemonSet','name':'agent'}]",
             "[{'kind':'StatefulSet','name':'db'},{'kind':'CronJob','name':'nightly'},"
             "{'kind':'CronJob','name':'asleep'},{'kind':'Deployment','name':'gone'}]");
    assert_string_equal(
        rows, "[{'apiVersion':'apps/v1','kind':'StatefulSet','name':'db','uid':'uid-db',"
              "'replicas':3,'ready':2},"
              "{'apiVersion':'apps/v1','kind':'Deployment','name':'api','uid':'uid-api',"
              "'replicas':1,'ready':1},"
              "{'apiVersion':'batch/v1','kind':'CronJob','name':'nightly','uid':'uid-cron',"
              "'suspend':false}]");
    assert_int_equal(cf_fake_kube_writes(r.api), 0);
    rig_down(&r);
}

/* --- there and back --- */

/* A StatefulSet and a CronJob that run, saved; the rows, in new memory. */
static char *rig_of_two(struct rig *r)
{
    rig_up(r);
    add_db(r, 3, 3);
    put_text(r, "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'nightly',"
                "'namespace':'shop','uid':'uid-cron'},'spec':{'schedule':'0 3 * * *'}}");
    return save(r, DB, "[{'kind':'CronJob','name':'nightly'}]");
}

static void they_stop_and_get_back_what_they_had(void **state)
{
    (void)state;
    struct rig r;
    cf_autofree char *rows = rig_of_two(&r);
    for (int i = 0; i < 2; i++) {
        stop(&r);
        cf_autojson json_t *cron = now(&r, "batch/v1", "CronJob", "nightly");
        assert_int_equal(replicas(&r), 0);
        assert_true(cf_json_bool(cron, false, "spec", "suspend", NULL));
    }
    for (int i = 0; i < 2; i++) {
        cf_autofree char *left = give_back(&r);
        cf_autojson json_t *cron = now(&r, "batch/v1", "CronJob", "nightly");
        assert_string_equal(left, "[]");
        assert_int_equal(replicas(&r), 3);
        assert_false(cf_json_bool(cron, true, "spec", "suspend", NULL));
        assert_string_equal(cf_json_str(cron, "", "spec", "schedule", NULL), "0 3 * * *");
    }
    rig_down(&r);
}

static void one_that_is_refused_keeps_no_other_one_stopped(void **state)
{
    (void)state;
    struct rig r;
    cf_autofree char *rows = rig_of_two(&r);
    cf_autojson json_t *none = json_array();
    stop(&r);
    struct cf_fake_fault denied = {
        .method = "PATCH", .path_part = "cronjobs", .times = 1, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(r.api, &denied);
    assert_false(cf_freeze_give_back(&r.f, r.rows, none, &r.err));
    assert_non_null(strstr(r.err.message, "start CronJob nightly of east again"));
    cf_error_clear(&r.err);
    assert_int_equal(replicas(&r), 3);
    cf_autofree char *left = give_back(&r);
    assert_string_equal(left, "[]");
    rig_down(&r);
}

static void another_object_of_the_name_is_not_touched(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    add_db(&r, 3, 3);
    cf_autofree char *rows = save(&r, DB, "[]");
    stop(&r);
    cf_fake_kube_remove(r.api, "apps/v1", "StatefulSet", "shop", "db");
    cf_autofree char *gone = give_back(&r);
    assert_string_equal(gone, "['StatefulSet db of east, which the freeze stopped, is gone']");
    stop(&r); /* there is nothing to stop */
    put_text(&r, "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'db',"
                 "'namespace':'shop','uid':'uid-new'},'spec':{'replicas':0}}");
    cf_autofree char *left = give_back(&r);
    assert_string_equal(left, "['StatefulSet db of east, which the freeze stopped, is gone']");
    assert_int_equal(replicas(&r), 0);
    put_text(&r, "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'db',"
                 "'namespace':'shop','uid':'uid-new'},'spec':{'replicas':2}}");
    assert_false(cf_freeze_stop(&r.f, r.rows, &r.err));
    assert_non_null(strstr(r.err.message, "stop StatefulSet db of east"));
    cf_error_clear(&r.err);
    assert_int_equal(replicas(&r), 2);
    rig_down(&r);
}

static void what_somebody_else_set_stays_theirs_and_is_named(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    add_db(&r, 3, 3);
    cf_autofree char *rows = save(&r, DB, "[]");
    stop(&r);
    add_db(&r, 5, 5);
    cf_autofree char *left = give_back(&r);
    assert_string_equal(left, "['StatefulSet db of east has replicas 5 and not 3 as before the "
                              "freeze: somebody has changed it since, and it stays so']");
    assert_int_equal(replicas(&r), 5);
    rig_down(&r);
}

/* --- KEDA --- */

static const struct {
    const char *what, *metadata, *before;
} kedas[] = {
    { "no annotations", "", "null" },
    { "others", ",'annotations':{'a':'b'}", "{'a':'b'}" },
    { "paused at two", ",'annotations':{'autoscaling.keda.sh/paused-replicas':'2'}",
      "{'autoscaling.keda.sh/paused-replicas':'2'}" },
    { "paused at nothing", ",'annotations':{'autoscaling.keda.sh/paused-replicas':'0'}",
      "{'autoscaling.keda.sh/paused-replicas':'0'}" },
};

static void keda_lets_go_and_gets_its_annotation_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(kedas); i++) {
        for (int n = 0; n < 4; n += 3) { /* scaled to nothing by KEDA: it would scale it up again */
            struct rig r;
            rig_up(&r);
            add_db(&r, n, n);
            add_keda(&r, kedas[i].metadata);
            cf_autofree char *rows = save(&r, DB, "[]");
            if (!strstr(rows, "ScaledObject"))
                fail_msg("%s, %d replicas: KEDA is not paused: %s", kedas[i].what, n, rows);
            assert_string_equal(cf_json_str(json_array_get(r.rows, 0), "", "kind", NULL),
                                "ScaledObject"); /* first to stop */
            for (int k = 0; k < 2; k++) {
                stop(&r);
                cf_autojson json_t *paused = now(&r, KEDA, "ScaledObject", "db");
                assert_string_equal(cf_json_str(paused, "", "metadata", "annotations",
                                                "autoscaling.keda.sh/paused-replicas", NULL),
                                    "0");
            }
            for (int k = 0; k < 2; k++) {
                cf_autofree char *left = give_back(&r);
                cf_autojson json_t *s = now(&r, KEDA, "ScaledObject", "db");
                json_t *notes = json_object_get(json_object_get(s, "metadata"), "annotations");
                bool none = json_object_size(notes) == 0;
                cf_autofree char *is = none ? cf_xstrdup("null") : cf_test_dump(notes);
                assert_string_equal(left, "[]");
                assert_string_equal(is, kedas[i].before);
            }
            assert_int_equal(replicas(&r), n);
            rig_down(&r);
        }
    }
}

static void keda_that_somebody_paused_otherwise_stays_so(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    add_db(&r, 3, 3);
    add_keda(&r, "");
    cf_autofree char *rows = save(&r, DB, "[]");
    stop(&r);
    cf_fake_kube_remove(r.api, KEDA, "ScaledObject", "shop", "db");
    put_text(&r, "{'apiVersion':'" KEDA "','kind':'ScaledObject','metadata':{'name':'db',"
                 "'namespace':'shop','uid':'uid-keda','annotations':{"
                 "'autoscaling.keda.sh/paused-replicas':'7'}},'spec':{}}");
    cf_autofree char *left = give_back(&r);
    cf_autojson json_t *s = now(&r, KEDA, "ScaledObject", "db");
    assert_string_equal(
        cf_json_str(s, "", "metadata", "annotations", "autoscaling.keda.sh/paused-replicas", NULL),
        "7");
    assert_non_null(strstr(left, "ScaledObject db of east has paused-replicas"));
    rig_down(&r);
}

/* --- who still writes --- */

static void add_pod(struct rig *r, const char *name, const char *extra, const char *claim,
                    const char *node, const char *phase)
{
    cf_autofree char *text =
        cf_xasprintf("{'apiVersion':'v1','kind':'Pod','metadata':{'name':'%s','namespace':'shop'%s}"
                     ",'spec':{'nodeName':'%s','volumes':[{'name':'d','persistentVolumeClaim':{"
                     "'claimName':'%s'}}]},'status':{'phase':'%s'}}",
                     name, extra, node, claim, phase);
    put_text(r, text);
}

static void add_node(struct rig *r, const char *name, const char *ready)
{
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'%s'},'status':{'conditions':[{"
        "'type':'MemoryPressure','status':'False'},{'type':'Ready','status':'%s'}]}}",
        name, ready);
    put_text(r, text);
}

static enum cf_outcome_kind look(struct rig *r, const char *had, struct cf_outcome *out)
{
    cf_autojson json_t *claims = cf_test_json(CLAIMS);
    cf_autojson json_t *nodes = cf_test_json(had);
    *out = (struct cf_outcome){ .kind = CF_OUT_DONE };
    assert_ok(cf_freeze_look(&r->f, r->rows, claims, nodes, out, &r->err), &r->err);
    return out->kind;
}

#define STAGE ",'labels':{'crossfade.dev/stage':'files'}"

static const struct {
    const char *what, *extra, *claim, *phase;
    bool counts;
} pods[] = {
    { "runs", "", "data-db-0", "Running", true },
    { "waits for a node", "", "data-db-1", "Pending", true },
    { "is ending", ",'deletionTimestamp':'2026-01-01T00:00:00Z','finalizers':['x']", "data-db-0",
      "Running", true },
    { "silent node", "", "data-db-0", "Unknown", true },
    { "has ended", "", "data-db-0", "Succeeded", false },
    { "has failed", "", "data-db-0", "Failed", false },
    { "is ours", STAGE, "data-db-0", "Running", false },
    { "another claim", "", "pictures", "Running", false },
};

static void a_pod_that_mounts_a_claim_may_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(pods); i++) {
        struct rig r;
        struct cf_outcome out;
        rig_up(&r);
        r.rows = json_array();
        add_pod(&r, "p", pods[i].extra, pods[i].claim, "n1", pods[i].phase);
        enum cf_outcome_kind is = look(&r, "[]", &out);
        if (is != (pods[i].counts ? CF_OUT_WAIT : CF_OUT_DONE))
            fail_msg("pod that %s: %s", pods[i].what, out.message);
        if (pods[i].counts)
            assert_non_null(strstr(out.message, "pod p of east still mounts a claim"));
        rig_down(&r);
    }
}

static void a_silent_node_may_write(void **state)
{
    (void)state;
    static const char *const silent[] = { "False", "Unknown" };
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
    r.rows = json_array();
    add_node(&r, "n1", "True");
    add_node(&r, "n2", "True");
    static const char had[] = "[{'node':'n1','pod':'db-0'},{'node':'n2','pod':'db-1'},"
                              "{'node':'','pod':'db-2'},{'node':'removed','pod':'db-3'}]";
    assert_int_equal(look(&r, had, &out), CF_OUT_DONE);
    for (size_t i = 0; i < CF_ARRAY_LEN(silent); i++) {
        add_node(&r, "n2", silent[i]);
        assert_int_equal(look(&r, had, &out), CF_OUT_HOLD);
        assert_int_equal(out.hold.reason, CF_HOLD_DATA);
        assert_non_null(strstr(out.message, "node n2 of east is not Ready: pod db-1"));
    }
    add_node(&r, "n2", "True");
    assert_int_equal(look(&r, had, &out), CF_OUT_DONE);
    rig_down(&r);
}

static void who_has_replicas_does_not_stand_still(void **state)
{
    (void)state;
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
    add_db(&r, 2, 2);
    cf_autofree char *rows = save(&r, DB, "[]");
    stop(&r); /* the pods are still there: status.replicas is 2 */
    assert_int_equal(look(&r, "[]", &out), CF_OUT_WAIT);
    assert_non_null(strstr(out.message, "StatefulSet db of east: 2 pods are still there"));
    add_db(&r, 0, 0);
    assert_int_equal(look(&r, "[]", &out), CF_OUT_DONE);
    add_db(&r, 1, 0);
    assert_int_equal(look(&r, "[]", &out), CF_OUT_HOLD);
    assert_non_null(strstr(out.message, "was started again in the freeze: 1 replicas"));
    cf_fake_kube_remove(r.api, "apps/v1", "StatefulSet", "shop", "db");
    assert_int_equal(look(&r, "[]", &out), CF_OUT_DONE);
    rig_down(&r);
}

static void a_volume_that_is_attached_may_be_written(void **state)
{
    (void)state;
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
    r.rows = json_array();
    put_text(&r, "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'data-db-0',"
                 "'namespace':'shop'},'spec':{'volumeName':'pv-0'}}");
    put_text(&r, "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'pictures',"
                 "'namespace':'shop'},'spec':{'volumeName':'pv-9'}}");
    put_text(&r,
             "{'apiVersion':'storage.k8s.io/v1','kind':'VolumeAttachment','metadata':{'name':'a9'},"
             "'spec':{'nodeName':'n1','source':{'persistentVolumeName':'pv-9'}}}");
    assert_int_equal(look(&r, "[]", &out), CF_OUT_DONE);
    put_text(&r,
             "{'apiVersion':'storage.k8s.io/v1','kind':'VolumeAttachment','metadata':{'name':'a0'},"
             "'spec':{'nodeName':'n1','source':{'persistentVolumeName':'pv-0'}}}");
    assert_int_equal(look(&r, "[]", &out), CF_OUT_WAIT);
    assert_non_null(strstr(out.message, "volume pv-0 is still attached to node n1 of east"));
    /* A stage pod of ours holds it there: it reads. On another node it does not. */
    add_pod(&r, "stage", STAGE, "data-db-0", "n2", "Running");
    assert_int_equal(look(&r, "[]", &out), CF_OUT_WAIT);
    add_pod(&r, "stage", STAGE, "pictures", "n1", "Running");
    assert_int_equal(look(&r, "[]", &out), CF_OUT_WAIT);
    add_pod(&r, "stage", STAGE, "data-db-0", "n1", "Running");
    assert_int_equal(look(&r, "[]", &out), CF_OUT_DONE);
    cf_fake_kube_remove(r.api, "v1", "Pod", "shop", "stage");
    struct cf_fake_fault denied = {
        .path_part = "volumeattachments", .times = 3, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(r.api, &denied);
    assert_int_equal(look(&r, "[]", &out), CF_OUT_DONE); /* the pods alone tell */
    rig_down(&r);
}

/* --- whether it was touched; whether it runs again --- */

static void a_start_in_between_moves_a_generation(void **state)
{
    (void)state;
    struct rig r;
    cf_autojson json_t *before = NULL;
    cf_autojson json_t *after = NULL;
    cf_autojson json_t *gone = NULL;
    rig_up(&r);
    add_db(&r, 2, 2);
    cf_autofree char *rows = save(&r, DB, "[]");
    stop(&r);
    assert_ok(cf_freeze_generations(&r.f, r.rows, &before, &r.err), &r.err);
    stop(&r); /* stopping what stands still moves nothing */
    assert_ok(cf_freeze_generations(&r.f, r.rows, &after, &r.err), &r.err);
    assert_true(json_equal(before, after));
    cf_autofree char *left = give_back(&r);
    stop(&r);
    json_decref(after);
    after = NULL;
    assert_ok(cf_freeze_generations(&r.f, r.rows, &after, &r.err), &r.err);
    assert_false(json_equal(before, after));
    cf_fake_kube_remove(r.api, "apps/v1", "StatefulSet", "shop", "db");
    assert_ok(cf_freeze_generations(&r.f, r.rows, &gone, &r.err), &r.err);
    assert_string_equal(cf_json_str(gone, "?", "StatefulSet/db", NULL), "");
    rig_down(&r);
}

static enum cf_outcome_kind runs(struct rig *r, struct cf_outcome *out)
{
    *out = (struct cf_outcome){ .kind = CF_OUT_DONE };
    assert_ok(cf_freeze_runs(&r->f, r->rows, out, &r->err), &r->err);
    return out->kind;
}

/* As many as were ready before: what was broken before the freeze does not keep the traffic away. */
static void it_runs_when_as_many_are_ready_as_before(void **state)
{
    (void)state;
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
    add_db(&r, 3, 2);
    cf_autofree char *rows = save(&r, DB, "[]");
    stop(&r);
    cf_autofree char *left = give_back(&r);
    add_db(&r, 3, 1);
    assert_int_equal(runs(&r, &out), CF_OUT_WAIT);
    assert_non_null(strstr(out.message, "StatefulSet db of east starts again: 1 of 2 pods"));
    add_db(&r, 3, 2);
    assert_int_equal(runs(&r, &out), CF_OUT_DONE);
    add_db(&r, 1, 1); /* somebody wants fewer */
    assert_int_equal(runs(&r, &out), CF_OUT_DONE);
    cf_fake_kube_remove(r.api, "apps/v1", "StatefulSet", "shop", "db");
    assert_int_equal(runs(&r, &out), CF_OUT_DONE);
    rig_down(&r);
}

/* --- many --- */

static json_t *many_deployments(struct rig *r, int n)
{
    json_t *writers = json_array();
    for (int i = 0; i < n; i++) {
        cf_autofree char *name = cf_xasprintf("api-%d", i);
        cf_autofree char *text = cf_xasprintf(
            "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'%s','namespace':'shop',"
            "'uid':'uid-%d','generation':%d},'spec':{'replicas':1},'status':{'replicas':1,"
            "'readyReplicas':1}}",
            name, i, i + 1);
        put_text(r, text);
        json_array_append_new(writers, json_pack("{s:s,s:s,s:s}", "apiVersion", "apps/v1", "kind",
                                                 "Deployment", "name", name));
    }
    return writers;
}

static int calls_of(struct rig *r)
{
    int n = 0;
    for (const char *c = cf_fake_kube_log(r->api); (c = strchr(c, '\n')); c++)
        n++;
    cf_fake_kube_log_reset(r->api);
    return n;
}

/* A freeze of hundreds of workloads asks for lists: each look is time in which nobody writes. */
static void many_are_read_by_lists(void **state)
{
    (void)state;
    enum { MANY = 300 };
    struct rig r;
    struct cf_outcome out = { .kind = CF_OUT_DONE };
    rig_up(&r);
    cf_autojson json_t *writers = many_deployments(&r, MANY);
    cf_autojson json_t *generations = NULL;
    cf_autojson json_t *claims = cf_test_json(CLAIMS);
    assert_ok(cf_freeze_rows(&r.f, writers, NULL, &r.rows, &r.err), &r.err);
    assert_int_equal(json_array_size(r.rows), MANY);
    assert_in_range(calls_of(&r), 1, 4);
    stop(&r);
    assert_in_range(calls_of(&r), MANY, MANY + 2); /* a patch for each */
    assert_ok(cf_freeze_look(&r.f, r.rows, claims, NULL, &out, &r.err), &r.err);
    assert_int_equal(out.kind, CF_OUT_WAIT);
    assert_ok(cf_freeze_generations(&r.f, r.rows, &generations, &r.err), &r.err);
    assert_int_equal(json_object_size(generations), MANY);
    assert_non_null(strstr(cf_json_str(generations, "", "Deployment/api-299", NULL), "/301"));
    assert_ok(cf_freeze_runs(&r.f, r.rows, &out, &r.err), &r.err);
    assert_in_range(calls_of(&r), 3, 6);
    rig_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_is_saved_with_what_it_had),
        cmocka_unit_test(they_stop_and_get_back_what_they_had),
        cmocka_unit_test(one_that_is_refused_keeps_no_other_one_stopped),
        cmocka_unit_test(another_object_of_the_name_is_not_touched),
        cmocka_unit_test(what_somebody_else_set_stays_theirs_and_is_named),
        cmocka_unit_test(keda_lets_go_and_gets_its_annotation_back),
        cmocka_unit_test(keda_that_somebody_paused_otherwise_stays_so),
        cmocka_unit_test(a_pod_that_mounts_a_claim_may_write),
        cmocka_unit_test(a_silent_node_may_write),
        cmocka_unit_test(who_has_replicas_does_not_stand_still),
        cmocka_unit_test(a_volume_that_is_attached_may_be_written),
        cmocka_unit_test(a_start_in_between_moves_a_generation),
        cmocka_unit_test(it_runs_when_as_many_are_ready_as_before),
        cmocka_unit_test(many_are_read_by_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
