/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what a freeze does with the GitOps owners of what it stops: each is saved once and paused, given back exactly where
 * our pause is still in place, and nothing is frozen while one goes on that cannot be paused. */
#include "orchestrator/engine/steps/owners.h"

#include "tests/unit/orchestrator-engine/data.h"

#define ARGO_API "argoproj.io/v1alpha1"

struct rig {
    struct cf_fake_kube *api;
    struct cf_kube *kube;
    struct cf_plan plan;
    struct cf_live run;
    struct cf_pass pass;
    struct cf_freeze f;
    struct cf_error err;
};

static void put_in(struct rig *r, const char *text)
{
    cf_autojson json_t *object = cf_test_json(text);
    cf_fake_kube_put_json(r->api, object);
}

#define MARKED(kind, name, metadata)                                                               \
    "{'apiVersion':'apps/v1','kind':'" kind "','metadata':{'name':'" name                          \
    "','namespace':'shop'," metadata "},'spec':{'replicas':1}}"
#define BY_FLUX                                                                                    \
    "'labels':{'kustomize.toolkit.fluxcd.io/name':'apps','kustomize.toolkit.fluxcd.io/namespace':'flux-system'}"
#define BY_ARGO "'annotations':{'argocd.argoproj.io/tracking-id':'web:apps/StatefulSet:shop/db'}"
#define KUSTOMIZATION(spec, more)                                                                           \
    "{'apiVersion':'" FLUX_API                                                                              \
    "','kind':'Kustomization','metadata':{'name':'apps','namespace':'flux-system','uid':'u1'},'spec':" spec \
        more "}"
#define APPLICATION(metadata, spec, more)                                                          \
    "{'apiVersion':'" ARGO_API                                                                     \
    "','kind':'Application','metadata':{'name':'web','namespace':'argocd','uid':'u2'" metadata     \
    "},'spec':" spec more "}"
#define HEALS "{'syncPolicy':{'automated':{'selfHeal':true},'syncOptions':['a']}}"
#define DB    "[{'apiVersion':'apps/v1','kind':'StatefulSet','name':'db'}]"

static void rig_up(struct rig *r)
{
    *r = (struct rig){ .api = cf_fake_kube_new() };
    r->kube = cf_fake_kube_client(r->api, "east");
    r->run.plan = &r->plan;
    r->pass.run = &r->run;
    r->f = (struct cf_freeze){ &r->pass, r->kube, "east", "shop" };
    cf_fake_kube_kind(r->api, FLUX_API, "Kustomization", "kustomizations", true);
    cf_fake_kube_kind(r->api, ARGO_API, "Application", "applications", true);
    cf_fake_kube_kind(r->api, ARGO_API, "ApplicationSet", "applicationsets", true);
}

static void rig_down(struct rig *r)
{
    cf_kube_unref(r->kube);
    cf_fake_kube_free(r->api);
}

static json_t *save(struct rig *r, struct cf_outcome *out)
{
    json_t *rows = NULL;
    cf_autojson json_t *writers = cf_test_json(DB);
    cf_autojson json_t *more = cf_test_json("[{'kind':'Deployment','name':'api'}]");
    assert_ok(cf_owners_rows(&r->f, writers, more, &rows, out, &r->err), &r->err);
    assert_int_equal(rows != NULL, out->kind == CF_OUT_DONE);
    return rows;
}

static char *spec_of(struct rig *r, const char *kind, const char *ns, const char *name)
{
    cf_autojson json_t *owner = cf_fake_kube_peek(
        r->api, strcmp(kind, "Application") == 0 ? ARGO_API : FLUX_API, kind, ns, name);
    return cf_test_dump(json_object_get(owner, "spec"));
}

static enum cf_outcome_kind paused(struct rig *r, const json_t *rows, struct cf_outcome *out)
{
    assert_ok(cf_owners_pause(&r->f, rows, out, &r->err), &r->err);
    return out->kind;
}

