/* SPDX-License-Identifier: Apache-2.0 */
/* What a right plan becomes: defaults, short forms, the effective form (golden files), the digest,
 * the typed form. CROSSFADE_UPDATE=1 writes the golden files. */
#include <stdio.h>

#include "base/yaml.h"
#include "orchestrator/plan/plan.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

#define EXAMPLES "docs/examples/"
#define GOLDEN   "tests/data/"

#define HEAD "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nmetadata: {name: web}\n"
#define ENDS "  source: {cluster: dc1, namespace: web}\n  target: {cluster: dc2}\n"
#define TAIL "  traffic:\n    router: {type: virtualService, name: web}\n    steps: [100]\n"

static void print_issues(const struct cf_plan_issues *issues)
{
    struct cf_buf out CF_CLEANUP(cf_buf_free) = CF_BUF_INIT(1 << 20);
    cf_plan_issues_text(issues, NULL, &out);
    print_error("%s", cf_buf_str(&out));
}

/* Must be accepted. Free with cf_plan_free. */
static struct cf_plan *decode_as(const char *text, enum cf_plan_media media)
{
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *plan = NULL;
    if (!cf_plan_decode(text, strlen(text), media, &plan, NULL, &issues)) {
        print_issues(&issues);
        fail_msg("refused");
    }
    return plan;
}

static struct cf_plan *decode(const char *text)
{
    return decode_as(text, CF_PLAN_YAML);
}

static struct cf_plan *decode_file(const char *path)
{
    cf_autofree char *text = cf_test_read_file(path, NULL);
    return decode(text);
}

static void check_golden(const struct cf_plan *plan, const char *path)
{
    cf_autofree char *is = cf_json_dump_pretty(plan->effective);
    if (getenv("CROSSFADE_UPDATE")) {
        cf_autofree char *full = cf_xasprintf("%s/%s", CF_SOURCE_DIR, path);
        FILE *f = fopen(full, "wb");
        assert_non_null(f);
        fprintf(f, "%s\n", is);
        fclose(f);
    }
    cf_autofree char *want = cf_test_read_file(path, NULL);
    cf_autofree char *line = cf_xasprintf("%s\n", is);
    assert_string_equal(line, want);
}

static void the_examples_decode_to_their_golden_form(void **state)
{
    (void)state;
    struct cf_plan *first CF_CLEANUP(cf_plan_free_p) = decode_file(EXAMPLES "first-plan.yaml");
    struct cf_plan *complete CF_CLEANUP(cf_plan_free_p) =
        decode_file(EXAMPLES "complete-plan.yaml");
    check_golden(first, GOLDEN "effective_first_plan.json");
    check_golden(complete, GOLDEN "effective_complete_plan.json");
}

