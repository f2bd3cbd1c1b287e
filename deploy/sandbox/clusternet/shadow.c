/* SPDX-License-Identifier: Apache-2.0 */
/* The shadow API: objects that are only templates, kept as Manifests. A create is tried on the hub
 * itself first, unless the object asks not to be; it does not hear of dryRun. */
#include <string.h>

#include "base/json_patch.h"
#include "base/uuid.h"
#include "deploy/sandbox/api/path.h"
#include "deploy/sandbox/api/status.h"
#include "deploy/sandbox/clusternet/round.h"

#define MANIFESTS "/apis/" CN_G_APPS "/v1alpha1/namespaces/" CN_RESERVED "/manifests"

/* A call under way. */
struct shadow {
    struct cn_hub *plane;
    const struct sbx_call *call;
    const struct sbx_kind *kind;
    const char *ns, *name, *manager; /* name NULL: the collection */
    struct sbx_answer *out;
};

/* ---- discovery ---- */

static bool is_offered(const struct sbx_kind *k)
{
    const char *dot = strstr(k->group, "clusternet.io");
    return k->plane == SBX_PLANE_NONE && !dot;
}

/* One plural has one kind, the first that has it. */
static const struct sbx_kind *kind_of_plural(const char *plural)
{
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        if (is_offered(k) && strcmp(k->plural, plural) == 0)
            return k;
    return NULL;
}

static void tell_kinds(struct sbx_answer *out)
{
    json_t *rows = json_array();
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        if (is_offered(k) && kind_of_plural(k->plural) == k)
            json_array_append_new(
                rows, json_pack("{s:s,s:s,s:b,s:s,s:s,s:s,s:[s,s,s,s,s,s]}", "name", k->plural,
                                "singularName", "", "namespaced", k->namespaced, "kind", k->kind,
                                "group", k->group, "version", k->version, "verbs", "create",
                                "delete", "get", "list", "patch", "update"));
    out->status = 200;
    out->body = json_pack("{s:s,s:s,s:s,s:o}", "kind", "APIResourceList", "apiVersion", "v1",
                          "groupVersion", "shadow/v1alpha1", "resources", rows);
}

/* ---- templates ---- */

static void trim(json_t *object)
{
    static const char *const servers[] = { "creationTimestamp", "managedFields", "resourceVersion",
                                           "selfLink", "generation" };
    for (size_t i = 0; i < CF_ARRAY_LEN(servers); i++)
        cf_json_del(object, "metadata", servers[i], NULL);
    json_object_del(object, "status");
    const char *type = cf_json_str(object, "", "spec", "type", NULL);
    if (strcmp(cf_json_str(object, "", "kind", NULL), "Service") != 0 || !*type)
        return;
    if (strcmp(cf_json_str(object, "None", "spec", "clusterIP", NULL), "None") != 0) {
        cf_json_del(object, "spec", "clusterIP", NULL);
        cf_json_del(object, "spec", "clusterIPs", NULL);
    }
    size_t i;
    json_t *port;
    if (strcmp(type, "NodePort") != 0 && strcmp(type, "LoadBalancer") != 0)
        return;
    cf_json_del(object, "spec", "healthCheckNodePort", NULL);
    json_array_foreach(cf_json_at(object, "spec", "ports", NULL), i, port)
    {
        json_object_del(port, "nodePort");
    }
}

/* The template as the shadow API shows it. */
static json_t *shown(const json_t *manifest)
{
    static const char *const of_manifest[] = { "uid", "generation", "creationTimestamp",
                                               "resourceVersion", "deletionTimestamp" };
    json_t *o = cf_json_copy(json_object_get(manifest, "template"));
    for (size_t i = 0; i < CF_ARRAY_LEN(of_manifest); i++) {
        const json_t *value = cf_json_at(manifest, "metadata", of_manifest[i], NULL);
        if (value)
            cf_json_put_take(o, cf_json_copy(value), "metadata", of_manifest[i], NULL);
    }
    return o;
}

static json_t *labels_of(const struct shadow *s, const json_t *object)
{
    const json_t *own = cf_json_at(object, "metadata", "labels", NULL);
    json_t *labels = own ? cf_json_copy(own) : json_object();
    json_object_set_new(labels, CN_GROUP, json_string(s->kind->group));
    json_object_set_new(labels, CN_VERSION, json_string(s->kind->version));
    json_object_set_new(labels, CN_KIND, json_string(s->kind->kind));
    json_object_set_new(labels, CN_NAME, json_string(sbx_name(object)));
    json_object_set_new(labels, CN_NAMESPACE, json_string(s->ns));
    return labels;
}

static char *manifest_name(const struct shadow *s, const char *name)
{
    return cf_xasprintf("%s.%s.%s", s->kind->plural, s->ns, name);
}

