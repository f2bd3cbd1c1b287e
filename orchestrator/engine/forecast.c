/* SPDX-License-Identifier: Apache-2.0 */
/* The forecast of a freeze (forecast.h). */
#include "orchestrator/engine/forecast.h"

#include <math.h>
#include <string.h>

#include "base/units.h"

enum {
    SAMPLES_MAX = 5, /* the last passes: what was hours ago says little about now */
    PRIOR_N = 4,     /* what the prior of the spread weighs, in samples */
    DAY_S = 86400,
    STOP_MS = 3000,         /* a server that heeds SIGTERM: with what follows 4.5 s in the lab */
    STOP_LOOK_MS = 1000,    /* beyond its end: routers are disarmed, its volume is let go */
    STOP_GRACE_S = 30,      /* of a longer grace period few pods use more */
    START_MS = 5000,        /* a container that starts, and its first probe */
    START_LOOK_MS = 1000,   /* what mounts, copies and names add to a pod's own start */
    VERIFY_START_MS = 6000, /* the reading pods of both sides */
    VERIFY_BYTES_PER_S = 200000000 /* SHA-256 of what comes from a disk: 5 s for 1 GB in the lab */
};
/* Standard deviations of ln(ms). A third of its time is what Velero's own looks (each 1 to 10 s) make of
 * a pass; guesses out of specs are off by a factor of two. */
static const double spread_measured = 0.3, spread_guessed = 0.6;

static const char *const names[CF_PARTS] = { "stop",    "pass",   "hand over",
                                             "restore", "verify", "start" };

/* Student's t at 0.9 and 0.99 for PRIOR_N + n - 1 degrees of freedom, n from 1. */
static const double t90[SAMPLES_MAX] = { 1.533, 1.476, 1.440, 1.415, 1.397 };
static const double t99[SAMPLES_MAX] = { 3.747, 3.365, 3.143, 2.998, 2.896 };

struct samples {
    double ms[SAMPLES_MAX];
    int n;
};

const char *cf_part_name(enum cf_part part)
{
    return names[part];
}

static void add(struct samples *s, double ms)
{
    if (s->n < SAMPLES_MAX)
        s->ms[s->n++] = fmax(ms, 1.0); /* less than a look: its logarithm is zero */
}

/* The prediction of forecast.h. */
static struct cf_span predict(const struct samples *s, double prior, int counted)
{
    double mean = 0, squares = 0;
    if (s->n == 0)
        return (struct cf_span){ .samples = 0 };
    for (int i = 0; i < s->n; i++)
        mean += log(s->ms[i]) / s->n;
    for (int i = 0; i < s->n; i++)
        squares += pow(log(s->ms[i]) - mean, 2);
    double spread =
        sqrt((PRIOR_N * prior * prior + squares) / (PRIOR_N + s->n - 1)) * sqrt(1.0 + 1.0 / s->n);
    return (struct cf_span){ .p50_ms = llround(exp(mean)),
                             .p90_ms = llround(exp(mean + t90[s->n - 1] * spread)),
                             .p99_ms = llround(exp(mean + t99[s->n - 1] * spread)),
                             .samples = counted };
}

static struct cf_span measured(const struct samples *s)
{
    return predict(s, spread_measured, s->n);
}

static struct cf_span guessed(double ms)
{
    struct samples one = { .n = 0 };
    if (ms <= 0)
        return (struct cf_span){ .samples = 0 };
    add(&one, ms);
    return predict(&one, spread_guessed, 0);
}

/* ---- what moves data ---- */

/* What a pass says about the one in the freeze: 0 what is like it, 1 one that nobody looked at as often,
 * 2 the first, which sends everything. */
static int rank_of(const json_t *report, size_t i)
{
    return i == 0 ? 2 : cf_json_bool(report, false, "loose", NULL);
}

/* A member of the last passes that have it, of the best rank that there is. */
static struct samples of_passes(const json_t *reports, const char *key)
{
    struct samples s = { .n = 0 };
    for (int rank = 0; rank <= 2 && s.n == 0; rank++) {
        for (size_t i = json_array_size(reports); i-- > 0 && s.n < SAMPLES_MAX;) {
            const json_t *report = json_array_get(reports, i);
            const json_t *ms = json_object_get(report, key);
            if (json_is_integer(ms) && rank_of(report, i) == rank)
                add(&s, (double)json_integer_value(ms));
        }
    }
    return s;
}

static double bytes_of(const json_t *report, const json_t *verified)
{
    double sum = 0;
    size_t i;
    json_t *claim;
    if (!json_object_get(report, "claims")) /* of an older pass only the sum is kept */
        return (double)cf_json_int(report, 0, "bytes", NULL);
    json_array_foreach(json_object_get(report, "claims"), i, claim)
    {
        const json_t *row = cf_json_named(verified, "name", cf_json_str(claim, "", "name", NULL));
        if (!verified || strcmp(cf_json_str(row, "", "verify", NULL), "checksum") == 0)
            sum += (double)cf_json_int(claim, 0, "bytes", NULL);
    }
    return sum;
}

