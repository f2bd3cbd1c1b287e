/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the forecast of a freeze: which passes count, what its quantiles are (against values worked out by hand), that nine of ten
 * draws of parts that are as uncertain as it says lie below its p90, and what it says of a freeze afterwards. */
#include "orchestrator/engine/forecast.h"

#include <math.h>
#include <stdlib.h>

#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#define PASS(b)       "{'backupMs':" #b "}"
#define LOOSE(b)      "{'loose':true,'backupMs':" #b "}"
#define FULL(b, h, r) "{'backupMs':" #b ",'handOverMs':" #h ",'rehearsalMs':" #r "}"
#define GRACE(s)      "[{'terminationGracePeriodSeconds':" #s "}]"

static struct cf_forecast forecast(const char *reports, const char *pods, const char *claims)
{
    struct cf_forecast f;
    cf_autojson json_t *r = cf_test_json(reports);
    cf_autojson json_t *p = cf_test_json(pods);
    cf_autojson json_t *c = cf_test_json(claims);
    cf_forecast_of(r, p, c, &f);
    return f;
}

/* ---- what counts ---- */

static const struct {
    const char *what, *reports;
    bool known;
    int64_t pass, over, restore; /* p50 */
    int passes;                  /* samples of the pass */
} counted[] = {
    { "nothing was measured", "[]", false, 0, 0, 0, 0 },
    { "the first pass, while there is no other", "[" FULL(10000, 1000, 20000) "]", true, 10000,
      1000, 20000, 1 },
    { "not rehearsed", "[" PASS(10000) "]", false, 10000, 0, 0, 1 },
    { "the first carries everything, and no longer counts",
      "[" FULL(90000, 1000, 20000) "," PASS(4000) "]", true, 4000, 1000, 20000, 1 },
    { "the last five, by their geometric mean",
      "[" PASS(90000) "," PASS(70000) "," PASS(2000) "," PASS(8000) "," PASS(2000) "," PASS(
          8000) "," FULL(4000, 500, 8000) "]",
      true, 4000, 500, 8000, 5 },
    { "the newest rehearsal", "[" FULL(9000, 100, 50000) "," FULL(1000, 100, 9000) "]", true, 1000,
      100, 9000, 1 },
    { "what is null was not measured",
      "[" FULL(1000, 100, 9000) ",{'backupMs':2000,'handOverMs':null,'rehearsalMs':null}]", true,
      2000, 100, 9000, 1 },
    { "what was looked at seldom tells only when nothing else does",
      "[" PASS(90000) "," LOOSE(30000) "," FULL(4000, 500, 8000) "," LOOSE(20000) "]", true, 4000,
      500, 8000, 1 },
    { "but more than the first", "[" PASS(90000) "," LOOSE(30000) "]", false, 30000, 0, 0, 1 },
    { "quicker than a look", "[" PASS(90000) "," FULL(0, 0, 0) "]", true, 1, 1, 1, 1 },
    { "the data has doubled since the rehearsal: so will the restore",
      "[{'backupMs':1000,'handOverMs':100,'rehearsalMs':9000,'claims':[{'name':'a','bytes':50}]},"
      "{'backupMs':1000,'claims':[{'name':'a','bytes':60},{'name':'b','bytes':40}]}]",
      true, 1000, 100, 18000, 1 },
    { "what has shrunk may grow again",
      "[{'backupMs':1000,'handOverMs':100,'rehearsalMs':9000,'claims':[{'name':'a','bytes':50}]},"
      "{'backupMs':1000,'claims':[{'name':'a','bytes':10}]}]",
      true, 1000, 100, 9000, 1 },
};

