/* SPDX-License-Identifier: Apache-2.0 */
/* Proves: sets of fields and their text form agree with what a real API server writes; merging an
 * applied object follows keys of lists; taking a field out takes out what it leaves empty. */
#include "deploy/sandbox/api/fields.h"

#include <string.h>

#include "tests/support/test.h"

static json_t *parse(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), 0, &err);
    assert_non_null(j);
    return j;
}

static const struct sbx_kind *kind(const char *group, const char *plural)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    assert_non_null(k);
    return k;
}

static void check_set(const struct sbx_kind *k, const char *object, const char *fields_v1)
{
    cf_autojson json_t *obj = parse(object), *want = parse(fields_v1);
    cf_autojson json_t *set = sbx_fields_of(k, obj);
    cf_autojson json_t *got = sbx_fields_write(set);
    cf_autofree char *text = cf_json_dump(got);
    if (!cf_json_equal(got, want))
        fail_msg("%s instead of %s", text, fields_v1);
    /* Reading it back gives the same places. */
    cf_autojson json_t *back = sbx_fields_read(got);
    cf_autojson json_t *again = sbx_fields_write(back);
    assert_true(cf_json_equal(again, want));
}

static void test_sets(void **state)
{
    (void)state;
    check_set(kind("apps", "deployments"),
              "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"d\","
              "\"labels\":{\"a\":\"b\"}},\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{"
              "\"app\":\"d\"}},\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\","
              "\"image\":\"i\",\"ports\":[{\"containerPort\":80}],\"args\":[\"x\"]}]}}}}",
              "{\"f:metadata\":{\"f:labels\":{\"f:a\":{}}},\"f:spec\":{\"f:replicas\":{},\"f:"
              "selector\":{},\"f:template\":{\"f:spec\":"
              "{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:args\":{},\"f:"
              "image\":{},\"f:name\":{},\"f:ports\":"
              "{\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:"
              "containerPort\":{}}}}}}}}}");
    /* Lists of custom resources are one value. */
    check_set(kind("networking.istio.io", "virtualservices"),
              "{\"spec\":{\"hosts\":[\"a\"],\"http\":[{\"route\":[{\"weight\":1}]}]}}",
              "{\"f:spec\":{\"f:hosts\":{},\"f:http\":{}}}");
    check_set(kind("", "configmaps"),
              "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x/y\"]},\"data\":{}}",
              "{\"f:metadata\":{\"f:finalizers\":{\"v:\\\"x/y\\\"\":{}}},\"f:data\":{}}");
    check_set(
        kind("", "services"),
        "{\"spec\":{\"selector\":{\"a\":\"b\"},\"ports\":[{\"port\":80,\"protocol\":\"UDP\"}]}}",
        "{\"f:spec\":{\"f:selector\":{},\"f:ports\":{\"k:{\\\"port\\\":80,\\\"protocol\\\":"
        "\\\"UDP\\\"}\":{\".\":{},\"f:port\":{},"
        "\"f:protocol\":{}}}}}");
}

static void test_merge(void **state)
{
    (void)state;
    static const struct {
        const char *group, *plural, *live, *applied, *merged;
    } rows[] = {
        { "", "configmaps", "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"data\":{\"b\":\"3\"}}",
          "{\"data\":{\"a\":\"1\",\"b\":\"3\"}}" },
        { "", "services",
          "{\"spec\":{\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"name\":\"x\"}]}}",
          "{\"spec\":{\"ports\":[{\"port\":80,\"targetPort\":8080},{\"port\":81}]}}",
          "{\"spec\":{\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"name\":\"x\",\"targetPort\":"
          "8080},{\"port\":81}]}}" },
        { "", "services", "{\"spec\":{\"selector\":{\"a\":\"b\"}}}",
          "{\"spec\":{\"selector\":{\"c\":\"d\"}}}", "{\"spec\":{\"selector\":{\"c\":\"d\"}}}" },
        { "networking.istio.io", "virtualservices", "{\"spec\":{\"http\":[{\"name\":\"a\"}]}}",
          "{\"spec\":{\"http\":[{\"name\":\"b\"}]}}", "{\"spec\":{\"http\":[{\"name\":\"b\"}]}}" },
        { "", "configmaps", "{\"metadata\":{\"finalizers\":[\"a/b\"]}}",
          "{\"metadata\":{\"finalizers\":[\"c/d\",\"a/b\"]}}",
          "{\"metadata\":{\"finalizers\":[\"c/d\",\"a/b\"]}}" },
        { "", "services", "{\"spec\":{\"ports\":[{\"port\":81},{\"port\":82},{\"port\":80}]}}",
          "{\"spec\":{\"ports\":[{\"port\":80},{\"port\":83},{\"port\":81}]}}",
          "{\"spec\":{\"ports\":[{\"port\":82},{\"port\":80},{\"port\":83},{\"port\":81}]}}" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        cf_autojson json_t *live = parse(rows[i].live), *applied = parse(rows[i].applied),
                           *want = parse(rows[i].merged);
        cf_autojson json_t *got =
            sbx_fields_merge(kind(rows[i].group, rows[i].plural), live, applied);
        cf_autofree char *text = cf_json_dump(got);
        if (!cf_json_equal(got, want))
            fail_msg("row %zu: %s", i, text);
    }
}

static void test_drop(void **state)
{
    (void)state;
    cf_autojson json_t *o = parse("{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"ports\":[{"
                                  "\"port\":80},{\"port\":81,\"name\":\"x\"}]}}");
    sbx_fields_drop(o, "f:metadata" SBX_SEP "f:labels" SBX_SEP "f:a");
    sbx_fields_drop(o, "f:spec" SBX_SEP "f:ports" SBX_SEP "k:{\"port\":80,\"protocol\":\"TCP\"}");
    sbx_fields_drop(o, "f:spec" SBX_SEP "f:ports" SBX_SEP
                       "k:{\"port\":81,\"protocol\":\"TCP\"}" SBX_SEP "f:name");
    sbx_fields_drop(o, "f:spec" SBX_SEP "f:nothing" SBX_SEP "f:below");
    cf_autojson json_t *want = parse("{\"spec\":{\"ports\":[{\"port\":81}]}}");
    cf_autofree char *text = cf_json_dump(o);
    if (!cf_json_equal(o, want))
        fail_msg("%s", text);
}

static void test_text(void **state)
{
    (void)state;
    cf_autofree char *a = sbx_field_text("f:spec" SBX_SEP "f:containers" SBX_SEP
                                         "k:{\"name\":\"c\"}" SBX_SEP "f:image");
    assert_string_equal(a, ".spec.containers[name=\"c\"].image");
    cf_autofree char *b = sbx_field_text("f:metadata" SBX_SEP "f:finalizers" SBX_SEP "v:\"x/y\"");
    assert_string_equal(b, ".metadata.finalizers[=\"x/y\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