/* The newest rehearsal, longer by what the data has grown since: a restore brings everything, whichever pass it
 * was. */
static struct samples of_rehearsal(const json_t *reports)
{
    struct samples s = { .n = 0 };
    size_t last = json_array_size(reports);
    for (size_t i = last; i-- > 0 && s.n == 0;) {
        const json_t *report = json_array_get(reports, i);
        const json_t *ms = json_object_get(report, "rehearsalMs");
        if (!json_is_integer(ms))
            continue;
        double then = bytes_of(report, NULL);
        double now = bytes_of(json_array_get(reports, last - 1), NULL);
        double grown = then > 0 && now > then ? now / then : 1.0;
        add(&s, (double)json_integer_value(ms) * grown);
    }
    return s;
}

static struct cf_span verify(const json_t *reports, const json_t *claims)
{
    bool wanted = cf_json_named(claims, "verify", "checksum") != NULL;
    size_t n = json_array_size(reports);
    double bytes = wanted && n > 0 ? bytes_of(json_array_get(reports, n - 1), claims) : 0;
    return guessed(wanted ? VERIFY_START_MS + bytes * 1000.0 / VERIFY_BYTES_PER_S : 0);
}

/* ---- pods ---- */

/* A pod ends when it likes, or is killed when its grace is over: which of the two nobody knows before, so
 * that nine of ten means the grace. */
static struct cf_span stop(const json_t *pods)
{
    int64_t grace = 0;
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        int64_t s = cf_json_int(pod, 30, "terminationGracePeriodSeconds", NULL);
        grace = CF_MAX(grace, CF_MIN(s, (int64_t)DAY_S));
    }
    if (grace == 0)
        return (struct cf_span){ .samples = 0 };
    return (struct cf_span){
        .p50_ms = CF_MIN(grace * 1000, (int64_t)STOP_MS) + STOP_LOOK_MS,
        .p90_ms = CF_MIN(grace, (int64_t)STOP_GRACE_S) * 1000 + STOP_LOOK_MS,
        .p99_ms = grace * 1000 + STOP_LOOK_MS,
    };
}

/* The slowest workload: a pod's start, as often as pods wait for one another. */
static struct cf_span start(const json_t *pods)
{
    double longest = START_MS;
    bool seen = false;
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        const json_t *ms = json_object_get(pod, "startMs");
        double one = json_is_integer(ms) ? (double)json_integer_value(ms) : START_MS;
        double all = one * (double)CF_MAX(cf_json_int(pod, 1, "waves", NULL), (int64_t)1);
        longest = !seen || all > longest ? all : longest;
        seen = true;
    }
    return guessed(longest + START_LOOK_MS);
}

/* ---- the whole ---- */

static void add_up(struct cf_forecast *f)
{
    f->whole = (struct cf_span){ .samples = 0 };
    for (int i = 0; i < CF_PARTS; i++) {
        f->whole.p50_ms += f->part[i].p50_ms;
        f->whole.p90_ms += f->part[i].p90_ms;
        f->whole.p99_ms += f->part[i].p99_ms;
    }
}

void cf_forecast_of(const json_t *reports, const json_t *pods, const json_t *claims,
                    struct cf_forecast *out)
{
    struct samples pass = of_passes(reports, "backupMs");
    struct samples over = of_passes(reports, "handOverMs");
    struct samples restore = of_rehearsal(reports);
    *out = (struct cf_forecast){ .known = pass.n > 0 && over.n > 0 && restore.n > 0 };
    out->part[CF_PART_STOP] = stop(pods);
    out->part[CF_PART_PASS] = measured(&pass);
    out->part[CF_PART_HAND_OVER] = measured(&over);
    out->part[CF_PART_RESTORE] = measured(&restore);
    out->part[CF_PART_VERIFY] = verify(reports, claims);
    out->part[CF_PART_START] = start(pods);
    add_up(out);
}

void cf_forecast_back(const json_t *taken, const json_t *pods, struct cf_forecast *out)
{
    *out = (struct cf_forecast){ .known = json_array_size(taken) > 0 };
    for (int i = 0; i < CF_PARTS; i++) {
        const json_t *ms = json_object_get(cf_json_named(taken, "name", names[i]), "ms");
        struct samples one = { .n = 0 };
        if (json_is_integer(ms)) {
            add(&one, (double)json_integer_value(ms));
            out->part[i] = measured(&one);
        }
    }
    struct cf_span spec = stop(pods), *stops = &out->part[CF_PART_STOP];
    stops->p90_ms = CF_MAX(stops->p90_ms, spec.p90_ms);
    stops->p99_ms = CF_MAX(stops->p99_ms, spec.p99_ms);
    add_up(out);
}

/* ---- words ---- */

