/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler: last values per series, observed scrape periods, and what is new in a reading. */
#include "orchestrator/gate/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "orchestrator/gate/limits.h"

struct series {
    uint64_t id;
    int64_t at_ms;
    double total, bad;
    UT_hash_handle hh;
};

struct cf_sampler {
    struct series *series;
    size_t count;
    int64_t newest_ms; /* 0 until a reading had points: that one is the baseline */
    int64_t
        read_ms[CF_GATE_PLACES_MAX]; /* the newest scrape when the place was last there; 0: never */
    uint64_t missing;                /* of the last reading */
    int64_t periods_ms[CF_GATE_PERIODS_KEPT]; /* ring of the last distances between scrapes */
    size_t periods;
};

struct cf_sampler *cf_sampler_new(void)
{
    return cf_xcalloc(1, sizeof(struct cf_sampler));
}

void cf_sampler_free(struct cf_sampler *s)
{
    if (!s)
        return;
    struct series *one, *next;
    HASH_ITER(hh, s->series, one, next)
    {
        HASH_DEL(s->series, one);
        free(one);
    }
    free(s);
}

static uint64_t whole(double v)
{
    return v <= 0 || !isfinite(v) ? 0 : (uint64_t)llround(v);
}

struct sums {
    double n, k, n_since, k_since;
};

static void add(struct sums *sums, double n, double k, bool since)
{
    sums->n += n;
    sums->k += k;
    if (since) {
        sums->n_since += n;
        sums->k_since += k;
    }
}

static struct series *series_make(struct cf_sampler *s, const struct cf_point *p)
{
    struct series *one = cf_xcalloc(1, sizeof *one);
    one->id = p->series;
    HASH_ADD(hh, s->series, id, sizeof one->id, one);
    s->count++;
    return one;
}

static void note_period(struct cf_sampler *s, int64_t distance_ms)
{
    s->periods_ms[s->periods++ % CF_GATE_PERIODS_KEPT] = distance_ms;
}

/* One point of one series. The first reading of its place only sets the baseline. */
static void take_point(struct cf_sampler *s, const struct cf_point *p, int64_t since_ms,
                       struct sums *sums, bool *fresh)
{
    struct series *one = NULL;
    int64_t read_before = s->read_ms[p->place];
    HASH_FIND(hh, s->series, &p->series, sizeof p->series, one);
    if (!one) {
        one = series_make(s, p);
        /* Born after the baseline: it counts whole, and is certainly younger than the last scrape. */
        if (read_before > 0)
            add(sums, p->total, p->bad, read_before >= since_ms);
    } else if (p->at_ms <= one->at_ms) {
        return; /* double or late */
    } else {
        if (!(s->missing >> p->place & 1))
            note_period(s, p->at_ms - one->at_ms);
        /* A value that fell: the process began again at zero, with both of its counters. */
        bool reset = p->total < one->total || p->bad < one->bad;
        if (read_before > 0)
            add(sums, p->total - (reset ? 0 : one->total), p->bad - (reset ? 0 : one->bad),
                one->at_ms >= since_ms);
    }
    one->at_ms = p->at_ms;
    one->total = p->total;
    one->bad = p->bad;
    *fresh = true;
}

static bool points_usable(const struct cf_sampler *s, const struct cf_reading *reading,
                          struct cf_error *err)
{
    if (s->count > CF_GATE_SERIES_MAX)
        return cf_error_set(err, CF_ERR_LIMIT,
                            "more than %d series for one gate; aggregate them at the source",
                            CF_GATE_SERIES_MAX);
    for (size_t i = 0; i < reading->count; i++) {
        const struct cf_point *p = &reading->points[i];
        if (!isfinite(p->total) || !isfinite(p->bad) || p->total < 0 || p->bad < 0)
            return cf_error_set(err, CF_ERR_INVALID, "a counter is negative or not a number");
        cf_assert(p->place < CF_GATE_PLACES_MAX);
    }
    return true;
}

bool cf_sampler_feed(struct cf_sampler *s, const struct cf_reading *reading, int64_t since_ms,
                     struct cf_delta *out, struct cf_error *err)
{
    if (!points_usable(s, reading, err))
        return false;
    struct sums sums = { 0 };
    bool fresh = false;
    for (size_t i = 0; i < reading->count; i++)
        take_point(s, &reading->points[i], since_ms, &sums, &fresh);
    for (size_t i = 0; i < reading->count; i++)
        s->newest_ms = CF_MAX(s->newest_ms, reading->points[i].at_ms);
    for (int place = 0; place < CF_GATE_PLACES_MAX; place++)
        if (!(reading->missing_places >> place & 1))
            s->read_ms[place] = s->newest_ms;
    s->missing = reading->missing_places;
    uint64_t n = whole(sums.n);
    uint64_t n_since = whole(sums.n_since);
    *out = (struct cf_delta){
        .n = n,
        .k = CF_MIN(whole(sums.k), n),
        .n_since = n_since,
        .k_since = CF_MIN(whole(sums.k_since), n_since),
        .fresh = fresh,
    };
    return true;
}

int64_t cf_sampler_newest_ms(const struct cf_sampler *s)
{
    return s->newest_ms;
}

static int compare_ms(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int64_t cf_sampler_period_ms(const struct cf_sampler *s)
{
    size_t n = CF_MIN(s->periods, (size_t)CF_GATE_PERIODS_KEPT);
    if (n == 0)
        return 0;
    int64_t sorted[CF_GATE_PERIODS_KEPT];
    memcpy(sorted, s->periods_ms, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_ms);
    return sorted[n / 2];
}

bool cf_sampler_is_stale(const struct cf_sampler *s, int64_t now_wall_ms)
{
    if (s->newest_ms == 0)
        return true;
    int64_t allowed = CF_MAX(3 * cf_sampler_period_ms(s), (int64_t)CF_GATE_STALE_FLOOR_MS);
    return now_wall_ms - s->newest_ms > allowed;
}
