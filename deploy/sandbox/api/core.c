/* SPDX-License-Identifier: Apache-2.0 */
/* A call's way: who asks, what for, may they, and the verb that answers. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "deploy/sandbox/api/core.h"

void sbx_answer_free(struct sbx_answer *a)
{
    json_decref(a->body);
    free(a->text);
    free(a->warning);
    memset(a, 0, sizeof(*a));
}

static const char *verb_of(const struct sbx_request *r)
{
    const char *m = r->call->method;
    bool item = r->path.name != NULL;
    if (strcmp(m, "GET") == 0 || strcmp(m, "HEAD") == 0)
        return sbx_query_true(&r->path, "watch") && !r->path.sub ? "watch" : item ? "get" : "list";
    if (strcmp(m, "POST") == 0)
        return "create";
    if (strcmp(m, "PUT") == 0)
        return "update";
    if (strcmp(m, "PATCH") == 0)
        return "patch";
    if (strcmp(m, "DELETE") == 0)
        return item ? "delete" : "deletecollection";
    return "";
}

static bool may(enum sbx_rights rights, const char *verb, const char *group, const char *resource)
{
    if (rights == SBX_RIGHTS_FULL)
        return true;
    if (strcmp(resource, "selfsubjectaccessreviews") == 0)
        return rights != SBX_RIGHTS_NONE;
    return rights == SBX_RIGHTS_READ && sbx_word_in("get,list,watch", verb) &&
           !(!*group && strcmp(resource, "secrets") == 0);
}

enum sbx_rights sbx_api_who(struct sbx_api *api, const char *header, const char **out_user)
{
    CF_LOCKED(&api->lock);
    for (int i = 0; header && strncmp(header, "Bearer ", 7) == 0 && i < api->token_count; i++)
        if (strcmp(api->tokens[i].token, header + 7) == 0) {
            *out_user = api->tokens[i].user;
            return api->tokens[i].rights;
        }
    return SBX_RIGHTS_NONE;
}

static bool authenticate(struct sbx_request *r)
{
    r->user = "system:anonymous";
    if (r->call->trusted) {
        r->rights = SBX_RIGHTS_FULL;
        r->user = "system:controller";
        return true;
    }
    const char *header = r->call->authorization;
    if (header && strncmp(header, "Bearer ", 7) == 0)
        for (int i = 0; i < r->api->token_count; i++)
            if (strcmp(r->api->tokens[i].token, header + 7) == 0) {
                r->rights = r->api->tokens[i].rights;
                r->user = r->api->tokens[i].user;
                return true;
            }
    return sbx_fail(r->out, 401, "Unauthorized", "Unauthorized");
}

/* Whether that kind is among those which no token may write. */
static bool is_denied(const struct sbx_request *r, const char *verb, const char *group,
                      const char *resource)
{
    char key[128];
    snprintf(key, sizeof(key), "%s/%s", group, resource);
    return !r->call->trusted && !sbx_word_in("get,list,watch", verb) &&
           sbx_word_in(r->api->denied, key);
}

static bool authorize(struct sbx_request *r, const char *verb)
{
    const char *group = r->path.group, *resource = r->path.plural;
    if (may(r->rights, verb, group, resource) && !is_denied(r, verb, group, resource))
        return true;
    cf_autofree char *where = *r->ns ? cf_xasprintf("in the namespace \"%s\"", r->ns)
                                     : cf_xstrdup("at the cluster scope");
    const char *name = r->path.name ? r->path.name : "";
    sbx_fail(
        r->out, 403, "Forbidden",
        "%s%s%s%s%s%s is forbidden: User \"%s\" cannot %s resource \"%s\" in API group \"%s\" %s",
        resource, *group ? "." : "", group, *name ? " \"" : "", name, *name ? "\"" : "", r->user,
        verb, resource, group, where);
    if (*name)
        sbx_detail(r->out, "name", json_string(name));
    if (*group)
        sbx_detail(r->out, "group", json_string(group));
    sbx_detail(r->out, "kind", json_string(resource));
    return false;
}