static void the_first_plan_has_these_defaults(void **state)
{
    (void)state;
    struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = decode_file(EXAMPLES "first-plan.yaml");
    assert_string_equal(p->name, "web-dc1-to-dc2");
    assert_null(p->description);
    assert_int_equal(json_object_size(p->labels), 0);
    assert_string_equal(p->source_cluster, "dc1");
    assert_string_equal(p->source_namespace, "web");
    assert_string_equal(p->target_cluster, "dc2");
    assert_string_equal(p->target_namespace, "web");
    assert_true(p->create_namespace);
    assert_int_equal(p->workloads.n_include, 0);
    assert_int_equal(p->workloads.on_conflict, CF_PLAN_CONFLICT_FAIL);
    assert_int_equal(p->workloads.start, CF_PLAN_START_AUTO);
    assert_int_equal(p->workloads.replicas_min, 1);
    assert_int_equal(p->copy.timeout_ms, 30 * 60 * 1000);
    assert_int_equal(p->traffic.n_routers, 1);
    const struct cf_plan_router *r = &p->traffic.routers[0];
    assert_string_equal(r->name, "web");
    assert_string_equal(r->object, "web");
    assert_int_equal(r->type, CF_PLAN_ROUTER_VIRTUAL_SERVICE);
    assert_string_equal(r->cluster, "dc1");
    assert_string_equal(r->namespace_, "web");
    assert_int_equal(r->pick, CF_PLAN_PICK_ONLY);
    assert_null(r->source);
    assert_null(r->target);
    assert_int_equal(r->reach, CF_PLAN_REACH_ENDPOINTS);
    assert_int_equal(p->traffic.reach, CF_PLAN_REACH_ENDPOINTS);
    assert_int_equal(p->traffic.n_steps, 4);
    assert_int_equal(p->traffic.steps[1].weight, 25);
    assert_int_equal(p->traffic.steps[1].hold_ms, 300000);
    assert_int_equal(p->traffic.deadline_ms, 0);
    assert_int_equal(p->traffic.on_drift, CF_PLAN_DRIFT_PAUSE);
    assert_int_equal(p->n_gates, 1);
    assert_string_equal(p->gates[0].name, "success-rate");
    assert_int_equal(p->gates[0].type, CF_PLAN_GATE_SUCCESS_RATE);
    assert_float_equal(p->gates[0].min, 0.995, 1e-12);
    assert_float_equal(p->gates[0].detect, 0.05, 1e-12);
    assert_float_equal(p->gates[0].alpha, 0.01, 1e-12);
    assert_int_equal(p->gates[0].interval_ms, 1000);
    assert_int_equal(p->gates[0].min_requests, 0);
    assert_null(p->gates[0].cluster);
    assert_int_equal(p->no_data_wait_ms, 600000);
    assert_int_equal(p->no_data_then, CF_PLAN_NO_DATA_PAUSE);
    assert_int_equal(p->rollback_on, CF_PLAN_ROLLBACK_ON_GATE | CF_PLAN_ROLLBACK_ON_DEADLINE);
    assert_int_equal(p->commit, CF_PLAN_COMMIT_MANUAL);
    assert_int_equal(p->cleanup_source, CF_PLAN_CLEANUP_SCALE_TO_ZERO);
    assert_int_equal(p->cleanup_after_ms, 0);
    assert_false(p->volumes.given);
    assert_int_equal(p->traffic.writers, CF_PLAN_WRITERS_NONE);
}

/* One step is no split, so that the switch can only come before it. */
static void data_behind_one_step_has_one_writer_without_saying_so(void **state)
{
    (void)state;
    static const char text[] =
        "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nmetadata: {name: db}\nspec:\n"
        "  source: {cluster: dc1, namespace: db}\n  target: {cluster: dc2}\n"
        "  volumes: {default: {strategy: none}, claims: [{name: data-*, strategy: veleroSnapshot}]}\n"
        "  traffic:\n    router: {type: virtualService, name: db}\n    steps: [100]\n";
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = NULL;
    assert_true(cf_plan_decode(text, strlen(text), CF_PLAN_YAML, &p, NULL, &issues));
    assert_true(p->volumes.moves);
    assert_int_equal(p->traffic.writers, CF_PLAN_WRITERS_SINGLE);
    assert_int_equal(p->traffic.switch_weight, 0);
    assert_false(p->reverse_data);
    assert_string_equal(cf_json_str(p->effective, "", "spec", "rollback", "targetData", NULL),
                        "discard");
}

