/* SPDX-License-Identifier: Apache-2.0 */
/* Names of objects: what fits, what is refused, equality, texts. And lines out of chunks, discovery
 * documents to rows. */
#include "tests/support/test.h"

#include "federation/kube/discovery_parse.h"
#include "federation/kube/lines.h"
#include "federation/kube/ref.h"

static void test_refs(void **state)
{
    (void)state;
    char text[CF_REF_TEXT_MAX], gv[CF_API_VERSION_MAX];
    struct cf_object_ref a = cf_ref("apps/v1", "Deployment", "web", "echo");
    assert_true(cf_ref_is_valid(&a));
    assert_string_equal(cf_ref_text(&a, text), "Deployment web/echo");
    assert_string_equal(cf_ref_kubectl(&a, text), "deployment.apps/echo");
    assert_string_equal(cf_ref_api_version(&a, gv), "apps/v1");
    struct cf_object_ref core = cf_ref("v1", "Namespace", NULL, "web");
    assert_string_equal(cf_ref_api_version(&core, gv), "v1");
    assert_string_equal(cf_ref_kubectl(&core, text), "namespace/web");
    struct cf_object_ref newer = cf_ref("apps/v2", "Deployment", "web", "echo");
    assert_true(cf_ref_equal(&a, &newer));
    memcpy(newer.cluster, "dc1", 4);
    assert_false(cf_ref_equal(&a, &newer));
    assert_string_equal(cf_ref_text(&newer, text), "Deployment web/echo on dc1");
    assert_true(cf_ref_compare(&a, &core) > 0 && cf_ref_compare(&core, &a) < 0);
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    char name[300], ns[70];
    memset(name, 'a', sizeof name);
    memset(ns, 'b', sizeof ns);
    name[254] = ns[64] = '\0';
    struct cf_object_ref long_name = cf_ref("v1", "Pod", "web", name),
                         long_ns = cf_ref("v1", "Pod", ns, "a");
    struct cf_object_ref none = cf_ref(NULL, "Pod", "web", "a"),
                         empty = cf_ref("", "Pod", "web", "a");
    assert_false(cf_ref_is_valid(&long_name));
    assert_false(cf_ref_is_valid(&long_ns));
    assert_false(cf_ref_is_valid(&none));
    assert_false(cf_ref_is_valid(&empty));
    name[253] = ns[63] = '\0';
    long_name = cf_ref("v1", "Pod", ns, name);
    assert_true(cf_ref_is_valid(&long_name));
}

static void test_ref_of_object(void **state)
{
    (void)state;
    static const struct {
        const char *json, *field;
    } cases[] = {
        { "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"namespace\":"
          "\"b\"}}",
          NULL },
        { "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}}", NULL },
        { "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}", "/apiVersion" },
        { "{\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}", "/kind" },
        { "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{}}", "/metadata/name" },
        { "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":7}}", "/metadata/name" },
        { "[]", "/apiVersion" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_object_ref ref;
        cf_autojson json_t *object = cf_json_parse(cases[i].json, strlen(cases[i].json), 0, &err);
        bool ok = cf_ref_of(object, &ref, &err);
        assert_int_equal(ok, cases[i].field == NULL);
        if (!ok)
            assert_string_equal(err.field, cases[i].field);
    }
}

static bool join_line(void *arg, const char *line, size_t len)
{
    struct cf_buf *out = arg;
    cf_buf_append(out, line, len);
    cf_buf_putc(out, '|');
    return memchr(line, '!', len) == NULL;
}

static void test_lines_in_any_chunks(void **state)
{
    (void)state;
    static const char text[] = "one\ntwo\r\n\nthree, longer\nlast without end";
    for (size_t size = 1; size < sizeof text; size++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(1024);
        CF_CLEANUP(kube_lines_free) struct kube_lines lines = KUBE_LINES_INIT(64);
        for (size_t at = 0; at < sizeof text - 1; at += size) {
            bool too_long;
            assert_true(kube_lines_feed(&lines, text + at, CF_MIN(size, sizeof text - 1 - at),
                                        join_line, &out, &too_long));
        }
        assert_string_equal(cf_buf_str(&out), "one|two|three, longer|");
        assert_string_equal(cf_buf_str(&lines.rest), "last without end");
    }
}

