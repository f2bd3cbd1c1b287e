/* SPDX-License-Identifier: Apache-2.0 */
/* Proves waves of workloads with the direct method: nothing of a wave is written before all copies of the waves before it are
 * healthy, what a wait says, that a kill and a lost ledger change nothing of it, that the copies go back in reverse, and that the
 * preview tells the wave of each object. */
#include "tests/support/test.h"

#include "federation/objects/kinds.h"
#include "federation/propagate/propagator.h"
#include "federation/propagate/waves.h"
#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"

/* clang-format off */
#define APP(kind, name, map) "{'apiVersion':'apps/v1','kind':'" kind "','metadata':{'name':'" name "','namespace':'web'},'spec':{'replicas':2,'selector':{" \
    "'matchLabels':{'app':'" name "'}},'template':{'metadata':{'labels':{'app':'" name "'}},'spec':{'containers':[{'envFrom':[{'configMapRef':{'name':'" map "'}}]}]}}}}"
#define CM(name) "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'" name "','namespace':'web'},'data':{'a':'1'}}"

static const char *const source_objects[] = {
    "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'web'}}", CM("db"), CM("cache"), CM("web"),
    APP("Deployment", "db", "db"), APP("Deployment", "cache", "cache"), APP("Deployment", "web", "web"),
};
/* clang-format on */
#define WORKLOADS                                                                                  \
    "{'include':[{'kind':'Deployment','name':'web','after':['Deployment/cache']},{'kind':"         \
    "'Deployment','name':'cache','after':['Deployment/db']},{'kind':'Deployment','name':'db'}],"   \
    "'exclude':[],'onConflict':'fail','start':'now','transforms':[],'replicas':{'min':1}}"

enum { BATCH = 250, CALLS_MAX = 30 };

struct rig {
    struct cf_fake_kube *source_api, *target_api;
    struct cf_propagation p;
    json_t *workloads, *services, *inventory, *ledger;
};

static void take_inventory(struct rig *r)
{
    struct cf_error err = CF_ERROR_INIT;
    json_decref(r->inventory);
    r->inventory = NULL;
    assert_ok(cf_propagator_direct.inventory(&r->p, &r->inventory, &err), &err);
}

