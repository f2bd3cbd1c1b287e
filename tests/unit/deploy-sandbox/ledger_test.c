/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the application `ledger` acknowledges only what is in its pod's volume: every number
 * that a load keeps is there, nothing is acknowledged without a volume, and nothing after the pod
 * has gone, however long its listener goes on. */
#include "deploy/sandbox/dataplane/dataplane.h"
#include "deploy/sandbox/dataplane/ledger.h"
#include "deploy/sandbox/load/load.h"
#include "tests/unit/deploy-sandbox/controllers_world.h"

enum { UNTIL_MS = 20000, THIRD_OCTET = 91 };

struct ledger_world {
    struct sbx_api *api;
    struct sbx_volumes *volumes;
    struct sbx_controllers *controllers;
    struct sbx_dataplane *dataplane;
    struct sbx_loads *loads;
};

static int up(void **state)
{
    struct ledger_world *w = cf_xcalloc(1, sizeof(*w));
    struct cf_error err = CF_ERROR_INIT;
    struct sbx_controllers_options options = patient();
    w->api = sbx_api_new("east");
    w->volumes = sbx_volumes_new();
    options.volumes = w->volumes;
    options.third_octet = THIRD_OCTET;
    w->controllers = sbx_controllers_start(&w->api, 1, &options, &err);
    w->dataplane =
        sbx_dataplane_start(&(struct sbx_dataplane_options){ .apis = (struct sbx_api *[]){ w->api },
                                                             .clusters = 1,
                                                             .volumes = w->volumes,
                                                             .listener_slot = 1 },
                            &err);
    w->loads = sbx_loads_new(&err);
    assert_true(w->controllers && w->dataplane && w->loads);
    make(w->api, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    assert_true(sbx_controllers_settle(w->controllers, SETTLE_MS));
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct ledger_world *w = *state;
    sbx_loads_free(w->loads);
    sbx_dataplane_stop(w->dataplane);
    sbx_controllers_stop(w->controllers);
    sbx_api_free(w->api);
    sbx_volumes_free(w->volumes);
    free(w);
    return 0;
}

/* A pod of the ledger, with a claim `data` or without one; where it listens. Caller frees. */
static char *start_ledger(struct ledger_world *w, bool with_volume)
{
    if (with_volume)
        make(w->api, "", "persistentvolumeclaims", "shop",
             "{'metadata':{'name':'data'},'spec':{'accessModes':['ReadWriteOnce'],"
             "'storageClassName':'standard','resources':{'requests':{'storage':'1Gi'}}}}");
    cf_autofree char *pod = cf_xasprintf(
        "{'metadata':{'name':'db'},'spec':{'containers':[{'name':'c','image':'example.com/ledger:v1'"
        ",'ports':[{'containerPort':8080}]}],'volumes':[%s]}}",
        with_volume ? "{'name':'v','persistentVolumeClaim':{'claimName':'data'}}" : "");
    make(w->api, "", "pods", "shop", pod);
    for (int64_t end = cf_mono_now_ms() + UNTIL_MS; cf_mono_now_ms() < end;) {
        cf_autojson json_t *state = sbx_dataplane_state(w->dataplane);
        const json_t *one = json_array_get(json_object_get(state, "pods"), 0);
        if (one)
            return cf_xasprintf("http://%s:%d", cf_json_str(one, "", "address", NULL),
                                (int)cf_json_int(one, 0, "real_port", NULL));
        cf_sleep_ms(&cf_clock_real, 5);
    }
    fail_msg("the pod does not listen");
    return NULL;
}

static int write_load(struct ledger_world *w, const char *base, int64_t duration_ms)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *url = cf_xasprintf("%s/append", base);
    int id;
    assert_true(
        sbx_load_start(w->loads,
                       &(struct sbx_load_options){
                           .url = url, .rps = 200, .writes = true, .duration_ms = duration_ms },
                       &id, &err));
    return id;
}

