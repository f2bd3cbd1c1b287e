/* SPDX-License-Identifier: Apache-2.0 */
/* Proves who counts as the owner of an object, when an owner stands still, and that a pause is taken and
 * given back without a trace. */
#include "federation/objects/gitops.h"

#include "base/buf.h"
#include "base/json_patch.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

/* ---- marks ---- */

/* clang-format off */
#define OBJECT(metadata)                                                                           \
    "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'db','namespace':'shop'," metadata "}}"
#define FLUX_K(more) \
    "'labels':{'kustomize.toolkit.fluxcd.io/name':'apps','kustomize.toolkit.fluxcd.io/namespace':'flux-system'" more "}"

static const struct {
    const char *object, *owners; /* "Kind ns/name", each ended by ";", "?" in front: in doubt */
} marks[] = {
    { OBJECT("'labels':{'app':'db'}"), "" },
    { OBJECT("'annotations':{'argocd.argoproj.io/tracking-id':'web:apps/StatefulSet:shop/db'}"), "Application /web;" },
    { OBJECT("'annotations':{'argocd.argoproj.io/tracking-id':'team-a_web:apps/StatefulSet:shop/db'}"), "Application team-a/web;" },
    { OBJECT("'labels':{'argocd.argoproj.io/instance':'team-a_web'}"), "Application team-a/web;" },
    { OBJECT("'labels':{'app.kubernetes.io/instance':'web'}"), "?Application /web;" },
    { OBJECT("'labels':{'app.kubernetes.io/instance':'helm-name'},'annotations':{'argocd.argoproj.io/tracking-id':'web:a/B:c/d'}"), "Application /web;" },
    { OBJECT(FLUX_K("")), "Kustomization flux-system/apps;" },
    { OBJECT(FLUX_K("") ",'annotations':{'kustomize.toolkit.fluxcd.io/reconcile':'disabled'}"), "" },
    { OBJECT("'labels':{'helm.toolkit.fluxcd.io/name':'db','helm.toolkit.fluxcd.io/namespace':'shop'}"), "HelmRelease shop/db;" },
    { OBJECT(FLUX_K(",'helm.toolkit.fluxcd.io/name':'db','helm.toolkit.fluxcd.io/namespace':'shop','argocd.argoproj.io/instance':'web'")),
      "Application /web;Kustomization flux-system/apps;HelmRelease shop/db;" },
    { OBJECT("'annotations':{'argocd.argoproj.io/tracking-id':''}"), "" },
    { OBJECT("'annotations':{'argocd.argoproj.io/tracking-id':'_:x'}"), "" },
    { "{}", "" },
};
/* clang-format on */

static void owners_are_who_the_marks_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(marks); i++) {
        struct cf_gitops_owner owners[CF_GITOPS_OWNERS_MAX];
        cf_autojson json_t *object = cf_test_json(marks[i].object);
        CF_CLEANUP(cf_buf_free) struct cf_buf is = CF_BUF_INIT(500);
        size_t n = cf_gitops_owners(object, owners);
        for (size_t k = 0; k < n; k++)
            cf_buf_printf(&is, "%s%s %s/%s;", owners[k].doubtful ? "?" : "", owners[k].kind->kind,
                          owners[k].ns, owners[k].name);
        assert_string_equal(cf_buf_str(&is), marks[i].owners);
    }
}

static void a_name_that_no_object_can_have_leads_nowhere(void **state)
{
    (void)state;
    struct cf_gitops_owner owners[CF_GITOPS_OWNERS_MAX];
    char name[CF_NAME_MAX + 1];
    memset(name, 'a', CF_NAME_MAX);
    name[CF_NAME_MAX] = '\0';
    cf_autojson json_t *object =
        json_pack("{s:{s:{s:s}}}", "metadata", "labels", "argocd.argoproj.io/instance", name);
    assert_int_equal(cf_gitops_owners(object, owners), 0);
    name[CF_NAME_MAX - 1] = '\0';
    json_object_set_new(json_object_get(json_object_get(object, "metadata"), "labels"),
                        "argocd.argoproj.io/instance", json_string(name));
    assert_int_equal(cf_gitops_owners(object, owners), 1);
    assert_string_equal(owners[0].name, name);
}

static void an_application_is_believed_when_it_lists_the_object(void **state)
{
    (void)state;
    cf_autojson json_t *db = cf_test_json(OBJECT("'labels':{}"));
    cf_autojson json_t *silent = cf_test_json("{}");
    cf_autojson json_t *ours =
        cf_test_json("{'status':{'resources':[{'kind':'Service','namespace':'shop','name':'db'},"
                     "{'group':'apps','kind':'StatefulSet','namespace':'shop','name':'db'}]}}");
    cf_autojson json_t *other = cf_test_json(
        "{'status':{'resources':[{'group':'apps','kind':'StatefulSet','namespace':'test','name':'db'}]}}");
    assert_true(cf_gitops_lists(ours, db, true) && cf_gitops_lists(ours, db, false));
    assert_false(cf_gitops_lists(other, db, true) || cf_gitops_lists(other, db, false));
    assert_false(cf_gitops_lists(silent, db, true));
    assert_true(cf_gitops_lists(silent, db, false)); /* not synced yet */
}