static int setup(void **state)
{
    struct rig *r = cf_xcalloc(1, sizeof *r);
    r->source_api = cf_fake_kube_new();
    r->target_api = cf_fake_kube_new();
    for (size_t i = 0; i < CF_ARRAY_LEN(source_objects); i++) {
        cf_autojson json_t *o = cf_test_json(source_objects[i]);
        cf_fake_kube_put_json(r->source_api, o);
    }
    r->workloads = cf_test_json(WORKLOADS);
    r->services = json_array();
    r->ledger = json_array();
    r->p = (struct cf_propagation){
        .source = cf_fake_kube_client(r->source_api, "dc1"),
        .target = cf_fake_kube_client(r->target_api, "dc2"),
        .source_namespace = "web",
        .target_namespace = "shop",
        .create_namespace = true,
        .run_id = "run-1",
        .plan_name = "p",
        .workloads = r->workloads,
        .services = r->services,
    };
    take_inventory(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    cf_kube_unref(r->p.source);
    cf_kube_unref(r->p.target);
    cf_fake_kube_free(r->source_api);
    cf_fake_kube_free(r->target_api);
    json_decref(r->workloads);
    json_decref(r->services);
    json_decref(r->inventory);
    json_decref(r->ledger);
    free(r);
    return 0;
}

/* Calls until it is done or waits. */
static struct cf_copying apply(struct rig *r)
{
    struct cf_copying copying = { 0 };
    for (int i = 0; i < CALLS_MAX && !copying.done && !copying.waits; i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_ok(
            cf_propagator_direct.apply(&r->p, r->inventory, &r->ledger, BATCH, &copying, &err),
            &err);
    }
    return copying;
}

static bool stands(struct rig *r, const char *api, const char *kind, const char *name)
{
    cf_autojson json_t *o = cf_fake_kube_peek(r->target_api, api, kind, "shop", name);
    return o != NULL;
}

static void assert_stand(struct rig *r, bool db, bool cache, bool web)
{
    const struct {
        const char *name;
        bool stands;
    } apps[] = { { "db", db }, { "cache", cache }, { "web", web } };
    for (size_t i = 0; i < CF_ARRAY_LEN(apps); i++) {
        assert_int_equal(stands(r, "apps/v1", "Deployment", apps[i].name), apps[i].stands);
        assert_int_equal(stands(r, "v1", "ConfigMap", apps[i].name), apps[i].stands);
    }
}

/* What the controllers of the target would write. */
static void set_status(struct rig *r, const char *name, const char *status)
{
    cf_autojson json_t *o = cf_fake_kube_peek(r->target_api, "apps/v1", "Deployment", "shop", name);
    json_t *value = cf_test_json(status);
    assert_non_null(o);
    json_object_set_new(
        value, "observedGeneration",
        json_incref(cf_json_unconst(cf_json_at(o, "metadata", "generation", NULL))));
    json_object_set_new(o, "status", value);
    cf_fake_kube_put_json(r->target_api, o);
}

static void set_ready(struct rig *r, const char *name, int pods)
{
    cf_autofree char *status = cf_xasprintf(
        "{'replicas':2,'updatedReplicas':2,'readyReplicas':%d,'availableReplicas':%d}", pods, pods);
    set_status(r, name, status);
}

static void assert_waits(const struct cf_copying *c, const char *why)
{
    assert_true(c->waits);
    assert_true(c->unhealthy);
    assert_false(c->done);
    assert_false(c->stuck);
    assert_string_equal(c->why, why);
}

static void each_wave_waits_for_those_before_it(void **state)
{
    struct rig *r = *state;
    struct cf_copying c = apply(r);
    assert_waits(&c, "wave 2 of 3 waits for Deployment db: the controller has not seen it yet");
    assert_stand(r, true, false, false);
    set_ready(r, "db", 1);
    c = apply(r);
    assert_waits(&c, "wave 2 of 3 waits for Deployment db: 1 of 2 pods ready");
    assert_false(c.failed);
    assert_stand(r, true, false, false);
    set_ready(r, "db", 2);
    c = apply(r);
    assert_waits(&c, "wave 3 of 3 waits for Deployment cache: the controller has not seen it yet");
    assert_stand(r, true, true, false);
    set_ready(r, "cache", 2);
    set_ready(r, "db", 0); /* all before it, not only those right before it */
    c = apply(r);
    assert_waits(&c, "wave 3 of 3 waits for Deployment db: 0 of 2 pods ready");
    assert_stand(r, true, true, false);
    set_ready(r, "db", 2);
    c = apply(r);
    assert_true(c.done);
    assert_stand(r, true, true, true);
}

static void what_cannot_become_healthy_is_said(void **state)
{
    struct rig *r = *state;
    (void)apply(r);
    set_status(r, "db",
               "{'conditions':[{'type':'Progressing','status':'False','reason':"
               "'ProgressDeadlineExceeded','message':'it took too long'}]}");
    struct cf_copying c = apply(r);
    assert_waits(&c, "wave 2 of 3 waits for Deployment db: ProgressDeadlineExceeded: it took too "
                     "long");
    assert_true(c.failed);
    assert_stand(r, true, false, false);
}

/* As of a process that died before it could record anything. */
static void a_lost_ledger_opens_no_wave(void **state)
{
    struct rig *r = *state;
    (void)apply(r);
    json_array_clear(r->ledger);
    struct cf_copying c = apply(r);
    assert_waits(&c, "wave 2 of 3 waits for Deployment db: the controller has not seen it yet");
    assert_stand(r, true, false, false);
    json_array_clear(r->ledger);
    set_ready(r, "db", 2);
    c = apply(r);
    assert_true(c.waits);
    assert_stand(r, true, true, false);
}

static void finish(struct rig *r)
{
    static const char *const names[] = { "db", "cache", "web" };
    struct cf_copying c = { 0 };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        c = apply(r);
        set_ready(r, names[i], 2);
    }
    assert_true(c.done);
}

