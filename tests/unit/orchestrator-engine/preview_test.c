/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that `plan diff` shows what is then written, object by object: the bodies that reach the
 * API server are those of the preview, but for the fields listed below, nothing else is applied
 * there, and every router stands after each weight as the previewed patch would make it. And that
 * the digest of a preview moves with what would be written, and only with that.
 *
 * A copy method is a row: its plan, and where its bodies are written. */
#include "base/json_patch.h"
#include "federation/objects/diff.h"
#include "orchestrator/engine/diff.h"
#include "orchestrator/preflight/survey.h"
#include "tests/unit/orchestrator-engine/life.h"

/* What a write carries beyond its preview: only a run that exists has a name. */
static const char *const of_the_run[][4] = {
    { "metadata", "labels", "crossfade.dev/run", NULL },
};

struct method {
    const char *name;
    const char *plan;
    bool in_source; /* bodies are written into dc1's server, else into dc2's */
};

static const struct method methods[] = {
    { "direct", PLAN_TEXT AUTO, false },
};

/* Server-side applies that were no dry run: "Kind ns/name" → body. */
static void remember(void *arg, const struct cf_kube_request *r)
{
    json_t *written = arg;
    struct cf_error err = CF_ERROR_INIT;
    if (strcmp(r->method, "PATCH") != 0 || strstr(r->path, "dryRun=All") ||
        strcmp(r->content_type, "application/apply-patch+yaml") != 0)
        return;
    json_t *body = cf_json_parse(r->body, r->body_len, 0, &err);
    assert_non_null(body);
    for (size_t i = 0; i < CF_ARRAY_LEN(of_the_run); i++)
        cf_json_del(body, of_the_run[i][0], of_the_run[i][1], of_the_run[i][2], NULL);
    if (json_object_size(cf_json_at(body, "metadata", "labels", NULL)) == 0)
        cf_json_del(body, "metadata", "labels", NULL);
    cf_autofree char *key = cf_xasprintf("%s %s/%s", cf_json_str(body, "", "kind", NULL),
                                         cf_json_str(body, "", "metadata", "namespace", NULL),
                                         cf_json_str(body, "", "metadata", "name", NULL));
    json_object_set_new(written, key, cf_object_mask(body));
    json_decref(body);
}

/* What `plan diff` shows, put together as the engine does. */
static json_t *preview(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *dc1 = cf_fake_kube_client(w->dc1, "dc1");
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *dc2 = cf_fake_kube_client(w->dc2, "dc2");
    cf_autojson json_t *services = json_array(), *steps = cf_compile(w->plan), *inventory = NULL;
    json_t *out = json_array();
    struct cf_survey_router router = { 0 };
    assert_ok(cf_survey_router(dc1, w->plan, &w->plan->traffic.routers[0], "", &router, &err),
              &err);
    cf_survey_add_service(w->plan, &router, services);
    struct cf_propagation p = cf_survey_propagation(w->plan, dc1, dc2, "", services);
    const struct cf_propagator_ops *ops = cf_survey_propagator(w->plan);
    assert_ok(ops->inventory(&p, &inventory, &err), &err);
    size_t i, k;
    json_t *step, *row;
    json_array_foreach(steps, i, step)
    {
        const struct cf_step_kind *kind = cf_step_kind_find(cf_json_str(step, "", "kind", NULL));
        cf_autojson json_t *rows = json_array();
        struct cf_preview view = { w->plan, ops, &p, inventory, &router, rows };
        if (!kind->preview)
            continue;
        assert_ok(kind->preview(&view, json_object_get(step, "params"), &err), &err);
        json_array_foreach(rows, k, row)
        {
            json_object_set_new(row, "step", json_integer((json_int_t)i));
            json_object_set(row, "params", json_object_get(step, "params"));
            json_array_append(out, row);
        }
    }
    cf_survey_router_free(&router);
    return out;
}

static void expect_body(const struct method *m, const json_t *row, json_t *written)
{
    cf_autofree char *key = cf_xasprintf("%s %s/%s", cf_json_str(row, "", "ref", "kind", NULL),
                                         cf_json_str(row, "", "ref", "namespace", NULL),
                                         cf_json_str(row, "", "ref", "name", NULL));
    const json_t *body = json_object_get(written, key);
    if (strcmp(cf_json_str(row, "", "verb", NULL), "keep") == 0) {
        assert_null(body);
        return;
    }
    if (!cf_json_equal(body, json_object_get(row, "body"))) {
        cf_autofree char *is = cf_json_dump(body ? body : json_null());
        cf_autofree char *shown = cf_json_dump(json_object_get(row, "body"));
        fail_msg("%s: %s was shown as\n%s\nand written as\n%s", m->name, key, shown, is);
    }
    json_object_del(written, key);
}

static json_t *spec_of_router(struct world *w)
{
    cf_autojson json_t *vs = router_now(w);
    return json_incref(json_object_get(vs, "spec"));
}

