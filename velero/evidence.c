/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence per claim. Rows are written once, from the operation of the claim or from its lack. */
#include "velero/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { ROW_WHY_MAX = 240 };

json_t *cf_stage_index(const struct cf_volumes *v)
{
    json_t *index = json_object();
    char name[CF_VELERO_NAME_MAX];
    size_t i;
    json_t *claim;
    json_array_foreach(v->claims, i, claim)
    {
        const char *of = cf_json_str(claim, "", "name", NULL);
        json_object_set_new(index, cf_velero_stage_name(v, of, name), json_string(of));
    }
    return index;
}

/* The claim that an operation is about, or "". `index` is cf_stage_index. */
static const char *claim_of(const json_t *operation, const json_t *index, const char *ns)
{
    static const struct {
        const char *kind, *ns_part, *ns_key, *part, *key;
        bool by_pod;
    } places[] = {
        { "PodVolumeBackup", "pod", "namespace", "pod", "name", true },
        { "PodVolumeRestore", "pod", "namespace", "pod", "name", true },
        { "DataUpload", NULL, "sourceNamespace", NULL, "sourcePVC", false },
        { "DataDownload", "targetVolume", "namespace", "targetVolume", "pvc", false },
    };
    const char *kind = cf_json_str(operation, "", "kind", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
        if (strcmp(places[i].kind, kind) != 0)
            continue;
        const json_t *spec = cf_json_at(operation, "spec", NULL);
        const json_t *in = places[i].part ? json_object_get(spec, places[i].part) : spec;
        const char *where = cf_json_str(in, "", places[i].ns_key, NULL);
        const char *name = cf_json_str(in, "", places[i].key, NULL);
        if (strcmp(where, ns) != 0)
            return "";
        return places[i].by_pod ? cf_json_str(index, "", name, NULL) : name;
    }
    return "";
}

/* {claim: [operation, …]} (borrowed contents, new reference). */
static json_t *by_claim(const struct cf_volumes *v, const json_t *operations, const char *ns)
{
    cf_autojson json_t *index = cf_stage_index(v);
    json_t *map = json_object();
    size_t i;
    json_t *one;
    json_array_foreach(operations, i, one)
    {
        const char *claim = claim_of(one, index, ns);
        json_t *list = json_object_get(map, claim);
        if (!*claim)
            continue;
        if (!list) {
            list = json_array();
            json_object_set_new(map, claim, list);
        }
        json_array_append(list, one);
    }
    return map;
}

/* --- what one claim needs --- */

static bool is_kind_for(const json_t *claim, const json_t *operation)
{
    const char *kind = cf_json_str(operation, "", "kind", NULL);
    return (strncmp(kind, "PodVolume", 9) == 0) == cf_velero_is_files(claim);
}

static bool about_equal(int64_t a, int64_t b)
{
    int64_t larger = CF_MAX(a, b), slack = CF_MAX(larger / 100, (int64_t)CF_BYTES_SLACK);
    return larger - CF_MIN(a, b) <= slack;
}

struct proof {
    const json_t *claim, *operation; /* operation NULL: none */
    int64_t bytes, total;
    bool empty;
    bool unbound;          /* all that is missing is that the claim is Bound */
    char why[ROW_WHY_MAX]; /* "" : proved */
};

/* The one operation of a claim that counts; none, another kind's, or two of them prove nothing. */
static void find_operation(struct proof *p, const json_t *list, const char *what)
{
    size_t n = json_array_size(list);
    if (n == 0) {
        snprintf(p->why, sizeof p->why, "no %s: Velero skipped the volume", what);
        return;
    }
    p->operation = json_array_get(list, 0);
    if (n > 1)
        snprintf(p->why, sizeof p->why, "%zu operations for one claim", n);
    else if (!is_kind_for(p->claim, p->operation))
        snprintf(p->why, sizeof p->why, "a %s instead of a %s",
                 cf_json_str(p->operation, "", "kind", NULL), what);
}

static void read_operation(struct proof *p)
{
    const json_t *o = p->operation;
    const char *phase = cf_json_str(o, "", "status", "phase", NULL);
    p->bytes = cf_json_int(o, 0, "status", "progress", "bytesDone", NULL);
    p->total = cf_json_int(o, 0, "status", "progress", "totalBytes", NULL);
    if (*p->why || strcmp(phase, "Completed") == 0)
        return;
    const char *message = cf_json_str(o, "", "status", "message", NULL);
    snprintf(p->why, sizeof p->why, "%s is %s%s%.160s", cf_json_str(o, "", "kind", NULL),
             *phase ? phase : "New", *message ? ": " : "", message);
}

