/* SPDX-License-Identifier: Apache-2.0 */
/* Routers and bridges against a real API server with the real definitions of Istio and Gateway API:
 * what the unit tests prove on a server in memory holds where fields are defaulted, managed and
 * validated by somebody else.
 *
 * CROSSFADE_TEST_KUBECONFIG names a kubeconfig with all rights (`tests/lab/lab up apiserver` makes
 * one); without it this says so and exits with 77. */
#include <stdlib.h>

#include "base/uuid.h"
#include "lb/bridge.h"
#include "tests/unit/lb/fixtures.h"

static struct cf_kube_net *net;
static struct cf_kube *k;
static char ns[48];

static const struct type_row {
    enum cf_router_type type;
    const char *object, *target, *route;
    const char *api_version, *kind, *name; /* of the object that we write */
    const char *foreign_edit, *what;       /* somebody else's change of our weight */
} types[] = {
    { VS, VS_LONE, VS_TARGET, NULL, "networking.istio.io/v1", "VirtualService", "web",
      "[{'op':'replace','path':'/spec/http/0/route/1/weight','value':300}]", "75% instead of 25%" },
    { HR, HR_TWO, HR_TARGET, "1", "gateway.networking.k8s.io/v1", "HTTPRoute", "web",
      "[{'op':'replace','path':'/spec/rules/1/backendRefs/0/weight','value':0}]",
      "100% instead of 25%" },
    { ING, ING_ONE, ING_TARGET, NULL, "networking.k8s.io/v1", "Ingress", "web-crossfade",
      "[{'op':'replace','path':'/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight',"
      "'value':'90'}]",
      "90% instead of 25%" },
};

struct world {
    const struct type_row *row;
    struct cf_object_ref ref;
    json_t *baseline;
    struct cf_router_grip grip;
};

static int set_up_all(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char nonce[9];
    snprintf(ns, sizeof ns, "router-protocol-%s", cf_random_hex(nonce, 8));
    net = cf_kube_net_new(&err);
    struct cf_kube_credentials *c =
        net ? cf_kubeconfig_load(getenv("CROSSFADE_TEST_KUBECONFIG"), NULL, &err) : NULL;
    k = c ? cf_kube_open(net, c, &(struct cf_kube_options){ .name = "lab", .rate_per_s = 500 },
                         &err)
          : NULL;
    cf_kube_credentials_unref(c);
    cf_autojson json_t *o = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
                                      "Namespace", "metadata", "name", ns);
    if (k && cf_kube_create(k, NULL, o, NULL, NULL, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return 1;
}

static int tear_down_all(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, ns);
    bool gone = cf_kube_delete(k, NULL, &ref, NULL, &err);
    cf_kube_unref(k);
    cf_kube_net_free(net);
    return gone ? 0 : 1;
}

static void remove_object(const char *api_version, const char *kind, const char *name)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref(api_version, kind, ns, name);
    if (!cf_kube_delete(k, NULL, &ref, NULL, &err))
        assert_int_equal(err.kind, CF_ERR_NOT_FOUND);
}

/* Creates the fixture's object in our namespace, as somebody else. */
static void create(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *object = js(text);
    cf_json_del(object, "metadata", "uid", NULL);
    cf_json_del(object, "metadata", "resourceVersion", NULL);
    cf_json_del(object, "metadata", "generation", NULL);
    cf_json_put_take(object, json_string(ns), "metadata", "namespace", NULL);
    struct cf_kube_write write = { .field_manager = "helm", .strict = true };
    assert_ok(cf_kube_create(k, NULL, object, &write, NULL, &err), &err);
}

static json_t *get(const char *api_version, const char *kind, const char *name)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref(api_version, kind, ns, name);
    json_t *object = NULL;
    assert_ok(cf_kube_get(k, NULL, &ref, &object, &err), &err);
    return object;
}

static void adopt(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    char nonce[CF_NONCE_TEXT];
    w->grip = a_grip();
    snprintf(w->grip.seq, sizeof w->grip.seq, "%s", cf_nonce(nonce));
    assert_ok(cf_router_adopt(k, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(r.weight, 0);
}

static void setup(struct world *w, const struct type_row *row)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = {
        .type = row->type, .cluster = "lab", .object = "web", .has_target = true
    };
    cf_autojson json_t *target = json_string(row->target);
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v = { 0 };
    snprintf(t.ns, sizeof t.ns, "%s", ns);
    snprintf(t.route, sizeof t.route, "%s", row->route ? row->route : "");
    assert_ok(cf_destination_parse(row->type, ns, target, &t.target, &err), &err);
    *w = (struct world){ .row = row, .ref = cf_ref(row->api_version, row->kind, ns, row->name) };
    remove_object(row->api_version, row->kind, "web");
    remove_object(row->api_version, row->kind, row->name);
    create(row->object);
    assert_ok(cf_router_find(k, NULL, &t, &v, &err), &err);
    w->baseline = cf_router_baseline(&t, &v, &err);
    if (!w->baseline)
        fail_msg("no baseline: %s", err.message);
    adopt(w);
}

static void forward(struct world *w, int weight)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    char seq[CF_NONCE_TEXT];
    assert_ok(
        cf_router_forward(k, NULL, w->baseline, &w->grip, -1, weight, cf_nonce(seq), &r, &err),
        &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(r.weight, weight);
}

static json_t *prepare(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *document = NULL;
    assert_ok(cf_router_prepare_rollback(k, NULL, w->baseline, &w->grip, "gate", &document, &err),
              &err);
    return document;
}

static enum cf_router_state roll_back(const json_t *document)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct cf_kube_how how = { .urgent = true, .timeout_ms = 2000 };
    assert_ok(cf_router_rollback(k, &how, document, &r, &err), &err);
    return r.state;
}

