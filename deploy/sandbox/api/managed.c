/* SPDX-License-Identifier: Apache-2.0 */
/* The bookkeeping of managers: an entry's fields are kept as a set (fields.h) while they are worked
 * on. */
#include "deploy/sandbox/api/managed.h"

#include <string.h>

#include "base/clock.h"

/* [{entry without fieldsV1, "set": {…}}], from managedFields. */
static json_t *open_entries(const json_t *managed)
{
    json_t *out = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(managed, i, entry)
    {
        if (!json_object_get(entry, "manager") || !json_object_get(entry, "operation"))
            continue;
        json_t *e = json_copy(entry);
        json_object_set_new(e, "set", sbx_fields_read(json_object_get(entry, "fieldsV1")));
        json_array_append_new(out, e);
    }
    return out;
}

static int compare_by(const json_t *a, const json_t *b, const char *member)
{
    return strcmp(cf_json_str(a, "", member, NULL), cf_json_str(b, "", member, NULL));
}

/* In the order of a real server: who applies before who updates, then by time. */
static void insert_sorted(json_t *list, json_t *entry_take)
{
    static const char *const order[] = { "operation", "time", "manager", "apiVersion",
                                         "subresource" };
    size_t at = 0;
    for (; at < json_array_size(list); at++) {
        int c = 0;
        for (size_t i = 0; i < CF_ARRAY_LEN(order) && c == 0; i++)
            c = compare_by(entry_take, json_array_get(list, at), order[i]);
        if (c < 0)
            break;
    }
    json_array_insert_new(list, at, entry_take);
}

static json_t *close_entries(json_t *entries_take)
{
    json_t *out = json_array();
    size_t i;
    json_t *e;
    json_array_foreach(entries_take, i, e)
    {
        const json_t *set = json_object_get(e, "set");
        if (json_object_size(set) == 0)
            continue;
        json_t *entry = json_copy(e);
        json_object_del(entry, "set");
        json_object_set_new(entry, "fieldsType", json_string("FieldsV1"));
        json_object_set_new(entry, "fieldsV1", sbx_fields_write(set));
        insert_sorted(out, entry);
    }
    json_decref(entries_take);
    return out;
}

static bool is_mine(const json_t *e, const struct sbx_manager *by)
{
    return strcmp(cf_json_str(e, "", "manager", NULL), by->name) == 0 &&
           strcmp(cf_json_str(e, "", "operation", NULL), by->operation) == 0 &&
           strcmp(cf_json_str(e, "", "subresource", NULL), by->subresource) == 0 &&
           (strcmp(by->operation, "Apply") == 0 ||
            strcmp(cf_json_str(e, "", "apiVersion", NULL), by->api_version) == 0);
}

static json_t *my_entry(json_t *entries, const struct sbx_manager *by)
{
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e)
    {
        if (is_mine(e, by))
            return e;
    }
    e = json_pack("{s:s,s:s,s:s,s:{}}", "manager", by->name, "operation", by->operation,
                  "apiVersion", by->api_version, "set");
    if (*by->subresource)
        json_object_set_new(e, "subresource", json_string(by->subresource));
    json_array_append_new(entries, e);
    return e;
}

static void touch(json_t *entry)
{
    char text[CF_TIME_TEXT_MAX];
    cf_time_rfc3339(cf_wall_ms(&cf_clock_real), text);
    memcpy(text + 19, "Z", 2);
    json_object_set_new(entry, "time", json_string(text));
}

/* The fields that a write to this place of the object is about: its status belongs to the status
 * subresource alone. */
static json_t *fields_for(const struct sbx_kind *k, const json_t *obj, const struct sbx_manager *by)
{
    json_t *all = sbx_fields_of(k, obj);
    const char *path;
    json_t *v;
    void *tmp;
    if (!k->has_status || strcmp(by->subresource, "status") == 0)
        return all;
    json_object_foreach_safe(all, tmp, path, v)
    {
        if (strncmp(path, "f:status", 8) == 0 && (path[8] == '\0' || path[8] == SBX_SEP[0]))
            json_object_del(all, path);
    }
    return all;
}

/* Paths whose value differs: set in one or the other, or in both with another value. */
static json_t *changed(const json_t *before, const json_t *after)
{
    json_t *out = json_object();
    const char *path;
    json_t *v;
    json_object_foreach(cf_json_unconst(after), path, v)
    {
        const json_t *old = json_object_get(before, path);
        if (!old || !cf_json_equal(old, v))
            json_object_set_new(out, path, json_true());
    }
    json_object_foreach(cf_json_unconst(before), path, v)
    {
        if (!json_object_get(after, path))
            json_object_set_new(out, path, json_false());
    }
    return out;
}

static bool strip(json_t *entry, const json_t *paths)
{
    json_t *set = json_object_get(entry, "set");
    size_t before = json_object_size(set);
    const char *path;
    json_t *v;
    json_object_foreach(cf_json_unconst(paths), path, v)
    {
        json_object_del(set, path);
    }
    return json_object_size(set) != before;
}

json_t *sbx_managed_update(const struct sbx_kind *k, const json_t *base, const json_t *live,
                           const json_t *obj, const struct sbx_manager *by)
{
    cf_autojson json_t *before = live ? fields_for(k, live, by) : json_object();
    cf_autojson json_t *after = fields_for(k, obj, by);
    cf_autojson json_t *diff = changed(before, after);
    json_t *entries = open_entries(base);
    if (json_object_size(diff) == 0)
        return close_entries(entries);
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e)
    {
        if (!is_mine(e, by))
            (void)strip(e, diff);
    }
    json_t *mine = my_entry(entries, by);
    json_t *set = json_object_get(mine, "set");
    const char *path;
    json_t *is_there;
    json_object_foreach(diff, path, is_there)
    {
        if (json_is_true(is_there))
            json_object_set_new(set, path, json_true());
        else
            json_object_del(set, path);
    }
    touch(mine);
    return close_entries(entries);
}

