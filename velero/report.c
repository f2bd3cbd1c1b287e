/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured and proved of a pass, out of the state. */
#include <string.h>

#include "velero/room.h"

static json_t *number_or_null(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    return value ? json_incref(cf_json_unconst(value)) : json_null();
}

static json_t *claim_of(const json_t *backed, const json_t *restored)
{
    json_t *claim = json_object();
    static const char *const taken[] = { "name", "bytes", "source", "empty" };
    for (size_t i = 0; i < CF_ARRAY_LEN(taken); i++)
        json_object_set_new(claim, taken[i], number_or_null(backed, taken[i]));
    json_object_set_new(claim, "incrementalBytes", number_or_null(backed, "incrementalBytes"));
    json_object_set_new(claim, "backupOk", number_or_null(backed, "ok"));
    json_object_set_new(claim, "restoredBytes", number_or_null(restored, "bytes"));
    json_object_set_new(claim, "restoreOk",
                        json_boolean(cf_json_bool(restored, false, "ok", NULL)));
    const char *why = cf_json_str(backed, "", "why", NULL);
    if (restored && !*why)
        why = cf_json_str(restored, "", "why", NULL);
    json_object_set_new(claim, "why", json_string(why));
    return claim;
}

/* What stays of a pass when its claims are no longer told one by one. */
static void put_sums(json_t *report, const json_t *claims)
{
    int64_t bytes = 0, incremental = 0;
    bool counted = json_array_size(claims) > 0;
    size_t i;
    json_t *one;
    json_array_foreach(claims, i, one)
    {
        const json_t *more = json_object_get(one, "incrementalBytes");
        bytes += cf_json_int(one, 0, "bytes", NULL);
        incremental += json_integer_value(more);
        counted = counted && json_is_integer(more);
    }
    json_object_set_new(report, "bytes", json_integer(bytes));
    json_object_set_new(report, "incrementalBytes",
                        counted ? json_integer(incremental) : json_null());
}

/* The restore counts; before there is one, the rehearsal. */
static const json_t *restored_rows(const json_t *row)
{
    const json_t *rows = cf_json_at(row, "restore", "rows", NULL);
    return rows ? rows : cf_json_at(row, "rehearsal", "rows", NULL);
}

json_t *cf_volumes_pass_report(const json_t *state, const char *way, int n)
{
    const json_t *row = cf_pass_find(state, way, n);
    if (!row || !json_object_get(row, "backup"))
        return NULL;
    const json_t *backed = json_object_get(row, "rows");
    cf_autojson json_t *restored = cf_json_index(restored_rows(row), "name", NULL);
    json_t *claims = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(backed, i, one)
    {
        const json_t *there = json_object_get(restored, cf_json_str(one, "", "name", NULL));
        json_array_append_new(claims, claim_of(one, there));
    }
    json_t *report = json_pack("{s:i, s:s, s:O, s:i, s:s}", "pass", n, "way", way, "backup",
                               json_object_get(row, "backup"), "attempt", cf_pass_attempt(row),
                               "phase", cf_pass_phase(row));
    json_object_set_new(report, "backupMs", number_or_null(row, "backupMs"));
    json_object_set_new(report, "handOverMs",
                        number_or_null(json_object_get(row, "handOver"), "ms"));
    json_object_set_new(report, "handedOver",
                        number_or_null(json_object_get(row, "handOver"), "how"));
    json_object_set_new(report, "restoreMs", number_or_null(json_object_get(row, "restore"), "ms"));
    json_object_set_new(report, "rehearsalMs",
                        number_or_null(json_object_get(row, "rehearsal"), "ms"));
    put_sums(report, claims);
    json_object_set_new(report, "claims", claims);
    return report;
}
