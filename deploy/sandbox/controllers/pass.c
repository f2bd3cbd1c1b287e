/* SPDX-License-Identifier: Apache-2.0 */
/* A pass' view, its timers and its writes. */
#include "deploy/sandbox/controllers/pass.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json_patch.h"
#include "base/thread.h"
#include "deploy/sandbox/controllers/meta.h"

void sbx_world_end(struct sbx_world *w)
{
    json_decref(w->timers);
    json_decref(w->views);
    w->timers = w->views = NULL;
}

void sbx_pass_begin(struct sbx_pass *p, struct sbx_world *w)
{
    *p = (struct sbx_pass){ .world = w, .now = cf_mono_now_ms(), .wake = INT64_MAX };
    p->kinds = json_object();
    if (!w->views)
        w->views = json_object();
    p->timers = json_object();
    time_t wall = time(NULL) + sbx_api_skew_ms(w->api) / 1000;
    struct tm tm;
    gmtime_r(&wall, &tm);
    strftime(p->stamp, sizeof(p->stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void sbx_pass_end(struct sbx_pass *p)
{
    json_decref(p->world->timers);
    p->world->timers = cf_steal(&p->timers);
    json_decref(p->kinds);
}

/* ---- The view ---- */

/* The view of a kind, as of this pass; what did not change since the last one is as it was. */
static json_t *view_of(struct sbx_pass *p, const char *group, const char *plural)
{
    char key[128];
    snprintf(key, sizeof(key), "%s/%s", group, plural);
    json_t *view = json_object_get(p->kinds, key);
    if (view)
        return view;
    view = json_object_get(p->world->views, key);
    int64_t rv = view ? cf_json_int(view, -1, "rv", NULL) : -1;
    json_t *all = sbx_api_all_since(p->world->api, group, plural, &rv);
    if (all) {
        view = json_pack("{s:I,s:o}", "rv", (json_int_t)rv, "all", all);
        json_object_set_new(p->world->views, key, view);
    }
    json_object_set(p->kinds, key, view);
    return view;
}

json_t *sbx_pass_all(struct sbx_pass *p, const char *group, const char *plural)
{
    return json_object_get(view_of(p, group, plural), "all");
}

/* Made when it is first asked for: many controllers look up many names. */
static json_t *index_of(struct sbx_pass *p, const char *group, const char *plural)
{
    char place[SBX_PATH_MAX];
    json_t *view = view_of(p, group, plural);
    json_t *index = json_object_get(view, "index");
    if (index)
        return index;
    index = json_object();
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(view, "all"), i, o)
    {
        snprintf(place, sizeof(place), "%s/%s", sbx_ns(o), sbx_name(o));
        json_object_set(index, place, o);
    }
    json_object_set_new(view, "index", index);
    return index;
}

json_t *sbx_pass_one(struct sbx_pass *p, const char *group, const char *plural, const char *ns,
                     const char *name)
{
    char place[SBX_PATH_MAX];
    snprintf(place, sizeof(place), "%s/%s", ns ? ns : "", name);
    return json_object_get(index_of(p, group, plural), place);
}

json_t *sbx_pass_owned(struct sbx_pass *p, const char *group, const char *plural,
                       const json_t *owner)
{
    json_t *list = json_array();
    size_t i;
    json_t *o;
    json_array_foreach(sbx_pass_all(p, group, plural), i, o)
    {
        if (strcmp(sbx_controller_uid(o), sbx_uid(owner)) == 0)
            json_array_append(list, o);
    }
    return list;
}

bool sbx_pass_is_live(struct sbx_pass *p, const json_t *object)
{
    if (sbx_is_going(object))
        return false;
    json_t *ns = sbx_pass_one(p, "", "namespaces", NULL, sbx_ns(object));
    return ns && !sbx_is_going(ns);
}

void sbx_pass_each_live(struct sbx_pass *p, const char *group, const char *plural,
                        void (*look_at)(struct sbx_pass *p, const json_t *object))
{
    size_t i;
    json_t *o;
    json_array_foreach(sbx_pass_all(p, group, plural), i, o)
    {
        if (sbx_pass_is_live(p, o))
            look_at(p, o);
    }
}

/* ---- Timers ---- */

bool sbx_pass_after(struct sbx_pass *p, int64_t delay_ms, bool is_background, const char *key_fmt,
                    ...)
{
    char key[512];
    va_list ap;
    va_start(ap, key_fmt);
    vsnprintf(key, sizeof(key), key_fmt, ap);
    va_end(ap);
    int64_t due = cf_json_int(p->world->timers, p->now + delay_ms, key, NULL);
    json_object_set_new(p->timers, key, json_integer(due));
    if (p->now >= due)
        return true;
    p->wake = CF_MIN(p->wake, due);
    p->is_waiting = p->is_waiting || !is_background;
    return false;
}

/* ---- Writes ---- */

void sbx_pass_path(char *out, const char *group, const char *plural, const char *ns,
                   const char *name)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    cf_assert(k);
    int n = *group ? snprintf(out, SBX_PATH_MAX, "/apis/%s/%s", group, k->version)
                   : snprintf(out, SBX_PATH_MAX, "/api/v1");
    if (k->namespaced)
        n += snprintf(out + n, SBX_PATH_MAX - (size_t)n, "/namespaces/%s", ns);
    n += snprintf(out + n, SBX_PATH_MAX - (size_t)n, "/%s", plural);
    if (name)
        snprintf(out + n, SBX_PATH_MAX - (size_t)n, "/%s", name);
}

static bool judge(struct sbx_pass *p, int status)
{
    if (status < 400)
        return true;
    if (status != 404 && status != 409)
        p->wake = CF_MIN(p->wake, p->now + SBX_RETRY_MS);
    return false;
}

bool sbx_pass_create(struct sbx_pass *p, const char *manager, const char *group, const char *plural,
                     json_t *body)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    char path[SBX_PATH_MAX];
    sbx_pass_path(path, group, plural, sbx_ns(body), NULL);
    cf_autofree char *api_version = cf_xasprintf("%s%s%s", group, *group ? "/" : "", k->version);
    json_object_set_new(body, "apiVersion", json_string(api_version));
    json_object_set_new(body, "kind", json_string(k->kind));
    int status =
        sbx_api_do(p->world->api, manager, "POST", "application/json", body, NULL, "%s", path);
    json_decref(body);
    return judge(p, status);
}

