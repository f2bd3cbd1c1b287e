/* SPDX-License-Identifier: Apache-2.0 */
/* Which object is in which Subscription: noted in the state, so that it never changes once it is
 * written. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "federation/propagate/clusternet.h"
#include "federation/propagate/waves.h"

json_t *cf_clusternet_subscriptions(const struct cf_clusternet *c)
{
    json_t *rows = json_object_get(c->p->state, "subscriptions");
    if (!rows) {
        rows = json_array();
        json_object_set_new(c->p->state, "subscriptions", rows);
    }
    return rows;
}

enum cf_clusternet_phase cf_clusternet_phase_of(const json_t *row)
{
    return (enum cf_clusternet_phase)cf_json_int(row, CF_SUB_PLANNED, "phase", NULL);
}

/* The keys of everything that has a Subscription. */
static json_t *assigned(const struct cf_clusternet *c)
{
    json_t *keys = json_object();
    size_t i, n;
    json_t *row, *object;
    json_array_foreach(cf_clusternet_subscriptions(c), i, row)
    {
        json_array_foreach(json_object_get(row, "objects"), n, object)
        {
            json_object_set_new(keys, cf_json_str(object, "", "key", NULL), json_true());
        }
    }
    return keys;
}

static json_t *new_row(const struct cf_clusternet *c, int wave, int nth)
{
    char name[CF_CLUSTERNET_NAME_MAX];
    if (nth == 0)
        (void)snprintf(name, sizeof name, "crossfade-%s-%d", c->id, wave);
    else
        (void)snprintf(name, sizeof name, "crossfade-%s-%d-%d", c->id, wave, nth);
    json_t *row = json_pack("{s:s, s:i, s:i, s:i, s:[]}", "name", name, "wave", wave, "phase",
                            CF_SUB_PLANNED, "bytes", 0, "objects");
    json_array_append_new(cf_clusternet_subscriptions(c), row);
    return row;
}

/* A Subscription of the wave that has room; one that is written takes nothing more: what is new is
 * looked for in the target first, like everything else. */
static json_t *row_with_room(const struct cf_clusternet *c, int wave, json_int_t bytes)
{
    int nth = 0;
    size_t i;
    json_t *row;
    json_array_foreach(cf_clusternet_subscriptions(c), i, row)
    {
        if (cf_json_int(row, -1, "wave", NULL) != wave)
            continue;
        nth++;
        if (cf_clusternet_phase_of(row) == CF_SUB_PLANNED &&
            json_array_size(json_object_get(row, "objects")) < CF_CLUSTERNET_FEEDS_MAX &&
            cf_json_int(row, 0, "bytes", NULL) + bytes <= CF_CLUSTERNET_BYTES_MAX)
            return row;
    }
    return new_row(c, wave, nth);
}

bool cf_clusternet_assign(const struct cf_clusternet *c, const json_t *inventory)
{
    cf_autojson json_t *known = assigned(c);
    bool any = false;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        struct cf_object_ref ref = cf_direct_ref(item);
        char version[CF_API_VERSION_MAX];
        if (!cf_is_carried(item) || json_object_get(known, key))
            continue;
        cf_autofree char *text = cf_json_dump(json_object_get(item, "body"));
        json_int_t bytes = (json_int_t)strlen(text);
        json_t *row = row_with_room(c, (int)cf_json_int(item, 0, "wave", NULL), bytes);
        json_object_set_new(row, "bytes", json_integer(cf_json_int(row, 0, "bytes", NULL) + bytes));
        json_array_append_new(json_object_get(row, "objects"),
                              json_pack("{s:s, s:s, s:s, s:s}", "key", key, "apiVersion",
                                        cf_ref_api_version(&ref, version), "kind", ref.kind, "name",
                                        ref.name));
        any = true;
    }
    cf_sort_by_wave(cf_clusternet_subscriptions(c));
    return any;
}

json_t *cf_clusternet_items(const json_t *row, const json_t *inventory)
{
    cf_autojson json_t *index = cf_json_index(json_object_get(inventory, "objects"), "key", NULL);
    json_t *items = json_array();
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(row, "objects"), i, object)
    {
        json_t *item = json_object_get(index, cf_json_str(object, "", "key", NULL));
        if (item)
            json_array_append(items, item);
    }
    return items;
}

/* --- overrides --- */

static json_t *overrides_noted(const struct cf_clusternet *c)
{
    json_t *noted = json_object_get(c->p->state, "overrides");
    if (!noted) {
        noted = json_object();
        json_object_set_new(c->p->state, "overrides", noted);
    }
    return noted;
}

static void digest_of(const json_t *overrides, char out[CF_SHA256_HEX])
{
    cf_autofree char *text = cf_json_canonical(overrides);
    cf_sha256_hex(text, strlen(text), out);
}

void cf_clusternet_note_override(const struct cf_clusternet *c, const char *key,
                                 const json_t *overrides)
{
    char digest[CF_SHA256_HEX];
    if (!overrides) {
        json_object_del(overrides_noted(c), key);
        return;
    }
    digest_of(overrides, digest);
    json_object_set_new(overrides_noted(c), key, json_string(digest));
}

bool cf_clusternet_is_noted(const struct cf_clusternet *c, const char *key,
                            const json_t *localization)
{
    const char *noted = cf_json_str(overrides_noted(c), NULL, key, NULL);
    const json_t *overrides = cf_json_at(localization, "spec", "overrides", NULL);
    char digest[CF_SHA256_HEX];
    if (!noted)
        return true;
    if (!overrides || cf_json_at(localization, "metadata", "deletionTimestamp", NULL))
        return false;
    digest_of(overrides, digest);
    return strcmp(digest, noted) == 0;
}