/* ---- there and back ---- */

/* clang-format off */
#define FLUX(spec) "{'kind':'Kustomization','metadata':{'name':'a','uid':'u'},'spec':" spec "}"
#define ARGO(spec) "{'kind':'Application','metadata':{'name':'a','uid':'u'},'spec':" spec "}"

static const struct {
    const char *owner;
    bool paused;
    const char *then; /* its spec when we have paused it */
} states[] = {
    { FLUX("{'path':'x'}"), false, "{'path':'x','suspend':true}" },
    { FLUX("{'path':'x','suspend':false}"), false, "{'path':'x','suspend':true}" },
    { FLUX("{'suspend':true}"), true, NULL },
    { ARGO("{'syncPolicy':{'automated':{'selfHeal':true,'prune':false},'syncOptions':['a']}}"), false, "{'syncPolicy':{'syncOptions':['a']}}" },
    { ARGO("{'syncPolicy':{'automated':{}}}"), false, "{'syncPolicy':{}}" },
    { ARGO("{'syncPolicy':{'automated':{'enabled':true}}}"), false, "{'syncPolicy':{}}" },
    { ARGO("{'syncPolicy':{'automated':{'enabled':false}}}"), true, NULL },
    { ARGO("{'syncPolicy':{'syncOptions':['a']}}"), true, NULL },
    { ARGO("{}"), true, NULL },
    { "{'kind':'Application','metadata':{'annotations':{'argocd.argoproj.io/skip-reconcile':'true'}},'spec':{'syncPolicy':{'automated':{}}}}", true, NULL },
};
/* clang-format on */

static json_t *patched(const json_t *owner, const json_t *patch)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *out = cf_json_patch_apply(owner, patch, &err);
    if (!out)
        fail_msg("%s", err.message);
    return out;
}

static void what_is_paused_is_given_back_to_the_letter(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(states); i++) {
        cf_autojson json_t *owner = cf_test_json(states[i].owner);
        assert_int_equal(cf_gitops_is_paused(owner), states[i].paused);
        if (states[i].paused)
            continue;
        cf_autojson json_t *had = cf_gitops_saved(owner);
        cf_autojson json_t *there = cf_gitops_patch(owner, false, NULL);
        cf_autojson json_t *paused = patched(owner, there);
        cf_autofree char *spec = cf_test_dump(json_object_get(paused, "spec"));
        assert_true(cf_gitops_is_paused(paused));
        assert_string_equal(spec, states[i].then);
        cf_autojson json_t *back = cf_gitops_patch(paused, true, had);
        cf_autojson json_t *again = patched(paused, back);
        assert_true(cf_json_equal(again, owner));
        /* Controllers may write a policy with nothing in it without it. */
        if (strcmp(states[i].then, "{'syncPolicy':{}}") == 0) {
            cf_json_del(paused, "spec", "syncPolicy", NULL);
            cf_autojson json_t *bare = cf_gitops_patch(paused, true, had);
            cf_autojson json_t *whole = patched(paused, bare);
            assert_true(cf_json_equal(whole, owner));
        }
    }
}

/* A patch is made for one state of one object: whoever came between is not overwritten. */
static void another_state_refuses_the_patch(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *owner = cf_test_json(ARGO("{'syncPolicy':{'automated':{'prune':true}}}"));
    cf_autojson json_t *patch = cf_gitops_patch(owner, false, NULL);
    cf_autojson json_t *changed =
        cf_test_json(ARGO("{'syncPolicy':{'automated':{'prune':false}}}"));
    cf_autojson json_t *remade = cf_json_copy(owner);
    cf_json_put_take(remade, json_string("another"), "metadata", "uid", NULL);
    assert_null(cf_json_patch_apply(changed, patch, &err));
    cf_error_clear(&err);
    assert_null(cf_json_patch_apply(remade, patch, &err));
    cf_error_clear(&err);
}

/* clang-format off */
static const struct {
    const char *owner;
    bool works;
} works[] = {
    { "{'kind':'Kustomization','status':{'conditions':[{'type':'Ready','status':'Unknown','reason':'Progressing'}]}}", true },
    { "{'kind':'Kustomization','status':{'conditions':[{'type':'Ready','status':'False'},{'type':'Reconciling','status':'True'}]}}", false },
    { "{'kind':'HelmRelease','status':{'conditions':[{'type':'Ready','status':'True'}]}}", false },
    { "{'kind':'HelmRelease'}", false },
    { "{'kind':'Application','operation':{'sync':{}}}", true },
    { "{'kind':'Application','status':{'operationState':{'phase':'Running'}}}", true },
    { "{'kind':'Application','status':{'operationState':{'phase':'Terminating'}}}", true },
    { "{'kind':'Application','status':{'operationState':{'phase':'Succeeded'}}}", false },
};
/* clang-format on */