static char *given_back(struct rig *r, const json_t *rows)
{
    cf_autojson json_t *left = json_array();
    assert_ok(cf_owners_give_back(&r->f, rows, left, &r->err), &r->err);
    return cf_test_dump(left);
}

/* ---- there and back ---- */

static void owners_are_paused_and_get_back_what_they_had(void **state)
{
    (void)state;
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
    put_in(&r, MARKED("StatefulSet", "db", BY_ARGO));
    put_in(&r, MARKED("Deployment", "api", BY_FLUX));
    put_in(&r, APPLICATION("", HEALS, ""));
    put_in(&r, KUSTOMIZATION("{'path':'x'}", ""));
    cf_autojson json_t *rows = save(&r, &out);
    cf_autofree char *text = cf_test_dump(rows);
    assert_string_equal(
        text, "[{'apiVersion':'" ARGO_API
              "','kind':'Application','namespace':'argocd','name':'web','uid':'u2',"
              "'had':{'selfHeal':true}},"
              "{'apiVersion':'" FLUX_API
              "','kind':'Kustomization','namespace':'flux-system','name':'apps','uid':'u1',"
              "'had':null}]");
    assert_int_equal(cf_fake_kube_writes(r.api), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(paused(&r, rows, &out), CF_OUT_DONE);
        cf_autofree char *argo = spec_of(&r, "Application", "argocd", "web");
        cf_autofree char *flux = spec_of(&r, "Kustomization", "flux-system", "apps");
        assert_string_equal(argo, "{'syncPolicy':{'syncOptions':['a']}}");
        assert_string_equal(flux, "{'path':'x','suspend':true}");
    }
    for (int i = 0; i < 2; i++) {
        cf_autofree char *left = given_back(&r, rows);
        cf_autofree char *argo = spec_of(&r, "Application", "argocd", "web");
        cf_autofree char *flux = spec_of(&r, "Kustomization", "flux-system", "apps");
        assert_string_equal(left, "[]");
        assert_string_equal(argo,
                            "{'syncPolicy':{'syncOptions':['a'],'automated':{'selfHeal':true}}}");
        assert_string_equal(flux, "{'path':'x'}");
    }
    assert_int_equal(cf_fake_kube_writes(r.api), 4);
    rig_down(&r);
}

static void who_is_paused_already_stays_so(void **state)
{
    (void)state;
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
    put_in(&r, MARKED("StatefulSet", "db", BY_FLUX));
    put_in(&r, KUSTOMIZATION("{'suspend':true}", ""));
    cf_autojson json_t *rows = save(&r, &out);
    assert_int_equal(json_array_size(rows), 0);
    rig_down(&r);
}

/* ---- others ---- */

static void what_others_wrote_in_between_is_not_overwritten(void **state)
{
    (void)state;
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
    put_in(&r, MARKED("StatefulSet", "db", BY_ARGO));
    put_in(&r, APPLICATION("", HEALS, ""));
    cf_autojson json_t *rows = save(&r, &out);
    put_in(&r, APPLICATION("", "{'syncPolicy':{'automated':{'prune':true}}}", ""));
    assert_int_equal(paused(&r, rows, &out), CF_OUT_HOLD);
    assert_non_null(strstr(out.message, "Application argocd/web of east was changed"));
    put_in(&r, APPLICATION("", HEALS, ""));
    assert_int_equal(paused(&r, rows, &out), CF_OUT_DONE);
    put_in(&r, APPLICATION("", "{'syncPolicy':{'automated':{'prune':true}}}", ""));
    cf_autofree char *theirs = given_back(&r, rows);
    cf_autofree char *spec = spec_of(&r, "Application", "argocd", "web");
    assert_non_null(strstr(theirs, "somebody has changed it since, and it stays so"));
    assert_string_equal(spec, "{'syncPolicy':{'automated':{'prune':true}}}");
    cf_fake_kube_remove(r.api, ARGO_API, "Application", "argocd", "web");
    cf_autofree char *gone = given_back(&r, rows);
    assert_string_equal(gone,
                        "['Application argocd/web of east, which the freeze paused, is gone']");
    rig_down(&r);
}

