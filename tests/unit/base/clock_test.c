/* SPDX-License-Identifier: Apache-2.0 */
/* Time as text both ways, the port, and waits that end in time. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/support/test.h"

static void test_text_of_times(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 1795255200123, "2026-11-21T10:00:00.123Z" },
        { 4107542399999, "2100-02-28T23:59:59.999Z" },
        { 4107542400000, "2100-03-01T00:00:00.000Z" },
        { -62167219200000, "0000-01-01T00:00:00.000Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999Z" },
        { INT64_MIN, "0000-01-01T00:00:00.000Z" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        char buf[CF_TIME_TEXT_MAX];
        assert_string_equal(cf_time_rfc3339(cases[i].ms, buf), cases[i].text);
        int64_t back;
        assert_true(cf_time_parse(buf, &back));
        if (cases[i].ms != INT64_MAX && cases[i].ms != INT64_MIN)
            assert_int_equal(back, cases[i].ms);
    }
}

static void test_parsing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01t00:00:01z", 1000 },
        { "1970-01-01 00:00:01Z", 1000 },
        { "1970-01-01T01:00:00+01:00", 0 },
        { "1969-12-31T19:30:00.5-04:30", 500 },
        { "1970-01-01T00:00:00.123456789Z", 123 },
        { "1970-01-01T00:00:00.1Z", 100 },
        { "1990-12-31T23:59:60Z", 662688000000 },
        { "2024-02-29T00:00:00Z", 1709164800000 },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        int64_t ms = -1;
        assert_true(cf_time_parse(cases[i].text, &ms));
        assert_int_equal(ms, cases[i].ms);
    }
    static const char *const refused[] = {
        "",
        "1970",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567890Z",
        "1970-01-01T00:00:00+1:00",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00Zx",
        " 1970-01-01T00:00:00Z",
        "-970-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++) {
        int64_t ms = 7;
        if (cf_time_parse(refused[i], &ms))
            fail_msg("\"%s\" was read", refused[i]);
        assert_int_equal(ms, 7);
    }
}

/* Every day of four centuries against the C library. */
static void test_the_calendar(void **state)
{
    (void)state;
    for (int64_t day = -30000; day < 116097; day++) {
        time_t t = (time_t)(day * 86400);
        struct tm tm;
        gmtime_r(&t, &tm);
        char want[64], buf[CF_TIME_TEXT_MAX];
        snprintf(want, sizeof want, "%04d-%02d-%02dT00:00:00.000Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday);
        assert_string_equal(cf_time_rfc3339(day * 86400000, buf), want);
    }
}

static void test_the_real_clock_goes_on(void **state)
{
    (void)state;
    int64_t before = cf_mono_ms(&cf_clock_real), wall = cf_wall_ms(&cf_clock_real);
    cf_sleep_ms(&cf_clock_real, 20);
    cf_sleep_ms(&cf_clock_real, -5);
    assert_true(cf_mono_ms(&cf_clock_real) - before >= 20);
    assert_true(wall > 1700000000000);
}

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done;
    char name[16];
};

static void *finish(void *arg)
{
    struct shared *s = arg;
    CF_LOCKED(&s->mutex);
    pthread_getname_np(pthread_self(), s->name, sizeof s->name);
    s->done = true;
    pthread_cond_signal(&s->cond);
    return NULL;
}

static void test_threads_and_waits(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct shared s = { .mutex = PTHREAD_MUTEX_INITIALIZER };
    cf_cond_init(&s.cond);
    {
        CF_LOCKED(&s.mutex);
        int64_t start = cf_mono_now_ms();
        while (cf_cond_wait_until(&s.cond, &s.mutex, start + 30))
            ;
        assert_true(cf_mono_now_ms() >= start + 29);
        assert_false(cf_cond_wait_until(&s.cond, &s.mutex, -1)); /* long past */
    }
    pthread_t thread;
    assert_ok(cf_thread_start(&thread, "a-name-longer-than-15", finish, &s, &err), &err);
    {
        CF_LOCKED(&s.mutex);
        int64_t until = cf_mono_now_ms() + 10000;
        while (!s.done && cf_cond_wait_until(&s.cond, &s.mutex, until))
            ;
        assert_true(s.done);
    }
    pthread_join(thread, NULL);
    assert_string_equal(s.name, "a-name-longer-t");
    pthread_cond_destroy(&s.cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_times),     cmocka_unit_test(test_parsing),
        cmocka_unit_test(test_the_calendar),      cmocka_unit_test(test_the_real_clock_goes_on),
        cmocka_unit_test(test_threads_and_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