/* The field manager: as named, else the first word of the user agent. */
static bool read_write_options(struct sbx_request *r, const char *verb)
{
    const char *manager = sbx_query(&r->path, "fieldManager"), *dry = sbx_query(&r->path, "dryRun");
    const char *agent = r->call->user_agent ? r->call->user_agent : "unknown";
    const char *options = strcmp(verb, "create") == 0   ? "CreateOptions"
                          : strcmp(verb, "update") == 0 ? "UpdateOptions"
                          : strcmp(verb, "patch") == 0  ? "PatchOptions"
                                                        : "DeleteOptions";
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    if (manager && strlen(manager) >= sizeof(r->manager))
        sbx_cause(&causes, "FieldValueTooLong", "may not be more than 128 bytes", "fieldManager");
    const char *validation = sbx_query(&r->path, "fieldValidation");
    if (validation && *validation && !sbx_word_in("Ignore,Warn,Strict", validation))
        sbx_cause(&causes, "FieldValueNotSupported", validation, "fieldValidation");
    if (dry && strcmp(dry, "All") != 0)
        sbx_cause(&causes, "FieldValueNotSupported", "supported values: \"All\"", "dryRun");
    if (causes.list)
        return sbx_fail_invalid(r->out, "meta.k8s.io", options, "", &causes);
    r->dry_run = dry != NULL;
    if (manager && *manager)
        snprintf(r->manager, sizeof(r->manager), "%s", manager);
    else
        snprintf(r->manager, sizeof(r->manager), "%.*s",
                 (int)CF_MIN(strcspn(agent, "/"), (size_t)128), agent);
    return true;
}

void sbx_verb_access_review(struct sbx_request *r)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *body =
        cf_json_parse(r->call->body, r->call->body_len, SBX_OBJECT_MAX, &err);
    const json_t *a = cf_json_at(body, "spec", "resourceAttributes", NULL);
    if (!body) {
        sbx_fail(r->out, 400, "BadRequest", "the object provided is unrecognized: %s", err.message);
        return;
    }
    if (!a && !cf_json_at(body, "spec", "nonResourceAttributes", NULL)) {
        CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
        sbx_cause(&causes, "FieldValueInvalid",
                  "exactly one of nonResourceAttributes or resourceAttributes must be specified",
                  "spec.resourceAttributes");
        sbx_fail_invalid(r->out, "authorization.k8s.io", "SelfSubjectAccessReview", "", &causes);
        return;
    }
    const char *verb = cf_json_str(a, "", "verb", NULL), *group = cf_json_str(a, "", "group", NULL),
               *resource = cf_json_str(a, "", "resource", NULL);
    bool allowed =
        !a || (may(r->rights, verb, group, resource) && !is_denied(r, verb, group, resource));
    r->out->status = 201;
    r->out->body = json_pack("{s:s,s:s,s:{},s:O,s:{s:b}}", "kind", "SelfSubjectAccessReview",
                             "apiVersion", "authorization.k8s.io/v1", "metadata", "spec",
                             json_object_get(body, "spec"), "status", "allowed", (int)allowed);
}

static bool sub_known(const struct sbx_request *r)
{
    const char *sub = r->path.sub;
    return !sub || (strcmp(sub, "status") == 0 && r->kind->has_status) ||
           (strcmp(sub, "scale") == 0 && r->kind->has_scale) ||
           (strcmp(sub, "finalize") == 0 && strcmp(r->kind->kind, "Namespace") == 0);
}

static bool method_fits(const struct sbx_request *r, const char *verb)
{
    bool item = r->path.name != NULL;
    if (strcmp(verb, "create") == 0)
        return !item && (!r->kind->namespaced || r->path.ns);
    if (strcmp(verb, "update") == 0 || strcmp(verb, "patch") == 0)
        return item;
    if (strcmp(verb, "delete") == 0)
        return !r->path.sub;
    if (strcmp(verb, "deletecollection") == 0)
        return strcmp(r->kind->kind, "Namespace") != 0 && (!r->kind->namespaced || r->path.ns);
    return *verb != '\0';
}

