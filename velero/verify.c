/* SPDX-License-Identifier: Apache-2.0 */
/* `verify: checksum`: a pod at each end reads every file of a claim; equal digests are the proof, and
 * where they differ the logs say which files.
 *
 * state, in the way's: {"verify": {"2": {"phase", "since", "why", "again", "claims": {name: row}}}}
 * row: {"round": "all|names", "buckets", "from": end, "to": end, "summaries": {"from", "to"}, "verdict",
 * "differences", "startMs", "ms"}; end: {"attempt", "made", "anywhere", "restricted", "summary",
 * "files", "bytes"}.
 *
 *   round    the pods read                      then
 *   all      everything                         equal: done. Else the rows in their logs are held against
 *                                               each other; where those are too many for a log:
 *   names    the files of some buckets that     the same, of what the logs have now
 *            differ, again
 *
 * A few claims at a time. An end whose pod fails, or goes away, is read again, three times at most, and as
 * often again each time that a person says so ("again"). The first claim that differs ends it all, for the
 * service stands still meanwhile. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "velero/verify.h"

enum {
    UP_MS = 3 * 60 * 1000,     /* image pull, attach and mount; longer is stuck */
    MOVE_MS = 60 * 1000,       /* on the node that had the volume, before any other may */
    QUIET_MS = 10 * 60 * 1000, /* nothing more is read */
    LOOK_MS = 3000,
};

struct verifying {
    const struct cf_volumes *v;
    int n;
    json_t *row;              /* of the whole */
    json_t *pods[2];          /* by name, at the data's origin and destination */
    int active, left, judged; /* claims; those of this very call */
    bool is_stuck;
    int64_t bytes, bytes_total;
    bool total_known;
    char words[CF_MOVING_WHY_MAX / 2]; /* of the first that something can be said of */
};

static const char *const end_keys[] = { "from", "to" };

static bool is_wanted(const json_t *claim)
{
    return strcmp(cf_json_str(claim, "", "verify", NULL), "checksum") == 0;
}

static json_t *claim_row(const struct verifying *w, const json_t *claim)
{
    return cf_velero_object_in(cf_velero_object_in(w->row, "claims"),
                               cf_json_str(claim, "", "name", NULL));
}

static const char *verdict_of(const json_t *row)
{
    return cf_json_str(row, "", "verdict", NULL);
}

/* A person who lets it be tried again gives three more attempts, under names that were never used. */
static struct cf_verify_end end_of(const struct verifying *w, const json_t *claim, json_t *row,
                                   int side)
{
    int64_t before = CF_VELERO_ATTEMPTS * cf_json_int(w->row, 0, "again", NULL);
    json_t *end = cf_velero_object_in(row, end_keys[side]);
    if (before > 0 && json_object_size(end) == 0)
        json_object_set_new(end, "attempt", json_integer(before + 1));
    return (struct cf_verify_end){
        .v = w->v,
        .n = w->n,
        .claim = claim,
        .at_from = side == 0,
        .row = end,
        .buckets = cf_json_str(row, "", "buckets", NULL),
    };
}

/* --- pods --- */

static bool list_pods(struct verifying *w, struct cf_error *err)
{
    cf_autofree char *selector = cf_velero_selector(w->v, CF_VELERO_LABEL_STAGE, CF_VERIFY_STAGE);
    for (int side = 0; side < 2; side++) {
        cf_autojson json_t *items = NULL;
        if (!cf_velero_list(side == 0 ? w->v->from : w->v->to, "v1", "Pod",
                            side == 0 ? w->v->from_namespace : w->v->to_namespace, selector,
                            cf_velero_trim_pod, &items, err))
            return false;
        w->pods[side] = cf_json_index(items, "metadata", "name", NULL);
    }
    return true;
}

/* Every pod of the verification; *out_left counts those that are still there. */
static bool pods_away(struct verifying *w, size_t *out_left, struct cf_error *err)
{
    *out_left = 0;
    for (int side = 0; side < 2; side++) {
        struct cf_verify_end e = { .v = w->v, .n = w->n, .at_from = side == 0 };
        const char *name;
        json_t *pod;
        *out_left += json_object_size(w->pods[side]);
        json_object_foreach(w->pods[side], name, pod)
        {
            if (!cf_verify_pod_drop(&e, pod, err))
                return false;
        }
    }
    return true;
}