static char *conflict_text(const json_t *e)
{
    const char *name = cf_json_str(e, "", "manager", NULL),
               *sub = cf_json_str(e, "", "subresource", NULL);
    if (strcmp(cf_json_str(e, "", "operation", NULL), "Apply") == 0)
        return cf_xasprintf("conflict with \"%s\"", name);
    return cf_xasprintf("conflict with \"%s\"%s%s%s using %s", name,
                        *sub ? " with subresource \"" : "", sub, *sub ? "\"" : "",
                        cf_json_str(e, "", "apiVersion", NULL));
}

static void find_conflicts(json_t *entries, const json_t *mine, const json_t *diff,
                           struct sbx_causes *causes)
{
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e)
    {
        if (e == mine)
            continue;
        const char *path;
        json_t *v;
        json_object_foreach(json_object_get(e, "set"), path, v)
        {
            if (!json_is_true(json_object_get(diff, path)))
                continue;
            cf_autofree char *text = conflict_text(e);
            cf_autofree char *field = sbx_field_text(path);
            sbx_cause_raw(causes, "FieldManagerConflict", text, field);
        }
    }
}

/* Whether a set has the field, or something below it. */
static bool set_covers(const json_t *set, const char *path)
{
    size_t n = strlen(path);
    const char *other;
    json_t *v;
    json_object_foreach(cf_json_unconst(set), other, v)
    {
        if (strncmp(other, path, n) == 0 && (other[n] == '\0' || other[n] == SBX_SEP[0]))
            return true;
    }
    return false;
}

/* A field is another's if he has it or something below it; an item of a list only if he has the
 * item itself. */
static bool owned_by_others(json_t *entries, const json_t *mine, const char *path)
{
    const char *last = strrchr(path, SBX_SEP[0]);
    bool is_item = last && last[1] != 'f';
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e)
    {
        const json_t *set = json_object_get(e, "set");
        if (e != mine && (is_item ? json_object_get(set, path) != NULL : set_covers(set, path)))
            return true;
    }
    return false;
}

/* Takes out the highest of the field's parents, or the field itself, that was the applier's and is
 * nobody's now: what stands there by default goes with it. */
static void prune_field(json_t *merged, json_t *entries, const json_t *mine, const json_t *new_set,
                        const char *path)
{
    cf_autofree char *part = cf_xstrdup(path);
    for (char *end = part;; end++) {
        end += strcspn(end, SBX_SEP);
        bool is_whole = *end == '\0';
        *end = '\0';
        bool is_root = strcmp(part, "f:metadata") == 0 || strcmp(part, "f:spec") == 0;
        if (!is_root && !set_covers(new_set, part) && !owned_by_others(entries, mine, part)) {
            sbx_fields_drop(merged, part);
            return;
        }
        if (is_whole)
            return;
        *end = SBX_SEP[0];
    }
}

static void prune(json_t *merged, json_t *entries, const json_t *mine, const json_t *old_set,
                  const json_t *new_set)
{
    const char *path;
    json_t *v;
    json_object_foreach(cf_json_unconst(old_set), path, v)
    {
        if (!set_covers(new_set, path))
            prune_field(merged, entries, mine, new_set, path);
    }
}

bool sbx_managed_apply(const struct sbx_kind *k, const json_t *live, const json_t *config,
                       const struct sbx_manager *by, bool force, json_t **out_obj,
                       json_t **out_managed, struct sbx_causes *causes)
{
    cf_autojson json_t *entries = open_entries(cf_json_at(live, "metadata", "managedFields", NULL));
    /* What nobody manages belongs to a manager of this name once somebody applies. */
    if (json_array_size(entries) == 0 && cf_json_at(live, "metadata", "uid", NULL)) {
        struct sbx_manager first = { "before-first-apply", "Update", by->api_version, "" };
        json_t *e = my_entry(entries, &first);
        json_object_set_new(e, "set", fields_for(k, live, by));
        touch(e);
    }
    json_t *mine = my_entry(entries, by);
    cf_autojson json_t *stated = fields_for(k, config, by);
    cf_autojson json_t *merged = sbx_fields_merge(k, live, config);
    prune(merged, entries, mine, json_object_get(mine, "set"), stated);
    cf_autojson json_t *before = fields_for(k, live, by);
    cf_autojson json_t *after = fields_for(k, merged, by);
    cf_autojson json_t *diff = changed(before, after);
    if (!force)
        find_conflicts(entries, mine, diff, causes);
    if (causes->list)
        return false;
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e)
    {
        if (e != mine)
            (void)strip(e, diff);
    }
    const char *path;
    json_t *v;
    cf_autojson json_t *set = json_object();
    json_object_foreach(stated, path, v)
    {
        json_object_set_new(set, path, json_true());
    }
    bool same = cf_json_equal(set, json_object_get(mine, "set")) && json_object_get(mine, "time");
    json_object_set(mine, "set", set);
    json_object_set_new(mine, "apiVersion", json_string(by->api_version));
    if (!same)
        touch(mine);
    *out_managed = close_entries(cf_steal(&entries));
    *out_obj = cf_steal(&merged);
    return true;
}

static json_t *timeless(const json_t *managed)
{
    json_t *out = managed ? cf_json_copy(managed) : json_array();
    size_t i;
    json_t *e;
    json_array_foreach(out, i, e)
    {
        json_object_del(e, "time");
    }
    return out;
}

bool sbx_managed_equal(const json_t *a, const json_t *b)
{
    cf_autojson json_t *x = timeless(a), *y = timeless(b);
    return cf_json_equal(x, y);
}