/* We speak JSON only. */
static bool accepted(struct sbx_request *r)
{
    const char *a = r->call->accept;
    if (!a || !*a || strstr(a, "json") || strstr(a, "*/*") || strstr(a, "application/*"))
        return true;
    return sbx_fail(r->out, 406, "NotAcceptable",
                    "only the following media types are accepted: application/json");
}

/* All verbs but the watch's, which is no single answer. */
static const struct {
    const char *verb;
    void (*answer)(struct sbx_request *r);
} verbs[] = {
    { "get", sbx_verb_get },
    { "list", sbx_verb_list },
    { "create", sbx_verb_create },
    { "update", sbx_verb_update },
    { "patch", sbx_verb_patch },
    { "delete", sbx_verb_delete },
    { "deletecollection", sbx_verb_delete_collection },
};

static void answer(struct sbx_request *r, const char *verb)
{
    if (r->path.sub && strcmp(r->path.sub, "scale") == 0) {
        sbx_verb_scale(r);
        return;
    }
    for (size_t i = 0; i < CF_ARRAY_LEN(verbs); i++)
        if (strcmp(verbs[i].verb, verb) == 0)
            verbs[i].answer(r);
}

/* For whoever wants to know what a run costs its clusters. */
static void count(struct sbx_request *r, const char *verb)
{
    const char *agent = r->call->user_agent;
    json_t *asked = r->api->asked;
    if (!agent || strncmp(agent, SBX_OURS, strlen(SBX_OURS)) != 0)
        return;
    cf_autofree char *what = cf_xasprintf("%s %s%s%s", verb, r->path.plural, r->path.sub ? "/" : "",
                                          r->path.sub ? r->path.sub : "");
    const json_t *had = json_object_get(asked, what);
    if (had || json_object_size(asked) < SBX_ASKED_MAX)
        json_object_set_new(asked, what, json_integer(json_integer_value(had) + 1));
}

json_t *sbx_api_asked(struct sbx_api *api)
{
    CF_LOCKED(&api->lock);
    return cf_json_copy(api->asked);
}

void sbx_api_asked_forget(struct sbx_api *api)
{
    CF_LOCKED(&api->lock);
    json_object_clear(api->asked);
}

static struct sbx_watch *resource_call(struct sbx_request *r, sbx_watch_sink *sink, void *user)
{
    const char *verb = verb_of(r);
    count(r, verb);
    if (!accepted(r))
        return NULL;
    if (!authorize(r, *verb ? verb : "get"))
        return NULL;
    if (!sub_known(r)) {
        sbx_fail(r->out, 404, "NotFound", "the server could not find the requested resource");
        return NULL;
    }
    if (!method_fits(r, verb)) {
        sbx_fail(r->out, 405, "MethodNotAllowed",
                 "the server does not allow this method on the requested resource");
        return NULL;
    }
    bool reads = sbx_word_in("get,list,watch", verb);
    if (!reads && !read_write_options(r, verb))
        return NULL;
    if (strcmp(verb, "watch") == 0)
        return sbx_verb_watch(r, sink, user);
    answer(r, verb);
    return NULL;
}

static json_t *version_body(void)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "major", "1", "minor", "35", "gitVersion", "v1.35.4",
                     "goVersion", "sandbox", "platform", "linux/amd64");
}

static bool is_root(const struct sbx_path *p, int count, const char *first)
{
    return p->count == count && strcmp(p->segments[0], first) == 0;
}

