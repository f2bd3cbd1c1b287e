/* SPDX-License-Identifier: Apache-2.0 */
/* Objects by key, one counter of versions, a bounded history, and the watches that hear of each
 * change. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/api/core.h"

struct sbx_table *sbx_table_of(struct sbx_api *api, const struct sbx_kind *k)
{
    size_t i = (size_t)(k - sbx_kinds);
    cf_assert(i < SBX_KINDS_MAX);
    return &api->tables[i];
}

static bool locate(const struct sbx_table *t, const char *key, size_t *out_at)
{
    size_t lo = 0, hi = t->count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = strcmp(t->entries[mid].key, key);
        if (c == 0) {
            *out_at = mid;
            return true;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *out_at = lo;
    return false;
}

json_t *sbx_get(struct sbx_api *api, const struct sbx_kind *k, const char *ns, const char *name)
{
    cf_autofree char *key = cf_xasprintf("%s/%s", ns ? ns : "", name);
    struct sbx_table *t = sbx_table_of(api, k);
    size_t at;
    return locate(t, key, &at) ? t->entries[at].obj : NULL;
}

static void note(struct sbx_api *api, const char *type, const struct sbx_kind *k, json_t *obj,
                 json_t *before)
{
    if (api->changes == SBX_HISTORY_MAX) {
        struct sbx_change *old = &api->history[api->first];
        api->compacted = old->rv;
        json_decref(old->obj);
        json_decref(old->before);
        api->first = (api->first + 1) % SBX_HISTORY_MAX;
        api->changes--;
    }
    api->history[(api->first + api->changes++) % SBX_HISTORY_MAX] =
        (struct sbx_change){ api->rv, type, k, json_incref(obj), json_incref(before) };
    for (struct sbx_watch *w = api->watches; w; w = w->next)
        sbx_watch_tell(w, type, k, obj, before);
    for (int i = 0; i < SBX_LISTENERS_MAX; i++)
        if (api->listeners[i].fn)
            api->listeners[i].fn(api->listeners[i].user);
}

static void stamp(struct sbx_api *api, json_t *obj)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, ++api->rv);
    cf_json_put_take(obj, json_string(text), "metadata", "resourceVersion", NULL);
}

json_t *sbx_put_take(struct sbx_api *api, const struct sbx_kind *k, json_t *obj)
{
    cf_autofree char *key =
        cf_xasprintf("%s/%s", cf_json_str(obj, "", "metadata", "namespace", NULL),
                     cf_json_str(obj, "", "metadata", "name", NULL));
    struct sbx_table *t = sbx_table_of(api, k);
    stamp(api, obj);
    t->rv = api->rv;
    size_t at;
    if (locate(t, key, &at)) {
        cf_autojson json_t *before = t->entries[at].obj;
        t->entries[at].obj = obj;
        note(api, "MODIFIED", k, obj, before);
        return obj;
    }
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 32;
        t->entries = cf_xrealloc(t->entries, t->cap * sizeof(*t->entries));
    }
    memmove(&t->entries[at + 1], &t->entries[at], (t->count - at) * sizeof(*t->entries));
    t->entries[at] = (struct sbx_entry){ cf_steal(&key), obj };
    t->count++;
    note(api, "ADDED", k, obj, NULL);
    return obj;
}

void sbx_remove(struct sbx_api *api, const struct sbx_kind *k, const char *ns, const char *name)
{
    cf_autofree char *key = cf_xasprintf("%s/%s", ns ? ns : "", name);
    struct sbx_table *t = sbx_table_of(api, k);
    size_t at;
    if (!locate(t, key, &at))
        return;
    cf_autojson json_t *before = t->entries[at].obj;
    free(t->entries[at].key);
    memmove(&t->entries[at], &t->entries[at + 1], (t->count - at - 1) * sizeof(*t->entries));
    t->count--;
    cf_autojson json_t *last = cf_json_copy(before);
    stamp(api, last);
    t->rv = api->rv;
    note(api, "DELETED", k, last, before);
}

const struct sbx_change *sbx_history_at(const struct sbx_api *api, size_t i)
{
    return &api->history[(api->first + i) % SBX_HISTORY_MAX];
}

json_t *sbx_shown(const struct sbx_kind *k, const char *version, const json_t *obj, bool bare)
{
    if (!bare && strcmp(version, k->version) == 0)
        return json_incref(cf_json_unconst(obj));
    json_t *copy = json_copy(cf_json_unconst(obj));
    if (bare && !k->is_crd) {
        json_object_del(copy, "apiVersion");
        json_object_del(copy, "kind");
    } else if (*k->group) {
        cf_autofree char *gv = cf_xasprintf("%s/%s", k->group, version);
        json_object_set_new(copy, "apiVersion", json_string(gv));
    }
    return copy;
}

static void send_line(struct sbx_watch *w, const char *type, json_t *obj_take)
{
    cf_autojson json_t *event = json_pack("{s:s,s:o}", "type", type, "object", obj_take);
    cf_autofree char *text = cf_json_dump(event);
    cf_autofree char *line = cf_xasprintf("%s\n", text);
    if (!w->sink(w->user, line, strlen(line)))
        w->done = true;
}

void sbx_watch_tell(struct sbx_watch *w, const char *type, const struct sbx_kind *k, json_t *obj,
                    json_t *before)
{
    if (w->done || k != w->kind ||
        (w->ns && strcmp(w->ns, cf_json_str(obj, "", "metadata", "namespace", NULL)) != 0))
        return;
    bool is = sbx_select_matches(&w->select, obj);
    bool was = before && sbx_select_matches(&w->select, before);
    if (strcmp(type, "BOOKMARK") != 0) {
        if (strcmp(type, "DELETED") == 0 ? !was : (!is && !was))
            return;
        if (strcmp(type, "MODIFIED") == 0)
            type = !was ? "ADDED" : !is ? "DELETED" : type;
    }
    w->noted_rv = strtoll(cf_json_str(obj, "0", "metadata", "resourceVersion", NULL), NULL, 10);
    send_line(w, type, sbx_shown(k, w->version, obj, false));
}

void sbx_watch_free(struct sbx_watch *w)
{
    if (!w)
        return;
    free(w->version);
    free(w->ns);
    sbx_select_free(&w->select);
    free(w);
}
