/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of a control plane between the API servers of a karmada_world.h, whose calls can be cut
 * off anywhere: as a process that dies, with what it had recorded. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_DRIVER_WORLD_H
#define TESTS_UNIT_DEPLOY_SANDBOX_DRIVER_WORLD_H

#include "tests/unit/deploy-sandbox/karmada_world.h"

#include "base/buf.h"
#include "federation/kube/kube.h"
#include "federation/propagate/propagator.h"

enum { ROUNDS_MAX = 2000 };

/* Calls until one is cut off: -1 never; then all that follow are, until it is set anew. */
struct knife {
    int left;
    bool after; /* the call had its effect, and only the answer is lost */
    int calls;
};

struct line {
    struct sbx_api *api;
    struct knife *knife;
};

struct driver {
    struct plane_world *w;
    struct knife knife;
    struct line lines[3];
    struct cf_propagation p;
    const struct cf_propagator_ops *ops;
    json_t *copy, *workloads, *services, *state, *ledger, *images, *inventory;
};

static inline bool line_call(void *self, const struct cf_kube_request *request,
                             struct cf_kube_response *out, struct cf_error *err)
{
    struct line *l = self;
    cf_autojson json_t *body = NULL, *answer = NULL;
    bool cut = l->knife->left == 0;
    l->knife->calls++;
    if (cut && !l->knife->after)
        return cf_error_set(err, CF_ERR_UNKNOWN, "cut off before %s", request->method);
    if (request->body_len > 0 && !(body = cf_json_parse(request->body, request->body_len, 0, err)))
        return false;
    out->status = sbx_api_do(l->api, "crossfade", request->method, request->content_type, body,
                             &answer, "%s", request->path);
    if (cut) {
        l->knife->after = false;
        return cf_error_set(err, CF_ERR_UNKNOWN, "cut off after %s", request->method);
    }
    if (l->knife->left > 0)
        l->knife->left--;
    out->body = (struct cf_buf)CF_BUF_INIT(CF_KUBE_PAGE_BYTES_MAX);
    cf_autofree char *text = answer ? cf_json_dump(answer) : NULL;
    if (text)
        cf_buf_puts(&out->body, text);
    return true;
}

static inline struct cf_kube *line_open(struct driver *d, int nth, struct sbx_api *api,
                                        const char *name)
{
    static const struct cf_kube_ops ops = { .call = line_call };
    d->lines[nth] = (struct line){ .api = api, .knife = &d->knife };
    return cf_kube_new(name, &ops, &d->lines[nth]);
}

static inline bool image_put(void *self, const char *key, const json_t *object,
                             struct cf_error *err)
{
    (void)err;
    if (!json_object_get(self, key))
        json_object_set_new(self, key, cf_json_copy(object));
    return true;
}

static inline bool image_get(void *self, const char *key, json_t **out, struct cf_error *err)
{
    (void)err;
    *out = json_incref(json_object_get((json_t *)self, key));
    return true;
}

/* `copy`: the plan's spec.copy. The source's namespace is `shop`; so is the target's. */
static inline void driver_open(struct driver *d, struct plane_world *w, const char *method,
                               const char *run, const char *copy)
{
    *d = (struct driver){ .w = w, .knife = { .left = -1 } };
    d->ops = cf_propagator_find(method);
    d->copy = read_json(copy);
    d->workloads =
        read_json("{'include':[{'kind':'Deployment'},{'kind':'CronJob'}],'exclude':[],"
                  "'onConflict':'fail','start':'auto','transforms':[{'match':{'kind':"
                  "'ConfigMap'},'mergePatch':{'data':{'a':'2'}}}],'replicas':{'min':1}}");
    d->services = read_json("['echo']");
    d->state = json_object();
    d->ledger = json_array();
    d->images = json_object();
    d->p = (struct cf_propagation){
        .source = line_open(d, 0, w->east, "dc1"),
        .target = line_open(d, 1, w->west, "dc2"),
        .control_plane = line_open(d, 2, w->hub, "plane"),
        .source_namespace = "shop",
        .target_namespace = "shop",
        .create_namespace = true,
        .run_id = run,
        .plan_name = "p",
        .workloads = d->workloads,
        .services = d->services,
        .copy = d->copy,
        .state = d->state,
        .before = { image_put, image_get, d->images },
    };
}

static inline void driver_close(struct driver *d)
{
    cf_kube_unref(d->p.source);
    cf_kube_unref(d->p.target);
    cf_kube_unref(d->p.control_plane);
    json_t *all[] = { d->copy,   d->workloads, d->services, d->state,
                      d->ledger, d->images,    d->inventory };
    for (size_t i = 0; i < CF_ARRAY_LEN(all); i++)
        json_decref(all[i]);
}

static inline void world_settles(struct driver *d)
{
    assert_true(sbx_karmada_settle(d->w->karmada, SETTLE_MS));
    assert_true(sbx_controllers_settle(d->w->controllers, SETTLE_MS));
}

static inline void read_source(struct driver *d)
{
    struct cf_error err = CF_ERROR_INIT;
    json_decref(d->inventory);
    d->inventory = NULL;
    if (!d->ops->inventory(&d->p, &d->inventory, &err))
        fail_msg("inventory: %s", err.message);
}

enum verb { APPLY, UNDO, ACTIVATE, DETACH, RELEASE };

static inline bool do_once(struct driver *d, enum verb verb, struct cf_copying *out,
                           struct cf_error *err)
{
    cf_autojson json_t *left = NULL;
    switch (verb) {
    case APPLY:
        return d->ops->apply(&d->p, d->inventory, &d->ledger, 250, out, err);
    case UNDO:
        if (!d->ops->undo(&d->p, &d->ledger, 250, out, &left, err))
            return false;
        if (json_array_size(left) > 0)
            fail_msg("left: %s", json_string_value(json_array_get(left, 0)));
        return true;
    case ACTIVATE:
        return d->ops->activate(&d->p, d->ledger, false, out, err);
    case DETACH:
        return d->ops->detach(&d->p, d->ledger, out, err);
    case RELEASE:
        return d->ops->release(&d->p, d->ledger, out, err);
    }
    return false;
}

/* What a process that dies leaves: the records of before its last call. */
static inline void forget_last_call(struct driver *d, json_t *state, json_t *ledger)
{
    json_object_clear(d->state);
    json_object_update(d->state, state);
    json_decref(d->ledger);
    d->ledger = json_incref(ledger);
}

/* Calls until it is done. False: it was cut off, and its records are those of before. */
static inline bool carry_out(struct driver *d, enum verb verb)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct cf_copying out = { 0 };
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *state = cf_json_copy(d->state), *ledger = cf_json_copy(d->ledger);
        if (!do_once(d, verb, &out, &err)) {
            if (d->knife.left != 0)
                fail_msg("verb %d: %s", verb, err.message);
            forget_last_call(d, state, ledger);
            return false;
        }
        if (out.done)
            return true;
        if (out.stuck && i > 100)
            fail_msg("verb %d is stuck: %s", verb, out.why);
        world_settles(d);
    }
    fail_msg("verb %d does not end", verb);
    return false;
}

#endif