static char *ledger_text(struct ledger_world *w)
{
    size_t len;
    cf_autojson json_t *claim = sbx_api_one(w->api, "", "persistentvolumeclaims", "shop", "data");
    cf_autofree char *key =
        sbx_volume_key("east", cf_json_str(claim, "", "spec", "volumeName", NULL));
    char *text = sbx_volume_read(w->volumes, key, SBX_LEDGER_FILE, &len);
    return text ? text : cf_xstrdup("");
}

/* Each acknowledged number's record is there; how many. */
static size_t expect_acknowledged(struct ledger_world *w, int id)
{
    cf_autofree char *text = ledger_text(w);
    cf_autojson json_t *all = sbx_load_acknowledged(w->loads, id);
    const char *prefix = cf_json_str(all, "", "prefix", NULL);
    size_t i;
    json_t *n;
    json_array_foreach(json_object_get(all, "acknowledged"), i, n)
    {
        cf_autofree char *record =
            cf_xasprintf("\"%s%lld\"", prefix, (long long)json_integer_value(n));
        if (!strstr(text, record))
            fail_msg("%s was acknowledged and is not there", record);
    }
    return i;
}

static void what_is_acknowledged_is_there(void **state)
{
    struct ledger_world *w = *state;
    cf_autofree char *base = start_ledger(w, true);
    int id = write_load(w, base, 500);
    assert_true(sbx_load_wait(w->loads, id, UNTIL_MS));
    cf_autojson json_t *summary = sbx_load_summary(w->loads, id);
    assert_int_equal(cf_json_int(summary, -1, "failed", NULL), 0);
    assert_int_equal(expect_acknowledged(w, id), cf_json_int(summary, -1, "sent", NULL));
}

static void a_pod_that_is_gone_acknowledges_nothing(void **state)
{
    struct ledger_world *w = *state;
    cf_autofree char *base = start_ledger(w, true);
    int id = write_load(w, base, 0);
    cf_sleep_ms(&cf_clock_real, 100);
    assert_int_equal(drop(w->api, "", "pods", "shop", "db", "?gracePeriodSeconds=0"), 200);
    cf_autofree char *at_its_end = ledger_text(w);
    cf_sleep_ms(&cf_clock_real, 200);
    assert_true(sbx_load_stop(w->loads, id));
    cf_autojson json_t *summary = sbx_load_summary(w->loads, id);
    assert_true(cf_json_int(summary, 0, "failed", NULL) > 0);
    size_t acknowledged = expect_acknowledged(w, id);
    assert_true((int64_t)acknowledged < cf_json_int(summary, 0, "sent", NULL));
    cf_autofree char *later = ledger_text(w);
    /* One that had found its pod may still be written. */
    assert_true(strlen(later) <= strlen(at_its_end) + 64);
}

static void without_a_volume_nothing_is_kept(void **state)
{
    struct ledger_world *w = *state;
    cf_autofree char *base = start_ledger(w, false);
    int id = write_load(w, base, 100);
    assert_true(sbx_load_wait(w->loads, id, UNTIL_MS));
    cf_autojson json_t *summary = sbx_load_summary(w->loads, id),
                       *all = sbx_load_acknowledged(w->loads, id);
    assert_int_equal(cf_json_int(summary, 0, "failed", NULL),
                     cf_json_int(summary, -1, "sent", NULL));
    assert_int_equal(json_array_size(json_object_get(all, "acknowledged")), 0);
}

static void only_its_image_is_one(void **state)
{
    static const struct {
        const char *image;
        bool is_ledger;
    } cases[] = { { "ledger", true },      { "ledger:v1", true },    { "a.io/x/ledger@sha", true },
                  { "ledgers:v1", false }, { "echo:ledger", false }, { "ledger/echo", false } };
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *pod =
            json_pack("{s:{s:[{s:s}]}}", "spec", "containers", "image", cases[i].image);
        assert_int_equal(sbx_ledger_is(pod), cases[i].is_ledger);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_acknowledged_is_there),
        CASE(a_pod_that_is_gone_acknowledges_nothing),
        CASE(without_a_volume_nothing_is_kept),
        cmocka_unit_test(only_its_image_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