static void say(struct verifying *w, bool stuck, const char *words)
{
    if (!*w->words || (stuck && !w->is_stuck))
        snprintf(w->words, sizeof w->words, "%s", words);
    w->is_stuck = w->is_stuck || stuck;
}

/* --- one end --- */

/* Read again, or the end of attempts: then *out says so. */
static void again(const struct cf_verify_end *e, const char *why, struct cf_moving *out)
{
    int attempt = cf_pass_attempt(e->row);
    if (attempt % CF_VELERO_ATTEMPTS == 0) {
        cf_moving_failed(out, "%s (attempt %d of %d)", why, attempt, attempt);
        return;
    }
    json_object_set_new(e->row, "attempt", json_integer(attempt + 1));
    json_object_del(e->row, "made");
    json_object_del(e->row, "seenAs");
}

static bool make(const struct cf_verify_end *e, struct cf_moving *out, struct cf_error *err)
{
    char why[256];
    if (cf_json_bool(e->row, false, "made", NULL)) {
        snprintf(why, sizeof why, "a pod that was reading claim %.120s on %s has been deleted",
                 cf_json_str(e->claim, "", "name", NULL), cf_kube_name(cf_verify_kube(e)));
        again(e, why, out);
        if (out->failed)
            return true;
    }
    if (!cf_verify_pod_make(e, err))
        return false;
    json_object_set_new(e->row, "made", json_true());
    return true;
}

/* It has ended, one way or the other. */
static void ended(const struct cf_verify_end *e, const json_t *pod, struct cf_moving *out)
{
    const char *message =
        cf_json_str(json_array_get(cf_json_at(pod, "status", "containerStatuses", NULL), 0), "",
                    "state", "terminated", "message", NULL);
    bool good = strcmp(cf_json_str(pod, "", "status", "phase", NULL), "Succeeded") == 0;
    char why[CF_MOVING_WHY_MAX / 2];
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *summary = good || *message ? cf_verify_summary(message, &err) : NULL;
    const char *error = cf_json_str(summary, "", "error", NULL);
    if (good && summary && !*error) {
        json_object_set(e->row, "summary", summary);
        return;
    }
    cf_verify_pod_say(e, pod, false, why, sizeof why);
    if (good && !summary)
        snprintf(why + strlen(why), sizeof why - strlen(why), ": %.200s", err.message);
    again(e, why, out);
}

/* Not running yet: another place, or a reason. */
static bool coming(struct verifying *w, const struct cf_verify_end *e, const json_t *pod,
                   struct cf_error *err)
{
    int64_t quiet = cf_pass_quiet_ms(e->row, "coming", w->v->now_ms);
    char words[CF_MOVING_WHY_MAX / 2];
    if (e->at_from && quiet > MOVE_MS && !cf_json_bool(e->row, false, "anywhere", NULL) &&
        *cf_json_str(cf_json_at(w->v->state, "ways", w->v->way, NULL), "", "nodes",
                     cf_json_str(e->claim, "", "name", NULL), NULL)) {
        json_object_set_new(e->row, "anywhere", json_true());
        json_object_del(e->row, "made");
        json_object_del(e->row, "seenAs");
        return cf_verify_pod_drop(e, pod, err);
    }
    cf_verify_pod_say(e, pod, quiet > UP_MS, words, sizeof words);
    say(w, quiet > UP_MS, words);
    return true;
}

/* How far it is, by its log; where nobody may read that, it is only known to run. */
static void running(struct verifying *w, const struct cf_verify_end *e, const json_t *pod)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf log = CF_BUF_INIT(4096);
    struct cf_error err = CF_ERROR_INIT;
    int64_t files = cf_json_int(e->row, 0, "files", NULL);
    int64_t bytes = cf_json_int(e->row, 0, "bytes", NULL), f = 0, b = 0;
    char seen[64], words[CF_MOVING_WHY_MAX / 2];
    bool told = cf_verify_pod_log(e, true, &log, &err);
    if (told && cf_verify_progress(cf_buf_str(&log), log.len, &f, &b)) {
        files = CF_MAX(files, f);
        bytes = CF_MAX(bytes, b);
        json_object_set_new(e->row, "files", json_integer(files));
        json_object_set_new(e->row, "bytes", json_integer(bytes));
    }
    snprintf(seen, sizeof seen, "%" PRId64 " %" PRId64, files, bytes);
    int64_t quiet = cf_pass_quiet_ms(e->row, seen, w->v->now_ms);
    if (!told || quiet <= QUIET_MS)
        return;
    cf_verify_pod_say(e, pod, true, words, sizeof words);
    snprintf(words + strlen(words), sizeof words - strlen(words),
             "; it has read nothing for %d minutes: does its storage answer", (int)(quiet / 60000));
    say(w, true, words);
}