static void judge_bytes(struct proof *p, int64_t want)
{
    if (!*p->why && !about_equal(p->bytes, want))
        snprintf(p->why, sizeof p->why, "%" PRId64 " of %" PRId64 " bytes", p->bytes, want);
}

static json_t *row_of(struct proof *p)
{
    char source[CF_VELERO_NAME_MAX * 3] = "";
    cf_utf8_mend(p->why); /* a mover's message was cut, perhaps within a character */
    if (p->operation)
        snprintf(source, sizeof source, "%s/%s", cf_json_str(p->operation, "", "kind", NULL),
                 cf_json_str(p->operation, "", "metadata", "name", NULL));
    json_t *row = json_pack("{s:s, s:I, s:I, s:s, s:s, s:b, s:b, s:s}", "name",
                            cf_json_str(p->claim, "", "name", NULL), "bytes", (json_int_t)p->bytes,
                            "total", (json_int_t)p->total, "source", source, "phase",
                            cf_json_str(p->operation, "", "status", "phase", NULL), "empty",
                            p->empty, "ok", *p->why == '\0', "why", p->why);
    cf_assert(row);
    if (p->unbound)
        json_object_set_new(row, "unbound", json_true());
    return row;
}

/* --- a pass --- */

/* Kopia makes no snapshot of a volume in which there is nothing: there is nothing to bring either. */
static bool is_empty_volume(const struct proof *p)
{
    return strcmp(cf_json_str(p->operation, "", "status", "snapshotID", NULL), "") == 0 &&
           p->bytes == 0 && p->total == 0;
}

static json_t *prove_backup(const json_t *claim, const json_t *list)
{
    struct proof p = { .claim = claim };
    find_operation(&p, list, cf_velero_is_files(claim) ? "PodVolumeBackup" : "DataUpload");
    if (p.operation) {
        read_operation(&p);
        judge_bytes(&p, p.total);
        p.empty = is_empty_volume(&p);
        if (!*p.why && !p.empty &&
            *cf_json_str(p.operation, "", "status", "snapshotID", NULL) == '\0')
            snprintf(p.why, sizeof p.why, "%s has no snapshot",
                     cf_json_str(p.operation, "", "kind", NULL));
    }
    json_t *row = row_of(&p);
    const json_t *incremental = cf_json_at(p.operation, "status", "incrementalBytes", NULL);
    /* Less than nothing was seen on a real one, of a file that had grown by a little. */
    json_object_set_new(row, "incrementalBytes",
                        json_is_integer(incremental)
                            ? json_integer(CF_MAX(json_integer_value(incremental), 0))
                            : json_null());
    return row;
}

json_t *cf_evidence_backup(const struct cf_volumes *v, const json_t *operations)
{
    cf_autojson json_t *map = by_claim(v, operations, v->from_namespace);
    json_t *rows = json_array();
    size_t i;
    json_t *claim;
    json_array_foreach(v->claims, i, claim)
    {
        const json_t *list = json_object_get(map, cf_json_str(claim, "", "name", NULL));
        json_array_append_new(rows, prove_backup(claim, list));
    }
    return rows;
}

/* --- a restore --- */

static void judge_claim(struct proof *p, const json_t *live, const char *ns)
{
    const char *phase = cf_json_str(live, "", "status", "phase", NULL);
    if (!*p->why && !live)
        snprintf(p->why, sizeof p->why, "there is no such claim in namespace %s", ns);
    else if (!*p->why && (p->unbound = strcmp(phase, "Bound") != 0))
        snprintf(p->why, sizeof p->why, "the claim is %s, not Bound", *phase ? phase : "new");
}