static void what_is_shown_is_what_is_written(void **state)
{
    (void)state;
    for (size_t m = 0; m < CF_ARRAY_LEN(methods); m++) {
        struct world *w = world_new(methods[m].plan);
        cf_autojson json_t *written = json_object(), *rows = preview(w), *before = router_now(w);
        cf_fake_kube_hook(methods[m].in_source ? w->dc1 : w->dc2, remember, written);
        run_until_step(w, "propagate", 0, "done");
        size_t i, bodies = 0;
        int shift = 0;
        json_t *row;
        json_array_foreach(rows, i, row)
        {
            if (json_object_get(row, "body")) {
                expect_body(&methods[m], row, written);
                bodies++;
            }
        }
        assert_true(bodies >= 4);
        assert_int_equal(json_object_size(written), 0); /* nothing that was not shown */
        json_array_foreach(rows, i, row)
        {
            struct cf_error err = CF_ERROR_INIT;
            if (!json_object_get(row, "patch"))
                continue;
            run_until_step(w, "traffic.shift", shift++, "done");
            cf_autojson json_t *shown =
                cf_json_patch_apply(before, json_object_get(row, "patch"), &err);
            cf_autojson json_t *spec = spec_of_router(w);
            assert_non_null(shown);
            if (!cf_json_equal(json_object_get(shown, "spec"), spec)) {
                cf_autofree char *is = cf_json_dump(spec);
                cf_autofree char *would = cf_json_dump(json_object_get(shown, "spec"));
                fail_msg("weight %d was shown as\n%s\nand is\n%s", shift, would, is);
            }
        }
        assert_int_equal(shift, 3);
        world_free(w);
    }
}

static void digest_now(struct world *w, const char *plan, json_t **out_rows,
                       char out[CF_SHA256_HEX])
{
    cf_autojson json_t *writes = preview(w);
    *out_rows = cf_diff_rows(writes);
    cf_diff_digest(plan, *out_rows, out);
}

/* Some change of the world, and what is said of it; NULL: it makes no difference. */
struct change {
    const char *object;
    bool in_target;
    const char *said;
};

static const struct change changes[] = {
    { "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings','namespace':'web'},"
      "'data':{'a':'2'}}",
      false, "dc2 ConfigMap web/settings changed" },
    { "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings','namespace':'web'},"
      "'data':{'a':'1'}}",
      true, "dc2 ConfigMap web/settings changed" },
    { "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'unrelated','namespace':'web'}}",
      false, NULL },
    { "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{'name':'echo',"
      "'namespace':'web'},'spec':{'minReplicas':1,'maxReplicas':10,'scaleTargetRef':{"
      "'apiVersion':'apps/v1','kind':'Deployment','name':'echo'}},'status':{'currentReplicas':5}}",
      false, NULL },
    { "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'echo',"
      "'namespace':'web'},'spec':{'minAvailable':1,'selector':{'matchLabels':{'app':'echo'}}}}",
      false, "dc2 PodDisruptionBudget web/echo was added" },
    { "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'web',"
      "'namespace':'web'},'spec':{'hosts':['web'],'http':[{'name':'main','route':[{'destination':{"
      "'host':'echo.web.svc.cluster.local','port':{'number':80}}}]}]}}",
      false, "dc1 virtualService web/web changed" },
};

static void the_digest_moves_with_what_would_be_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(changes); i++) {
        struct world *w = world_new(PLAN_TEXT);
        cf_autojson json_t *before = NULL, *again = NULL, *after = NULL;
        char a[CF_SHA256_HEX], b[CF_SHA256_HEX], c[CF_SHA256_HEX], other[CF_SHA256_HEX];
        digest_now(w, "plan", &before, a);
        digest_now(w, "plan", &again, b);
        assert_string_equal(a, b);
        cf_diff_digest("another plan", before, other);
        assert_string_not_equal(a, other);
        put_text(changes[i].in_target ? w->dc2 : w->dc1, changes[i].object);
        digest_now(w, "plan", &after, c);
        CF_CLEANUP(cf_buf_free) struct cf_buf said = CF_BUF_INIT(2048);
        cf_diff_say(before, after, &said);
        if (!changes[i].said != (strcmp(a, c) == 0))
            fail_msg("change %zu: %s", i, cf_buf_str(&said));
        if (changes[i].said && !strstr(cf_buf_str(&said), changes[i].said))
            fail_msg("change %zu is told as: %s", i, cf_buf_str(&said));
        world_free(w);
    }
}

/* Between the start of a run and its copying the source changes: nothing is written. */
static void a_run_started_on_a_diff_copies_that_source_or_holds(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    json_object_set_new(w->row, "memo",
                        json_pack("{s:{s:s,s:s}}", "diff", "digest", "d", "inventory", "old"));
    run_until(w, "source-changed", 50);
    assert_int_equal(replicas(w->dc2), -1);
    assert_non_null(strstr(hold_message(w), "no longer what the diff showed"));
    act(w, "resume");
    run_until(w, "completed", 200);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_is_what_is_written),
        cmocka_unit_test(the_digest_moves_with_what_would_be_written),
        cmocka_unit_test(a_run_started_on_a_diff_copies_that_source_or_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
