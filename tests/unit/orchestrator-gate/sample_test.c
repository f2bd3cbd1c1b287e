/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that looks are what really happened between scrapes: through resets, double and late scrapes, series that appear, vanish
 * and return, weight changes, and clocks that stop. Each case is a story of readings and what it adds up to. */
#include "tests/support/test.h"

#include <math.h>

#include "orchestrator/gate/limits.h"
#include "orchestrator/gate/sample.h"

enum { READINGS = 5, POINTS = 4 };

struct story {
    const char *name;
    int64_t since_ms;
    struct {
        struct cf_point points[POINTS]; /* ended by series 0 */
    } readings[READINGS]; /* ended by a reading whose first series is 0, unless `empty` */
    int count;
    uint64_t n, k, n_since, k_since; /* sums over all readings */
};

static const struct story stories[] = {
    { "the first reading is the baseline", 0, { { { { 1, 1000, 500, 7 } } } }, 1, 0, 0, 0, 0 },
    { "an increase counts",
      0,
      { { { { 1, 1000, 500, 7 } } }, { { { 1, 2000, 600, 9 } } } },
      2,
      100,
      2,
      100,
      2 },
    { "the same scrape counts once",
      0,
      { { { { 1, 1000, 500, 7 } } }, { { { 1, 2000, 600, 9 } } }, { { { 1, 2000, 600, 9 } } } },
      3,
      100,
      2,
      100,
      2 },
    { "a late scrape is ignored",
      0,
      { { { { 1, 1000, 500, 7 } } }, { { { 1, 3000, 600, 9 } } }, { { { 1, 2000, 550, 8 } } } },
      3,
      100,
      2,
      100,
      2 },
    { "a reset counts the new value",
      0,
      { { { { 1, 1000, 500, 7 } } }, { { { 1, 2000, 30, 1 } } } },
      2,
      30,
      1,
      30,
      1 },
    { "a series born later counts whole",
      0,
      { { { { 1, 1000, 500, 0 } } }, { { { 1, 2000, 510, 0 }, { 2, 2000, 4, 4 } } } },
      2,
      14,
      4,
      14,
      4 },
    { "a series that returns is not new",
      0,
      { { { { 1, 1000, 500, 0 }, { 2, 1000, 80, 0 } } },
        { { { 1, 2000, 510, 0 } } },
        { { { 1, 3000, 520, 0 }, { 2, 3000, 85, 0 } } } },
      3,
      25,
      0,
      25,
      0 },
    { "several scrapes in one reading",
      0,
      { { { { 1, 1000, 10, 0 } } },
        { { { 1, 2000, 20, 1 }, { 1, 3000, 35, 1 }, { 1, 4000, 5, 2 } } } },
      2,
      30,
      3,
      30,
      3 },
    { "what began before the weight change does not count for a pass",
      2500,
      { { { { 1, 1000, 0, 0 } } },
        { { { 1, 2000, 10, 1 } } },
        { { { 1, 3000, 20, 2 } } },
        { { { 1, 4000, 50, 3 } } } },
      4,
      50,
      3,
      30,
      1 },
    { "an empty reading before the first series is no baseline",
      0,
      { { { { 0, 0, 0, 0 } } },
        { { { 1, 1000, 100000, 5000 } } },
        { { { 1, 2000, 100010, 5001 } } } },
      3,
      10,
      1,
      10,
      1 },
    { "failures never exceed requests",
      0,
      { { { { 1, 1000, 10, 0 } } }, { { { 1, 2000, 11, 5 } } } },
      2,
      1,
      1,
      1,
      1 },
};

static struct cf_reading reading_of(const struct cf_point *points)
{
    struct cf_reading r = { .ok = true, .points = (struct cf_point *)(uintptr_t)points };
    while (r.count < POINTS && points[r.count].series != 0)
        r.count++;
    return r;
}

static void stories_add_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(stories); i++) {
        const struct story *story = &stories[i];
        struct cf_sampler *s = cf_sampler_new();
        struct cf_delta sum = { 0 };
        for (int r = 0; r < story->count; r++) {
            struct cf_error err = CF_ERROR_INIT;
            struct cf_delta d;
            struct cf_reading reading = reading_of(story->readings[r].points);
            assert_ok(cf_sampler_feed(s, &reading, story->since_ms, &d, &err), &err);
            sum.n += d.n;
            sum.k += d.k;
            sum.n_since += d.n_since;
            sum.k_since += d.k_since;
        }
        if (sum.n != story->n || sum.k != story->k || sum.n_since != story->n_since ||
            sum.k_since != story->k_since)
            fail_msg("%s: n %d k %d, since the change n %d k %d", story->name, (int)sum.n,
                     (int)sum.k, (int)sum.n_since, (int)sum.k_since);
        cf_sampler_free(s);
    }
}

static void feed_one(struct cf_sampler *s, int64_t at_ms, double total)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_point p = { 1, at_ms, total, 0 };
    struct cf_reading r = { .ok = true, .points = &p, .count = 1 };
    struct cf_delta d;
    assert_ok(cf_sampler_feed(s, &r, 0, &d, &err), &err);
}

static void data_is_stale_after_three_periods(void **state)
{
    (void)state;
    struct cf_sampler *s = cf_sampler_new();
    assert_true(cf_sampler_is_stale(s, 0));
    for (int i = 0; i < 5; i++)
        feed_one(s, 100000 + i * 15000, i);
    assert_int_equal(cf_sampler_period_ms(s), 15000);
    assert_false(cf_sampler_is_stale(s, 160000 + 45000));
    assert_true(cf_sampler_is_stale(s, 160000 + 45001));
    cf_sampler_free(s);
}