static void the_complete_plan_is_typed(void **state)
{
    (void)state;
    struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = decode_file(EXAMPLES "complete-plan.yaml");
    assert_string_equal(cf_json_str(p->labels, "", "change", NULL), "CHG-4711");
    const struct cf_plan_workloads *w = &p->workloads;
    assert_int_equal(w->n_include, 4);
    assert_string_equal(w->include[0].match.selector, "app.kubernetes.io/part-of=payments");
    assert_int_equal(w->include[0].on_conflict, CF_PLAN_CONFLICT_FAIL);
    assert_int_equal(w->include[1].on_conflict, CF_PLAN_CONFLICT_ADOPT);
    assert_int_equal(w->include[2].start, CF_PLAN_START_AT_SWITCH);
    assert_string_equal(w->include[2].match.api_version, "apps/v1");
    assert_int_equal(w->include[2].n_after, 0);
    assert_int_equal(w->include[3].n_after, 1);
    assert_string_equal(w->include[3].after[0], "StatefulSet/ledger-cache");
    assert_int_equal(w->n_exclude, 1);
    assert_string_equal(w->exclude[0].name, "tls-legacy-*");
    assert_int_equal(w->n_transforms, 2);
    assert_string_equal(w->transforms[0].match.kind, "PersistentVolumeClaim");
    assert_non_null(w->transforms[0].merge_patch);
    assert_null(w->transforms[0].image_from);
    assert_null(w->transforms[1].match.kind);
    assert_string_equal(w->transforms[1].image_to, "registry.dc2.example.org");
    assert_int_equal(w->replicas_min, 2);
    const struct cf_plan_traffic *t = &p->traffic;
    assert_int_equal(t->n_routers, 3);
    assert_int_equal(t->routers[0].pick, CF_PLAN_PICK_NAME);
    assert_string_equal(t->routers[0].pick_name, "primary");
    assert_string_equal(t->routers[0].source->host, "payments.payments.svc.cluster.local");
    assert_int_equal(t->routers[0].source->port, 8080);
    assert_int_equal(t->routers[1].pick, CF_PLAN_PICK_MATCH);
    assert_string_equal(cf_json_str(t->routers[1].pick_match, "", "path", "value", NULL), "/pay");
    assert_string_equal(t->routers[1].cluster, "edge");
    assert_string_equal(t->routers[1].source->kind, "Service");
    assert_int_equal(t->routers[2].type, CF_PLAN_ROUTER_INGRESS);
    assert_string_equal(t->routers[2].host, "partners.example.org");
    assert_string_equal(t->routers[2].source->port_name, "http");
    assert_int_equal(t->routers[2].reach, CF_PLAN_REACH_ADDRESS);
    assert_int_equal(t->n_addresses, 2);
    assert_string_equal(t->addresses[1], "10.20.0.6");
    assert_int_equal(t->ports[0].port, 30080);
    assert_int_equal(t->n_steps, 5);
    assert_int_equal(t->steps[2].hold_ms, 15 * 60000);
    assert_int_equal(t->deadline_ms, 8 * 3600000);
    assert_int_equal(p->n_gates, 3);
    assert_float_equal(p->gates[0].detect, 0.02, 1e-12);
    assert_int_equal(p->gates[0].min_requests, 500);
    assert_int_equal(p->gates[1].max_ms, 500);
    assert_string_equal(p->gates[1].cluster, "edge");
    assert_non_null(p->gates[2].total);
    assert_int_equal(p->gates[2].interval_ms, 15000);
    assert_int_equal(p->cleanup_after_ms, (int64_t)72 * 3600000);
    const struct cf_plan_volumes *v = &p->volumes;
    assert_true(v->given && v->moves && v->rehearse);
    assert_int_equal(v->sync_every_ms, 15 * 60000);
    assert_int_equal(v->passes, 2);
    assert_int_equal(v->max_pause_ms, 90000);
    assert_int_equal(v->on_exceeded, CF_PLAN_EXCEEDED_ROLLBACK);
    assert_string_equal(v->location, "dc1-to-dc2");
    assert_string_equal(v->back_location, "dc2-to-dc1");
    assert_int_equal(t->writers, CF_PLAN_WRITERS_SINGLE);
    assert_int_equal(t->switch_weight, 100);
    assert_true(p->reverse_data);
}

/* The three short forms mean exactly their long ones. */
static void short_forms_are_their_long_forms(void **state)
{
    (void)state;
    struct cf_plan *brief CF_CLEANUP(cf_plan_free_p) =
        decode(HEAD "spec:\n" ENDS "  traffic:\n    router: {type: httpRoute, name: web, rule: 2}\n"
                    "    steps: [5, {weight: 50, hold: 1h}, 100]\n"
                    "  gates:\n    - successRate: \">=99.9%\"\n");
    struct cf_plan *full CF_CLEANUP(cf_plan_free_p) =
        decode(HEAD "spec:\n" ENDS "  traffic:\n"
                    "    routers: [{name: web, type: httpRoute, object: web, rule: 2}]\n"
                    "    steps: [{weight: 5}, {weight: 50, hold: 60m}, {weight: 100}]\n"
                    "  gates:\n    - {name: success-rate, type: successRate, min: 99.9%}\n");
    assert_string_equal(brief->digest, full->digest);
    assert_int_equal(brief->traffic.routers[0].pick, CF_PLAN_PICK_INDEX);
    assert_int_equal(brief->traffic.routers[0].pick_index, 2);
    struct cf_plan *other CF_CLEANUP(cf_plan_free_p) = decode(
        HEAD "spec:\n" ENDS "  traffic:\n    router: {type: httpRoute, name: edge, object: web}\n"
             "    steps: [100]\n");
    assert_string_equal(other->traffic.routers[0].object, "web");
    assert_string_equal(other->traffic.routers[0].name, "edge");
}

