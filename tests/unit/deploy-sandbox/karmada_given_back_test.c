/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that what the driver of Karmada took over from somebody's policy is his again, to the
 * letter, when a run goes back: policies of the namespace and of the cluster, without records, with
 * claims that somebody took meanwhile; that it waits for an owner who could not have it back as it
 * was, and that the guard sees that before. */
#include "tests/unit/deploy-sandbox/karmada_placed.h"

/* --- back --- */

static void go_back(struct plane_world *w, const struct placing *how)
{
    struct driver d;
    open_placed(&d, w, how);
    size_t policies = count(w->hub, KM_G_POLICY, "propagationpolicies", "shop");
    cf_autojson json_t *before = source_of(w), *theirs = theirs_of(w);
    assert_true(carry_out(&d, APPLY));
    assert_true(carry_out(&d, UNDO));
    world_settles(&d);
    assert_source_is(w, before);
    assert_given_back(w, theirs, policies);
    driver_close(&d);
}

static void given_back_to_a_policy_of_the_namespace(void **state)
{
    const struct placing how = { EVERYTHING, false, "own" };
    go_back(*state, &how);
}

static void given_back_to_a_policy_of_the_cluster(void **state)
{
    const struct placing how = { EVERYTHING, true, "own" };
    go_back(*state, &how);
}

static void given_back_by_karmadas_scheduler(void **state)
{
    const struct placing how = { EVERYTHING, false, "default" };
    go_back(*state, &how);
}

/* The process dies and its records are lost: the policies, and the images, say what was whose. */
static void given_back_without_records(void **state)
{
    struct plane_world *w = *state;
    const struct placing how = { EVERYTHING, false, "own" };
    struct driver d;
    open_placed(&d, w, &how);
    cf_autojson json_t *before = source_of(w), *theirs = theirs_of(w);
    assert_true(carry_out(&d, APPLY));
    json_object_clear(d.state);
    json_array_clear(d.ledger);
    assert_true(carry_out(&d, UNDO));
    world_settles(&d);
    assert_source_is(w, before);
    assert_given_back(w, theirs, 1);
    driver_close(&d);
}

static struct cf_copying undo_until_stuck(struct driver *d)
{
    struct cf_copying out = { 0 };
    for (int i = 0; i < ROUNDS_MAX && !out.stuck; i++) {
        struct cf_error err = CF_ERROR_INIT;
        out = (struct cf_copying){ 0 };
        if (!do_once(d, UNDO, &out, &err))
            fail_msg("undo: %s", err.message);
        assert_false(out.done);
        world_settles(d);
    }
    return out;
}

/* What an owner has changed meanwhile would move the source: it is said, and nothing is given back
 * before it is as it was. */
static void it_waits_for_the_owners_policy(void **state)
{
    struct plane_world *w = *state;
    const struct placing how = { EVERYTHING, false, "own" };
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *findings = NULL;
    open_placed(&d, w, &how);
    cf_autojson json_t *before = source_of(w), *theirs = theirs_of(w);
    assert_true(carry_out(&d, APPLY));
    assert_int_equal(merge(w->hub, KM_G_POLICY, "propagationpolicies", "shop", "theirs",
                           "{'spec':{'placement':{'clusterAffinity':{'clusterNames':['west']}}}}"),
                     200);
    world_settles(&d);
    assert_source_is(w, before);
    assert_true(d.ops->guard(&d.p, d.ledger, &findings, &err));
    assert_int_equal(json_array_size(findings), 1);
    assert_string_equal(cf_json_str(json_array_get(findings, 0), "", "code", NULL),
                        "OWNER_CHANGED");
    struct cf_copying out = undo_until_stuck(&d);
    assert_non_null(strstr(out.why, "theirs"));
    assert_source_is(w, before);
    assert_int_equal(merge(w->hub, KM_G_POLICY, "propagationpolicies", "shop", "theirs",
                           "{'spec':{'placement':{'clusterAffinity':{'clusterNames':['east']}}}}"),
                     200);
    assert_true(carry_out(&d, UNDO));
    world_settles(&d);
    assert_source_is(w, before);
    assert_given_back(w, theirs, 1);
    driver_close(&d);
}

/* --- others' hands --- */

static void take_the_claim(struct plane_world *w)
{
    cf_autojson json_t *theirs =
        sbx_api_one(w->hub, KM_G_POLICY, "propagationpolicies", "shop", "theirs");
    cf_autofree char *patch =
        cf_xasprintf("{'metadata':{'labels':{'%s':'%s'},'annotations':{'%s':'theirs'}}}", KM_PP_ID,
                     cf_json_str(theirs, "", "metadata", "labels", KM_PP_ID, NULL), KM_PP_NAME);
    assert_int_equal(merge(w->hub, "apps", "deployments", "shop", "worker", patch), 200);
}

static void the_guard_sees_a_claim_that_is_taken(void **state)
{
    struct plane_world *w = *state;
    const struct placing how = { EVERYTHING, false, "own" };
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *findings = NULL;
    open_placed(&d, w, &how);
    cf_autojson json_t *before = source_of(w), *theirs = theirs_of(w);
    assert_true(carry_out(&d, APPLY));
    take_the_claim(w);
    world_settles(&d);
    assert_true(d.ops->guard(&d.p, d.ledger, &findings, &err));
    cf_autofree char *text = cf_json_dump(findings);
    assert_non_null(strstr(text, "CLAIMED"));
    assert_true(carry_out(&d, UNDO));
    world_settles(&d);
    assert_source_is(w, before);
    assert_given_back(w, theirs, 1);
    driver_close(&d);
}

int main(void)
{
#define PROOF(fn) cmocka_unit_test_setup_teardown(fn, setup, plane_down)
    const struct CMUnitTest tests[] = {
        PROOF(given_back_to_a_policy_of_the_namespace),
        PROOF(given_back_to_a_policy_of_the_cluster),
        PROOF(given_back_by_karmadas_scheduler),
        PROOF(given_back_without_records),
        PROOF(it_waits_for_the_owners_policy),
        PROOF(the_guard_sees_a_claim_that_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
