/* SPDX-License-Identifier: Apache-2.0 */
/* GET: one object, a list in pages, a watch. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "deploy/sandbox/api/core.h"

enum { WATCH_S_DEFAULT = 30 * 60 };

void sbx_verb_get(struct sbx_request *r)
{
    const json_t *obj = sbx_get(r->api, r->kind, r->ns, r->path.name);
    if (!obj)
        sbx_fail_not_found(r->out, r->kind, r->path.name);
    else
        sbx_answer_object(r, 200, obj);
}

/* The version asked for; -1: none. False: it is not a number, or from the future. */
static bool read_version(struct sbx_request *r, bool is_watch, int64_t *out)
{
    const char *text = sbx_query(&r->path, "resourceVersion");
    *out = -1;
    if (!text || !*text)
        return true;
    char *end;
    int64_t rv = strtoll(text, &end, 10);
    if (*end || rv < 0)
        return is_watch ? sbx_fail(r->out, 500, NULL,
                                   "resourceVersion: Invalid value: \"%s\": not a number", text)
                        : sbx_fail(r->out, 400, "BadRequest",
                                   "resourceVersion: Invalid value: \"%s\": not a number", text);
    if (rv > r->api->rv && !is_watch) {
        sbx_fail(r->out, 504, "Timeout",
                 "Timeout: Too large resource version: %" PRId64 ", current: %" PRId64, rv,
                 r->api->rv);
        sbx_detail(r->out, "causes",
                   json_pack("[{s:s,s:s}]", "reason", "ResourceVersionTooLarge", "message",
                             "Too large resource version"));
        sbx_detail(r->out, "retryAfterSeconds", json_integer(1));
        return false;
    }
    *out = rv;
    return true;
}

static bool check_numbers(struct sbx_request *r)
{
    static const char *const names[] = { "limit", "timeoutSeconds" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        const char *v = sbx_query(&r->path, names[i]);
        const char *digits = v && *v == '-' ? v + 1 : v;
        if (v && *v && (!*digits || strspn(digits, "0123456789") != strlen(digits)))
            return sbx_fail(r->out, 400, "BadRequest",
                            "strconv.ParseInt: parsing \"%s\": invalid syntax", v);
    }
    return true;
}

static bool read_match(struct sbx_request *r, int64_t rv)
{
    const char *match = sbx_query(&r->path, "resourceVersionMatch");
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    if (!match || !*match)
        return true;
    if (!sbx_word_in("Exact,NotOlderThan", match))
        sbx_cause(&causes, "FieldValueNotSupported", match, "resourceVersionMatch");
    else if (rv < 0)
        sbx_cause(&causes, "FieldValueForbidden",
                  "resourceVersionMatch is forbidden unless resourceVersion is provided",
                  "resourceVersionMatch");
    return !causes.list || sbx_fail_invalid(r->out, "meta.k8s.io", "ListOptions", "", &causes);
}

static bool read_select(struct sbx_request *r, struct sbx_select *s)
{
    struct cf_error err = CF_ERROR_INIT;
    if (sbx_select_parse(s, r->kind, sbx_query(&r->path, "labelSelector"),
                         sbx_query(&r->path, "fieldSelector"), &err))
        return true;
    return sbx_fail(r->out, 400, "BadRequest", "%s", err.message);
}

/* What a list shows now, in order. */
static json_t *collect(struct sbx_request *r, const struct sbx_select *s)
{
    const struct sbx_table *t = sbx_table_of(r->api, r->kind);
    json_t *items = json_array();
    for (size_t i = 0; i < t->count; i++) {
        json_t *obj = t->entries[i].obj;
        if (r->path.ns && strcmp(cf_json_str(obj, "", "metadata", "namespace", NULL), r->ns) != 0)
            continue;
        if (sbx_select_matches(s, obj))
            json_array_append(items, obj);
    }
    return items;
}

static struct sbx_snapshot *find_snapshot(struct sbx_api *api, const char *id)
{
    for (int i = 0; i < SBX_SNAPSHOTS_MAX; i++)
        if (*api->snapshots[i].id && strcmp(api->snapshots[i].id, id) == 0)
            return &api->snapshots[i];
    return NULL;
}

static struct sbx_snapshot *new_snapshot(struct sbx_request *r, json_t *items_take)
{
    struct sbx_snapshot *s = &r->api->snapshots[r->api->snapshot_next++ % SBX_SNAPSHOTS_MAX];
    json_decref(s->items);
    *s = (struct sbx_snapshot){ .kind = r->kind, .rv = r->api->rv, .items = items_take };
    cf_random_hex(s->id, 16);
    return s;
}