static void the_passes_that_are_like_the_last_one_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(counted); i++) {
        struct cf_forecast f = forecast(counted[i].reports, "[]", "[]");
        const struct cf_span *pass = &f.part[CF_PART_PASS];
        if (f.known != counted[i].known || pass->p50_ms != counted[i].pass ||
            f.part[CF_PART_HAND_OVER].p50_ms != counted[i].over ||
            f.part[CF_PART_RESTORE].p50_ms != counted[i].restore ||
            pass->samples != counted[i].passes) {
            cf_autojson json_t *is = cf_forecast_json(&f);
            cf_autofree char *text = cf_test_dump(is);
            fail_msg("%s: %s", counted[i].what, text);
        }
    }
}

/* ---- pods and files ---- */

static const struct {
    const char *what, *pods;
    int64_t stop50, stop90, stop99, start50;
} pods[] = {
    { "no pods", "[]", 0, 0, 0, 6000 },
    { "the usual", GRACE(30), 4000, 31000, 31000, 6000 },
    { "the slowest of them, and what nine of ten use of it",
      "[{'terminationGracePeriodSeconds':5},{'terminationGracePeriodSeconds':3600},{}]", 4000,
      31000, 3601000, 6000 },
    { "one that ends at once", GRACE(1), 2000, 2000, 2000, 6000 },
    { "one that is killed at once", GRACE(0), 0, 0, 0, 6000 },
    { "a pod may say the most absurd number", GRACE(9223372036854775807), 4000, 31000, 86401000,
      6000 },
    { "or less than nothing", GRACE(-9223372036854775807), 0, 0, 0, 6000 },
    { "as it started in the source", "[{'terminationGracePeriodSeconds':0,'startMs':40000}]", 0, 0,
      0, 41000 },
    { "one after the other", "[{'terminationGracePeriodSeconds':0,'startMs':2000,'waves':3}]", 0, 0,
      0, 7000 },
    { "the slowest workload",
      "[{'terminationGracePeriodSeconds':0,'startMs':9000},{'terminationGracePeriodSeconds':0,"
      "'waves':2},{'terminationGracePeriodSeconds':0,'startMs':1000}]",
      0, 0, 0, 11000 },
};

static void pods_end_and_start_as_their_specs_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(pods); i++) {
        struct cf_forecast f = forecast("[]", pods[i].pods, "[]");
        const struct cf_span *stop = &f.part[CF_PART_STOP], *start = &f.part[CF_PART_START];
        if (stop->p50_ms != pods[i].stop50 || stop->p90_ms != pods[i].stop90 ||
            stop->p99_ms != pods[i].stop99 || start->p50_ms != pods[i].start50)
            fail_msg("%s: stop %lld %lld %lld, start %lld", pods[i].what, (long long)stop->p50_ms,
                     (long long)stop->p90_ms, (long long)stop->p99_ms, (long long)start->p50_ms);
        assert_int_equal(start->samples, 0);
    }
}

static void the_proof_of_files_takes_its_time_too(void **state)
{
    (void)state;
    const char *reports =
        "[" FULL(1000, 100, 1000) ",{'backupMs':1000,'claims':[{'name':'a',"
                                  "'bytes':1000000000},{'name':'b','bytes':7000000000}]}]";
    struct cf_forecast none =
        forecast(reports, "[]", "[{'name':'a'},{'name':'b','verify':'none'}]");
    struct cf_forecast one =
        forecast(reports, "[]", "[{'name':'a','verify':'checksum'},{'name':'b','verify':'none'}]");
    assert_int_equal(none.part[CF_PART_VERIFY].p99_ms, 0);
    assert_int_equal(one.part[CF_PART_VERIFY].p50_ms, 6000 + 5000);
    assert_int_equal(one.whole.p50_ms - none.whole.p50_ms, 11000);
    assert_true(one.part[CF_PART_VERIFY].p90_ms > 20000); /* a guess is off by a factor of two */
}

/* ---- quantiles ---- */

