/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that destinations are read from plans and objects as their own system reads them, and that
 * two are the same only by their whole identity. */
#include "tests/unit/lb/fixtures.h"

static void plans_are_read(void **state)
{
    (void)state;
    static const struct {
        enum cf_router_type type;
        const char *value, *text;
    } cases[] = {
        { VS, "'web'", "web.shop.svc.cluster.local" },
        { VS, "'web:8080'", "web.shop.svc.cluster.local:8080" },
        { VS, "'Web.Other.svc.cluster.local.'", "web.other.svc.cluster.local" },
        { VS, "'app.ns.remote'", "app.ns.remote" },
        { VS, "{'host':'web','subset':'v2'}", "web.shop.svc.cluster.local subset v2" },
        { VS, "{'host':'web','port':80}", "web.shop.svc.cluster.local:80" },
        { HR, "'web'", "Service shop/web" },
        { HR, "'other/web:80'", "Service other/web:80" },
        { HR, "{'name':'web','kind':'ServiceImport','group':'multicluster.x-k8s.io'}",
          "ServiceImport shop/web" },
        { HR, "{'name':'web','namespace':'other','port':'80'}", "Service other/web:80" },
        { ING, "'web:http'", "Service shop/web:http" },
        { ING, "{'service':'web','port':80}", "Service shop/web:80" },
        { ING, "{'name':'web'}", "Service shop/web" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_destination d;
        struct cf_error err = CF_ERROR_INIT;
        char text[CF_DEST_TEXT_MAX];
        cf_autojson json_t *value = js(cases[i].value);
        assert_ok(cf_destination_parse(cases[i].type, "shop", value, &d, &err), &err);
        assert_string_equal(cf_destination_text(cases[i].type, &d, text), cases[i].text);
    }
}

static void wrong_plans_name_the_member(void **state)
{
    (void)state;
    static const struct {
        enum cf_router_type type;
        const char *value, *field;
    } cases[] = {
        { VS, "''", "" },
        { VS, "3", "" },
        { VS, "{'name':'web'}", "name" },
        { VS, "{'subset':'v1'}", "host" },
        { VS, "'web:'", "port" },
        { VS, "'web:http'", "port" },
        { VS, "{'host':'web','port':0}", "port" },
        { HR, "{'host':'web'}", "host" },
        { HR, "{'namespace':'x'}", "name" },
        { HR, "'web:99999'", "port" },
        { ING, "'other/web'", "name" },
        { ING, "{'namespace':'x','name':'web'}", "namespace" },
        { ING, "{'name':7}", "name" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_destination d;
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *value = js(cases[i].value);
        assert_false(cf_destination_parse(cases[i].type, "shop", value, &d, &err));
        assert_int_equal(err.kind, CF_ERR_INVALID);
        assert_string_equal(err.field, cases[i].field);
    }
}

static void long_names_are_refused(void **state)
{
    (void)state;
    char name[400];
    struct cf_destination d;
    struct cf_error err = CF_ERROR_INIT;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    cf_autojson json_t *value = json_string(name);
    for (int type = 0; type < CF_ROUTER_TYPES; type++)
        assert_fails(cf_destination_parse((enum cf_router_type)type, "shop", value, &d, &err), &err,
                     CF_ERR_INVALID, "too long");
}

static void identity_is_whole(void **state)
{
    (void)state;
    static const struct {
        enum cf_router_type type;
        const char *wanted, *entry;
        bool same;
    } cases[] = {
        { VS, "web", "{'host':'web'}", true },
        { VS, "web", "{'host':'web','port':{'number':80}}", true },
        { VS, "web:80", "{'host':'web','port':{'number':80}}", true },
        { VS, "web:80", "{'host':'web','port':{'number':81}}", false },
        { VS, "web:80", "{'host':'web'}", false },
        { VS, "web", "{'host':'web.shop.svc.cluster.local'}", true },
        { VS, "web", "{'host':'WEB'}", true },
        { VS, "web", "{'host':'web.other.svc.cluster.local'}", false },
        { VS, "web", "{'host':'web.shop.remote'}", false },
        { VS, "web", "{'host':'web','subset':'v1'}", false },
        { VS, "{'host':'web','subset':'v1'}", "{'host':'web','subset':'v1'}", true },
        { VS, "{'host':'web','subset':'v1'}", "{'host':'web','subset':'v2'}", false },
        { HR, "web", "{'name':'web','port':80}", true },
        { HR, "web", "{'name':'web','group':'','kind':'Service','namespace':'shop','port':80}",
          true },
        { HR, "web", "{'name':'web','namespace':'other'}", false },
        { HR, "other/web", "{'name':'web','namespace':'other'}", true },
        { HR, "web", "{'name':'web','kind':'ServiceImport','group':'multicluster.x-k8s.io'}",
          false },
        { HR, "web:80", "{'name':'web','port':8080}", false },
        { ING, "web", "{'service':{'name':'web','port':{'number':80}}}", true },
        { ING, "web:http", "{'service':{'name':'web','port':{'name':'http'}}}", true },
        { ING, "web:80", "{'service':{'name':'web','port':{'name':'http'}}}", false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_destination wanted = dest(cases[i].type, cases[i].wanted), present;
        cf_autojson json_t *entry = js(cases[i].entry);
        assert_true(cf_destination_read(cases[i].type, "shop", entry, &present));
        if (cf_destination_matches(cases[i].type, &wanted, &present) != cases[i].same)
            fail_msg("%s against %s", cases[i].wanted, cases[i].entry);
    }
}

static void what_is_no_destination(void **state)
{
    (void)state;
    struct cf_destination d;
    static const char *const entries[] = { "{}", "{'resource':{'kind':'Bucket','name':'b'}}",
                                           "{'host':''}", "[]" };
    for (size_t i = 0; i < CF_ARRAY_LEN(entries); i++) {
        cf_autojson json_t *entry = js(entries[i]);
        for (int type = 0; type < CF_ROUTER_TYPES; type++)
            assert_false(cf_destination_read((enum cf_router_type)type, "shop", entry, &d));
    }
}

static void written_as_the_object_has_it(void **state)
{
    (void)state;
    static const struct {
        enum cf_router_type type;
        const char *text, *json;
    } cases[] = {
        { VS, "web:80", "{'host':'web.shop.svc.cluster.local','port':{'number':80}}" },
        { VS, "{'host':'web','subset':'v1'}",
          "{'host':'web.shop.svc.cluster.local','subset':'v1'}" },
        { HR, "web:80", "{'group':'','kind':'Service','name':'web','port':80}" },
        { HR, "other/web:80",
          "{'group':'','kind':'Service','name':'web','namespace':'other','port':80}" },
        { ING, "web:80", "{'service':{'name':'web','port':{'number':80}}}" },
        { ING, "web:http", "{'service':{'name':'web','port':{'name':'http'}}}" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_destination d = dest(cases[i].type, cases[i].text), again;
        cf_autojson json_t *j = cf_destination_json(cases[i].type, "shop", &d);
        assert_json(j, cases[i].json);
        assert_true(cf_destination_read(cases[i].type, "shop", j, &again));
        assert_true(cf_destination_matches(cases[i].type, &d, &again));
    }
}

static void the_service_and_its_bridge(void **state)
{
    (void)state;
    static const struct {
        enum cf_router_type type;
        const char *text;
        const char *service; /* NULL: none of this cluster */
        const char *beside;
    } cases[] = {
        { VS, "{'host':'web','subset':'v1','port':80}", "shop/web",
          "bridge.shop.svc.cluster.local:80" },
        { VS, "web.a.svc.corp.internal", "a/web", "bridge.a.svc.corp.internal" },
        { VS, "web.example.com", NULL, "bridge.example.com" },
        { HR, "other/web:80", "other/web", "Service other/bridge:80" },
        { HR, "{'name':'web','kind':'ServiceImport','group':'x'}", NULL,
          "ServiceImport shop/bridge" },
        { ING, "web:http", "shop/web", "Service shop/bridge:http" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_destination d = dest(cases[i].type, cases[i].text), beside;
        char ns[CF_DEST_WORD_MAX], name[CF_DEST_NAME_MAX], got[400], text[CF_DEST_TEXT_MAX];
        bool has = cf_destination_service(cases[i].type, &d, ns, name);
        assert_int_equal(has, cases[i].service != NULL);
        if (has) {
            snprintf(got, sizeof got, "%s/%s", ns, name);
            assert_string_equal(got, cases[i].service);
        }
        cf_destination_beside(cases[i].type, &d, "bridge", &beside);
        assert_string_equal(cf_destination_text(cases[i].type, &beside, text), cases[i].beside);
    }
}

static void types_have_names(void **state)
{
    (void)state;
    enum cf_router_type type = CF_ROUTER_TYPES;
    for (int i = 0; i < CF_ROUTER_TYPES; i++) {
        assert_true(cf_router_type_parse(cf_router_type_name((enum cf_router_type)i), &type));
        assert_int_equal(type, i);
    }
    assert_false(cf_router_type_parse("tcpRoute", &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_read),
        cmocka_unit_test(wrong_plans_name_the_member),
        cmocka_unit_test(long_names_are_refused),
        cmocka_unit_test(identity_is_whole),
        cmocka_unit_test(what_is_no_destination),
        cmocka_unit_test(written_as_the_object_has_it),
        cmocka_unit_test(the_service_and_its_bridge),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