/* A token names the list and the place in it: "id.next". */
static struct sbx_snapshot *continued(struct sbx_request *r, const char *token, size_t *out_next)
{
    char id[17];
    size_t next;
    if (sscanf(token, "%16[0-9a-f].%zu", id, &next) != 2 || strlen(id) != 16) {
        sbx_fail(r->out, 400, "BadRequest", "invalid continue token: continue key is not valid");
        return NULL;
    }
    struct sbx_snapshot *s = find_snapshot(r->api, id);
    if (!s || s->kind != r->kind || s->rv < r->api->compacted || next > json_array_size(s->items)) {
        sbx_fail(r->out, 410, "Expired",
                 "The provided continue parameter is too old to display a consistent list result. "
                 "You can start a new list without "
                 "the continue parameter.");
        return NULL;
    }
    *out_next = next;
    return s;
}

static void answer_page(struct sbx_request *r, const json_t *items, size_t from, int64_t limit,
                        int64_t rv, const struct sbx_snapshot *rest, bool has_selector)
{
    size_t total = json_array_size(items), to = total;
    if (limit > 0 && from + (size_t)limit < total)
        to = from + (size_t)limit;
    json_t *page = json_array();
    for (size_t i = from; i < to; i++)
        json_array_append_new(page,
                              sbx_shown(r->kind, r->path.version, json_array_get(items, i), true));
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, rv);
    json_t *meta = json_pack("{s:s}", "resourceVersion", text);
    if (to < total && rest) {
        char token[48];
        snprintf(token, sizeof(token), "%s.%zu", rest->id, to);
        json_object_set_new(meta, "continue", json_string(token));
        if (!has_selector)
            json_object_set_new(meta, "remainingItemCount", json_integer((json_int_t)(total - to)));
    }
    cf_autofree char *kind = cf_xasprintf("%sList", r->kind->kind);
    cf_autofree char *gv =
        *r->kind->group ? cf_xasprintf("%s/%s", r->kind->group, r->path.version) : cf_xstrdup("v1");
    r->out->status = 200;
    r->out->body = json_pack("{s:s,s:s,s:o,s:o}", "kind", kind, "apiVersion", gv, "metadata", meta,
                             "items", page);
}

void sbx_verb_list(struct sbx_request *r)
{
    int64_t rv;
    CF_CLEANUP(sbx_select_free) struct sbx_select select;
    memset(&select, 0, sizeof(select));
    const char *token = sbx_query(&r->path, "continue");
    int64_t limit = sbx_query_int(&r->path, "limit", 0);
    if (!check_numbers(r) || !read_version(r, false, &rv) || !read_match(r, rv) ||
        !read_select(r, &select))
        return;
    if (token && *token) {
        size_t next;
        const struct sbx_snapshot *s = continued(r, token, &next);
        if (s)
            answer_page(r, s->items, next, limit, s->rv, s, !sbx_select_is_empty(&select));
        return;
    }
    json_t *items = collect(r, &select);
    if (limit > 0 && (size_t)limit < json_array_size(items)) {
        const struct sbx_snapshot *s = new_snapshot(r, items);
        answer_page(r, s->items, 0, limit, s->rv, s, !sbx_select_is_empty(&select));
        return;
    }
    answer_page(r, items, 0, 0, r->api->rv, NULL, false);
    json_decref(items);
}

/* ---- watches ---- */

static void send_bookmark(struct sbx_watch *w, int64_t rv, bool initial_end)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, rv);
    cf_autofree char *gv =
        *w->kind->group ? cf_xasprintf("%s/%s", w->kind->group, w->version) : cf_xstrdup("v1");
    cf_autojson json_t *o = json_pack("{s:s,s:s,s:{s:s,s:n}}", "kind", w->kind->kind, "apiVersion",
                                      gv, "metadata", "resourceVersion", text, "creationTimestamp");
    if (initial_end)
        cf_json_put_take(o, json_string("true"), "metadata", "annotations",
                         "k8s.io/initial-events-end", NULL);
    cf_autojson json_t *event = json_pack("{s:s,s:O}", "type", "BOOKMARK", "object", o);
    cf_autofree char *body = cf_json_dump(event);
    cf_autofree char *line = cf_xasprintf("%s\n", body);
    w->noted_rv = rv;
    if (!w->sink(w->user, line, strlen(line)))
        w->done = true;
}

