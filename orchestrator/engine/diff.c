/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of previews (diff.h). */
#include "orchestrator/engine/diff.h"

#include <string.h>

enum { SHOWN = 8, TEXT_MAX = 64 * 1024 * 1024 };

/* What is written, and nothing that is said about it. */
static json_t *essence(const json_t *write)
{
    static const char *const members[] = { "verb", "patch", "body" };
    const json_t *source = json_object_get(write, "source");
    json_t *out = json_object();
    for (size_t i = 0; i < CF_ARRAY_LEN(members); i++)
        json_object_set(out, members[i], json_object_get(write, members[i]));
    if (source) {
        json_object_set(out, "source", cf_json_unconst(source));
        json_object_del(out, "body");
    }
    return out;
}

json_t *cf_diff_rows(const json_t *writes)
{
    json_t *rows = json_array();
    size_t i;
    json_t *w;
    json_array_foreach(writes, i, w)
    {
        char hash[CF_SHA256_HEX];
        cf_autojson json_t *what = essence(w);
        cf_autofree char *text = cf_json_canonical(what);
        cf_autofree char *key = cf_xasprintf(
            "%lld %s %s %s/%s", (long long)cf_json_int(w, 0, "step", NULL),
            cf_json_str(w, "", "cluster", NULL), cf_json_str(w, "", "ref", "kind", NULL),
            cf_json_str(w, "", "ref", "namespace", NULL), cf_json_str(w, "", "ref", "name", NULL));
        json_array_append_new(rows, json_pack("{s:s,s:s}", "key", key, "hash",
                                              cf_sha256_hex(text, strlen(text), hash)));
    }
    return rows;
}

void cf_diff_digest(const char *plan_digest, const json_t *rows, char out[CF_SHA256_HEX])
{
    CF_CLEANUP(cf_buf_free) struct cf_buf all = CF_BUF_INIT(TEXT_MAX);
    size_t i;
    json_t *row;
    cf_buf_printf(&all, "%s\n", plan_digest);
    json_array_foreach(rows, i, row)
    {
        cf_buf_printf(&all, "%s %s\n", cf_json_str(row, "", "key", NULL),
                      cf_json_str(row, "", "hash", NULL));
    }
    cf_assert(!all.overflow);
    cf_sha256_hex(cf_buf_str(&all), all.len, out);
}

static json_t *by_key(const json_t *rows)
{
    json_t *index = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        json_object_set(index, cf_json_str(row, "", "key", NULL), json_object_get(row, "hash"));
    }
    return index;
}

/* Adds one object; the same object in several steps is said once. */
static void note(json_t *said, const char *key, const char *change)
{
    const char *step_ends = strchr(key, ' ');
    cf_autofree char *text = cf_xasprintf("%s %s", step_ends ? step_ends + 1 : key, change);
    json_object_set_new(said, text, json_true());
}

void cf_diff_say(const json_t *before, const json_t *now, struct cf_buf *out)
{
    cf_autojson json_t *old = by_key(before), *new = by_key(now), *said = json_object();
    const char *key;
    json_t *hash;
    json_object_foreach(new, key, hash)
    {
        const json_t *had = json_object_get(old, key);
        if (!had || !json_equal(had, hash))
            note(said, key, had ? "changed" : "was added");
    }
    json_object_foreach(old, key, hash)
    {
        if (!json_object_get(new, key))
            note(said, key, "is gone");
    }
    size_t n = 0;
    json_object_foreach(said, key, hash)
    {
        if (n++ < SHOWN)
            cf_buf_printf(out, "%s%s", n > 1 ? "; " : "", key);
    }
    if (n > SHOWN)
        cf_buf_printf(out, "; and %zu more", n - SHOWN);
}
