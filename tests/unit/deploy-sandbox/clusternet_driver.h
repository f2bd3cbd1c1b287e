/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of Clusternet between the API servers of a clusternet_world.h, an application in the
 * source, and what must hold whatever happens to it. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_CLUSTERNET_DRIVER_H
#define TESTS_UNIT_DEPLOY_SANDBOX_CLUSTERNET_DRIVER_H

#include "tests/unit/deploy-sandbox/clusternet_world.h"
#include "tests/unit/deploy-sandbox/driver_line.h"

#include "federation/propagate/propagator.h"

#define COPY "{'method':'clusternet','onConflict':'abort'}"
#define OURS "/metadata/labels/crossfade.dev~1run"
#define RUN  "run-1"

enum { ROUNDS_MAX = 2000, BATCH = 250, INTERFERE_MS = 500 };

static const struct {
    const char *group, *plural, *body;
} application[] = {
    { "", "serviceaccounts", "{'metadata':{'name':'echo'}}" },
    { "", "configmaps", "{'metadata':{'name':'settings'},'data':{'a':'1'}}" },
    { "", "secrets", "{'metadata':{'name':'password'},'data':{'p':'c2VjcmV0'}}" },
    { "", "services",
      "{'metadata':{'name':'echo'},'spec':{'selector':{'app':'echo'},'ports':[{'port':80}]}}" },
    { "apps", "deployments",
      "{'metadata':{'name':'echo'},'spec':{'replicas':2,'selector':{'matchLabels':{'app':'echo'}},"
      "'template':{'metadata':{'labels':{'app':'echo'}},'spec':{'serviceAccountName':'echo',"
      "'containers':[{'name':'echo','image':'echo:v1','envFrom':[{'configMapRef':{'name':"
      "'settings'}},{'secretRef':{'name':'password'}}]}]}}}}" },
    { "apps", "deployments",
      "{'metadata':{'name':'worker'},'spec':{'replicas':1,'selector':{'matchLabels':{'app':"
      "'worker'}},'template':{'metadata':{'labels':{'app':'worker'}},'spec':{'containers':[{"
      "'name':'main','image':'echo:v1'}]}}}}" },
    { "batch", "cronjobs",
      "{'metadata':{'name':'nightly'},'spec':{'schedule':'0 3 1 1 *','jobTemplate':{'spec':{"
      "'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'main','image':'echo:v1'"
      "}]}}}}}}" },
    { "autoscaling", "horizontalpodautoscalers",
      "{'metadata':{'name':'echo'},'spec':{'minReplicas':1,'maxReplicas':5,'scaleTargetRef':{"
      "'apiVersion':'apps/v1','kind':'Deployment','name':'echo'}}}" },
};

struct driver {
    struct hub_world *w;
    struct knife knife;
    struct line lines[3];
    struct cf_propagation p;
    const struct cf_propagator_ops *ops;
    json_t *copy, *workloads, *services, *state, *ledger, *images, *inventory;
    bool forgets;
};