static bool look_at_end(struct verifying *w, const struct cf_verify_end *e, struct cf_moving *out,
                        struct cf_error *err)
{
    char name[CF_VELERO_NAME_MAX];
    if (json_object_get(e->row, "summary"))
        return true;
    const json_t *pod = json_object_get(w->pods[e->at_from ? 0 : 1], cf_verify_pod_name(e, name));
    if (pod && cf_json_at(pod, "metadata", "deletionTimestamp", NULL))
        return true;
    if (!pod)
        return make(e, out, err);
    if (cf_velero_pod_is_over(pod)) {
        ended(e, pod, out);
        return true;
    }
    if (strcmp(cf_json_str(pod, "", "status", "phase", NULL), "Running") != 0)
        return coming(w, e, pod, err);
    running(w, e, pod);
    return true;
}

/* --- the verdict --- */

static bool same(const json_t *a, const json_t *b, const char *key)
{
    return strcmp(cf_json_str(a, "", key, NULL), cf_json_str(b, "", key, NULL)) == 0;
}

/* Reads both logs, and from them the differences. A log that cannot be read is said in their place: the
 * digests have given the verdict. False: the names need another round. */
static bool name_them(struct verifying *w, const json_t *claim, json_t *row)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf from = CF_BUF_INIT(CF_VERIFY_LOG_READ_MAX + 1);
    CF_CLEANUP(cf_buf_free) struct cf_buf to = CF_BUF_INIT(CF_VERIFY_LOG_READ_MAX + 1);
    struct cf_verify_end ends[] = { end_of(w, claim, row, 0), end_of(w, claim, row, 1) };
    char buckets[4 * CF_VERIFY_BUCKETS_AGAIN];
    struct cf_error err = CF_ERROR_INIT;
    bool again = strcmp(cf_json_str(row, "all", "round", NULL), "names") == 0, more = false;
    json_t *differences = NULL;
    if (cf_verify_pod_log(&ends[0], false, &from, &err) &&
        cf_verify_pod_log(&ends[1], false, &to, &err))
        differences = cf_verify_diff(&from, &to, &err);
    if (!differences) {
        json_object_set_new(row, "differences",
                            json_pack("{s:n, s:b, s:[], s:s}", "total", "atLeast", 1, "listed",
                                      "why", err.message));
        return true;
    }
    if (!again && strcmp(verdict_of(row), "different") == 0 &&
        (cf_verify_is_cut(&from) || cf_verify_is_cut(&to)) &&
        *cf_verify_buckets(&from, &to, buckets, sizeof buckets, &more)) {
        json_decref(differences);
        json_object_set_new(row, "round", json_string("names"));
        json_object_set_new(row, "buckets", json_string(buckets));
        json_object_set_new(row, "more", json_boolean(more));
        return false;
    }
    if (cf_json_bool(row, false, "more", NULL))
        json_object_set_new(differences, "atLeast", json_true());
    json_object_set_new(row, "differences", differences);
    return true;
}

/* Of the ends only what their pods' names follow from: the state has a row per claim. */
static void keep_names(json_t *row)
{
    static const char *const rest[] = { "summary", "files", "bytes", "seenAs", "seenMs" };
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < CF_ARRAY_LEN(rest); i++)
            cf_json_del(row, end_keys[side], rest[i], NULL);
    }
}