struct meddler {
    struct rig *r;
    int times;
};

static void write_in_between(void *arg, const struct cf_kube_request *request)
{
    struct meddler *m = arg;
    if (strcmp(request->method, "PATCH") == 0 && m->times-- > 0) {
        cf_autofree char *text = cf_xasprintf(
            APPLICATION(
                "",
                "{'source':{'targetRevision':'v%d'},'syncPolicy':{'automated':{'selfHeal':true},'syncOptions':['a']}}",
                ""),
            m->times);
        put_in(m->r, text);
    }
}

static void a_write_in_between_is_looked_at_again(void **state)
{
    (void)state;
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
    struct meddler m = { &r, 2 };
    put_in(&r, MARKED("StatefulSet", "db", BY_ARGO));
    put_in(&r, APPLICATION("", HEALS, ""));
    cf_autojson json_t *rows = save(&r, &out);
    cf_fake_kube_hook(r.api, write_in_between, &m);
    assert_int_equal(paused(&r, rows, &out), CF_OUT_DONE);
    cf_autofree char *spec = spec_of(&r, "Application", "argocd", "web");
    assert_string_equal(spec,
                        "{'source':{'targetRevision':'v0'},'syncPolicy':{'syncOptions':['a']}}");
    put_in(&r, APPLICATION("", HEALS, ""));
    m.times = 99;
    assert_false(cf_owners_pause(&r.f, rows, &out, &r.err));
    assert_int_equal(r.err.kind, CF_ERR_TRANSIENT);
    cf_error_clear(&r.err);
    rig_down(&r);
}

/* ---- no freeze ---- */

/* What an owner does at this moment comes after its pause, too. */
static void who_is_at_work_is_waited_for(void **state)
{
    (void)state;
    struct rig r;
    struct cf_outcome out;
    rig_up(&r);
#define BUSY ",'status':{'operationState':{'phase':'Running'}}"
    put_in(&r, MARKED("StatefulSet", "db", BY_ARGO));
    put_in(&r, APPLICATION("", HEALS, BUSY));
    assert_null(save(&r, &out));
    assert_int_equal(out.kind, CF_OUT_WAIT);
    assert_non_null(strstr(out.message, "Application argocd/web of east is at work"));
    put_in(&r, APPLICATION("", HEALS, ""));
    cf_autojson json_t *rows = save(&r, &out);
    put_in(&r, APPLICATION("", HEALS, BUSY));
    assert_int_equal(paused(&r, rows, &out), CF_OUT_WAIT);
    cf_autofree char *spec = spec_of(&r, "Application", "argocd", "web");
    assert_string_equal(spec, "{'syncPolicy':{'syncOptions':['a']}}");
    put_in(&r, APPLICATION("", "{'syncPolicy':{'syncOptions':['a']}}", ""));
    assert_int_equal(paused(&r, rows, &out), CF_OUT_DONE);
    rig_down(&r);
}