static void the_digest_is_of_the_meaning(void **state)
{
    (void)state;
    static const char *const same[] = {
        HEAD "spec:\n" ENDS TAIL,
        "# a comment\n" HEAD "spec:\n" TAIL ENDS,                   /* another order */
        HEAD "spec:\n" ENDS TAIL "  gates: []\n  commit: manual\n", /* defaults written out */
        HEAD "spec:\n" ENDS TAIL "    hold: 300s\n", /* another text of the same duration */
        HEAD "spec:\n" ENDS TAIL "  rollback: {on: [deadline, gate]}\n", /* a set has no order */
        "{kind: MigrationPlan, apiVersion: crossfade.dev/v1alpha1, metadata: {name: 'web'},\n"
        " spec: {target: {cluster: dc2, namespace: web}, source: {namespace: web, cluster: dc1},\n"
        " traffic: {steps: [100], router: {name: web, type: virtualService}}}}",
    };
    struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = decode(same[0]);
    assert_int_equal(strlen(p->digest), 64);
    for (size_t i = 1; i < CF_ARRAY_LEN(same); i++) {
        struct cf_plan *q CF_CLEANUP(cf_plan_free_p) = decode(same[i]);
        assert_string_equal(q->digest, p->digest);
    }
    struct cf_plan *json CF_CLEANUP(cf_plan_free_p) = decode_as(
        "{\"kind\":\"MigrationPlan\",\"apiVersion\":\"crossfade.dev/v1alpha1\",\"metadata\":{"
        "\"name\":\"web\"},\"spec\":{\"source\":{\"cluster\":\"dc1\",\"namespace\":\"web\"},"
        "\"target\":{\"cluster\":\"dc2\"},\"traffic\":{\"router\":{\"type\":\"virtualService\","
        "\"name\":\"web\"},\"steps\":[100]}}}",
        CF_PLAN_JSON);
    assert_string_equal(json->digest, p->digest);
    struct cf_plan *other CF_CLEANUP(cf_plan_free_p) =
        decode(HEAD "spec:\n" ENDS TAIL "    hold: 301s\n");
    assert_string_not_equal(other->digest, p->digest);
}

/* The digest is the SHA-256 of the RFC 8785 form, so that anybody can compute it. */
static void the_digest_can_be_computed_elsewhere(void **state)
{
    (void)state;
    struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = decode(HEAD "spec:\n" ENDS TAIL);
    cf_autofree char *canonical = cf_json_canonical(p->effective);
    char digest[CF_SHA256_HEX];
    assert_string_equal(cf_sha256_hex(canonical, strlen(canonical), digest), p->digest);
    assert_memory_equal(canonical, "{\"apiVersion\":\"crossfade.dev/v1alpha1\",\"kind\":", 46);
}

/* Storing and reading back, as YAML too, changes nothing. */
static void the_effective_form_decodes_to_itself(void **state)
{
    (void)state;
    static const char *const paths[] = { EXAMPLES "first-plan.yaml",
                                         EXAMPLES "complete-plan.yaml" };
    for (size_t i = 0; i < CF_ARRAY_LEN(paths); i++) {
        struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = decode_file(paths[i]);
        struct cf_error err = CF_ERROR_INIT;
        struct cf_plan *stored CF_CLEANUP(cf_plan_free_p) =
            cf_plan_from_effective(p->effective, &err);
        assert_ok(stored, &err);
        assert_string_equal(stored->digest, p->digest);
        cf_autofree char *yaml = cf_yaml_dump(p->effective);
        struct cf_plan *shown CF_CLEANUP(cf_plan_free_p) = decode(yaml);
        assert_string_equal(shown->digest, p->digest);
    }
}

static void a_stored_form_of_another_version_is_refused(void **state)
{
    (void)state;
    struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = decode(HEAD "spec:\n" ENDS TAIL);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *unknown = cf_json_copy(p->effective);
    cf_json_put_take(unknown, json_integer(1), "spec", "frobnicate", NULL);
    struct cf_plan *refused = cf_plan_from_effective(unknown, &err);
    assert_null(refused);
    assert_string_equal(err.field, "/spec/frobnicate");
    assert_fails(refused, &err, CF_ERR_INVALID, "unknown field \"frobnicate\"");
    cf_autojson json_t *incomplete = cf_json_copy(p->effective);
    cf_json_del(incomplete, "spec", "commit", NULL);
    refused = cf_plan_from_effective(incomplete, &err);
    assert_fails(refused, &err, CF_ERR_INVALID, "not an effective form");
}