/* Both ends have been read. */
static void judge(struct verifying *w, const json_t *claim, json_t *row)
{
    const json_t *a = cf_json_at(row, "from", "summary", NULL);
    const json_t *b = cf_json_at(row, "to", "summary", NULL);
    bool first = !json_object_get(row, "summaries");
    if (first) {
        bool unread = cf_json_int(a, 0, "unreadable", NULL) + cf_json_int(b, 0, "unreadable", NULL);
        const char *verdict = !same(a, b, "content") ? "different"
                              : unread               ? "unreadable"
                                                     : "equal";
        json_object_set_new(row, "summaries", json_pack("{s:O, s:O}", "from", a, "to", b));
        json_object_set_new(row, "verdict", json_string(verdict));
    }
    bool all_same = strcmp(verdict_of(row), "equal") == 0 && same(a, b, "all");
    if (all_same || name_them(w, claim, row)) {
        json_object_set_new(row, "ms",
                            json_integer(w->v->now_ms - cf_json_int(row, 0, "startMs", NULL)));
        keep_names(row);
        w->judged++;
        return;
    }
    json_object_del(row, "from");
    json_object_del(row, "to");
}

static bool is_judged(const json_t *row)
{
    return json_object_get(row, "ms") != NULL;
}

/* The first differences, for people. */
static void say_different(const struct verifying *w, const json_t *claim, const json_t *row,
                          char *buf, size_t size)
{
    enum { NAMED = 3 };
    const json_t *d = json_object_get(row, "differences"), *total = json_object_get(d, "total");
    const json_t *a = cf_json_at(row, "summaries", "from", NULL);
    const json_t *b = cf_json_at(row, "summaries", "to", NULL);
    struct cf_buf words = CF_BUF_INIT(2048);
    size_t i, named = 0;
    json_t *one;
    cf_buf_printf(&words, "claim %s: ", cf_json_str(claim, "", "name", NULL));
    if (json_is_integer(total))
        cf_buf_printf(&words, "%s%" JSON_INTEGER_FORMAT " of %" PRId64 " files and folders ",
                      cf_json_bool(d, false, "atLeast", NULL) ? "at least " : "",
                      json_integer_value(total),
                      cf_json_int(a, 0, "files", NULL) + cf_json_int(a, 0, "directories", NULL) +
                          cf_json_int(a, 0, "links", NULL));
    else
        cf_buf_printf(&words,
                      "%" PRId64 " files with %" PRId64 " bytes and %" PRId64 " files with %" PRId64
                      " bytes ",
                      cf_json_int(a, 0, "files", NULL), cf_json_int(a, 0, "bytes", NULL),
                      cf_json_int(b, 0, "files", NULL), cf_json_int(b, 0, "bytes", NULL));
    cf_buf_printf(&words,
                  strcmp(verdict_of(row), "unreadable") == 0 ? "cannot be read on %s or %s"
                                                             : "differ between %s and %s",
                  cf_kube_name(w->v->from), cf_kube_name(w->v->to));
    json_array_foreach(json_object_get(d, "listed"), i, one)
    {
        const char *what = cf_json_str(one, "", "what", NULL);
        if (strcmp(what, "attributes") != 0 && named < NAMED)
            cf_buf_printf(&words, "%s%s of %.80s", named++ ? ", " : ": ", what,
                          cf_json_str(one, "", "path", NULL));
    }
    if (*cf_json_str(d, "", "why", NULL))
        cf_buf_printf(&words, " (which: %.160s)", cf_json_str(d, "", "why", NULL));
    if (strcmp(verdict_of(row), "unreadable") == 0)
        cf_buf_puts(&words, "; let pods of the level baseline into the namespace, or leave this "
                            "claim's verify out");
    snprintf(buf, size, "%s", cf_buf_str(&words));
    cf_utf8_mend(buf);
    cf_buf_free(&words);
}

/* --- one claim --- */

/* What Velero says it has moved is what there is to read, at each end. */
static void add_progress(struct verifying *w, const json_t *claim, const json_t *row)
{
    size_t i;
    json_t *one;
    const json_t *pass = cf_pass_find(w->v->state, w->v->way, w->n);
    int64_t total = -1;
    json_array_foreach(json_object_get(pass, "rows"), i, one)
    {
        if (strcmp(cf_json_str(one, "", "name", NULL), cf_json_str(claim, "", "name", NULL)) == 0)
            total = cf_json_int(one, -1, "bytes", NULL);
    }
    w->total_known = w->total_known && total >= 0;
    w->bytes_total += 2 * CF_MAX(total, 0);
    for (int side = 0; side < 2; side++) {
        const json_t *summary = cf_json_at(row, "summaries", end_keys[side], NULL);
        if (!summary)
            summary = cf_json_at(row, end_keys[side], "summary", NULL);
        int64_t read = summary ? cf_json_int(summary, 0, "bytes", NULL)
                               : cf_json_int(row, 0, end_keys[side], "bytes", NULL);
        w->bytes += total >= 0 ? CF_MIN(read, total) : read;
    }
}