/* The Manifest of the name that is asked for; NULL: 404 is set. */
static json_t *find(const struct shadow *s)
{
    cf_autofree char *name = manifest_name(s, s->name);
    json_t *manifest = sbx_api_one(s->plane->world.api, CN_G_APPS, "manifests", CN_RESERVED, name);
    if (!manifest)
        (void)sbx_fail_not_found(s->out, s->kind, s->name);
    return manifest;
}

/* The hub's answer to a write of a Manifest becomes the template's. */
static void answer(const struct shadow *s, int status, json_t *body_take)
{
    s->out->status = status;
    s->out->body = status < 300 ? shown(body_take) : json_incref(body_take);
    json_decref(body_take);
}

/* ---- verbs ---- */

static json_t *read_body(const struct shadow *s)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *body = cf_json_parse(s->call->body ? s->call->body : "", s->call->body_len, 0, &err);
    if (!body)
        (void)sbx_fail(s->out, 400, "BadRequest", "%s", err.message);
    return body;
}

/* As the hub's own API server would store it in the reserved namespace; NULL: it refused. */
static json_t *tried(const struct shadow *s, const json_t *object)
{
    cf_autojson json_t *copy = cf_json_copy(object);
    json_t *result = NULL;
    char path[SBX_PATH_MAX];
    cf_json_put_take(copy, json_string(CN_RESERVED), "metadata", "namespace", NULL);
    sbx_pass_path(path, s->kind->group, s->kind->plural, CN_RESERVED, NULL);
    int status = sbx_api_do(s->plane->world.api, CN_HUB, "POST", "application/json", copy, &result,
                            "%s?dryRun=All", path);
    if (status >= 300) {
        s->out->status = status;
        s->out->body = result;
        return NULL;
    }
    json_t *stored = cf_json_copy(result);
    json_decref(result);
    cf_json_put_take(stored, json_string(s->ns), "metadata", "namespace", NULL);
    trim(stored);
    return stored;
}

static json_t *prepared(const struct shadow *s, const json_t *object)
{
    cf_autojson json_t *copy = cf_json_copy(object);
    char uid[CF_UUID_TEXT];
    cf_json_put_take(copy, json_string(s->ns), "metadata", "namespace", NULL);
    cf_json_put_take(copy, json_string(CN_HUB), "metadata", "labels", CN_CREATED_BY, NULL);
    if (strcmp(cf_json_str(copy, "", "metadata", "annotations", CN_SKIP, NULL), "true") != 0)
        return tried(s, copy);
    cf_json_put_take(copy, json_string(cf_uuid_v7(uid)), "metadata", "uid", NULL);
    return cf_steal(&copy);
}

static void create(const struct shadow *s)
{
    cf_autojson json_t *object = read_body(s);
    cf_autojson json_t *template = object ? prepared(s, object) : NULL;
    if (!template)
        return;
    cf_autofree char *name = manifest_name(s, sbx_name(template));
    cf_autojson json_t *manifest =
        json_pack("{s:s,s:s,s:{s:s,s:s,s:o},s:O}", "apiVersion", CN_G_APPS "/v1alpha1", "kind",
                  "Manifest", "metadata", "name", name, "namespace", CN_RESERVED, "labels",
                  labels_of(s, template), "template", template);
    json_t *stored = NULL;
    int status = sbx_api_do(s->plane->world.api, s->manager, "POST", "application/json", manifest,
                            &stored, MANIFESTS);
    if (status == 409) {
        json_decref(stored);
        (void)sbx_fail_exists(s->out, s->kind, sbx_name(template));
        return;
    }
    answer(s, status, stored);
}

/* The changed template; NULL: refused. */
static json_t *changed(const struct shadow *s, const json_t *template)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *type = s->call->content_type ? s->call->content_type : "";
    cf_autojson json_t *body = read_body(s);
    if (!body)
        return NULL;
    if (strcmp(s->call->method, "PUT") == 0)
        return cf_json_copy(body);
    if (strcmp(type, "application/merge-patch+json") == 0)
        return cf_json_merge_apply(template, body);
    if (strcmp(type, "application/json-patch+json") != 0) {
        (void)sbx_fail(s->out, 415, "UnsupportedMediaType",
                       "the body of the request was in an unknown format");
        return NULL;
    }
    json_t *next = cf_json_patch_apply(template, body, &err);
    if (!next)
        (void)sbx_fail(s->out, 422, "Invalid", "%s", err.message);
    return next;
}

