/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that whatever the weights and the neighbours, ours sum to our share, others keep theirs,
 * every destination keeps its place and identity, what integers cannot express is refused, and the
 * way back is exact. Random, by a fixed seed. */
#include "lb/kinds.h"
#include "tests/support/random.h"
#include "tests/unit/lb/fixtures.h"

static void splitting(void **state)
{
    (void)state;
    for (int share = 0; share <= 300; share++) {
        for (int percent = -1; percent <= 101; percent++) {
            int source = -7, target = -7;
            bool can = cf_share_split(share, percent, &source, &target);
            assert_int_equal(can, share > 0 && percent >= 0 && percent <= 100 &&
                                      share * percent % 100 == 0);
            if (!can)
                continue;
            assert_int_equal(source + target, share);
            assert_true(source >= 0 && target >= 0);
            assert_int_equal(cf_share_percent(share, source, target), percent);
        }
    }
    assert_int_equal(cf_share_percent(100, 50, 40), -1);
    assert_int_equal(cf_share_percent(100, -1, 101), -1);
}

static void steps_that_cannot_be_expressed(void **state)
{
    (void)state;
    static const int steps[] = { 1, 5, 20, 50, 100 };
    struct cf_router_view v = { .located = true, .share = 20, .others_weight = 80 };
    cf_router_check_steps(&v, steps, 5);
    assert_int_equal(v.problems.count, 1);
    assert_string_equal(v.problems.item[0].code, "weight-not-expressible");
    assert_non_null(strstr(v.problems.item[0].text, "step 1%"));
    struct cf_router_view lone = { .located = true, .share = 100 };
    cf_router_check_steps(&lone, steps, 5);
    assert_int_equal(lone.problems.count, 0);
}

enum { NEIGHBOURS_MAX = 4 };

/* A route with our source somewhere among others, perhaps our target too; some weights left out. */
static json_t *random_entries(struct cf_test_random *r, enum cf_router_type type, bool with_target)
{
    json_t *entries = json_array();
    int n = (int)cf_test_random_below(r, NEIGHBOURS_MAX + 1);
    int ours = (int)cf_test_random_below(r, (uint64_t)n + 1);
    for (int i = 0; i <= n; i++) {
        char name[32];
        snprintf(name, sizeof name, i == ours ? "web" : "n%d", i);
        json_t *e = type == VS ? json_pack("{s{ss}}", "destination", "host", name)
                               : json_pack("{ss si}", "name", name, "port", 80);
        int weight = (int)cf_test_random_below(r, 6) * 20;
        if (i == ours && cf_test_random_below(r, 8) != 0)
            weight += 20;
        if (cf_test_random_below(r, 5) != 0)
            json_object_set_new(e, "weight", json_integer(weight));
        json_array_append_new(entries, e);
    }
    if (with_target) {
        json_t *e = type == VS ? json_pack("{s{ss}}", "destination", "host", "new")
                               : json_pack("{ss si}", "name", "new", "port", 80);
        json_object_set_new(e, "weight", json_integer((int)cf_test_random_below(r, 3) * 20));
        json_array_insert_new(entries, cf_test_random_below(r, (uint64_t)n + 2), e);
    }
    return entries;
}

static json_t *object_of(enum cf_router_type type, json_t *entries_taken)
{
    cf_autojson json_t *entries = entries_taken;
    if (type == VS)
        return json_pack("{s{ss ss ss ss} s{s[s] s[s] s[{sO}]}}", "metadata", "name", "web",
                         "namespace", "shop", "uid", "u", "resourceVersion", "1", "spec", "hosts",
                         "h", "gateways", "g", "http", "route", entries);
    return json_pack("{s{ss ss ss ss} s{s[{ss}] s[{sO}]}}", "metadata", "name", "web", "namespace",
                     "shop", "uid", "u", "resourceVersion", "1", "spec", "parentRefs", "name",
                     "edge", "rules", "backendRefs", entries);
}

static json_t *entries_in(enum cf_router_type type, const json_t *object)
{
    const json_t *routes = cf_json_at(object, "spec", type == VS ? "http" : "rules", NULL);
    return json_object_get(json_array_get(routes, 0), type == VS ? "route" : "backendRefs");
}

static const char *name_in(enum cf_router_type type, const json_t *entry)
{
    return type == VS ? cf_json_str(entry, "", "destination", "host", NULL)
                      : cf_json_str(entry, "", "name", NULL);
}

static bool is_ours(const char *name)
{
    return strncmp(name, "web", 3) == 0 || strncmp(name, "new", 3) == 0;
}

/* Others exactly as before and in their order; ours sum to the share. */
static void check_neighbours(enum cf_router_type type, const json_t *before, const json_t *after,
                             int share)
{
    json_t *a = entries_in(type, before), *b = entries_in(type, after);
    size_t k = 0;
    int sum = 0;
    for (size_t i = 0; i < json_array_size(b); i++) {
        const json_t *e = json_array_get(b, i);
        if (is_ours(name_in(type, e))) {
            assert_true(json_is_integer(json_object_get(e, "weight")));
            sum += (int)json_integer_value(json_object_get(e, "weight"));
            continue;
        }
        while (is_ours(name_in(type, json_array_get(a, k))))
            k++;
        assert_true(json_equal(json_array_get(a, k++), e));
    }
    assert_int_equal(sum, share);
}

static int steps_done(struct cf_test_random *r, enum cf_router_type type)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(type, NULL, "web", type == VS ? "new" : "new:80");
    cf_autojson json_t *object =
        object_of(type, random_entries(r, type, cf_test_random_below(r, 3) == 0));
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    if (cf_problems_block(&v.problems))
        return 0;
    cf_autojson json_t *b = cf_router_baseline(&t, &v, &err);
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *adopt = cf_router_render_adopt(b, object, &g, &err);
    cf_autojson json_t *now = patched(object, adopt);
    int done = 0;
    for (int i = 0; i < 6; i++) {
        int weight = (int)cf_test_random_below(r, 101), source, target;
        struct cf_router_reading reading;
        cf_autojson json_t *patch = cf_router_render_forward(b, now, &g, weight, "s1", &err);
        assert_int_equal(patch != NULL, cf_share_split(v.share, weight, &source, &target));
        cf_error_clear(&err);
        if (!patch)
            continue;
        json_t *next = patched(now, patch);
        json_decref(now);
        now = next;
        check_neighbours(type, object, now, v.share);
        cf_router_judge(b, now, &g, weight, &reading);
        assert_state(&reading, CF_ROUTER_OURS);
        done++;
    }
    cf_autojson json_t *restore = cf_router_render_restore(b, now, &g, &err);
    cf_autojson json_t *home = patched(now, restore);
    assert_true(json_equal(json_object_get(home, "spec"), json_object_get(object, "spec")));
    return done;
}

static void random_neighbours(void **state)
{
    (void)state;
    struct cf_test_random r = cf_test_random_seed(20261121);
    int done = 0;
    for (int i = 0; i < 4000; i++)
        done += steps_done(&r, i % 2 ? VS : HR);
    assert_true(done > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting),
        cmocka_unit_test(steps_that_cannot_be_expressed),
        cmocka_unit_test(random_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
