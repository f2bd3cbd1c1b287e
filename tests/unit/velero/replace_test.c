/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that claims in the way of a restore are set aside and put back without losing anything of theirs: whoever is
 * killed after whichever call, whatever stands in the place meanwhile. */
#include "tests/unit/velero/world.h"

#define ONE_CLAIM "[{'name':'data-db-0','strategy':'veleroFsBackup'}]"
#define PV_OF     "pv-data-db-0"

/* --- a cluster that binds, releases and reclaims --- */

static void add_volume(struct side *s, const char *name, const char *claim, const char *policy)
{
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'%s'},'spec':{"
        "'persistentVolumeReclaimPolicy':'%s','claimRef':{'namespace':'store','name':'%s',"
        "'uid':'uid-%s','resourceVersion':'1'}},'status':{'phase':'Bound'}}",
        name, policy, claim, claim);
    cf_autojson json_t *pv = cf_test_json(text);
    put(s, pv);
}

static void add_bound_claim(struct side *s, const char *name, const char *policy)
{
    cf_autofree char *pv = cf_xasprintf("pv-%s", name);
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'%s','namespace':'store',"
        "'uid':'uid-%s','labels':{'app':'db'},'annotations':{'pv.kubernetes.io/bind-completed':'yes',"
        "'owner':'team-a'},'finalizers':['kubernetes.io/pvc-protection']},'spec':{'accessModes':["
        "'ReadWriteOnce'],'storageClassName':'fast','volumeName':'%s','resources':{'requests':{"
        "'storage':'1Gi'}}},'status':{'phase':'Bound'}}",
        name, name, pv);
    cf_autojson json_t *claim = cf_test_json(text);
    put(s, claim);
    add_volume(s, pv, name, policy);
}

/* What a restore of ours makes in the place of a claim. */
static void add_restored_claim(struct world *w, const char *name)
{
    cf_autojson json_t *claim =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:{s:s}}, s:{s:s}, s:{s:s}}", "apiVersion", "v1",
                  "kind", "PersistentVolumeClaim", "metadata", "name", name, "namespace", "store",
                  "uid", "uid-restored", "labels", CF_VELERO_LABEL_VOLUMES, RUN_ID, "spec",
                  "volumeName", "pv-restored", "status", "phase", "Bound");
    put(&w->west, claim);
}

static json_t *claim_now(struct world *w, const char *name)
{
    return cf_fake_kube_peek(w->west.api, "v1", "PersistentVolumeClaim", "store", name);
}

static json_t *volume_now(struct world *w, const char *name)
{
    return cf_fake_kube_peek(w->west.api, "v1", "PersistentVolume", NULL, name);
}

static const char *policy_of(const json_t *pv)
{
    return cf_json_str(pv, "", "spec", "persistentVolumeReclaimPolicy", NULL);
}

/* A claim that is being deleted goes, once nothing protects it. */
static void end_claims(struct world *w)
{
    cf_autojson json_t *claims = all(w, &w->west, "v1", "PersistentVolumeClaim", "store");
    size_t i;
    json_t *claim;
    json_array_foreach(claims, i, claim)
    {
        if (cf_json_at(claim, "metadata", "deletionTimestamp", NULL))
            cf_fake_kube_remove(w->west.api, "v1", "PersistentVolumeClaim", "store",
                                name_of(claim));
    }
}

/* A volume whose claim has gone is released, or deleted with all that is in it; one that names a claim
 * without uid is bound to it. */
static void bind_volumes(struct world *w)
{
    cf_autojson json_t *volumes = all(w, &w->west, "v1", "PersistentVolume", NULL);
    size_t i;
    json_t *pv;
    json_array_foreach(volumes, i, pv)
    {
        cf_autojson json_t *claim =
            claim_now(w, cf_json_str(pv, "", "spec", "claimRef", "name", NULL));
        const char *want = cf_json_str(pv, "", "spec", "claimRef", "uid", NULL);
        const char *uid = cf_json_str(claim, "", "metadata", "uid", NULL);
        if (*want && strcmp(want, uid) != 0) {
            if (strcmp(policy_of(pv), "Delete") == 0)
                cf_fake_kube_remove(w->west.api, "v1", "PersistentVolume", NULL, name_of(pv));
            else
                set_phase(&w->west, pv, "Released");
        } else if (claim && !*want &&
                   strcmp(cf_json_str(claim, "", "spec", "volumeName", NULL), name_of(pv)) == 0) {
            cf_json_put_take(pv, json_string(uid), "spec", "claimRef", "uid", NULL);
            set_phase(&w->west, pv, "Bound");
            set_phase(&w->west, claim, "Bound");
        }
    }
}