static void an_owner_at_work_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(works); i++) {
        cf_autojson json_t *owner = cf_test_json(works[i].owner);
        if (cf_gitops_is_at_work(owner) != works[i].works)
            fail_msg("%s", works[i].owner);
    }
}

/* ---- who undoes a pause ---- */

/* clang-format off */
static const struct {
    const char *set;
    bool spares;
} sets[] = {
    { "{'spec':{}}", false },
    { "{'spec':{'syncPolicy':{'applicationsSync':'sync'}}}", false },
    { "{'spec':{'syncPolicy':{'applicationsSync':'create-update'}}}", false },
    { "{'spec':{'syncPolicy':{'applicationsSync':'create-only'}}}", true },
    { "{'spec':{'syncPolicy':{'applicationsSync':'create-delete'}}}", true },
    { "{'spec':{'ignoreApplicationDifferences':[{'jsonPointers':['/spec/source','/spec/syncPolicy']}]}}", true },
    { "{'spec':{'ignoreApplicationDifferences':[{'jsonPointers':['/spec/syncPolicy/automated']}]}}", true },
    { "{'spec':{'ignoreApplicationDifferences':[{'name':'web','jsonPointers':['/spec/syncPolicy']}]}}", true },
    { "{'spec':{'ignoreApplicationDifferences':[{'name':'other','jsonPointers':['/spec/syncPolicy']}]}}", false },
    { "{'spec':{'ignoreApplicationDifferences':[{'jsonPointers':['/spec/source']}]}}", false },
};
/* clang-format on */

static void a_set_may_spare_the_policy(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(sets); i++) {
        cf_autojson json_t *set = cf_test_json(sets[i].set);
        if (cf_gitops_set_spares_policy(set, "web") != sets[i].spares)
            fail_msg("%s", sets[i].set);
    }
}

/* clang-format off */
#define HEALS "'syncPolicy':{'automated':{'selfHeal':true}}"
#define SAID  "{'manager':'kustomize-controller','fieldsV1':{'f:spec':{'f:suspend':{}}}}"
#define OURS  "{'manager':'crossfade','fieldsV1':{'f:spec':{'f:suspend':{}}}}"
#define RELEASE(fields) "{'kind':'HelmRelease','metadata':{'name':'a','managedFields':[" fields "]},'spec':{}}"

static const struct {
    const char *parent, *owner;
    bool undoes;
} parents[] = {
    { ARGO("{" HEALS "}"), ARGO("{}"), true },
    { ARGO("{'syncPolicy':{'automated':{}}}"), ARGO("{}"), false },
    { ARGO("{}"), ARGO("{}"), false },
    { ARGO("{" HEALS ",'ignoreDifferences':[{'group':'argoproj.io','kind':'Application','jsonPointers':['/spec/syncPolicy']}]}"), ARGO("{}"), false },
    { ARGO("{" HEALS ",'ignoreDifferences':[{'kind':'Application','name':'b','jsonPointers':['/spec/syncPolicy']}]}"), ARGO("{}"), true },
    { ARGO("{" HEALS ",'ignoreDifferences':[{'kind':'Deployment','jsonPointers':['/spec/syncPolicy']}]}"), ARGO("{}"), true },
    { FLUX("{}"), ARGO("{}"), true },
    { FLUX("{'suspend':true}"), ARGO("{}"), false },
    { FLUX("{}"), RELEASE(""), false },
    { FLUX("{}"), RELEASE(OURS), false },
    { FLUX("{}"), RELEASE(OURS "," SAID), true },
    { FLUX("{'suspend':true}"), RELEASE(SAID), false },
    { ARGO("{" HEALS "}"), RELEASE(SAID), true },
};
/* clang-format on */

static void a_parent_undoes_what_its_repository_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(parents); i++) {
        cf_autojson json_t *parent = cf_test_json(parents[i].parent);
        cf_autojson json_t *owner = cf_test_json(parents[i].owner);
        if (cf_gitops_parent_undoes(parent, owner) != parents[i].undoes)
            fail_msg("%s of %s", parents[i].parent, parents[i].owner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_are_who_the_marks_name),
        cmocka_unit_test(a_name_that_no_object_can_have_leads_nowhere),
        cmocka_unit_test(an_application_is_believed_when_it_lists_the_object),
        cmocka_unit_test(what_is_paused_is_given_back_to_the_letter),
        cmocka_unit_test(another_state_refuses_the_patch),
        cmocka_unit_test(an_owner_at_work_is_known),
        cmocka_unit_test(a_set_may_spare_the_policy),
        cmocka_unit_test(a_parent_undoes_what_its_repository_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