/* Its verdict is in the record by now: the pods have been all they were for. */
static bool drop_pods(struct verifying *w, const json_t *claim, json_t *row, struct cf_error *err)
{
    char name[CF_VELERO_NAME_MAX];
    for (int side = 0; side < 2; side++) {
        struct cf_verify_end e = end_of(w, claim, row, side);
        const json_t *pod = json_object_get(w->pods[side], cf_verify_pod_name(&e, name));
        if (pod && !cf_verify_pod_drop(&e, pod, err))
            return false;
    }
    return true;
}

static bool look_at_claim(struct verifying *w, const json_t *claim, struct cf_moving *out,
                          struct cf_error *err)
{
    json_t *row = claim_row(w, claim);
    char why[CF_MOVING_WHY_MAX];
    if (is_judged(row) && !drop_pods(w, claim, row, err))
        return false;
    if (!is_judged(row) && w->active < CF_VERIFY_AT_ONCE) {
        w->active++;
        if (!json_object_get(row, "startMs"))
            json_object_set_new(row, "startMs", json_integer(w->v->now_ms));
        for (int side = 0; side < 2 && !out->failed; side++) {
            struct cf_verify_end e = end_of(w, claim, row, side);
            if (!look_at_end(w, &e, out, err))
                return false;
        }
        if (!out->failed && cf_json_at(row, "from", "summary", NULL) &&
            cf_json_at(row, "to", "summary", NULL))
            judge(w, claim, row);
    }
    add_progress(w, claim, row);
    w->left += !is_judged(row);
    if (is_judged(row) && strcmp(verdict_of(row), "equal") != 0) {
        say_different(w, claim, row, why, sizeof why);
        cf_moving_failed(out, "%s", why);
    }
    return true;
}

/* --- all of them --- */

static bool finish(struct verifying *w, struct cf_moving *out, struct cf_error *err)
{
    size_t left = 0;
    if (w->judged > 0)
        return true; /* recorded first, then tidied */
    if (!pods_away(w, &left, err))
        return false;
    if (left > 0)
        return cf_moving_waits(out, CF_VELERO_LOOK_MS, "%zu reading pods are being taken away",
                               left);
    json_object_set_new(w->row, "ms",
                        json_integer(w->v->now_ms - cf_json_int(w->row, 0, "startMs", NULL)));
    cf_pass_go(w->row, "done", w->v->now_ms);
    return cf_moving_done(out);
}

/* Recorded before the pods are taken away: a call that is cut off must not have to read again. */
static bool fail(struct verifying *w, const struct cf_moving *out)
{
    json_object_set_new(w->row, "why", json_string(out->why));
    json_object_set_new(w->row, "ms",
                        json_integer(w->v->now_ms - cf_json_int(w->row, 0, "startMs", NULL)));
    cf_pass_go(w->row, "failed", w->v->now_ms);
    return true;
}

/* Called once more after it has failed. */
static bool fail_again(struct verifying *w, struct cf_moving *out, struct cf_error *err)
{
    size_t left;
    return list_pods(w, err) && pods_away(w, &left, err) &&
           cf_moving_failed(out, "%s", cf_json_str(w->row, "", "why", NULL));
}

static bool look(struct verifying *w, struct cf_moving *out, struct cf_error *err)
{
    size_t i;
    json_t *claim;
    if (!list_pods(w, err))
        return false;
    json_array_foreach(w->v->claims, i, claim)
    {
        if (is_wanted(claim) && !out->failed && !look_at_claim(w, claim, out, err))
            return false;
    }
    out->bytes = w->bytes;
    out->bytes_total = w->total_known ? w->bytes_total : 0;
    if (out->failed)
        return fail(w, out);
    if (w->left == 0)
        return finish(w, out, err);
    if (w->is_stuck)
        return cf_moving_stuck(out, "%s", w->words);
    return cf_moving_waits(out, LOOK_MS, "%d claims are being read at both ends%s%s", w->left,
                           *w->words ? ": " : "", w->words);
}