static inline int setup(void **state)
{
    if (hub_up(state) != 0)
        return 1;
    struct hub_world *w = *state;
    make(w->east, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    for (size_t i = 0; i < CF_ARRAY_LEN(application); i++)
        make(w->east, application[i].group, application[i].plural, "shop", application[i].body);
    hub_settle(w);
    return 0;
}

static inline void read_source(struct driver *d)
{
    struct cf_error err = CF_ERROR_INIT;
    json_decref(d->inventory);
    d->inventory = NULL;
    if (!d->ops->inventory(&d->p, &d->inventory, &err))
        fail_msg("inventory: %s", err.message);
}

static inline void driver_open(struct driver *d, struct hub_world *w)
{
    *d = (struct driver){ .w = w, .knife = { .left = -1 } };
    d->ops = cf_propagator_find("clusternet");
    d->copy = read_json(COPY);
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
        .control_plane = line_open(&d->lines[2], &d->knife, w->hub, "hub"),
        .source_namespace = "shop",
        .target_namespace = "shop",
        .create_namespace = true,
        .run_id = RUN,
        .plan_name = "p",
        .workloads = d->workloads,
        .services = d->services,
        .copy = d->copy,
        .state = d->state,
        .before = { image_put, image_get, d->images },
    };
    read_source(d);
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

enum verb { APPLY, UNDO, ACTIVATE, RELEASE };

static inline bool do_once(struct driver *d, enum verb verb, struct cf_copying *out,
                           struct cf_error *err)
{
    cf_autojson json_t *left = NULL;
    switch (verb) {
    case APPLY:
        return d->ops->apply(&d->p, d->inventory, &d->ledger, BATCH, out, err);
    case UNDO:
        if (!d->ops->undo(&d->p, &d->ledger, BATCH, out, &left, err))
            return false;
        if (json_array_size(left) > 0)
            fail_msg("left: %s", json_string_value(json_array_get(left, 0)));
        return true;
    case ACTIVATE:
        return d->ops->activate(&d->p, d->ledger, false, out, err);
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

/* Calls until it is done, stuck for good (`out` says why), or cut off: then its records are those of
 * before the last call, as of a process that died. `forgets`: each call twice, for whoever made it first
 * dies before it has recorded it. */
static inline bool carry(struct driver *d, enum verb verb, struct cf_copying *out)
{
    enum { PATIENCE = 100 };
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *state = cf_json_copy(d->state), *ledger = cf_json_copy(d->ledger);
        *out = (struct cf_copying){ 0 };
        if (!do_once(d, verb, out, &err)) {
            if (d->knife.left != 0 && err.kind != CF_ERR_TRANSIENT)
                fail_msg("verb %d: %s", verb, err.message);
            forget_last_call(d, state, ledger);
            if (d->knife.left == 0)
                return false;
        }
        bool dies = d->forgets && i % 2 == 0;
        if (dies)
            forget_last_call(d, state, ledger);
        if (out->done && !dies)
            return true;
        if (out->stuck && i > PATIENCE)
            return false;
        hub_settle(d->w);
    }
    fail_msg("verb %d does not end: %s", verb, out->why);
    return false;
}

static inline bool carry_out(struct driver *d, enum verb verb)
{
    struct cf_copying out;
    bool done = carry(d, verb, &out);
    if (!done && d->knife.left != 0)
        fail_msg("verb %d is stuck: %s", verb, out.why);
    return done;
}

/* --- what must hold --- */

/* Uids and specs of the source: all that a move may not touch. */
static inline json_t *source_of(struct hub_world *w)
{
    static const char *const kinds[][2] = {
        { "", "pods" },          { "apps", "deployments" }, { "", "services" },
        { "batch", "cronjobs" }, { "", "configmaps" },
    };
    json_t *out = json_array();
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++) {
        cf_autojson json_t *all = sbx_api_all(w->east, kinds[i][0], kinds[i][1], "shop");
        size_t n;
        json_t *o;
        json_array_foreach(all, n, o)
        {
            json_t *spec = json_object_get(o, "spec");
            json_array_append_new(out, json_pack("{s:s, s:o}", "uid",
                                                 cf_json_str(o, "", "metadata", "uid", NULL),
                                                 "spec", spec ? cf_json_copy(spec) : json_null()));
        }
    }
    return out;
}

static inline void assert_source_is(struct hub_world *w, const json_t *before)
{
    cf_autojson json_t *now = source_of(w);
    assert_true(cf_json_equal(now, before));
}

static inline void assert_no_namespace_is_fed(struct hub_world *w)
{
    cf_autojson json_t *subs = sbx_api_all(w->hub, CN_G_APPS, "subscriptions", NULL);
    size_t i, f;
    json_t *sub, *feed;
    json_array_foreach(subs, i, sub)
    {
        json_array_foreach(cf_json_at(sub, "spec", "feeds", NULL), f, feed)
        {
            assert_string_not_equal(cf_json_str(feed, "", "kind", NULL), "Namespace");
        }
    }
}

static const char *west(struct driver *d, const char *group, const char *plural, const char *name,
                        const char *pointer)
{
    return field(d->w->west, group, plural, "shop", name, pointer);
}

static inline json_t *guard_of(struct driver *d)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *findings = NULL;
    if (!d->ops->guard(&d->p, d->ledger, &findings, &err))
        fail_msg("guard: %s", err.message);
    return findings;
}

static inline void assert_copied(struct driver *d)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *changes = NULL;
    hub_settle(d->w);
    assert_string_equal(west(d, "apps", "deployments", "echo", OURS), RUN);
    assert_string_equal(west(d, "apps", "deployments", "echo", "/spec/replicas"), "2");
    assert_string_equal(west(d, "", "configmaps", "settings", "/data/a"), "2");
    assert_string_equal(west(d, "apps", "deployments", "worker", "/spec/replicas"), "0");
    assert_string_equal(west(d, "batch", "cronjobs", "nightly", "/spec/suspend"), "true");
    assert_no_namespace_is_fed(d->w);
    cf_autojson json_t *findings = guard_of(d);
    if (json_array_size(findings) > 0) {
        cf_autofree char *text = cf_json_dump(findings);
        fail_msg("the guard found: %s", text);
    }
    read_source(d);
    assert_true(d->ops->changes(&d->p, d->inventory, d->ledger, &changes, &err));
    assert_int_equal(json_array_size(changes), 0);
    size_t i;
    json_t *entry;
    json_array_foreach(d->ledger, i, entry)
    {
        assert_true(json_is_integer(json_object_get(entry, "wave")));
    }
}

static inline void assert_nothing_left(struct hub_world *w)
{
    static const char *const in_hub[] = { "subscriptions", "bases", "descriptions", "localizations",
                                          "manifests" };
    static const char *const in_west[][2] = { { "apps", "deployments" },
                                              { "", "services" },
                                              { "", "secrets" } };
    hub_settle(w);
    for (size_t i = 0; i < CF_ARRAY_LEN(in_hub); i++)
        assert_int_equal(count(w->hub, CN_G_APPS, in_hub[i], NULL), 0);
    for (size_t i = 0; i < CF_ARRAY_LEN(in_west); i++)
        assert_int_equal(count(w->west, in_west[i][0], in_west[i][1], "shop"), 0);
    until_there(w->hub, "", "namespaces", NULL, "shop", false);
    until_there(w->west, "", "namespaces", NULL, "shop", false);
}

#endif
