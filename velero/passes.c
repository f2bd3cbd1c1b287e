/* SPDX-License-Identifier: Apache-2.0 */
/* The record of passes in the state, and how far a call has come.
 *
 * state: {"ways": {"there": {"passes": {"1": row}, "nodes": {claim: node}}, "back": …}}
 * row: {"attempt", "most" of them (none: CF_VELERO_ATTEMPTS), "phase", "since", "why", "rows": evidence, "handOver": {…}, "restore": row,
 * "rehearsal": row, …}. A row's phase is written before what it stands for is begun, so that a call
 * that was cut off is begun again, under the same names. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "velero/room.h"

/* Before the second attempt, and the third. Velero looks at a location every minute: one that went
 * away is Available until then, and refuses within a second. */
static const int64_t rests_ms[CF_VELERO_ATTEMPTS - 1] = { 3000, 30000 };

/* Between two records of nothing but progress. Two of a mover's reports, and a third of the shortest
 * standstill that counts (FELL_BACK_MS): it is noticed after 80 seconds at the latest. */
enum { SEEN_KEPT_MS = 20 * 1000 };

/* --- saying how far --- */

static void say(struct cf_moving *out, const char *fmt, va_list ap)
{
    vsnprintf(out->why, sizeof out->why, fmt, ap);
    cf_utf8_mend(out->why);
}

bool cf_moving_waits(struct cf_moving *out, int64_t wait_ms, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(out, fmt, ap);
    va_end(ap);
    out->waits = true;
    out->wait_ms = wait_ms;
    return true;
}

bool cf_moving_stuck(struct cf_moving *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(out, fmt, ap);
    va_end(ap);
    out->waits = true;
    out->wait_ms = CF_VELERO_LOOK_SLOW_MS;
    out->stuck = true;
    return true;
}

bool cf_moving_failed(struct cf_moving *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(out, fmt, ap);
    va_end(ap);
    out->failed = true;
    return true;
}

bool cf_moving_done(struct cf_moving *out)
{
    out->done = true;
    return true;
}

/* --- rows --- */

json_t *cf_velero_object_in(json_t *parent, const char *key)
{
    json_t *found = json_object_get(parent, key);
    if (!json_is_object(found)) {
        found = json_object();
        json_object_set_new(parent, key, found);
    }
    return found;
}

json_t *cf_way_open(const struct cf_volumes *v)
{
    return cf_velero_object_in(cf_velero_object_in(v->state, "ways"), v->way);
}

json_t *cf_pass_find(const json_t *state, const char *way, int n)
{
    char number[16];
    snprintf(number, sizeof number, "%d", n);
    return cf_json_unconst(cf_json_at(state, "ways", way, "passes", number, NULL));
}

/* Evidence of old passes is the caller's record by then; the names stay for the clean-up, and after it
 * for a while. */
static void forget_old(json_t *passes, int n)
{
    const char *number;
    json_t *row;
    void *next;
    json_object_foreach_safe(passes, next, number, row)
    {
        int age = n - (int)strtol(number, NULL, 10);
        if (age >= CF_VELERO_PASSES_NAMED && cf_json_bool(row, false, "cleaned", NULL)) {
            json_object_del(passes, number);
        } else if (age >= CF_VELERO_PASSES_KEPT) {
            json_object_del(row, "rows");
            cf_json_del(row, "restore", "rows", NULL);
            cf_json_del(row, "rehearsal", "rows", NULL);
        }
    }
}

json_t *cf_pass_open(const struct cf_volumes *v, int n)
{
    char number[16];
    json_t *passes = cf_velero_object_in(cf_way_open(v), "passes");
    snprintf(number, sizeof number, "%d", n);
    json_t *row = json_object_get(passes, number);
    if (!row) {
        forget_old(passes, n);
        row = json_pack("{s:i}", "attempt", 1);
        json_object_set_new(passes, number, row);
    }
    return row;
}