static void update(const struct shadow *s)
{
    cf_autojson json_t *manifest = find(s);
    cf_autojson json_t *next = manifest ? changed(s, json_object_get(manifest, "template")) : NULL;
    if (!next)
        return;
    trim(next);
    cf_autojson json_t *copy = cf_json_copy(manifest);
    cf_autojson json_t *labels = labels_of(s, next);
    json_object_set(copy, "template", next);
    /* Labels are added, never taken off. */
    json_object_update(json_object_get(json_object_get(copy, "metadata"), "labels"), labels);
    json_t *stored = NULL;
    int status = sbx_api_do(s->plane->world.api, s->manager, "PUT", "application/json", copy,
                            &stored, MANIFESTS "/%s", sbx_name(manifest));
    answer(s, status, stored);
}

static void list(const struct shadow *s)
{
    cf_autojson json_t *all = sbx_api_all(s->plane->world.api, CN_G_APPS, "manifests", CN_RESERVED);
    json_t *items = json_array();
    size_t i;
    json_t *m;
    json_array_foreach(all, i, m)
    {
        if (strcmp(sbx_label(m, CN_KIND), s->kind->kind) == 0 &&
            strcmp(sbx_label(m, CN_NAMESPACE), s->ns) == 0)
            json_array_append_new(items, shown(m));
    }
    cf_autofree char *kind = cf_xasprintf("%sList", s->kind->kind);
    s->out->status = 200;
    s->out->body = json_pack("{s:s,s:s,s:{},s:o}", "kind", kind, "apiVersion", "shadow/v1alpha1",
                             "metadata", "items", items);
}

static void delete_one(const struct shadow *s)
{
    cf_autojson json_t *manifest = find(s);
    struct cf_error ignored = CF_ERROR_INIT;
    cf_autojson json_t *options =
        s->call->body_len ? cf_json_parse(s->call->body, s->call->body_len, 0, &ignored) : NULL;
    if (manifest)
        s->out->status = sbx_api_do(s->plane->world.api, s->manager, "DELETE", "application/json",
                                    options, &s->out->body, MANIFESTS "/%s", sbx_name(manifest));
}

/* ---- the way in ---- */

static bool is_allowed(const struct shadow *s)
{
    const char *user = "";
    enum sbx_rights rights = s->call->trusted
                                 ? SBX_RIGHTS_FULL
                                 : sbx_api_who(s->plane->world.api, s->call->authorization, &user);
    bool reads = strcmp(s->call->method, "GET") == 0;
    if (rights == SBX_RIGHTS_NONE)
        return sbx_fail(s->out, 401, "Unauthorized", "Unauthorized");
    if (reads || rights == SBX_RIGHTS_FULL)
        return true;
    return sbx_fail(s->out, 403, "Forbidden", "shadow is forbidden: User \"%s\" cannot write",
                    user);
}

static void dispatch(const struct shadow *s)
{
    static const struct {
        const char *method;
        bool named;
        void (*verb)(const struct shadow *s);
    } verbs[] = {
        { "POST", false, create }, { "GET", false, list },         { "PUT", true, update },
        { "PATCH", true, update }, { "DELETE", true, delete_one },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(verbs); i++)
        if (strcmp(verbs[i].method, s->call->method) == 0 && verbs[i].named == (s->name != NULL)) {
            verbs[i].verb(s);
            return;
        }
    if (strcmp(s->call->method, "GET") == 0) {
        cf_autojson json_t *manifest = find(s);
        if (manifest)
            answer(s, 200, json_incref(manifest));
        return;
    }
    (void)sbx_fail(s->out, 405, "MethodNotAllowed",
                   "the server does not allow this method on the requested resource");
}

/* /apis/shadow/v1alpha1[/namespaces/NS/PLURAL[/NAME]] */
static void route(struct shadow *s, const struct sbx_path *p)
{
    enum { ROOT = 3, COLLECTION = 6, NAMED = 7 };
    if (p->count == ROOT && strcmp(s->call->method, "GET") == 0) {
        tell_kinds(s->out);
        return;
    }
    s->kind = p->count >= COLLECTION ? kind_of_plural(p->segments[COLLECTION - 1]) : NULL;
    if (!s->kind || p->count > NAMED) {
        (void)sbx_fail(s->out, 404, "NotFound", "the server could not find the requested resource");
        return;
    }
    s->ns = p->segments[COLLECTION - 2];
    s->name = p->count == NAMED ? p->segments[NAMED - 1] : NULL;
    dispatch(s);
}

bool cn_shadow_answer(void *user, const struct sbx_call *call, struct sbx_answer *out)
{
    struct shadow s = { .plane = user, .call = call, .out = out, .manager = "clusternet-client" };
    struct sbx_path p;
    if (strncmp(call->target, CN_SHADOW, strlen(CN_SHADOW)) != 0)
        return false;
    if (cn_on(&s.plane->switches, CN_SHADOW_DOWN)) {
        out->status = 503;
        out->text = cf_xstrdup("service unavailable\n");
        return true;
    }
    if (!is_allowed(&s))
        return true;
    sbx_path_parse(&p, call->target);
    route(&s, &p);
    sbx_path_free(&p);
    return true;
}