static void absent(struct rig *r)
{
    cf_fake_kube_remove(r->api, FLUX_API, "Kustomization", "flux-system", "apps");
}
static void not_served(struct rig *r)
{
    cf_fake_kube_forget_group(r->api, "kustomize.toolkit.fluxcd.io");
}
static void denied(struct rig *r)
{
    struct cf_fake_fault fault = {
        .path_part = "/kustomizations/", .times = 100, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(r->api, &fault);
}
static void on(struct rig *r)
{
    (void)r;
}
static void of_a_set(struct rig *r)
{
    put_in(r, MARKED("StatefulSet", "db", BY_ARGO));
    put_in(r,
           APPLICATION(",'ownerReferences':[{'kind':'ApplicationSet','name':'all'}]", HEALS, ""));
    put_in(r,
           "{'apiVersion':'" ARGO_API
           "','kind':'ApplicationSet','metadata':{'name':'all','namespace':'argocd'},'spec':{}}");
}

static const struct {
    void (*change)(struct rig *r);
    bool by_hand;
    const char *says; /* NULL: it goes on */
} blocked[] = {
    { absent, false,
      "nothing is frozen: Kustomization flux-system/apps keeps StatefulSet db, and is not in east" },
    { not_served, false, "is not in east" },
    { denied, false, "may not be read" },
    { of_a_set, false,
      "ApplicationSet argocd/all would undo its pause; give ApplicationSet argocd/all ignoreApplicationDifferences" },
    { on, false, NULL },
    { absent, true, NULL },
    { denied, true, NULL },
    { on, true,
      "Kustomization flux-system/apps of east is not paused, which the plan leaves to a person" },
};

static void nothing_is_frozen_while_one_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(blocked); i++) {
        struct rig r;
        struct cf_outcome out;
        rig_up(&r);
        put_in(&r, MARKED("StatefulSet", "db", BY_FLUX));
        put_in(&r, KUSTOMIZATION("{}", ""));
        blocked[i].change(&r);
        r.plan.volumes.gitops_by_hand = blocked[i].by_hand;
        cf_autojson json_t *rows = save(&r, &out);
        if (!blocked[i].says)
            assert_int_equal(out.kind, CF_OUT_DONE);
        else if (out.kind != CF_OUT_HOLD || !strstr(out.message, blocked[i].says))
            fail_msg("case %zu: %s", i, out.message);
        rig_down(&r);
    }
}

/* ---- in a run ---- */

static void a_run_freezes_what_flux_keeps(void **state)
{
    (void)state;
    struct data *d = data_new(DATA_PLAN AUTO DATA_VOLUMES("") DISCARD);
    data_keep(d);
    data_until_step(d, "quiesce", 0, "done");
    assert_true(is_suspended(d));
    data_until(d, "completed", 300);
    assert_true(is_suspended(d));
    assert_int_equal(d->put_back, 0);
    assert_int_equal(replicas(d->w->dc1), 0);
    assert_non_null(strstr(cf_json_str(step_at(d->w, "cleanup", 0), "", "message", NULL),
                           "; Kustomization flux-system/shop of dc1 stays paused"));
    data_free(d);
}

/* Who lets it go in the freeze starts the writers again: that is seen, and the data does not go on. */
static void a_pause_that_somebody_lifts_is_seen(void **state)
{
    (void)state;
    struct data *d = data_new(DATA_PLAN AUTO DATA_VOLUMES("") DISCARD);
    data_keep(d);
    data_until_step(d, "volume.final_sync", 0, "applied");
    cf_autojson json_t *owner = kustomization(d);
    cf_json_del(owner, "spec", "suspend", NULL);
    cf_fake_kube_put_json(d->w->dc1, owner);
    data_until_step(d, "volume.final_sync", 0, "done");
    assert_true(d->put_back > 0);
    assert_true(is_suspended(d));
    assert_true(cf_json_int(step_at(d->w, "volume.final_sync", 0), 0, "observation", "pass", NULL) >
                cf_json_int(step_at(d->w, "volume.final_sync", 0), 9, "intent", "pass", NULL));
    data_until(d, "completed", 300);
    data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_are_paused_and_get_back_what_they_had),
        cmocka_unit_test(who_is_paused_already_stays_so),
        cmocka_unit_test(what_others_wrote_in_between_is_not_overwritten),
        cmocka_unit_test(a_write_in_between_is_looked_at_again),
        cmocka_unit_test(who_is_at_work_is_waited_for),
        cmocka_unit_test(nothing_is_frozen_while_one_goes_on),
        cmocka_unit_test(a_run_freezes_what_flux_keeps),
        cmocka_unit_test(a_pause_that_somebody_lifts_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
