/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the driver of Karmada takes over a source that somebody's policy places already: by
 * policies of the namespace and of the cluster, placed by us and by Karmada's scheduler, wholly or in
 * part; that nothing in the source is touched; that its owner has it again in the end; and what is
 * refused. */
#include "tests/unit/deploy-sandbox/karmada_placed.h"

/* --- moves --- */

static void release_and_say(struct driver *d, char why[CF_COPYING_WHY_MAX])
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct cf_copying out = { 0 };
        struct cf_error err = CF_ERROR_INIT;
        if (!do_once(d, RELEASE, &out, &err))
            fail_msg("release: %s", err.message);
        snprintf(why, CF_COPYING_WHY_MAX, "%s", out.why);
        if (out.done)
            return;
        world_settles(d);
    }
    fail_msg("release does not end: %s", why);
}

static void move(struct plane_world *w, const struct placing *how)
{
    struct driver d;
    char why[CF_COPYING_WHY_MAX];
    open_placed(&d, w, how);
    cf_autojson json_t *before = source_of(w);
    assert_true(carry_out(&d, APPLY));
    assert_copied(&d);
    assert_source_is(w, before);
    assert_string_equal(deployment(w->hub, OURS), how->first <= 4 ? "" : d.p.run_id);
    assert_true(carry_out(&d, DETACH));
    world_settles(&d);
    assert_source_is(w, before);
    assert_string_equal(deployment(w->east, MANAGED), "");
    assert_true(carry_out(&d, ACTIVATE));
    release_and_say(&d, why);
    assert_released(&d);
    assert_source_is(w, before);
    assert_non_null(strstr(why, "theirs"));
    assert_non_null(strstr(why, "delete propagationpolicy -l crossfade.dev/run=run-1,"));
    driver_close(&d);
}

static void placed_by_a_policy_of_the_namespace(void **state)
{
    const struct placing how = { EVERYTHING, false, "own" };
    move(*state, &how);
}

static void placed_by_a_policy_of_the_cluster(void **state)
{
    const struct placing how = { EVERYTHING, true, "own" };
    move(*state, &how);
}

static void placed_and_moved_by_karmadas_scheduler(void **state)
{
    const struct placing how = { EVERYTHING, false, "default" };
    move(*state, &how);
}

static void placed_in_part(void **state)
{
    const struct placing how = { WORKLOADS_ONLY, false, "own" };
    move(*state, &how);
}

/* The owner's edit reaches both members; copied again, the target has it beside its own values. */
static void the_owner_edits_in_mid_run(void **state)
{
    struct plane_world *w = *state;
    const struct placing how = { EVERYTHING, false, "own" };
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *changes = NULL;
    open_placed(&d, w, &how);
    assert_true(carry_out(&d, APPLY));
    assert_int_equal(
        merge(w->hub, "", "configmaps", "shop", "settings", "{'data':{'a':'7','b':'3'}}"), 200);
    world_settles(&d);
    assert_string_equal(field(w->east, "", "configmaps", "shop", "settings", "/data/b"), "3");
    assert_string_equal(field(w->west, "", "configmaps", "shop", "settings", "/data/b"), "3");
    read_source(&d);
    assert_true(d.ops->changes(&d.p, d.inventory, d.ledger, &changes, &err));
    assert_int_equal(json_array_size(changes), 1);
    assert_true(carry_out(&d, APPLY));
    assert_copied(&d);
    assert_string_equal(field(w->east, "", "configmaps", "shop", "settings", "/data/a"), "7");
    assert_string_equal(field(w->hub, "", "configmaps", "shop", "settings", "/data/a"), "7");
    assert_string_equal(field(w->west, "", "configmaps", "shop", "settings", "/data/b"), "3");
    driver_close(&d);
}

/* As the last step says: the owner's policy names the target, ours goes, and nothing moves. */
static void the_owner_has_it_again(void **state)
{
    struct plane_world *w = *state;
    const struct placing how = { EVERYTHING, false, "own" };
    char uid[80];
    move(w, &how);
    snprintf(uid, sizeof uid, "%.79s", deployment(w->west, "/metadata/uid"));
    assert_int_equal(merge(w->hub, KM_G_POLICY, "propagationpolicies", "shop", "theirs",
                           "{'spec':{'placement':{'clusterAffinity':{'clusterNames':['west']}}}}"),
                     200);
    cf_autojson json_t *all = sbx_api_all(w->hub, KM_G_POLICY, "propagationpolicies", "shop");
    size_t i;
    json_t *policy;
    json_array_foreach(all, i, policy)
    {
        const char *name = cf_json_str(policy, "", "metadata", "name", NULL);
        if (strcmp(name, "theirs") != 0)
            assert_int_equal(drop(w->hub, KM_G_POLICY, "propagationpolicies", "shop", name, ""),
                             200);
    }
    until_field(w->hub, "apps", "deployments", "shop", "echo",
                "/metadata/annotations/propagationpolicy.karmada.io~1name", "theirs");
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
    assert_string_equal(deployment(w->west, "/metadata/uid"), uid);
    assert_string_equal(deployment(w->west, MANAGED), "true");
    assert_string_equal(deployment(w->east, MANAGED), "");
}