static void test_lines_end(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(1024);
    CF_CLEANUP(kube_lines_free) struct kube_lines lines = KUBE_LINES_INIT(8);
    bool too_long;
    assert_false(kube_lines_feed(&lines, "a\nb!\nc\n", 7, join_line, &out, &too_long));
    assert_false(too_long);
    assert_string_equal(cf_buf_str(&out), "a|b!|");
    assert_false(kube_lines_feed(&lines, "123456789\n", 10, join_line, &out, &too_long));
    assert_true(too_long);
    kube_lines_reset(&lines);
    assert_true(kube_lines_feed(&lines, "12345", 5, join_line, &out, &too_long));
    assert_false(kube_lines_feed(&lines, "6789", 4, join_line, &out, &too_long));
    assert_true(too_long);
}

static void test_paths(void **state)
{
    (void)state;
    struct cf_kube_resource deployment = { .group = "apps",
                                           .version = "v1",
                                           .kind = "Deployment",
                                           .plural = "deployments",
                                           .namespaced = true };
    struct cf_kube_resource node = { .version = "v1", .kind = "Node", .plural = "nodes" };
    const struct {
        const struct cf_kube_resource *r;
        const char *ns, *name, *sub, *path; /* path NULL: refused */
    } cases[] = {
        { &deployment, "web", "echo", NULL, "/apis/apps/v1/namespaces/web/deployments/echo" },
        { &deployment, "web", "echo", "scale",
          "/apis/apps/v1/namespaces/web/deployments/echo/scale" },
        { &deployment, "web", NULL, NULL, "/apis/apps/v1/namespaces/web/deployments" },
        { &deployment, NULL, NULL, NULL, "/apis/apps/v1/deployments" },
        { &deployment, "", "echo", NULL, NULL },
        { &deployment, "a/b", "c%d", NULL, "/apis/apps/v1/namespaces/a%2Fb/deployments/c%25d" },
        { &node, NULL, "n:1", NULL, "/api/v1/nodes/n%3A1" },
        { &node, "web", "n", NULL, NULL },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(1024);
        bool ok = cf_kube_resource_path(cases[i].r, cases[i].ns, cases[i].name, cases[i].sub, &path,
                                        &err);
        assert_int_equal(ok, cases[i].path != NULL);
        if (ok)
            assert_string_equal(cf_buf_str(&path), cases[i].path);
    }
}

static const char AGGREGATED[] = "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{"
                                 "\"name\":\"networking.istio.io\"},\"versions\":["
                                 "{\"version\":\"v1\",\"freshness\":\"Current\",\"resources\":[{"
                                 "\"resource\":\"virtualservices\",\"responseKind\":"
                                 "{\"kind\":\"VirtualService\"},\"scope\":\"Namespaced\",\"verbs\":"
                                 "[\"get\",\"patch\",\"strange\"]}]},"
                                 "{\"version\":\"v1beta1\",\"freshness\":\"Current\",\"resources\":"
                                 "[{\"resource\":\"virtualservices\",\"responseKind\":"
                                 "{\"kind\":\"VirtualService\"},\"scope\":\"Namespaced\",\"verbs\":"
                                 "[]},{\"resource\":\"old\",\"responseKind\":{\"kind\":"
                                 "\"Old\"},\"scope\":\"Cluster\",\"verbs\":[\"list\"]}]}]},"
                                 "{\"metadata\":{\"name\":\"dead.io\"},\"versions\":[{\"version\":"
                                 "\"v1\",\"freshness\":\"Stale\"}]}]}";

static void test_aggregated_discovery(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_buf_free) struct cf_buf missing = CF_BUF_INIT(256);
    cf_autojson json_t *list = cf_json_parse(AGGREGATED, sizeof AGGREGATED - 1, 0, &err);
    struct kube_resources found = { 0 };
    assert_ok(kube_parse_aggregated(list, &found, &missing, &err), &err);
    assert_int_equal(found.n, 2);
    assert_string_equal(found.items[0].version, "v1");
    assert_int_equal(found.items[0].verbs, CF_KUBE_VERB_GET | CF_KUBE_VERB_PATCH);
    assert_string_equal(found.items[1].plural, "old");
    assert_string_equal(found.items[1].version, "v1beta1");
    assert_false(found.items[1].namespaced);
    assert_string_equal(cf_buf_str(&missing), "dead.io/v1");
    free(found.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refs),
        cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_ref_of_object),
        cmocka_unit_test(test_lines_in_any_chunks),
        cmocka_unit_test(test_lines_end),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_aggregated_discovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