int cf_pass_attempt(const json_t *row)
{
    return (int)cf_json_int(row, 1, "attempt", NULL);
}

const char *cf_pass_phase(const json_t *row)
{
    return cf_json_str(row, "", "phase", NULL);
}

bool cf_pass_is(const json_t *row, const char *phase)
{
    return strcmp(cf_pass_phase(row), phase) == 0;
}

void cf_pass_go(json_t *row, const char *phase, int64_t now_ms)
{
    json_object_set_new(row, "phase", json_string(phase));
    json_object_set_new(row, "since", json_integer(now_ms));
    json_object_del(row, "seenAs");
}

int64_t cf_pass_quiet_ms(json_t *row, const char *fingerprint, int64_t now_ms)
{
    if (strcmp(cf_json_str(row, "", "seenAs", NULL), fingerprint) != 0) {
        json_object_set_new(row, "seenAs", json_string(fingerprint));
        json_object_set_new(row, "seenMs", json_integer(now_ms));
    }
    return CF_MAX(now_ms - cf_json_int(row, now_ms, "seenMs", NULL), 0);
}

void cf_pass_in_line(json_t *row, bool waits, int64_t now_ms)
{
    int64_t since = cf_json_int(row, 0, "lineMs", NULL);
    if (waits && since == 0)
        json_object_set_new(row, "lineMs", json_integer(now_ms));
    if (waits || since == 0)
        return;
    int64_t start = cf_json_int(row, since, "startMs", NULL);
    json_object_set_new(row, "startMs", json_integer(start + CF_MAX(now_ms - since, 0)));
    json_object_del(row, "lineMs");
}

int64_t cf_pass_took_ms(const json_t *row, int64_t now_ms)
{
    return CF_MAX(now_ms - cf_json_int(row, now_ms, "startMs", NULL), 0);
}

/* No claim has such a name: they have no capitals. */
static bool is_of_a_look(const char *key)
{
    return strcmp(key, "seenAs") == 0 || strcmp(key, "seenMs") == 0;
}

/* Whether what was seen last is to be stored: at once when nothing was, and then every SEEN_KEPT_MS at most,
 * for bytes that move are seen to move at each look. What stands still after a change that was not stored
 * is found to be another at each look, until one is late enough; so standstill is measured too short by
 * SEEN_KEPT_MS and a look, and too long only of what within that time looks again as it did before: no mover
 * does (cf_velero_fingerprint). */
static bool saw_other(const json_t *before, const json_t *now)
{
    const char *was = cf_json_str(before, "", "seenAs", NULL);
    int64_t was_ms = cf_json_int(before, 0, "seenMs", NULL);
    if (strcmp(was, cf_json_str(now, "", "seenAs", NULL)) == 0)
        return false;
    return !*was || cf_json_int(now, 0, "seenMs", NULL) - was_ms >= SEEN_KEPT_MS;
}

/* Whether a member is gone. */
static bool has_less(const json_t *before, const json_t *now)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(before), key, value)
    {
        if (!is_of_a_look(key) && !json_object_get(now, key))
            return true;
    }
    return false;
}

bool cf_volumes_state_differs(const json_t *before, const json_t *now)
{
    const char *key;
    json_t *value;
    if (!json_is_object(before) || !json_is_object(now))
        return !cf_json_equal(before, now);
    if (has_less(before, now) || saw_other(before, now))
        return true;
    json_object_foreach(cf_json_unconst(now), key, value)
    {
        const json_t *was = json_object_get(before, key);
        if (!is_of_a_look(key) && (!was || cf_volumes_state_differs(was, value)))
            return true;
    }
    return false;
}

static int attempts_most(const json_t *row)
{
    return (int)cf_json_int(row, CF_VELERO_ATTEMPTS, "most", NULL);
}

void cf_pass_give_up(json_t *row)
{
    json_object_set_new(row, "attempt", json_integer(attempts_most(row)));
}

