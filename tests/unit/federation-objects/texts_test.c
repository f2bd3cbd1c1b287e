/* SPDX-License-Identifier: Apache-2.0 */
/* Proves how texts are read: quantities with their suffixes, and host names where they stand. */
#include "tests/support/test.h"

#include "base/buf.h"
#include "federation/objects/mentions.h"
#include "federation/objects/quantity.h"
#include "federation/objects/routes.h"

static void quantities(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double want;
        bool is;
    } table[] = {
        { "2", 2, true },           { "500m", 0.5, true }, { "1Gi", 0x1p30, true },
        { "1.5Mi", 1572864, true }, { "1e3", 1000, true }, { "12E", 12e18, true },
        { "100n", 1e-7, true },     { "+1k", 1000, true }, { "", 0, false },
        { "lots", 0, false },       { "1GiB", 0, false },  { "0x10", 0, false },
        { "nan", 0, false },        { " 1", 0, false },    { "inf", 0, false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        cf_autojson json_t *text = json_string(table[i].text);
        double got = 0;
        bool is = cf_quantity_of(text, &got);
        double off = got - table[i].want;
        if (is != table[i].is || (is && (off > 1e-9 || off < -1e-9)))
            fail_msg("\"%s\": %d %f", table[i].text, is, got);
    }
    cf_autojson json_t *number = json_integer(3);
    double got = 0;
    assert_true(cf_quantity_of(number, &got) && got > 2.9 && got < 3.1);
    assert_false(cf_quantity_of(NULL, &got));
}

static void add(void *user, const char *host)
{
    struct cf_buf *out = user;
    cf_buf_printf(out, "%s%s", out->len ? " " : "", host);
}

static void hosts_where_they_stand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool whole;
        const char *want;
    } table[] = {
        { "redis", true, "redis" },
        { "redis", false, "" },
        { "search", false, "" },
        { "redis:6379", false, "redis" },
        { "http://cart.shop:8080/x", false, "cart.shop" },
        { "postgres://u:p@db/shop", false, "u db" },
        { "a: web.shop.svc.cluster.local\nb: other", false, "web.shop.svc.cluster.local" },
        { "web.shop.svc", false, "web.shop.svc" },
        { "at 10:30 the Cart_x:80 runs", false, "10" },
        { "kafka-0.kafka:9092,kafka-1.kafka:9092", false, "kafka-0.kafka kafka-1.kafka" },
        { "", true, "" },
        { "Redis:6379", false, "" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(1000);
        cf_mentions(table[i].text, table[i].whole, add, &out);
        if (strcmp(cf_buf_str(&out), table[i].want) != 0)
            fail_msg("\"%s\": %s", table[i].text, cf_buf_str(&out));
    }
    assert_true(cf_is_host_variable("REDIS_HOST"));
    assert_true(cf_is_host_variable("databaseUrl"));
    assert_false(cf_is_host_variable("MODE"));
}

static void hosts_as_a_mesh_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *host, *want;
    } table[] = {
        { "web", "Service shop/web" },
        { "web.shop", "Service shop/web" },
        { "web.other", " /web.other" },
        { "web.other.svc", "Service other/web" },
        { "web.shop.svc.cluster.local", "Service shop/web" },
        { "web.example.org", " /web.example.org" },
        { "web.shop.svcx", " /web.shop.svcx" },
        { "*", " /*" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_backend b = { 0 };
        cf_host_backend(table[i].host, "shop", &b);
        cf_autofree char *got = cf_xasprintf("%s %s/%s", b.kind, b.ns, b.name);
        assert_string_equal(got, table[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities),
        cmocka_unit_test(hosts_where_they_stand),
        cmocka_unit_test(hosts_as_a_mesh_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