static void cluster_turn(struct world *w)
{
    bool was = w->counting;
    w->counting = false;
    end_claims(w);
    bind_volumes(w);
    w->counting = was;
}

/* --- calls --- */

typedef bool replace_fn(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err);

static bool step(struct world *w, replace_fn *what, struct cf_moving *out, struct cf_error *err)
{
    json_decref(w->v.state);
    w->v.state = cf_json_copy(w->stored);
    *out = (struct cf_moving){ 0 };
    w->counting = true;
    bool ok = what(&w->v, out, err);
    w->counting = false;
    if (ok) {
        json_decref(w->stored);
        w->stored = cf_json_copy(w->v.state);
    }
    return ok;
}

static void to_the_end(struct world *w, replace_fn *what)
{
    struct cf_moving out = { 0 };
    for (int i = 0; i < 100; i++) {
        struct cf_error err = CF_ERROR_INIT;
        bool ok = step(w, what, &out, &err);
        if (!ok && (!w->was_cut || err.kind != CF_ERR_UNKNOWN))
            fail_msg("%s", err.message);
        if (ok && out.done)
            return;
        if (ok && out.waits)
            cluster_turn(w);
    }
    fail_msg("no end: %s", out.why);
}

static void begin(struct world *w, const char *claims, const char *policy)
{
    size_t i;
    json_t *claim;
    world_up(w, claims);
    json_array_foreach(w->v.claims, i, claim)
    {
        add_bound_claim(&w->west, cf_json_str(claim, "", "name", NULL), policy);
    }
}

static void assert_as_before(struct world *w, const char *name, const char *policy, int cut)
{
    cf_autofree char *pv_name = cf_xasprintf("pv-%s", name);
    cf_autojson json_t *claim = claim_now(w, name);
    cf_autojson json_t *pv = volume_now(w, pv_name);
    if (!claim || !pv)
        fail_msg("cut at %d: %s is gone", cut, claim ? pv_name : name);
    if (cf_json_at(claim, "metadata", "deletionTimestamp", NULL) ||
        strcmp(phase_of(claim), "Bound") != 0 || strcmp(policy_of(pv), policy) != 0 ||
        strcmp(cf_json_str(pv, "", "spec", "claimRef", "uid", NULL),
               cf_json_str(claim, "?", "metadata", "uid", NULL)) != 0) {
        cf_autofree char *is = cf_test_dump(claim);
        cf_autofree char *on = cf_test_dump(pv);
        fail_msg("cut at %d: not as before: %s on %s", cut, is, on);
    }
    assert_string_equal(cf_json_str(claim, "", "spec", "volumeName", NULL), pv_name);
    assert_string_equal(cf_json_str(claim, "", "spec", "storageClassName", NULL), "fast");
    assert_string_equal(label_of(claim, "app"), "db");
    assert_string_equal(cf_json_str(claim, "", "metadata", "annotations", "owner", NULL), "team-a");
}

/* --- the way there and back --- */

static void set_aside_keeps_the_volume_and_frees_the_name(void **state)
{
    (void)state;
    struct world w;
    begin(&w, TWO_CLAIMS, "Delete");
    to_the_end(&w, cf_volumes_set_aside);
    static const char *const names[] = { "data-db-0", "pictures" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        cf_autofree char *pv_name = cf_xasprintf("pv-%s", names[i]);
        cf_autojson json_t *claim = claim_now(&w, names[i]);
        cf_autojson json_t *pv = volume_now(&w, pv_name);
        assert_null(claim);
        assert_non_null(pv);
        assert_string_equal(policy_of(pv), "Retain");
        assert_string_equal(cf_json_str(w.stored, "", "aside", names[i], "step", NULL), "gone");
        assert_string_equal(cf_json_str(w.stored, "", "aside", names[i], "policy", NULL), "Delete");
    }
    world_down(&w);
}

static void put_back_makes_everything_as_it_was(void **state)
{
    (void)state;
    static const char *const policies[] = { "Delete", "Retain" };
    for (size_t i = 0; i < CF_ARRAY_LEN(policies); i++) {
        struct world w;
        begin(&w, TWO_CLAIMS, policies[i]);
        to_the_end(&w, cf_volumes_set_aside);
        cluster_turn(&w);
        add_restored_claim(&w, "data-db-0");
        to_the_end(&w, cf_volumes_put_back);
        assert_as_before(&w, "data-db-0", policies[i], -1);
        assert_as_before(&w, "pictures", policies[i], -1);
        cf_fake_kube_log_reset(w.west.api);
        to_the_end(&w, cf_volumes_put_back); /* once more: nothing is left to do */
        assert_int_equal(cf_fake_kube_writes(w.west.api), 0);
        world_down(&w);
    }
}

