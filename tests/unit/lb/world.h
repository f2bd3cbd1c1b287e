/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the write protocol share: an API server in memory with one adopted router of
 * some type, and somebody else who edits it. */
#ifndef TESTS_UNIT_LB_WORLD_H
#define TESTS_UNIT_LB_WORLD_H

#include "tests/support/fake_kube.h"
#include "tests/unit/lb/fixtures.h"

/* One adopted router with its owner's grip. */
struct world {
    struct cf_fake_kube *fake;
    struct cf_kube *kube;
    json_t *baseline;
    struct cf_router_grip grip;
    const char *api_version, *kind, *name; /* of the object that we write */
};

static const struct type_row {
    enum cf_router_type type;
    const char *object, *target, *route;
    const char *api_version, *kind, *name;
} types[] = {
    { VS, VS_LONE, VS_TARGET, NULL, "networking.istio.io/v1", "VirtualService", "web" },
    { HR, HR_TWO, HR_TARGET, "1", "gateway.networking.k8s.io/v1", "HTTPRoute", "web" },
    { ING, ING_ONE, ING_TARGET, NULL, "networking.k8s.io/v1", "Ingress", "web-crossfade" },
};

static inline void setup(struct world *w, const struct type_row *row)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(row->type, row->route, NULL, row->target);
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v = { 0 };
    struct cf_router_reading r;
    *w = (struct world){
        .grip = a_grip(), .api_version = row->api_version, .kind = row->kind, .name = row->name
    };
    w->fake = cf_fake_kube_new();
    w->kube = cf_fake_kube_client(w->fake, "dc1");
    cf_autojson json_t *object = js(row->object);
    cf_fake_kube_put_json(w->fake, object);
    assert_ok(cf_router_find(w->kube, NULL, &t, &v, &err), &err);
    w->baseline = cf_router_baseline(&t, &v, &err);
    if (!w->baseline)
        fail_msg("no baseline: %s", err.message);
    assert_ok(cf_router_adopt(w->kube, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(r.weight, 0);
}

static inline void teardown(struct world *w)
{
    json_decref(w->baseline);
    cf_kube_unref(w->kube);
    cf_fake_kube_free(w->fake);
}

static inline json_t *peek(const struct world *w)
{
    return cf_fake_kube_peek(w->fake, w->api_version, w->kind, "shop", w->name);
}

/* Somebody else's write: a JSON Patch by another manager. */
static inline void edit(struct world *w, const char *patch_text)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref(w->api_version, w->kind, "shop", w->name);
    struct cf_kube_write how = { .field_manager = "kubectl-edit" };
    cf_autojson json_t *patch = js(patch_text);
    assert_ok(cf_kube_json_patch(w->kube, NULL, &ref, patch, &how, NULL, &err), &err);
}

static inline void forward(struct world *w, int weight, const char *seq)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    assert_ok(cf_router_forward(w->kube, NULL, w->baseline, &w->grip, -1, weight, seq, &r, &err),
              &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(r.weight, weight);
    assert_string_equal(w->grip.seq, seq);
}

static inline json_t *prepare(struct world *w, const char *why)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *document = NULL;
    assert_ok(
        cf_router_prepare_rollback(w->kube, NULL, w->baseline, &w->grip, why, &document, &err),
        &err);
    return document;
}

static inline void touch(struct world *w, struct cf_router_grip *grip, enum cf_router_state want)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    assert_ok(cf_router_touch(w->kube, NULL, w->baseline, grip, &r, &err), &err);
    assert_state(&r, want);
}

static inline enum cf_router_state try_forward(struct world *w, struct cf_router_grip *grip,
                                               int from, int weight, const char *seq,
                                               struct cf_router_reading *r)
{
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_router_forward(w->kube, NULL, w->baseline, grip, from, weight, seq, r, &err),
              &err);
    return r->state;
}

static inline enum cf_router_state try_rollback(struct world *w, const json_t *document,
                                                struct cf_router_reading *r)
{
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_router_rollback(w->kube, NULL, document, r, &err), &err);
    return r->state;
}

/* Weight of the target as the object says, by a grip without nonces. */
static inline int weight_now(struct world *w)
{
    struct cf_router_reading r;
    struct cf_router_grip any = w->grip;
    any.seq[0] = any.arm[0] = '\0';
    any.epoch = INT64_MAX;
    cf_autojson json_t *object = peek(w);
    cf_router_judge(w->baseline, object, &any, -1, &r);
    return r.weight;
}

/* A write of somebody else just before each of our first `left` patches. */
struct intruder {
    struct world *w;
    int left;
    int value;
    const char *patch; /* NULL: an annotation of theirs */
    bool busy;
};

static inline void intrude(void *arg, const struct cf_kube_request *request)
{
    struct intruder *in = arg;
    char text[1024];
    if (in->busy || in->left == 0 || strcmp(request->method, "PATCH") != 0)
        return;
    in->left--;
    in->busy = true;
    snprintf(text, sizeof text, "[{'op':'add','path':'/metadata/annotations/theirs','value':'%d'}]",
             in->value++);
    edit(in->w, in->patch ? in->patch : text);
    in->busy = false;
}

#endif