/* A claim that is proved stays so, unless all are restored anew. */
bool cf_verify_again(json_t *row, int64_t now_ms, bool *out_differs)
{
    json_t *claims = json_object_get(row, "claims"), *one;
    const char *name;
    void *next;
    *out_differs = false;
    if (!cf_pass_is(row, "failed"))
        return false;
    json_object_foreach(claims, name, one)
    {
        *out_differs = *out_differs || strcmp(verdict_of(one), "different") == 0;
    }
    json_object_foreach_safe(claims, next, name, one)
    {
        if (*out_differs || strcmp(verdict_of(one), "equal") != 0)
            json_object_del(claims, name);
    }
    json_object_set_new(row, "again", json_integer(cf_json_int(row, 0, "again", NULL) + 1));
    json_object_set_new(row, "startMs", json_integer(now_ms));
    cf_pass_go(row, "read", now_ms);
    return true;
}

static json_t *find_row(const json_t *state, const char *way, int n)
{
    char number[16];
    snprintf(number, sizeof number, "%d", n);
    return cf_json_unconst(cf_json_at(state, "ways", way, "verify", number, NULL));
}

bool cf_volumes_verify(const struct cf_volumes *v, int n, struct cf_moving *out,
                       struct cf_error *err)
{
    struct verifying w = { .v = v, .n = n, .total_known = true };
    char number[16];
    size_t i, wanted = 0;
    json_t *claim;
    bool restored = true;
    json_array_foreach(v->claims, i, claim)
    {
        wanted += is_wanted(claim);
    }
    if (wanted == 0)
        return cf_moving_done(out);
    if (!cf_velero_restored(v, n, &restored, out, err) || !restored)
        return err->kind == CF_ERR_NONE;
    snprintf(number, sizeof number, "%d", n);
    w.row = cf_velero_object_in(cf_velero_object_in(cf_way_open(v), "verify"), number);
    if (cf_pass_is(w.row, "done"))
        return cf_moving_done(out);
    if (cf_pass_is(w.row, "")) {
        cf_pass_go(w.row, "read", v->now_ms);
        json_object_set_new(w.row, "startMs", json_integer(v->now_ms));
    }
    bool good = cf_pass_is(w.row, "failed") ? fail_again(&w, out, err) : look(&w, out, err);
    json_decref(w.pods[0]);
    json_decref(w.pods[1]);
    return good;
}

/* --- the record --- */

static json_t *claim_report(const char *name, const json_t *row)
{
    static const char *const counts[] = { "files", "directories", "links", "others", "bytes" };
    const json_t *a = cf_json_at(row, "summaries", "from", NULL);
    const json_t *b = cf_json_at(row, "summaries", "to", NULL);
    const json_t *d = json_object_get(row, "differences");
    json_t *report = json_pack(
        "{s:s, s:s, s:I, s:s, s:I}", "name", name, "verdict", verdict_of(row), "ms",
        cf_json_int(row, 0, "ms", NULL), "digest", cf_json_str(a, "", "content", NULL), "seconds",
        CF_MAX(cf_json_int(a, 0, "seconds", NULL), cf_json_int(b, 0, "seconds", NULL)));
    for (size_t i = 0; i < CF_ARRAY_LEN(counts); i++)
        json_object_set_new(report, counts[i], json_integer(cf_json_int(a, 0, counts[i], NULL)));
    json_object_set_new(report, "differences", d ? json_incref(cf_json_unconst(d)) : json_null());
    return report;
}

json_t *cf_volumes_verify_report(const json_t *state, const char *way, int n)
{
    const json_t *row = find_row(state, way, n);
    const char *name;
    json_t *one;
    if (!row)
        return NULL;
    json_t *claims = json_array();
    json_object_foreach(json_object_get(row, "claims"), name, one)
    {
        json_array_append_new(claims, claim_report(name, one));
    }
    const char *phase = cf_pass_phase(row);
    return json_pack("{s:i, s:s, s:s, s:I, s:o}", "pass", n, "way", way, "phase",
                     strcmp(phase, "read") == 0 ? "" : phase, "ms", cf_json_int(row, 0, "ms", NULL),
                     "claims", claims);
}