static json_t *without_server_metadata(json_t *object_taken)
{
    static const char *const members[] = { "resourceVersion", "generation", "managedFields",
                                           "creationTimestamp" };
    for (size_t i = 0; i < CF_ARRAY_LEN(members); i++)
        cf_json_del(object_taken, "metadata", members[i], NULL);
    return object_taken;
}

/* ---- stories, each for all types ---- */

static void up_back_and_restored(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    assert_ok(cf_router_restore(k, NULL, w->baseline, &w->grip, &r, &err), &err);
    cf_autojson json_t *before =
        without_server_metadata(get(w->row->api_version, w->row->kind, "web"));
    adopt(w);
    forward(w, 25);
    forward(w, 50);
    cf_autojson json_t *document = prepare(w);
    assert_int_equal(roll_back(document), CF_ROUTER_OURS);
    snprintf(w->grip.seq, sizeof w->grip.seq, "%s", cf_json_str(document, "", "seq", NULL));
    assert_ok(cf_router_read(k, NULL, w->baseline, &w->grip, 0, &r, NULL, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_ok(cf_router_restore(k, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    cf_autojson json_t *after =
        without_server_metadata(get(w->row->api_version, w->row->kind, "web"));
    assert_true(json_equal(before, after));
    assert_int_equal(roll_back(document), CF_ROUTER_DRIFTED);
}

static void late_writes_fail(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_grip newer = w->grip;
    struct cf_router_reading r;
    cf_autojson json_t *object = get(w->row->api_version, w->row->kind, w->row->name);
    cf_autojson json_t *first =
        cf_router_render_forward(w->baseline, object, &w->grip, 50, "late", &err);
    forward(w, 25);
    assert_fails(cf_kube_json_patch(k, NULL, &w->ref, first, NULL, NULL, &err), &err,
                 CF_ERR_INVALID, NULL);

    cf_autojson json_t *old_document = prepare(w);
    newer.epoch = 8;
    assert_ok(cf_router_touch(k, NULL, w->baseline, &newer, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(roll_back(old_document), CF_ROUTER_FENCED);
    w->grip = newer;
    cf_autojson json_t *document = prepare(w);
    assert_ok(cf_router_set_arm(k, NULL, w->baseline, &w->grip, "", "disarmed", &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(roll_back(document), CF_ROUTER_FENCED);
    assert_ok(cf_router_read(k, NULL, w->baseline, &w->grip, 25, &r, NULL, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
}

static void drift_is_named(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct cf_kube_write by = { .field_manager = "kubectl-edit" };
    forward(w, 25);
    cf_autojson json_t *document = prepare(w);
    cf_autojson json_t *edit = js(w->row->foreign_edit);
    if (w->row->type == VS)
        json_array_append_new(
            edit, js("{'op':'replace','path':'/spec/http/0/route/0/weight','value':100}"));
    assert_ok(cf_kube_json_patch(k, NULL, &w->ref, edit, &by, NULL, &err), &err);
    assert_ok(cf_router_read(k, NULL, w->baseline, &w->grip, 25, &r, NULL, &err), &err);
    assert_state(&r, CF_ROUTER_DRIFTED);
    assert_non_null(strstr(r.what, w->row->what));
    assert_non_null(strstr(r.who, "kubectl-edit (Update, 20"));
    assert_int_equal(roll_back(document), CF_ROUTER_OURS);
}

static void the_restore_mark_works_by_hand(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    char key[CF_MARK_KEY_MAX];
    forward(w, 75);
    cf_autojson json_t *object = get(w->row->api_version, w->row->kind, w->row->name);
    const char *text = annotation_of(
        object, cf_mark_key(CF_MARK_RESTORE, cf_json_str(w->baseline, "", "slot", NULL), key));
    cf_autojson json_t *patch = cf_json_parse(text, strlen(text), 0, &err);
    struct cf_kube_write by = { .field_manager = "kubectl-patch" };
    assert_ok(cf_kube_json_patch(k, NULL, &w->ref, patch, &by, NULL, &err), &err);
    assert_ok(cf_router_read(k, NULL, w->baseline, &w->grip, -1, &r, NULL, &err), &err);
    assert_state(&r, CF_ROUTER_OVERTAKEN);
    assert_int_equal(r.weight, 0);
    assert_string_equal(r.emergency_why, "kubectl");
}

static void committed_and_released(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    forward(w, 100);
    assert_ok(cf_router_set_arm(k, NULL, w->baseline, &w->grip, "", "commit", &r, &err), &err);
    assert_ok(cf_router_switch(k, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(cf_router_release(k, NULL, w->baseline, &w->grip, &r, &err), &err);
        assert_state(&r, CF_ROUTER_OURS);
    }
    cf_autojson json_t *object = get(w->row->api_version, w->row->kind, "web");
    cf_autofree char *text = cf_json_dump(object);
    assert_null(strstr(text, "crossfade.dev/"));
    assert_non_null(strstr(text, "web-crossfade"));
}

static void for_all_types(void (*story)(struct world *w))
{
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        struct world w;
        setup(&w, &types[i]);
        story(&w);
        json_decref(w.baseline);
    }
}

#define FOR_ALL(name)                                                                              \
    static void name##_test(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        for_all_types(name);                                                                       \
    }
FOR_ALL(up_back_and_restored)
FOR_ALL(late_writes_fail)
FOR_ALL(drift_is_named)
FOR_ALL(the_restore_mark_works_by_hand)
FOR_ALL(committed_and_released)

/* ---- bridges ---- */

static int sync(const struct cf_bridge *b, const json_t *slices, int weight)
{
    struct cf_error err = CF_ERROR_INIT;
    int writes = -1;
    assert_ok(cf_bridge_sync(k, NULL, b, slices, weight, &writes, &err), &err);
    return writes;
}

static void a_bridge(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_bridge b = { .service = "web",
                           .run = RUN,
                           .target_cluster = "dc2",
                           .target_ns = "store",
                           .target_service = "web" };
    int ready = -1;
    json_t *source = NULL;
    snprintf(b.ns, sizeof b.ns, "%s", ns);
    remove_object("networking.istio.io/v1", "VirtualService", "web");
    remove_object("gateway.networking.k8s.io/v1", "HTTPRoute", "web");
    remove_object("networking.k8s.io/v1", "Ingress", "web");
    create("{'apiVersion':'v1','kind':'Service','metadata':{'name':'web'},'spec':{'selector':{'app'"
           ":'web'},'ports':["
           "{'name':'http','port':80,'targetPort':8080,'appProtocol':'http'},{'name':'grpc','port':"
           "81}]}}");
    assert_ok(cf_bridge_ensure(k, NULL, &b, &source, &err), &err);
    assert_ok(cf_bridge_ensure(k, NULL, &b, NULL, &err), &err);
    cf_autojson json_t *theirs =
        js("[{'metadata':{'name':'web-abc'},'addressType':'IPv4','ports':[{'name':'http',"
           "'port':8080,'protocol':'TCP'},{'name':'grpc','port':8081,'protocol':'TCP'}],"
           "'endpoints':[{'addresses':['10.0.0.1'],'conditions':{'ready':true}},{'addresses':["
           "'10.0.0.2'],'conditions':{'ready':false}},{'addresses':['10.0.0.3']}]},{'metadata':{"
           "'name':'web-v6'},'addressType':'IPv6','ports':[{'name':'http','port':8080}],"
           "'endpoints':[{'addresses':['fd00::1']}]}]");
    cf_autojson json_t *mirrored = cf_bridge_slices(&b, source, theirs, &ready, &err);
    assert_int_equal(ready, 3);
    assert_int_equal(sync(&b, mirrored, 0), 2);
    assert_int_equal(sync(&b, mirrored, 10), 0);
    static const struct cf_bridge_address fixed[] = { { "192.0.2.1", 0 },
                                                      { "192.0.2.2", 8443 },
                                                      { "2001:db8::1", 0 } };
    cf_autojson json_t *fixed_slices = cf_bridge_slices_fixed(&b, source, fixed, 3, &ready, &err);
    assert_int_equal(sync(&b, fixed_slices, 10), 5);
    assert_int_equal(sync(&b, fixed_slices, 10), 0);
    assert_ok(cf_bridge_read(k, NULL, &b, &ready, &err), &err);
    assert_int_equal(ready, 3);
    for (int twice = 0; twice < 2; twice++)
        assert_ok(cf_bridge_remove(k, NULL, &b, &err), &err);
    assert_fails(cf_bridge_read(k, NULL, &b, &ready, &err), &err, CF_ERR_NOT_FOUND, "bridge");
    json_decref(source);
}

int main(void)
{
    const char *path = getenv("CROSSFADE_TEST_KUBECONFIG");
    if (!path || !path[0]) {
        printf("skipped: CROSSFADE_TEST_KUBECONFIG is not set (tests/lab/lab up apiserver)\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_back_and_restored_test),
        cmocka_unit_test(late_writes_fail_test),
        cmocka_unit_test(drift_is_named_test),
        cmocka_unit_test(the_restore_mark_works_by_hand_test),
        cmocka_unit_test(committed_and_released_test),
        cmocka_unit_test(a_bridge),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