static void what_is_not_in_the_way_is_left_alone(void **state)
{
    (void)state;
    struct world w;
    world_up(&w, TWO_CLAIMS);
    add_bound_claim(&w.west, "of-others", "Delete");
    to_the_end(&w, cf_volumes_set_aside);
    to_the_end(&w, cf_volumes_put_back);
    assert_as_before(&w, "of-others", "Delete", -1);
    assert_int_equal(cf_fake_kube_writes(w.west.api), 0);
    world_down(&w);
}

static void more_claims_than_are_noted_at_once(void **state)
{
    (void)state;
    enum { MANY = 120 };
    struct world w;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(1 << 16);
    for (int i = 0; i < MANY; i++)
        cf_buf_printf(&text, "%s{'name':'c-%d','strategy':'veleroFsBackup'}", i ? "," : "[", i);
    cf_buf_puts(&text, "]");
    begin(&w, cf_buf_str(&text), "Delete");
    to_the_end(&w, cf_volumes_set_aside);
    assert_int_equal(count(&w, &w.west, "v1", "PersistentVolumeClaim", "store"), 0);
    to_the_end(&w, cf_volumes_put_back);
    for (int i = 0; i < MANY; i++) {
        cf_autofree char *name = cf_xasprintf("c-%d", i);
        assert_as_before(&w, name, "Delete", -1);
    }
    world_down(&w);
}

/* --- killed --- */

/* Killed at a call of setting aside; then a person gives it up, at once or after it has gone on. */
static void killed_while_setting_aside(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        for (int goes_on = 0; goes_on < 2; goes_on++) {
            bool cut = true;
            for (int n = 0; cut; n++) {
                struct world w;
                begin(&w, TWO_CLAIMS, "Delete");
                w.cut = n;
                w.cut_after = after != 0;
                struct cf_moving out = { 0 };
                for (int i = 0; i < 20 && !w.was_cut && !out.done; i++) {
                    struct cf_error err = CF_ERROR_INIT;
                    if (step(&w, cf_volumes_set_aside, &out, &err) && out.waits)
                        cluster_turn(&w);
                }
                cut = w.was_cut;
                if (goes_on)
                    to_the_end(&w, cf_volumes_set_aside);
                to_the_end(&w, cf_volumes_put_back);
                for (int i = 0; i < 3; i++)
                    cluster_turn(&w);
                assert_as_before(&w, "data-db-0", "Delete", n);
                assert_as_before(&w, "pictures", "Delete", n);
                world_down(&w);
                assert_true(cut || n > 8);
            }
        }
    }
}

static void killed_while_putting_back(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        bool cut = true;
        for (int n = 0; cut; n++) {
            struct world w;
            begin(&w, TWO_CLAIMS, "Delete");
            to_the_end(&w, cf_volumes_set_aside);
            cluster_turn(&w);
            add_restored_claim(&w, "data-db-0");
            w.calls = 0;
            w.cut = n;
            w.cut_after = after != 0;
            to_the_end(&w, cf_volumes_put_back);
            cut = w.was_cut;
            for (int i = 0; i < 3; i++)
                cluster_turn(&w);
            assert_as_before(&w, "data-db-0", "Delete", n);
            assert_as_before(&w, "pictures", "Delete", n);
            world_down(&w);
            assert_true(cut || n > 8);
        }
    }
}

/* The claim is going, and a pod's end still holds it, when a person gives up: its volume must not be
 * told to go with it. */
static void given_up_while_the_claim_is_going(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    begin(&w, ONE_CLAIM, "Delete");
    for (int i = 0; i < 10 && !out.waits; i++)
        assert_ok(step(&w, cf_volumes_set_aside, &out, &err), &err);
    cf_autojson json_t *going = claim_now(&w, "data-db-0");
    assert_non_null(cf_json_at(going, "metadata", "deletionTimestamp", NULL));
    for (int i = 0; i < 3; i++) {
        assert_ok(step(&w, cf_volumes_put_back, &out, &err), &err);
        assert_false(out.done);
        cf_autojson json_t *pv = volume_now(&w, PV_OF);
        assert_string_equal(policy_of(pv), "Retain");
    }
    assert_non_null(strstr(out.why, "claim data-db-0 of west is going"));
    cluster_turn(&w);
    to_the_end(&w, cf_volumes_put_back);
    for (int i = 0; i < 3; i++)
        cluster_turn(&w);
    assert_as_before(&w, "data-db-0", "Delete", -1);
    world_down(&w);
}