/* The next line of the log that deletes what ends so. */
static const char *deletion_of(const char *log, const char *path)
{
    for (const char *at = log; (at = strstr(at, "DELETE ")); at++) {
        size_t len = strcspn(at, "\n?");
        if (len > strlen(path) && strncmp(at + len - strlen(path), path, strlen(path)) == 0)
            return at;
    }
    return NULL;
}

static void copies_go_back_in_reverse(void **state)
{
    static const char *const want[] = { "deployments/web",  "configmaps/web", "deployments/cache",
                                        "configmaps/cache", "deployments/db", "configmaps/db",
                                        "/namespaces/shop" };
    struct rig *r = *state;
    struct cf_copying c = { 0 };
    cf_autojson json_t *left = NULL;
    finish(r);
    cf_fake_kube_log_reset(r->target_api);
    for (int i = 0; i < CALLS_MAX && !c.done; i++) {
        struct cf_error err = CF_ERROR_INIT;
        json_decref(left);
        left = NULL;
        assert_ok(cf_propagator_direct.undo(&r->p, &r->ledger, BATCH, &c, &left, &err), &err);
    }
    assert_true(c.done);
    const char *log = cf_fake_kube_log(r->target_api), *at = log;
    for (size_t i = 0; i < CF_ARRAY_LEN(want); i++) {
        at = deletion_of(at, want[i]);
        if (!at)
            fail_msg("%s is not deleted in its turn: %s", want[i], log);
    }
}

static void a_changed_source_is_copied_again_in_waves(void **state)
{
    struct rig *r = *state;
    finish(r);
    cf_autojson json_t *map = cf_test_json(CM("web"));
    cf_json_put_take(map, json_string("2"), "data", "a", NULL);
    cf_fake_kube_put_json(r->source_api, map);
    take_inventory(r);
    set_ready(r, "cache", 1);
    struct cf_copying c = apply(r);
    assert_waits(&c, "wave 3 of 3 waits for Deployment cache: 1 of 2 pods ready");
    set_ready(r, "cache", 2);
    c = apply(r);
    assert_true(c.done);
    cf_autojson json_t *copy = cf_fake_kube_peek(r->target_api, "v1", "ConfigMap", "shop", "web");
    assert_string_equal(cf_json_str(copy, "", "data", "a", NULL), "2");
}

static void the_preview_tells_the_waves(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *rows = NULL;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(1000);
    size_t i;
    json_t *row;
    assert_ok(cf_propagator_direct.preview(&r->p, r->inventory, &rows, &err), &err);
    json_array_foreach(rows, i, row)
    {
        cf_buf_printf(&text, "%d:%s/%s ", (int)cf_json_int(row, 0, "wave", NULL),
                      cf_json_str(row, "", "ref", "kind", NULL),
                      cf_json_str(row, "", "ref", "name", NULL));
    }
    assert_string_equal(cf_buf_str(&text),
                        "1:Namespace/shop 1:ConfigMap/db 1:Deployment/db 2:ConfigMap/cache "
                        "2:Deployment/cache 3:ConfigMap/web 3:Deployment/web ");
}

static void rows_are_sorted_by_wave(void **state)
{
    (void)state;
    cf_autojson json_t *rows =
        cf_test_json("[{'wave':31,'n':1},{'wave':131,'n':2},{'wave':31,'n':3},{'wave':2,'n':4},"
                     "{'wave':131,'n':5},{'wave':60,'n':6}]");
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(100);
    size_t i;
    json_t *row;
    cf_sort_by_wave(rows);
    json_array_foreach(rows, i, row)
    {
        cf_buf_printf(&text, "%d", (int)cf_json_int(row, 0, "n", NULL));
    }
    assert_string_equal(cf_buf_str(&text), "413625");
    assert_int_equal(cf_wave_of(json_array_get(rows, 0)), 1);
    assert_int_equal(cf_wave_of(json_array_get(rows, 5)), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_wave_waits_for_those_before_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_become_healthy_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_ledger_opens_no_wave, setup, teardown),
        cmocka_unit_test_setup_teardown(copies_go_back_in_reverse, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_source_is_copied_again_in_waves, setup, teardown),
        cmocka_unit_test_setup_teardown(the_preview_tells_the_waves, setup, teardown),
        cmocka_unit_test(rows_are_sorted_by_wave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