static void quick_sources_are_given_three_seconds(void **state)
{
    (void)state;
    struct cf_sampler *s = cf_sampler_new();
    for (int i = 0; i < 5; i++)
        feed_one(s, 100000 + i * 200, i);
    assert_false(cf_sampler_is_stale(s, 100800 + CF_GATE_STALE_FLOOR_MS));
    assert_true(cf_sampler_is_stale(s, 100800 + CF_GATE_STALE_FLOOR_MS + 1));
    cf_sampler_free(s);
}

static void refuses_counters_that_are_not_numbers(void **state)
{
    (void)state;
    const double bad[] = { NAN, INFINITY, -1 };
    for (size_t i = 0; i < CF_ARRAY_LEN(bad); i++) {
        struct cf_sampler *s = cf_sampler_new();
        struct cf_error err = CF_ERROR_INIT;
        struct cf_point p = { 1, 1000, bad[i], 0 };
        struct cf_reading r = { .ok = true, .points = &p, .count = 1 };
        struct cf_delta d;
        assert_fails(cf_sampler_feed(s, &r, 0, &d, &err), &err, CF_ERR_INVALID, "not a number");
        cf_sampler_free(s);
    }
}

/* Of two gateways one may be away: what it counted is neither lost nor counted from its beginning. */
static void places_have_their_own_baselines(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct {
            struct cf_point points[POINTS];
            size_t n;
            uint64_t missing;
        } readings[4];
        uint64_t n, k, n_since;
    } table[] = {
        { "one that joins later begins with a baseline",
          { { { { 1, 1000, 500, 0, 0 } }, 1, 2 },
            { { { 1, 2000, 510, 0, 0 }, { 2, 2000, 90000, 800, 1 } }, 2, 0 },
            { { { 1, 3000, 520, 0, 0 }, { 2, 3000, 90005, 801, 1 } }, 2, 0 } },
          25,
          1,
          25 },
        { "what it counted while it was away counts when it is back, but not as younger than 1.5 s",
          { { { { 1, 1000, 500, 0, 0 }, { 2, 1000, 100, 0, 1 } }, 2, 0 },
            { { { 1, 2000, 510, 0, 0 } }, 1, 2 },
            { { { 1, 3000, 520, 0, 0 }, { 2, 3000, 140, 4, 1 } }, 2, 0 } },
          60,
          4,
          10 },
        { "its failures began while it was away",
          { { { { 1, 1000, 500, 0, 0 }, { 2, 1000, 100, 0, 1 } }, 2, 0 },
            { { { 1, 2000, 510, 0, 0 } }, 1, 2 },
            { { { 1, 3000, 520, 0, 0 }, { 3, 3000, 7, 7, 1 } }, 2, 0 } },
          27,
          7,
          10 },
        { "one that was there without a series has none to forget",
          { { { { 1, 1000, 500, 0, 0 } }, 1, 0 },
            { { { 1, 2000, 510, 0, 0 }, { 2, 2000, 6, 6, 1 } }, 2, 0 } },
          16,
          6,
          0 },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_sampler *s = cf_sampler_new();
        struct cf_error err = CF_ERROR_INIT;
        uint64_t n = 0, k = 0, n_since = 0;
        for (size_t r = 0; r < 4 && table[i].readings[r].n > 0; r++) {
            struct cf_point points[POINTS];
            memcpy(points, table[i].readings[r].points, sizeof points);
            struct cf_reading reading = { .ok = true,
                                          .points = points,
                                          .count = table[i].readings[r].n,
                                          .missing_places = table[i].readings[r].missing };
            struct cf_delta d;
            assert_ok(cf_sampler_feed(s, &reading, i == 0 ? 0 : 1500, &d, &err), &err);
            n += d.n;
            k += d.k;
            n_since += d.n_since;
        }
        if (n != table[i].n || k != table[i].k || n_since != table[i].n_since)
            fail_msg("%s: n %d k %d since %d", table[i].name, (int)n, (int)k, (int)n_since);
        cf_sampler_free(s);
    }
}

static void refuses_too_many_series(void **state)
{
    (void)state;
    struct cf_sampler *s = cf_sampler_new();
    struct cf_error err = CF_ERROR_INIT;
    struct cf_delta d;
    static struct cf_point many[CF_GATE_SERIES_MAX + 1];
    for (size_t i = 0; i < CF_ARRAY_LEN(many); i++)
        many[i] = (struct cf_point){ i + 1, 1000, 1, 0 };
    struct cf_reading r = { .ok = true, .points = many, .count = CF_ARRAY_LEN(many) };
    assert_ok(cf_sampler_feed(s, &r, 0, &d, &err), &err);
    assert_fails(cf_sampler_feed(s, &r, 0, &d, &err), &err, CF_ERR_LIMIT, "more than 4096 series");
    cf_sampler_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_add_up),
        cmocka_unit_test(data_is_stale_after_three_periods),
        cmocka_unit_test(quick_sources_are_given_three_seconds),
        cmocka_unit_test(refuses_counters_that_are_not_numbers),
        cmocka_unit_test(refuses_too_many_series),
        cmocka_unit_test(places_have_their_own_baselines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