/* Student's t for 4, 5 and 8 degrees of freedom, spread 0.3: exp(m + t s sqrt(1 + 1/n)). */
static void quantiles_are_those_of_the_prediction(void **state)
{
    (void)state;
    struct cf_forecast one = forecast("[" PASS(1) "," PASS(10000) "]", "[]", "[]");
    assert_in_range(one.part[CF_PART_PASS].p90_ms, 19100, 19200); /* e^(1.533*0.3*1.4142) */
    assert_in_range(one.part[CF_PART_PASS].p99_ms, 48900, 49200); /* e^(3.747*0.3*1.4142) */
    struct cf_forecast two = forecast("[" PASS(1) "," PASS(10000) "," PASS(10000) "]", "[]", "[]");
    assert_in_range(two.part[CF_PART_PASS].p90_ms, 16200, 16300); /* s = 0.2683, sqrt(1.5) */
    struct cf_forecast apart = forecast("[" PASS(1) "," PASS(5000) "," PASS(20000) "]", "[]", "[]");
    assert_in_range(apart.part[CF_PART_PASS].p50_ms, 9999, 10001);
    assert_true(apart.part[CF_PART_PASS].p90_ms > 22000); /* what varied will vary */
    struct cf_forecast whole = forecast("[" FULL(10000, 1000, 20000) "]", GRACE(30), "[]");
    int64_t p50 = 0, p90 = 0, p99 = 0;
    for (int i = 0; i < CF_PARTS; i++) {
        const struct cf_span *s = &whole.part[i];
        assert_true(s->p50_ms <= s->p90_ms && s->p90_ms <= s->p99_ms);
        p50 += s->p50_ms;
        p90 += s->p90_ms;
        p99 += s->p99_ms;
    }
    assert_int_equal(whole.whole.p50_ms, p50);
    assert_int_equal(whole.whole.p90_ms, p90);
    assert_int_equal(whole.whole.p99_ms, p99);
}

/* A standard normal variable, by the sum of twelve uniform ones. */
static double normal(unsigned *seed)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)rand_r(seed) / RAND_MAX;
    return sum;
}

static int64_t drawn(unsigned *seed, double median, double spread)
{
    return llround(median * exp(spread * normal(seed)));
}

/* Freezes whose parts vary by `spread`, told from two passes and a rehearsal each: how many of a
 * thousand are not longer than the p90. */
static int kept_of_1000(double spread)
{
    unsigned seed = 7;
    int kept = 0;
    for (int i = 0; i < 1000; i++) {
        const double medians[] = { 9000, 800, 20000 };
        cf_autojson json_t *reports = json_pack(
            "[{},{s:I},{s:I,s:I,s:I}]", "backupMs", (json_int_t)drawn(&seed, medians[0], spread),
            "backupMs", (json_int_t)drawn(&seed, medians[0], spread), "handOverMs",
            (json_int_t)drawn(&seed, medians[1], spread), "rehearsalMs",
            (json_int_t)drawn(&seed, medians[2], spread));
        struct cf_forecast f;
        cf_forecast_of(reports, NULL, NULL, &f);
        int64_t real = 0, told = f.whole.p90_ms - f.part[CF_PART_START].p90_ms;
        for (size_t k = 0; k < CF_ARRAY_LEN(medians); k++)
            real += drawn(&seed, medians[k], spread);
        kept += real <= told;
    }
    return kept;
}

static void nine_of_ten_freezes_keep_its_p90(void **state)
{
    (void)state;
    int steady = kept_of_1000(0.1), usual = kept_of_1000(0.3), wild = kept_of_1000(0.5);
    if (steady < 990 || usual < 900 || wild < 800)
        fail_msg("kept of 1000: steady %d, usual %d, wild %d", steady, usual, wild);
}

/* ---- words ---- */