static bool merge_at(struct sbx_pass *p, const char *manager, const char *group, const char *plural,
                     const json_t *object, json_t *patch, const char *sub)
{
    char path[SBX_PATH_MAX];
    sbx_pass_path(path, group, plural, sbx_ns(object), sbx_name(object));
    cf_json_put_take(patch, json_string(sbx_uid(object)), "metadata", "uid", NULL);
    int status = sbx_api_do(p->world->api, manager, "PATCH", "application/merge-patch+json", patch,
                            NULL, "%s%s", path, sub);
    json_decref(patch);
    return judge(p, status);
}

bool sbx_pass_merge(struct sbx_pass *p, const char *manager, const char *group, const char *plural,
                    const json_t *object, json_t *patch)
{
    return merge_at(p, manager, group, plural, object, patch, "");
}

bool sbx_pass_merge_status(struct sbx_pass *p, const char *manager, const char *group,
                           const char *plural, const json_t *object, json_t *patch)
{
    return merge_at(p, manager, group, plural, object, patch, "/status");
}

bool sbx_pass_status(struct sbx_pass *p, const char *manager, const char *group, const char *plural,
                     const json_t *object, json_t *status_take)
{
    cf_autojson json_t *status = status_take;
    cf_autojson json_t *empty = json_object();
    const json_t *old = json_object_get(object, "status");
    cf_autojson json_t *diff = cf_json_merge_diff(old ? old : empty, status);
    if (json_object_size(diff) == 0)
        return true;
    return merge_at(p, manager, group, plural, object, json_pack("{s:O}", "status", diff),
                    "/status");
}

bool sbx_pass_delete(struct sbx_pass *p, const char *group, const char *plural,
                     const json_t *object, int grace_s)
{
    char path[SBX_PATH_MAX];
    sbx_pass_path(path, group, plural, sbx_ns(object), sbx_name(object));
    cf_autojson json_t *options =
        json_pack("{s:s,s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                  "propagationPolicy", "Background", "preconditions", "uid", sbx_uid(object));
    if (grace_s >= 0)
        json_object_set_new(options, "gracePeriodSeconds", json_integer(grace_s));
    return judge(p, sbx_api_do(p->world->api, grace_s == 0 ? SBX_KUBELET : SBX_MANAGER, "DELETE",
                               "application/json", options, NULL, "%s", path));
}

bool sbx_pass_finalize(struct sbx_pass *p, const json_t *ns)
{
    cf_autojson json_t *body = cf_json_copy(ns);
    cf_json_put_take(body, json_array(), "spec", "finalizers", NULL);
    return judge(p, sbx_api_do(p->world->api, SBX_MANAGER, "PUT", "application/json", body, NULL,
                               "/api/v1/namespaces/%s/finalize", sbx_name(ns)));
}