static void reach_follows_the_destinations(void **state)
{
    (void)state;
    struct cf_plan *existing CF_CLEANUP(cf_plan_free_p) = decode(
        HEAD
        "spec:\n" ENDS "  traffic:\n    router: {type: virtualService, name: web,\n"
        "             destinations: {target: {host: web.dc2.example.org}}}\n    steps: [100]\n");
    assert_int_equal(existing->traffic.reach, CF_PLAN_REACH_EXISTING);
    assert_int_equal(existing->traffic.routers[0].reach, CF_PLAN_REACH_EXISTING);
    struct cf_plan *mixed CF_CLEANUP(cf_plan_free_p) =
        decode(HEAD "spec:\n" ENDS
                    "  traffic:\n    routers:\n      - {name: a, type: virtualService, object: a,\n"
                    "         destinations: {target: {host: web.dc2.example.org}}}\n"
                    "      - {name: b, type: ingress, object: b}\n    steps: [100]\n");
    assert_int_equal(mixed->traffic.reach, CF_PLAN_REACH_ENDPOINTS);
    assert_int_equal(mixed->traffic.routers[0].reach, CF_PLAN_REACH_EXISTING);
    assert_int_equal(mixed->traffic.routers[1].reach, CF_PLAN_REACH_ENDPOINTS);
}

static void the_document_is_given_back_as_written(void **state)
{
    (void)state;
    static const char text[] = HEAD "spec:\n" ENDS TAIL;
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *plan CF_CLEANUP(cf_plan_free_p) = NULL;
    cf_autojson json_t *document = NULL;
    assert_true(cf_plan_decode(text, strlen(text), CF_PLAN_YAML, &plan, &document, &issues));
    assert_int_equal(json_object_size(json_object_get(document, "spec")), 3);
    assert_string_equal(cf_json_str(document, "", "spec", "traffic", "router", "type", NULL),
                        "virtualService");
}

/* JSON that YAML 1.2 accepts and libyaml does not: decoding must not depend on the places. */
static void json_with_surrogates_decodes(void **state)
{
    (void)state;
    static const char text[] =
        "{\"kind\":\"MigrationPlan\",\"apiVersion\":\"crossfade.dev/v1alpha1\",\"metadata\":{"
        "\"name\":\"web\"},\"spec\":{\"description\":\"\\ud83d\\ude80 \\/\",\"source\":{"
        "\"cluster\":\"dc1\",\"namespace\":\"web\"},\"target\":{\"cluster\":\"dc2\"},\"traffic\":{"
        "\"router\":{\"type\":\"virtualService\",\"name\":\"web\"},\"steps\":[100]}}}";
    struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = decode_as(text, CF_PLAN_JSON);
    assert_string_equal(p->description, "\xf0\x9f\x9a\x80 /");
}

static void media_types(void **state)
{
    (void)state;
    enum cf_plan_media media;
    assert_true(cf_plan_media_of("application/json; charset=utf-8", &media));
    assert_int_equal(media, CF_PLAN_JSON);
    assert_true(cf_plan_media_of("Application/YAML", &media));
    assert_int_equal(media, CF_PLAN_YAML);
    assert_true(cf_plan_media_of("text/yaml", &media));
    assert_true(cf_plan_media_of("application/vnd.crossfade+json", &media));
    assert_int_equal(media, CF_PLAN_JSON);
    assert_false(cf_plan_media_of("application/xml", &media));
    assert_false(cf_plan_media_of("", &media));
    assert_false(cf_plan_media_of("+json", &media));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_decode_to_their_golden_form),
        cmocka_unit_test(the_first_plan_has_these_defaults),
        cmocka_unit_test(the_complete_plan_is_typed),
        cmocka_unit_test(data_behind_one_step_has_one_writer_without_saying_so),
        cmocka_unit_test(short_forms_are_their_long_forms),
        cmocka_unit_test(the_digest_is_of_the_meaning),
        cmocka_unit_test(the_digest_can_be_computed_elsewhere),
        cmocka_unit_test(the_effective_form_decodes_to_itself),
        cmocka_unit_test(a_stored_form_of_another_version_is_refused),
        cmocka_unit_test(reach_follows_the_destinations),
        cmocka_unit_test(the_document_is_given_back_as_written),
        cmocka_unit_test(json_with_surrogates_decodes),
        cmocka_unit_test(media_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