/* --- refusals --- */

static void refused_with(struct plane_world *w, const char *copy, const char *code,
                         const char *word)
{
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_copying out = { 0 };
    cf_autojson json_t *findings = NULL;
    driver_open(&d, w, "karmada", "run-1", copy);
    read_source(&d);
    assert_true(d.ops->check(&d.p, d.inventory, &findings, &err));
    cf_autofree char *text = cf_json_dump(findings);
    if (!strstr(text, code) || !strstr(text, word))
        fail_msg("no %s with %s in %s", code, word, text);
    assert_true(d.ops->apply(&d.p, d.inventory, &d.ledger, 250, &out, &err));
    assert_true(out.stuck);
    driver_close(&d);
}

static void what_is_refused(void **state)
{
    struct plane_world *w = *state;
    static const struct {
        const char *edit, *word, *back;
    } cases[] = {
        { "{'spec':{'propagateDeps':true}}", "propagateDeps", "{'spec':{'propagateDeps':false}}" },
        { "{'spec':{'placement':{'clusterAffinity':{'clusterNames':['east','west']}}}}", "alone",
          "{'spec':{'placement':{'clusterAffinity':{'clusterNames':['east']}}}}" },
        { "{'spec':{'suspension':{'dispatching':true}}}", "suspension",
          "{'spec':{'suspension':null}}" },
    };
    place_by_somebody(w, EVERYTHING, false);
    refused_with(w, TARGET_ONLY, "ALREADY_IN_CONTROL_PLANE", "copy.mode: adopt");
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        assert_int_equal(
            merge(w->hub, KM_G_POLICY, "propagationpolicies", "shop", "theirs", cases[i].edit),
            200);
        refused_with(w, ADOPT, "NOT_TAKEN_OVER", cases[i].word);
        assert_int_equal(
            merge(w->hub, KM_G_POLICY, "propagationpolicies", "shop", "theirs", cases[i].back),
            200);
        assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
    }
}

/* What nobody has claimed, and a policy selects, stays refused. */
static void a_policy_that_only_selects_is_refused(void **state)
{
    struct plane_world *w = *state;
    make(w->hub, KM_G_POLICY, "clusterpropagationpolicies", "",
         "{'metadata':{'name':'all'},'spec':{'resourceSelectors':[{'apiVersion':'apps/v1','kind':"
         "'Deployment'}],'placement':{'clusterAffinity':{'clusterNames':['east']}}}}");
    refused_with(w, ADOPT, "SELECTED_BY_ANOTHER", "all");
}

/* --- preview --- */

static void the_preview_leaves_templates_alone(void **state)
{
    struct plane_world *w = *state;
    const struct placing how = { EVERYTHING, false, "own" };
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *bodies = NULL;
    open_placed(&d, w, &how);
    if (!d.ops->preview(&d.p, d.inventory, &bodies, &err))
        fail_msg("preview: %s", err.message);
    assert_true(carry_out(&d, APPLY));
    size_t i, kept = 0, compared = 0;
    json_t *row;
    json_array_foreach(bodies, i, row)
    {
        const char *kind = cf_json_str(row, "", "ref", "kind", NULL);
        if (strcmp(cf_json_str(row, "", "cluster", NULL), "controlPlane") != 0)
            continue;
        kept += strcmp(cf_json_str(row, "", "verb", NULL), "keep") == 0;
        if (strcmp(kind, "OverridePolicy") != 0)
            continue;
        cf_autojson json_t *live = sbx_api_one(w->hub, KM_G_POLICY, "overridepolicies", "shop",
                                               cf_json_str(row, "", "ref", "name", NULL));
        assert_non_null(live);
        assert_true(cf_json_equal(cf_json_at(row, "body", "spec", "overrideRules", NULL),
                                  cf_json_at(live, "spec", "overrideRules", NULL)));
        compared++;
    }
    assert_true(kept >= 8);
    assert_true(compared >= 8);
    driver_close(&d);
}

int main(void)
{
#define PROOF(fn) cmocka_unit_test_setup_teardown(fn, setup, plane_down)
    const struct CMUnitTest tests[] = {
        PROOF(placed_by_a_policy_of_the_namespace),
        PROOF(placed_by_a_policy_of_the_cluster),
        PROOF(placed_and_moved_by_karmadas_scheduler),
        PROOF(placed_in_part),
        PROOF(the_owner_edits_in_mid_run),
        PROOF(the_owner_has_it_again),

        PROOF(what_is_refused),
        PROOF(a_policy_that_only_selects_is_refused),
        PROOF(the_preview_leaves_templates_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