void sbx_api_bookmarks(struct sbx_api *api)
{
    pthread_mutex_lock(&api->lock);
    for (struct sbx_watch *w = api->watches; w; w = w->next)
        if (w->bookmarks && !w->done)
            send_bookmark(w, api->rv, false);
    pthread_mutex_unlock(&api->lock);
}

static void send_expired(sbx_watch_sink *sink, void *user, int64_t rv, int64_t oldest)
{
    cf_autofree char *message =
        cf_xasprintf("too old resource version: %" PRId64 " (%" PRId64 ")", rv, oldest);
    cf_autojson json_t *event =
        json_pack("{s:s,s:{s:s,s:s,s:{},s:s,s:s,s:s,s:i}}", "type", "ERROR", "object", "kind",
                  "Status", "apiVersion", "v1", "metadata", "status", "Failure", "message", message,
                  "reason", "Expired", "code", 410);
    cf_autofree char *body = cf_json_dump(event);
    cf_autofree char *line = cf_xasprintf("%s\n", body);
    (void)sink(user, line, strlen(line));
}

static void send_first_events(struct sbx_request *r, struct sbx_watch *w, int64_t rv,
                              bool from_list)
{
    if (!from_list) {
        for (size_t i = 0; i < r->api->changes; i++) {
            const struct sbx_change *c = sbx_history_at(r->api, i);
            if (c->rv > rv)
                sbx_watch_tell(w, c->type, c->kind, c->obj, c->before);
        }
        return;
    }
    cf_autojson json_t *items = collect(r, &w->select);
    size_t i;
    json_t *obj;
    json_array_foreach(items, i, obj)
    {
        sbx_watch_tell(w, "ADDED", w->kind, obj, NULL);
    }
    if (sbx_query_true(&r->path, "sendInitialEvents"))
        send_bookmark(w, r->api->rv, true);
}

struct sbx_watch *sbx_verb_watch(struct sbx_request *r, sbx_watch_sink *sink, void *user)
{
    int64_t rv;
    struct sbx_select select;
    if (!sink) {
        sbx_fail(r->out, 400, "BadRequest", "this caller cannot watch");
        return NULL;
    }
    bool initial = sbx_query(&r->path, "sendInitialEvents") != NULL;
    const char *match = sbx_query(&r->path, "resourceVersionMatch");
    if (initial && (!match || strcmp(match, "NotOlderThan") != 0)) {
        sbx_fail(r->out, 422, "Invalid",
                 "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                 "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        return NULL;
    }
    if (!check_numbers(r) || !read_version(r, true, &rv) || !read_select(r, &select))
        return NULL;
    r->out->status = 200;
    r->out->is_watch = true;
    r->out->timeout_ms = sbx_query_int(&r->path, "timeoutSeconds", WATCH_S_DEFAULT) * 1000;
    struct sbx_watch *w = cf_xcalloc(1, sizeof(*w));
    *w = (struct sbx_watch){ .kind = r->kind,
                             .version = cf_xstrdup(r->path.version),
                             .select = select,
                             .sink = sink,
                             .user = user,
                             .ns = r->path.ns ? cf_xstrdup(r->ns) : NULL,
                             .bookmarks = sbx_query_true(&r->path, "allowWatchBookmarks") };
    if (r->path.name && w->select.field_count < SBX_FIELD_TERMS_MAX) {
        int n = w->select.field_count++;
        w->select.fields[n].path = cf_xstrdup("metadata.name");
        w->select.fields[n].value = cf_xstrdup(r->path.name);
        w->select.fields[n].negative = false;
    }
    bool from_list = rv <= 0 || initial;
    if (!from_list && rv < r->api->compacted) {
        send_expired(sink, user, rv, r->api->compacted);
        r->out->timeout_ms = 1;
        w->done = true;
    } else {
        send_first_events(r, w, rv, from_list);
    }
    w->next = r->api->watches;
    r->api->watches = w;
    return w;
}

void sbx_watch_close(struct sbx_api *api, struct sbx_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&api->lock);
    struct sbx_watch **p = &api->watches;
    while (*p && *p != watch)
        p = &(*p)->next;
    if (*p)
        *p = watch->next;
    pthread_mutex_unlock(&api->lock);
    sbx_watch_free(watch);
}
