/* SPDX-License-Identifier: Apache-2.0 */
/* What a wave waits for (waves.h). */
#include "federation/propagate/waves.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/federation.h"

enum {
    NAMED_MAX = 3,       /* objects that a wait names; the rest is counted */
    WAITED_FOR_MAX = 600 /* bytes of them */
};

static int number_of(const json_t *row)
{
    return (int)cf_json_int(row, 0, "wave", NULL);
}

int cf_wave_of(const json_t *row)
{
    return cf_wave_of_number(number_of(row));
}

int cf_waves_of(const json_t *inventory)
{
    return (int)cf_json_int(inventory, 1, "waves", NULL);
}

void cf_preview_wave(json_t *rows, const json_t *inventory, const json_t *of)
{
    if (cf_waves_of(inventory) > 1 && json_array_size(rows) > 0)
        json_object_set_new(json_array_get(rows, json_array_size(rows) - 1), "wave",
                            json_integer(cf_wave_of(of)));
}

/* Insertion: they are few, and in order but for what appeared in mid-run. */
void cf_sort_by_wave(json_t *rows)
{
    for (size_t i = 1; i < json_array_size(rows); i++) {
        json_t *row = json_incref(json_array_get(rows, i));
        size_t to = i;
        while (to > 0 && number_of(json_array_get(rows, to - 1)) > number_of(row))
            to--;
        if (to < i) {
            json_array_remove(rows, i);
            json_array_insert(rows, to, row);
        }
        json_decref(row);
    }
}

static json_t *before(const json_t *inventory, int wave)
{
    json_t *rows = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        if (cf_wave_of(item) < wave)
            json_array_append(rows, item);
    }
    return rows;
}

/* "Deployment db: 1 of 2 pods ready" from a row of a report, whose key ends in kind, namespace and
 * name. */
static void say_one(const json_t *row, struct cf_buf *out)
{
    cf_autofree char *key = cf_xstrdup(cf_json_str(row, "", "key", NULL));
    const char *parts[] = { "", "", "", "" }; /* group, kind, namespace, name */
    char *rest = key;
    for (size_t i = 0; rest && i < CF_ARRAY_LEN(parts); i++)
        parts[i] = strsep(&rest, "/");
    cf_buf_printf(out, "%s %s: %s", parts[1], parts[3],
                  cf_json_str(row, "not ready", "message", NULL));
}

static void say_unready(const json_t *report, struct cf_buf *out)
{
    size_t i, n = 0;
    json_t *row;
    const char *unseen = cf_json_str(report, "", "unseen", NULL);
    if (*unseen)
        cf_buf_puts(out, unseen);
    json_array_foreach(json_object_get(report, "objects"), i, row)
    {
        if (cf_json_bool(row, false, "ready", NULL) || n++ >= NAMED_MAX)
            continue;
        cf_buf_puts(out, n > 1 ? "; " : "");
        say_one(row, out);
    }
    if (n > NAMED_MAX)
        cf_buf_printf(out, "; and %zu more", n - NAMED_MAX);
}

bool cf_wave_may_begin(const struct cf_propagation *p, const json_t *inventory, int wave,
                       cf_health_of_fn *health, bool *out_so, struct cf_copying *out,
                       struct cf_error *err)
{
    cf_autojson json_t *rows = NULL;
    cf_autojson json_t *report = NULL;
    *out_so = wave == 1;
    if (*out_so)
        return true;
    rows = before(inventory, wave);
    if (!health(p, rows, &report, err))
        return cf_error_wrap(err, "what wave %d waits for", wave);
    *out_so = cf_json_bool(report, false, "ready", NULL);
    if (*out_so)
        return true;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(WAITED_FOR_MAX);
    say_unready(report, &text);
    out->unhealthy = true;
    out->failed = cf_json_bool(report, false, "failed", NULL);
    return cf_copying_waits(out, "wave %d of %d waits for %s", wave, cf_waves_of(inventory),
                            cf_buf_str(&text));
}
