/* SPDX-License-Identifier: Apache-2.0 */
/* Proves how the floors of an adopted source are set: through the control plane's template, done when
 * the source shows it, a wait until then and a hold of the federation when it takes too long. A
 * control plane that is behind is not a cluster that cannot be reached. */
#include "orchestrator/engine/steps/floors.h"

#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

enum { COPY_TIMEOUT_MS = 60000 };

#define FLOOR_OF(n)                                                                                \
    "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{'name':'echo',"   \
    "'namespace':'web','labels':{'karmada.io/managed':'true'}},'spec':{'minReplicas':" #n "}}"

struct scene {
    struct cf_fake_kube *source, *hub;
    struct cf_plan plan;
    struct cf_live run;
    struct cf_ports ports;
    struct cf_pass pass;
    struct cf_step step;
    json_t *floors;
};

static bool kube_of(void *self, const char *cluster, struct cf_kube **out, struct cf_error *err)
{
    struct scene *s = self;
    (void)err;
    *out = cf_fake_kube_client(strcmp(cluster, "hub") == 0 ? s->hub : s->source, cluster);
    return true;
}

static void put(struct cf_fake_kube *f, const char *text)
{
    cf_autojson json_t *object = cf_test_json(text);
    cf_fake_kube_put_json(f, object);
}

static int64_t floor_in(struct cf_fake_kube *f)
{
    cf_autojson json_t *hpa =
        cf_fake_kube_peek(f, "autoscaling/v2", "HorizontalPodAutoscaler", "web", "echo");
    return cf_json_int(hpa, -1, "spec", "minReplicas", NULL);
}

static int begin(void **state)
{
    struct scene *s = cf_xcalloc(1, sizeof *s);
    s->source = cf_fake_kube_new();
    s->hub = cf_fake_kube_new();
    put(s->source, FLOOR_OF(1));
    put(s->hub, FLOOR_OF(1));
    s->floors = cf_test_json("[{'name':'echo','had':1,'raised':3}]");
    s->plan = (struct cf_plan){ .source_cluster = "east", .source_namespace = "web" };
    s->plan.copy = (struct cf_plan_copy){ .method = CF_PLAN_COPY_KARMADA,
                                          .mode = CF_PLAN_COPY_ADOPT,
                                          .control_plane = "hub",
                                          .timeout_ms = COPY_TIMEOUT_MS };
    s->run.plan = &s->plan;
    s->ports.clusters.kube = kube_of;
    s->ports.clusters.self = s;
    s->step.started_ms = 1000;
    s->pass = (struct cf_pass){ .run = &s->run, .ports = &s->ports, .now_wall = 1000 };
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;
    cf_fake_kube_free(s->source);
    cf_fake_kube_free(s->hub);
    json_decref(s->floors);
    free(s);
    return 0;
}

static struct cf_outcome raise_now(struct scene *s)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_outcome out = { 0 };
    if (!cf_floors_raise(&s->pass, &s->step, s->floors, &out, &err))
        fail_msg("%s", err.message);
    return out;
}

static void it_waits_until_the_source_follows(void **state)
{
    struct scene *s = *state;
    struct cf_outcome out = raise_now(s);
    assert_int_equal(out.kind, CF_OUT_WAIT);
    assert_non_null(strstr(out.message, "hub has yet to set the floor of autoscaler echo"));
    assert_int_equal(floor_in(s->hub), 3);
    assert_int_equal(floor_in(s->source), 1);
    put(s->source, FLOOR_OF(3));
    assert_int_equal(raise_now(s).kind, CF_OUT_DONE);
}

static void too_long_is_a_hold_of_the_federation(void **state)
{
    struct scene *s = *state;
    s->pass.now_wall += COPY_TIMEOUT_MS;
    struct cf_outcome out = raise_now(s);
    assert_int_equal(out.kind, CF_OUT_HOLD);
    assert_int_equal(out.hold.reason, CF_HOLD_FEDERATION);
    assert_non_null(strstr(out.hold.message, "crossfade cluster check hub"));
}

static void what_is_no_longer_managed_is_written_itself(void **state)
{
    struct scene *s = *state;
    put(s->source,
        "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{'name':'echo',"
        "'namespace':'web'},'spec':{'minReplicas':1}}");
    assert_int_equal(raise_now(s).kind, CF_OUT_DONE);
    assert_int_equal(floor_in(s->source), 3);
    assert_int_equal(floor_in(s->hub), 3);
}

static void somebody_elses_floor_stays(void **state)
{
    struct scene *s = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_outcome out = { 0 };
    put(s->source, FLOOR_OF(7));
    put(s->hub, FLOOR_OF(7));
    assert_true(cf_floors_give_back(&s->pass, &s->step, s->floors, &out, &err));
    assert_int_equal(out.kind, CF_OUT_DONE);
    assert_int_equal(floor_in(s->source), 7);
    assert_int_equal(floor_in(s->hub), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_waits_until_the_source_follows, begin, end),
        cmocka_unit_test_setup_teardown(too_long_is_a_hold_of_the_federation, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_longer_managed_is_written_itself, begin, end),
        cmocka_unit_test_setup_teardown(somebody_elses_floor_stays, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