/* --- what stands in the way --- */

static void somebodys_claim_is_not_taken_away(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    begin(&w, ONE_CLAIM, "Delete");
    to_the_end(&w, cf_volumes_set_aside);
    cluster_turn(&w);
    cf_autojson json_t *foreign = cf_test_json(
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'data-db-0',"
        "'namespace':'store','labels':{'crossfade.dev/volumes':'another-run'}},'spec':{'volumeName':"
        "'pv-foreign'},'status':{'phase':'Bound'}}");
    put(&w.west, foreign);
    assert_false(step(&w, cf_volumes_put_back, &out, &err));
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_non_null(strstr(err.message, "claim data-db-0 of west is somebody's"));
    assert_non_null(strstr(err.message, PV_OF));
    cf_error_clear(&err);
    cf_autojson json_t *still_there = claim_now(&w, "data-db-0");
    assert_string_equal(cf_json_str(still_there, "", "spec", "volumeName", NULL), "pv-foreign");
    /* Once they have made room it goes on. */
    cf_fake_kube_remove(w.west.api, "v1", "PersistentVolumeClaim", "store", "data-db-0");
    to_the_end(&w, cf_volumes_put_back);
    assert_as_before(&w, "data-db-0", "Delete", -1);
    world_down(&w);
}

static void another_claim_of_the_name_is_not_set_aside(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    begin(&w, ONE_CLAIM, "Delete");
    assert_ok(step(&w, cf_volumes_set_aside, &out, &err), &err); /* noted */
    cf_fake_kube_remove(w.west.api, "v1", "PersistentVolumeClaim", "store", "data-db-0");
    cf_autojson json_t *other = cf_test_json(
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'data-db-0',"
        "'namespace':'store','uid':'uid-other'},'spec':{'volumeName':'pv-other'},'status':{}}");
    put(&w.west, other);
    to_the_end(&w, cf_volumes_set_aside);
    cf_autojson json_t *now = claim_now(&w, "data-db-0");
    assert_string_equal(cf_json_str(now, "", "metadata", "uid", NULL), "uid-other");
    assert_null(cf_json_at(now, "metadata", "deletionTimestamp", NULL));
    world_down(&w);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    begin(&w, ONE_CLAIM, "Delete");
    cf_fake_kube_remove(w.west.api, "v1", "PersistentVolume", NULL, PV_OF);
    assert_false(step(&w, cf_volumes_set_aside, &out, &err));
    assert_non_null(strstr(err.message, "volume " PV_OF " of claim data-db-0"));
    cf_error_clear(&err);
    cf_autojson json_t *claim = claim_now(&w, "data-db-0");
    assert_null(cf_json_at(claim, "metadata", "deletionTimestamp", NULL));
    json_object_del(json_object_get(claim, "spec"), "volumeName");
    put(&w.west, claim);
    assert_false(step(&w, cf_volumes_set_aside, &out, &err));
    assert_non_null(strstr(err.message, "has no volume: delete it"));
    cf_error_clear(&err);
    world_down(&w);
    /* The volume is deleted by hand while it is set aside. */
    begin(&w, ONE_CLAIM, "Delete");
    to_the_end(&w, cf_volumes_set_aside);
    cf_fake_kube_remove(w.west.api, "v1", "PersistentVolume", NULL, PV_OF);
    assert_false(step(&w, cf_volumes_put_back, &out, &err));
    assert_non_null(strstr(err.message, "volume " PV_OF " for claim data-db-0"));
    cf_error_clear(&err);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_aside_keeps_the_volume_and_frees_the_name),
        cmocka_unit_test(put_back_makes_everything_as_it_was),
        cmocka_unit_test(what_is_not_in_the_way_is_left_alone),
        cmocka_unit_test(more_claims_than_are_noted_at_once),
        cmocka_unit_test(killed_while_setting_aside),
        cmocka_unit_test(killed_while_putting_back),
        cmocka_unit_test(given_up_while_the_claim_is_going),
        cmocka_unit_test(somebodys_claim_is_not_taken_away),
        cmocka_unit_test(another_claim_of_the_name_is_not_set_aside),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
