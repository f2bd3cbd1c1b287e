/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of a control plane between the API servers of a karmada_world.h, whose calls can be cut
 * off anywhere: as a process that dies, with what it had recorded. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_DRIVER_WORLD_H
#define TESTS_UNIT_DEPLOY_SANDBOX_DRIVER_WORLD_H

#include "tests/unit/deploy-sandbox/karmada_world.h"

#include "federation/propagate/propagator.h"
#include "tests/unit/deploy-sandbox/driver_line.h"

enum { ROUNDS_MAX = 2000, LOOK_MS = 500 };

struct driver {
    struct plane_world *w;
    struct knife knife;
    struct line lines[3];
    struct cf_propagation p;
    const struct cf_propagator_ops *ops;
    json_t *copy, *workloads, *services, *state, *ledger, *images, *inventory;
    bool forgets;
};

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
        .source = line_open(&d->lines[0], &d->knife, w->east, "dc1"),
        .target = line_open(&d->lines[1], &d->knife, w->west, "dc2"),
        .control_plane = line_open(&d->lines[2], &d->knife, w->hub, "plane"),
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

/* Calls until it is done; `forgets`: each call twice, for whoever made it first dies before it has recorded
 * it. False: it was cut off, and its records are those of before. */
static inline bool carry_out(struct driver *d, enum verb verb)
{
    struct cf_copying out = { 0 };
    for (int i = 0; i < ROUNDS_MAX; i++) {
        out = (struct cf_copying){ 0 };
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *state = cf_json_copy(d->state), *ledger = cf_json_copy(d->ledger);
        if (!do_once(d, verb, &out, &err)) {
            if (d->knife.left != 0)
                fail_msg("verb %d: %s", verb, err.message);
            forget_last_call(d, state, ledger);
            return false;
        }
        bool dies = d->forgets && i % 2 == 0;
        if (dies)
            forget_last_call(d, state, ledger);
        if (out.done && !dies)
            return true;
        if (out.stuck && i > 100)
            fail_msg("verb %d is stuck: %s", verb, out.why);
        /* What cannot let go of its object is tried again and again: it need not settle. */
        (void)sbx_karmada_settle(d->w->karmada, LOOK_MS);
        (void)sbx_controllers_settle(d->w->controllers, LOOK_MS);
    }
    fail_msg("verb %d does not end: %s", verb, out.why);
    return false;
}

#endif