/* In whole seconds as long as they matter. */
static char *brief(int64_t ms, char *buf)
{
    enum { SECOND = 1000, MINUTES_10 = 600000 };
    if (ms < SECOND || ms >= MINUTES_10)
        return cf_duration_brief(ms, buf);
    return cf_duration_format((ms + SECOND / 2) / SECOND * SECOND, buf);
}

json_t *cf_forecast_json(const struct cf_forecast *f)
{
    json_t *parts = json_array();
    for (int i = 0; i < CF_PARTS; i++) {
        const struct cf_span *s = &f->part[i];
        if (s->p99_ms > 0)
            json_array_append_new(parts,
                                  json_pack("{s:s,s:I,s:I,s:I,s:i}", "name", names[i], "p50Ms",
                                            (json_int_t)s->p50_ms, "p90Ms", (json_int_t)s->p90_ms,
                                            "p99Ms", (json_int_t)s->p99_ms, "samples", s->samples));
    }
    return json_pack("{s:b,s:I,s:I,s:I,s:o}", "known", f->known, "p50Ms",
                     (json_int_t)f->whole.p50_ms, "p90Ms", (json_int_t)f->whole.p90_ms, "p99Ms",
                     (json_int_t)f->whole.p99_ms, "parts", parts);
}

void cf_forecast_say(const struct cf_forecast *f, struct cf_buf *out)
{
    char p50[CF_UNIT_TEXT_MAX], p90[CF_UNIT_TEXT_MAX], p99[CF_UNIT_TEXT_MAX];
    const char *between = " (";
    cf_buf_printf(out, "%s, in 9 of 10 cases at most %s, in 99 of 100 at most %s",
                  brief(f->whole.p50_ms, p50), brief(f->whole.p90_ms, p90),
                  brief(f->whole.p99_ms, p99));
    for (int i = 0; i < CF_PARTS; i++) {
        if (f->part[i].p99_ms == 0)
            continue;
        cf_buf_printf(out, "%s%s %s", between, names[i], brief(f->part[i].p50_ms, p50));
        between = ", ";
    }
    cf_buf_puts(out, f->known ? ")" : "; the restore was not rehearsed)");
}

/* ---- what a freeze takes ---- */

json_t *cf_freeze_clock(int64_t now_ms)
{
    return json_pack("{s:I,s:{}}", "at", (json_int_t)now_ms, "ms");
}

json_t *cf_freeze_mark(const json_t *clock, enum cf_part part, int64_t now_ms)
{
    json_t *next = clock ? cf_json_copy(clock) : cf_freeze_clock(now_ms);
    int64_t took = CF_MAX(now_ms - cf_json_int(next, now_ms, "at", NULL), (int64_t)0);
    int64_t before = cf_json_int(next, 0, "ms", names[part], NULL);
    json_object_set_new(next, "at", json_integer((json_int_t)now_ms));
    json_object_set_new(json_object_get(next, "ms"), names[part],
                        json_integer((json_int_t)(before + took)));
    return next;
}

json_t *cf_freeze_taken(const json_t *clock, const json_t *forecast)
{
    json_t *taken = json_array();
    for (int i = 0; i < CF_PARTS; i++) {
        const json_t *ms = cf_json_at(clock, "ms", names[i], NULL);
        const json_t *told = cf_json_named(json_object_get(forecast, "parts"), "name", names[i]);
        if (!ms)
            continue;
        json_t *row = json_pack("{s:s,s:O}", "name", names[i], "ms", ms);
        if (told) {
            json_object_set(row, "p50Ms", json_object_get(told, "p50Ms"));
            json_object_set(row, "p90Ms", json_object_get(told, "p90Ms"));
        }
        json_array_append_new(taken, row);
    }
    return taken;
}

/* "2s", "2s of 1s to 3s". */
static void put_beside(struct cf_buf *out, int64_t ms, const char *of, const json_t *told)
{
    char text[CF_UNIT_TEXT_MAX];
    cf_buf_puts(out, brief(ms, text));
    if (!json_object_get(told, "p90Ms"))
        return;
    cf_buf_printf(out, "%s%s", of, brief(cf_json_int(told, 0, "p50Ms", NULL), text));
    cf_buf_printf(out, " to %s", brief(cf_json_int(told, 0, "p90Ms", NULL), text));
}

void cf_freeze_say(const json_t *freeze, struct cf_buf *out)
{
    size_t i;
    json_t *row;
    put_beside(out, cf_json_int(freeze, 0, "ms", NULL), " (forecast ",
               json_object_get(freeze, "forecast"));
    cf_buf_puts(out, json_object_get(json_object_get(freeze, "forecast"), "p90Ms") ? ": " : " (");
    json_array_foreach(json_object_get(freeze, "parts"), i, row)
    {
        cf_buf_printf(out, "%s%s ", i ? ", " : "", cf_json_str(row, "", "name", NULL));
        put_beside(out, cf_json_int(row, 0, "ms", NULL), " of ", row);
    }
    cf_buf_puts(out, ")");
}
