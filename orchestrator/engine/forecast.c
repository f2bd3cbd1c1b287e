/* SPDX-License-Identifier: Apache-2.0 */
/* How long the writers would stand still, from what this run has measured (moves.h).
 *
 * The freeze is a chain: the source's pods end, one more pass, its hand over, its restore, the
 * target's pods become ready. Of each link the median and the longest that was seen count; a pass of
 * what stands still sends no more than one that ran beside writers. Links that cannot be measured
 * before (pods ending and starting) are what their specs allow and a constant with room. */
#include <stdlib.h>

#include "base/units.h"
#include "orchestrator/engine/moves.h"

enum {
    LAST_PASSES = 3,        /* what counts: the first pass carries everything */
    STOP_MAX_MS = 30000,    /* of terminationGracePeriodSeconds: most pods end far earlier */
    STOP_MEDIAN_MS = 2000,  /* a server that heeds SIGTERM, and the look that sees it gone */
    START_MEDIAN_MS = 5000, /* a container that starts, its first probe, the routers' look */
    START_MAX_MS = 20000,
    SPREAD_PERCENT = 30, /* p90 of a link that was measured once or twice */
};

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Median and longest of a member over the last passes that have it; false: none has. */
static bool measured(const json_t *reports, const char *key, int64_t *out_median, int64_t *out_max)
{
    int64_t seen[LAST_PASSES];
    size_t n = 0;
    for (size_t i = json_array_size(reports); i-- > 0 && n < LAST_PASSES;) {
        const json_t *ms = json_object_get(json_array_get(reports, i), key);
        /* The first pass sends everything: it counts only while there is no other. */
        if (json_is_integer(ms) && (i > 0 || n == 0))
            seen[n++] = json_integer_value(ms);
    }
    if (n == 0)
        return false;
    qsort(seen, n, sizeof *seen, by_size);
    *out_median = seen[n / 2];
    *out_max = seen[n - 1];
    return true;
}

/* The restore's time as last rehearsed; a restore brings everything, whichever pass it was. */
static bool rehearsed(const json_t *reports, int64_t *out_ms)
{
    for (size_t i = json_array_size(reports); i-- > 0;) {
        const json_t *ms = json_object_get(json_array_get(reports, i), "rehearsalMs");
        if (!json_is_integer(ms))
            continue;
        *out_ms = json_integer_value(ms);
        return true;
    }
    return false;
}

static int64_t longest_grace_ms(const json_t *pod_specs)
{
    int64_t longest = 0;
    size_t i;
    json_t *spec;
    json_array_foreach(pod_specs, i, spec)
    {
        int64_t s = cf_json_int(spec, 30, "terminationGracePeriodSeconds", NULL);
        longest = CF_MAX(longest, CF_MIN(s, (int64_t)STOP_MAX_MS / 1000));
    }
    return longest * 1000;
}

void cf_forecast_of(const json_t *pass_reports, const json_t *workload_specs,
                    struct cf_forecast *out)
{
    int64_t backup_max = 0, over_max = 0;
    int64_t grace = longest_grace_ms(workload_specs);
    *out = (struct cf_forecast){ .start_ms = START_MEDIAN_MS,
                                 .stop_ms = CF_MIN((int64_t)STOP_MEDIAN_MS, grace) };
    bool backup = measured(pass_reports, "backupMs", &out->backup_ms, &backup_max);
    bool over = measured(pass_reports, "handOverMs", &out->hand_over_ms, &over_max);
    bool restore = rehearsed(pass_reports, &out->restore_ms);
    out->known = backup && over && restore;
    int64_t chain = out->backup_ms + out->hand_over_ms + out->restore_ms;
    int64_t longest = backup_max + over_max + out->restore_ms;
    out->p50_ms = out->stop_ms + chain + out->start_ms;
    out->p90_ms = grace + longest + longest * SPREAD_PERCENT / 100 + START_MAX_MS;
}

json_t *cf_forecast_json(const struct cf_forecast *f)
{
    return json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "known", f->known, "stopMs",
                     (json_int_t)f->stop_ms, "backupMs", (json_int_t)f->backup_ms, "handOverMs",
                     (json_int_t)f->hand_over_ms, "restoreMs", (json_int_t)f->restore_ms, "startMs",
                     (json_int_t)f->start_ms, "p50Ms", (json_int_t)f->p50_ms, "p90Ms",
                     (json_int_t)f->p90_ms);
}

void cf_forecast_say(const struct cf_forecast *f, struct cf_buf *out)
{
    char p50[CF_UNIT_TEXT_MAX], p90[CF_UNIT_TEXT_MAX], part[CF_UNIT_TEXT_MAX];
    const struct {
        const char *name;
        int64_t ms;
    } parts[] = { { "stop", f->stop_ms },
                  { "pass", f->backup_ms },
                  { "hand over", f->hand_over_ms },
                  { "restore", f->restore_ms },
                  { "start", f->start_ms } };
    cf_buf_printf(out, "%s, at worst %s (", cf_duration_brief(f->p50_ms, p50),
                  cf_duration_brief(f->p90_ms, p90));
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++)
        cf_buf_printf(out, "%s%s %s", i ? ", " : "", parts[i].name,
                      cf_duration_brief(parts[i].ms, part));
    cf_buf_puts(out, f->known ? ")" : "; the restore was not rehearsed)");
}