static json_t *prove_restore(const json_t *claim, const json_t *backed, const json_t *list,
                             const json_t *live, const char *ns)
{
    struct proof p = { .claim = claim };
    int64_t want = cf_json_int(backed, -1, "total", NULL);
    p.empty = cf_json_bool(backed, false, "empty", NULL);
    if (!cf_json_bool(backed, false, "ok", NULL)) {
        snprintf(p.why, sizeof p.why, "its pass has no evidence");
    } else if (!p.empty || json_array_size(list) > 0) {
        find_operation(&p, list, cf_velero_is_files(claim) ? "PodVolumeRestore" : "DataDownload");
        if (p.operation) {
            read_operation(&p);
            judge_bytes(&p, want);
        }
    }
    judge_claim(&p, live, ns);
    return row_of(&p);
}

static json_t *named(const json_t *items, bool of_objects)
{
    json_t *map = json_object();
    size_t i;
    json_t *one;
    json_array_foreach(items, i, one)
    {
        const char *name = of_objects ? cf_json_str(one, "", "metadata", "name", NULL)
                                      : cf_json_str(one, "", "name", NULL);
        json_object_set(map, name, one);
    }
    return map;
}

json_t *cf_evidence_restore(const struct cf_volumes *v, const char *ns, const json_t *backed,
                            const json_t *operations, const json_t *claims)
{
    cf_autojson json_t *map = by_claim(v, operations, ns);
    cf_autojson json_t *backups = named(backed, false);
    cf_autojson json_t *lives = named(claims, true);
    json_t *rows = json_array();
    size_t i;
    json_t *claim;
    json_array_foreach(v->claims, i, claim)
    {
        const char *name = cf_json_str(claim, "", "name", NULL);
        json_array_append_new(rows, prove_restore(claim, json_object_get(backups, name),
                                                  json_object_get(map, name),
                                                  json_object_get(lives, name), ns));
    }
    return rows;
}

/* --- sums --- */

bool cf_evidence_is_whole(const json_t *rows)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (!cf_json_bool(row, false, "ok", NULL))
            return false;
    }
    return json_array_size(rows) > 0;
}

bool cf_evidence_only_unbound(const json_t *rows)
{
    size_t i, n = 0;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        bool unbound = cf_json_bool(row, false, "unbound", NULL);
        if (!cf_json_bool(row, false, "ok", NULL) && !unbound)
            return false;
        n += unbound;
    }
    return n > 0;
}

void cf_evidence_lacks(const json_t *rows, char *why, size_t size)
{
    struct cf_buf text = CF_BUF_INIT(size - 1);
    size_t i, n = 0;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        n += !cf_json_bool(row, false, "ok", NULL);
    }
    cf_buf_printf(&text, "%zu of %zu claims lack evidence", n, json_array_size(rows));
    json_array_foreach(rows, i, row)
    {
        if (!cf_json_bool(row, false, "ok", NULL)) {
            cf_autofree char *line =
                cf_xasprintf("%s %s: %s", n ? ":" : ";", cf_json_str(row, "", "name", NULL),
                             cf_json_str(row, "", "why", NULL));
            n = 0;
            if (text.len + strlen(line) < size)
                cf_buf_puts(&text, line);
        }
    }
    snprintf(why, size, "%s", cf_buf_str(&text));
    cf_buf_free(&text);
}

void cf_evidence_bytes(const json_t *rows, int64_t *out_bytes, int64_t *out_total)
{
    size_t i;
    json_t *row;
    *out_bytes = *out_total = 0;
    json_array_foreach(rows, i, row)
    {
        *out_bytes += cf_json_int(row, 0, "bytes", NULL);
        *out_total += cf_json_int(row, 0, "total", NULL);
    }
}

void cf_evidence_progress(const struct cf_volumes *v, const json_t *rows, struct cf_moving *out)
{
    size_t i, n = json_array_size(rows), known = 0;
    json_t *row;
    cf_evidence_bytes(rows, &out->bytes, &out->bytes_total);
    out->at_ms = v->now_ms;
    out->claims = 0;
    out->claims_total = (int)n;
    json_array_foreach(rows, i, row)
    {
        /* A restored claim is ok only once it is bound, when Velero is done with all of them. */
        bool ended = cf_json_bool(row, false, "ok", NULL) ||
                     strcmp(cf_json_str(row, "", "phase", NULL), "Completed") == 0;
        out->claims += ended;
        known += ended || cf_json_int(row, 0, "total", NULL) > 0;
    }
    /* Velero looks into a volume when its turn comes: the others are taken to be like those. */
    if (known > 0 && known < n)
        out->bytes_total = (int64_t)((double)out->bytes_total * (double)n / (double)known);
}