/* Everything that is no resource. False: not one of these. */
static bool other_call(struct sbx_request *r)
{
    struct sbx_path *p = &r->path;
    const struct sbx_served served = sbx_served_by(r->api);
    json_t *body = NULL;
    if (is_root(p, 1, "api"))
        body = sbx_discover_root();
    else if (is_root(p, 1, "apis"))
        body = sbx_discover_groups(&served);
    else if (is_root(p, 1, "version"))
        body = version_body();
    else if (is_root(p, 2, "api") && strcmp(p->segments[1], "v1") == 0)
        body = sbx_discover_resources(&served, "", "v1");
    else if (is_root(p, 2, "apis"))
        body = sbx_discover_group(&served, p->segments[1]);
    else if (is_root(p, 3, "apis"))
        body = sbx_discover_resources(&served, p->segments[1], p->segments[2]);
    if (!body)
        return false;
    r->out->status = 200;
    r->out->body = body;
    if (strcmp(r->call->method, "GET") != 0 && strcmp(r->call->method, "HEAD") != 0)
        sbx_fail(r->out, 405, "MethodNotAllowed",
                 "the server does not allow this method on the requested resource");
    return true;
}

static bool health_call(struct sbx_request *r)
{
    if (r->path.count < 1 || !sbx_word_in("healthz,livez,readyz", r->path.segments[0]))
        return false;
    r->out->status = 200;
    r->out->text = cf_xstrdup("ok");
    return true;
}

static struct sbx_watch *dispatch(struct sbx_request *r, sbx_watch_sink *sink, void *user)
{
    if (health_call(r) || !authenticate(r) || (r->path.count > 0 && other_call(r)))
        return NULL;
    struct sbx_path *p = &r->path;
    if (p->count > 3 && strcmp(p->segments[0], "apis") == 0 &&
        strcmp(p->segments[1], "authorization.k8s.io") == 0 &&
        strcmp(p->segments[3], "selfsubjectaccessreviews") == 0) {
        if (strcmp(r->call->method, "POST") == 0)
            sbx_verb_access_review(r);
        else
            sbx_fail(r->out, 405, "MethodNotAllowed",
                     "the server does not allow this method on the requested resource");
        return NULL;
    }
    const struct sbx_served served = sbx_served_by(r->api);
    /* Our own side still reads and ends what is no longer served. */
    if (p->kind && (r->call->trusted || sbx_kind_served(&served, p->kind)))
        return resource_call(r, sink, user);
    if (p->count > 0 && p->plural && sbx_group_version_served(&served, p->group, p->version)) {
        sbx_fail(r->out, 404, "NotFound", "the server could not find the requested resource");
        return NULL;
    }
    r->out->status = 404;
    r->out->text = cf_xstrdup("404 page not found\n");
    return NULL;
}

bool sbx_reviewed(struct sbx_request *r, const char *operation, json_t *obj, const json_t *live)
{
    const struct sbx_review review = { operation,
                                       r->kind->group,
                                       r->kind->plural,
                                       r->path.sub ? r->path.sub : "",
                                       r->call->trusted,
                                       obj,
                                       live };
    return !r->api->reviewer || r->api->reviewer(r->api->reviewer_user, &review, r->out);
}

static bool answered_in_front(struct sbx_api *api, const struct sbx_call *call,
                              struct sbx_answer *out)
{
    sbx_front *front;
    void *user;
    {
        CF_LOCKED(&api->lock);
        front = api->front;
        user = api->front_user;
    }
    return front && front(user, call, out);
}

void sbx_api_call(struct sbx_api *api, const struct sbx_call *call, sbx_watch_sink *sink,
                  void *user, struct sbx_watch **out_watch, struct sbx_answer *out)
{
    struct sbx_request r = { .api = api, .call = call, .out = out, .ns = "" };
    memset(out, 0, sizeof(*out));
    if (answered_in_front(api, call, out)) {
        if (out_watch)
            *out_watch = NULL;
        return;
    }
    sbx_path_parse(&r.path, call->target);
    r.kind = r.path.kind;
    /* /namespaces/NAME: the name is its namespace for rights only. */
    r.ns = r.path.ns ? r.path.ns : "";
    struct sbx_watch *w;
    {
        CF_LOCKED(&api->lock);
        w = dispatch(&r, sink, user);
    }
    if (out_watch)
        *out_watch = w;
    else
        sbx_watch_close(api, w);
    json_decref(r.options);
    sbx_path_free(&r.path);
}