static void it_says_its_parts(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf known = CF_BUF_INIT(1024);
    CF_CLEANUP(cf_buf_free) struct cf_buf guess = CF_BUF_INIT(1024);
    struct cf_forecast f = forecast("[" FULL(9000, 1000, 61000) "]", GRACE(30), "[]");
    cf_forecast_say(&f, &known);
    assert_string_equal(cf_buf_str(&known),
                        "1m21s, in 9 of 10 cases at most 3m9s, in 99 of 100 at most 8m43s "
                        "(stop 4s, pass 9s, hand over 1s, restore 1m1s, start 6s)");
    cf_forecast_of(NULL, NULL, NULL, &f);
    cf_forecast_say(&f, &guess);
    assert_non_null(strstr(cf_buf_str(&guess), "(start 6s; the restore was not rehearsed)"));
}

/* ---- the freeze ---- */

static json_t *marked(json_t *clock_take, enum cf_part part, int64_t at)
{
    json_t *next = cf_freeze_mark(clock_take, part, at);
    json_decref(clock_take);
    return next;
}

static void what_each_part_took_stands_beside_its_forecast(void **state)
{
    (void)state;
    struct cf_forecast f = forecast("[" FULL(9000, 1000, 20000) "]", GRACE(30), "[]");
    cf_autojson json_t *told = cf_forecast_json(&f);
    cf_autojson json_t *clock = cf_freeze_clock(1000);
    clock = marked(clock, CF_PART_STOP, 3000);
    clock = marked(clock, CF_PART_PASS, 11000);
    clock = marked(clock, CF_PART_PASS, 15000);      /* the first was void */
    clock = marked(clock, CF_PART_HAND_OVER, 14000); /* a clock that was set back */
    clock = marked(clock, CF_PART_START, 20000);
    cf_autojson json_t *taken = cf_freeze_taken(clock, told);
    cf_autofree char *text = cf_test_dump(taken);
    assert_string_equal(
        text, "[{'name':'stop','ms':2000,'p50Ms':4000,'p90Ms':31000},{'name':'pass','ms':12000,"
              "'p50Ms':9000,'p90Ms':17247},{'name':'hand over','ms':0,'p50Ms':1000,'p90Ms':1916},"
              "{'name':'start','ms':6000,'p50Ms':6000,'p90Ms':22033}]");
    cf_autojson json_t *freeze =
        json_pack("{s:i,s:O,s:O}", "ms", 20000, "forecast", told, "parts", taken);
    CF_CLEANUP(cf_buf_free) struct cf_buf words = CF_BUF_INIT(1024);
    cf_freeze_say(freeze, &words);
    assert_string_equal(cf_buf_str(&words),
                        "20s (forecast 40s to 1m51s: stop 2s of 4s to 31s, pass 12s of 9s to 17s, "
                        "hand over 0s of 1s to 2s, start 6s of 6s to 22s)");
}

static void the_way_back_is_told_from_the_way_there(void **state)
{
    (void)state;
    struct cf_forecast f;
    cf_autojson json_t *taken =
        cf_test_json("[{'name':'stop','ms':2000},{'name':'pass','ms':12000},"
                     "{'name':'restore','ms':20000}]");
    cf_autojson json_t *specs = cf_test_json(GRACE(30));
    cf_forecast_back(taken, specs, &f);
    assert_true(f.known);
    assert_int_equal(f.whole.p50_ms, 34000);
    assert_int_equal(f.part[CF_PART_STOP].p90_ms, 31000); /* this time they may use it */
    assert_int_equal(f.part[CF_PART_VERIFY].p99_ms, 0);
    cf_forecast_back(NULL, NULL, &f);
    assert_false(f.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_passes_that_are_like_the_last_one_count),
        cmocka_unit_test(pods_end_and_start_as_their_specs_say),
        cmocka_unit_test(the_proof_of_files_takes_its_time_too),
        cmocka_unit_test(quantiles_are_those_of_the_prediction),
        cmocka_unit_test(nine_of_ten_freezes_keep_its_p90),
        cmocka_unit_test(it_says_its_parts),
        cmocka_unit_test(what_each_part_took_stands_beside_its_forecast),
        cmocka_unit_test(the_way_back_is_told_from_the_way_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