bool cf_pass_rests(const json_t *row, int64_t now_ms, struct cf_moving *out)
{
    int64_t left = cf_json_int(row, 0, "notBefore", NULL) - now_ms;
    if (left <= 0)
        return false;
    return cf_moving_waits(out, CF_MIN(left, (int64_t)CF_VELERO_LOOK_SLOW_MS),
                           "%.500s; another attempt is made in %lld s",
                           cf_json_str(row, "", "why", NULL), (long long)(left + 999) / 1000);
}

/* With so many attempts left, from 1. */
static int64_t rest_ms(int left)
{
    int i = CF_VELERO_ATTEMPTS - 1 - left;
    return rests_ms[CF_MAX(i, 0)];
}

bool cf_pass_again(json_t *row, const char *phase, int64_t now_ms, const char *why,
                   struct cf_moving *out)
{
    int attempt = cf_pass_attempt(row);
    json_object_set_new(row, "why", json_string(why));
    if (attempt >= attempts_most(row)) {
        cf_pass_go(row, "failed", now_ms);
        return cf_moving_failed(out, "%s (attempt %d of %d)", why, attempt, attempts_most(row));
    }
    json_object_set_new(row, "attempt", json_integer(attempt + 1));
    int64_t begins = now_ms + rest_ms(attempts_most(row) - attempt);
    json_object_set_new(row, "notBefore", json_integer(begins));
    json_object_set_new(row, "startMs", json_integer(begins));
    json_object_del(row, "lineMs");
    cf_pass_go(row, phase, now_ms);
    snprintf(out->why, sizeof out->why, "%.600s; another attempt is made", why);
    cf_utf8_mend(out->why);
    return true;
}

/* --- a person has mended the cause --- */

/* As many attempts as in the beginning, under names that were never used. */
static void begin_again(json_t *row, const char *phase, int64_t now_ms)
{
    int attempt = cf_pass_attempt(row) + 1;
    json_object_set_new(row, "attempt", json_integer(attempt));
    json_object_set_new(row, "most", json_integer(attempt + CF_VELERO_ATTEMPTS - 1));
    cf_pass_go(row, phase, now_ms);
}

static bool row_again(json_t *row, const char *phase, int64_t now_ms)
{
    if (!row || !cf_pass_is(row, "failed"))
        return false;
    begin_again(row, phase, now_ms);
    return true;
}

static bool verify_again(json_t *state, const char *way, int64_t now_ms)
{
    bool any = false, differs;
    const char *number;
    json_t *row;
    json_object_foreach(cf_json_unconst(cf_json_at(state, "ways", way, "verify", NULL)), number,
                        row)
    {
        if (!cf_verify_again(row, now_ms, &differs))
            continue;
        any = true;
        json_t *restore =
            cf_json_unconst(cf_json_at(state, "ways", way, "passes", number, "restore", NULL));
        if (!differs || !restore || !cf_pass_is(restore, "done"))
            continue;
        json_object_set_new(restore, "startMs", json_integer(now_ms));
        json_object_del(restore, "bindsSince");
        begin_again(restore, "clear", now_ms);
    }
    return any;
}

bool cf_volumes_again(json_t *state, const char *way, int64_t now_ms)
{
    bool any = false;
    const char *number;
    json_t *row;
    json_object_foreach(cf_json_unconst(cf_json_at(state, "ways", way, "passes", NULL)), number,
                        row)
    {
        /* A live pass that a hand over makes again has no other number after it. */
        if (!cf_json_bool(row, true, "live", NULL) || cf_json_bool(row, false, "again", NULL))
            any |= row_again(row, "stage", now_ms);
        any |= row_again(json_object_get(row, "restore"), "clear", now_ms);
        any |= row_again(json_object_get(row, "rehearsal"), "clear", now_ms);
    }
    any |= verify_again(state, way, now_ms);
    return any;
}
