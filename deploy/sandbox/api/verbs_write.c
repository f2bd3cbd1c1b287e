/* SPDX-License-Identifier: Apache-2.0 */
/* POST, PUT and PATCH on objects. */
#include <string.h>

#include "base/buf.h"
#include "base/json_patch.h"
#include "base/yaml.h"
#include "deploy/sandbox/api/managed.h"
#include "deploy/sandbox/api/rules.h"

static bool is_json_body(const struct sbx_request *r)
{
    const char *t = r->call->content_type;
    return !t || !*t || strncmp(t, "application/json", 16) == 0 ||
           strncmp(t, "application/x-www-form-urlencoded", 33) == 0;
}

static bool body_is_json(struct sbx_request *r)
{
    if (is_json_body(r))
        return true;
    return sbx_fail(r->out, 415, "UnsupportedMediaType",
                    "the body of the request was in an unknown format - accepted media types "
                    "include: application/json");
}

void sbx_verb_create(struct sbx_request *r)
{
    json_t *read = NULL;
    if (!body_is_json(r) || !sbx_read_object(r, &read))
        return;
    cf_autojson json_t *obj = read;
    if (*cf_json_str(obj, "", "metadata", "resourceVersion", NULL)) {
        sbx_fail(r->out, 500, NULL, "resourceVersion should not be set on objects to be created");
        return;
    }
    if (!sbx_namespace_open(r))
        return;
    sbx_finish_create(r, cf_steal(&obj), "Update", NULL);
}

/* A few kinds are created by a PUT to a name that is free. */
static bool may_put_new(const struct sbx_kind *k)
{
    return sbx_word_in(
        "Service,Endpoints,LimitRange,Role,RoleBinding,ClusterRole,ClusterRoleBinding,Event",
        k->kind);
}

void sbx_verb_update(struct sbx_request *r)
{
    json_t *read = NULL;
    if (!body_is_json(r) || !sbx_read_object(r, &read))
        return;
    cf_autojson json_t *obj = read;
    const char *name = cf_json_str(obj, "", "metadata", "name", NULL);
    if (*name && strcmp(name, r->path.name) != 0) {
        sbx_fail(r->out, 400, "BadRequest",
                 "the name of the object (%s) does not match the name on the URL (%s)", name,
                 r->path.name);
        return;
    }
    if (!*name) {
        sbx_fail(r->out, 400, "BadRequest", "name must be provided");
        return;
    }
    json_t *live = sbx_get(r->api, r->kind, r->ns, r->path.name);
    if (!live && !r->path.sub && may_put_new(r->kind)) {
        if (sbx_namespace_open(r))
            sbx_finish_create(r, cf_steal(&obj), "Update", NULL);
        return;
    }
    if (!live) {
        sbx_fail_not_found(r->out, r->kind, r->path.name);
        return;
    }
    if (r->kind->is_crd && !*cf_json_str(obj, "", "metadata", "resourceVersion", NULL)) {
        CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
        sbx_cause_raw(&causes, "FieldValueInvalid",
                      "Invalid value: 0: must be specified for an update",
                      "metadata.resourceVersion");
        sbx_fail_invalid(r->out, r->kind->group, r->kind->plural, r->path.name, &causes);
        return;
    }
    sbx_finish_update(r, live, cf_steal(&obj), NULL);
}

/* A real server's `replace` of a member that is not there adds it. */
static json_t *lenient(const json_t *doc, const json_t *op)
{
    const char *path = cf_json_str(op, "", "path", NULL);
    const char *slash = strrchr(path, '/');
    if (strcmp(cf_json_str(op, "", "op", NULL), "replace") != 0 || !slash ||
        cf_json_pointer(doc, path))
        return json_pack("[O]", op);
    cf_autofree char *parent = cf_xstrndup(path, (size_t)(slash - path));
    if (!json_is_object(cf_json_pointer(doc, parent)))
        return json_pack("[O]", op);
    json_t *add = json_copy(cf_json_unconst(op));
    json_object_set_new(add, "op", json_string("add"));
    return json_pack("[o]", add);
}

static json_t *patch_json(struct sbx_request *r, const json_t *live, const json_t *patch)
{
    if (!json_is_array(patch)) {
        sbx_fail(r->out, 400, "BadRequest",
                 "json: cannot unmarshal object into Go value of type jsonpatch.Patch");
        return NULL;
    }
    if (json_array_size(patch) > CF_JSON_PATCH_OPS_MAX) {
        sbx_fail(r->out, 413, "RequestEntityTooLarge",
                 "The allowed maximum operations in a JSON patch is %d, got %zu",
                 CF_JSON_PATCH_OPS_MAX, json_array_size(patch));
        return NULL;
    }
    cf_autojson json_t *doc = json_incref(cf_json_unconst(live));
    size_t i;
    json_t *op;
    json_array_foreach(patch, i, op)
    {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *one = lenient(doc, op);
        json_t *next = cf_json_patch_apply(doc, one, &err);
        if (!next) {
            sbx_fail(r->out, 422, "Invalid",
                     "the server rejected our request due to an error in our request");
            sbx_detail(r->out, "causes", json_array());
            (void)cf_json_del(r->out->body, "details", "causes", NULL);
            return NULL;
        }
        json_decref(doc);
        doc = next;
    }
    return cf_steal(&doc);
}

static bool keeps_identity(struct sbx_request *r, const json_t *obj)
{
    const char *name = cf_json_str(obj, "", "metadata", "name", NULL);
    if (strcmp(name, r->path.name) != 0)
        return sbx_fail(r->out, 400, "BadRequest",
                        "the name of the object (%s) does not match the name on the URL (%s)", name,
                        r->path.name);
    if (strcmp(cf_json_str(obj, "", "metadata", "namespace", NULL), r->ns) != 0)
        return sbx_fail(
            r->out, 400, "BadRequest",
            "the namespace of the object (%s) does not match the namespace on the request (%s)",
            cf_json_str(obj, "", "metadata", "namespace", NULL), r->ns);
    return true;
}

/* A result that cannot be decoded is the patch's fault; the answer made by the decoder is replaced.
 */
static void patch_is_invalid(struct sbx_request *r)
{
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    sbx_cause(&causes, "FieldValueInvalid", cf_json_str(r->out->body, "", "message", NULL),
              "patch");
    (void)sbx_fail_invalid(r->out, "", "", "", &causes);
}

/* Kinds stay what they are; in other versions' clothes the patch still fits. */
static void patch_onto(struct sbx_request *r, json_t *live, bool is_json_patch)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *patch =
        cf_json_parse(r->call->body, r->call->body_len, SBX_OBJECT_MAX, &err);
    if (!patch) {
        sbx_fail(r->out, 400, "BadRequest", "error decoding patch: %s", err.message);
        return;
    }
    cf_autojson json_t *shown = sbx_shown(r->kind, r->path.version, live, false);
    if (!is_json_patch && !json_is_object(patch)) {
        sbx_fail(r->out, 400, "BadRequest", "error decoding patch: a merge patch is an object");
        return;
    }
    cf_autojson json_t *obj =
        is_json_patch ? patch_json(r, shown, patch) : cf_json_merge_apply(shown, patch);
    if (!obj || !keeps_identity(r, obj))
        return;
    cf_autojson json_t *own = cf_json_copy(obj);
    const char *validation = sbx_query(&r->path, "fieldValidation");
    if (!sbx_rules_decode(r->kind, own, validation && strcmp(validation, "Strict") == 0, r->out)) {
        patch_is_invalid(r);
        return;
    }
    sbx_finish_update(r, live, cf_steal(&own), NULL);
}

static bool option_invalid(struct sbx_request *r, const char *reason, const char *message,
                           const char *field)
{
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    sbx_cause(&causes, reason, message, "%s", field);
    return sbx_fail_invalid(r->out, "meta.k8s.io", "PatchOptions", "", &causes);
}

static bool apply_body(struct sbx_request *r, json_t **out)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *config =
        cf_yaml_parse(r->call->body, r->call->body_len, SBX_OBJECT_MAX, NULL, &err);
    if (!config || !json_is_object(config))
        return sbx_fail(r->out, 400, "BadRequest", "error decoding YAML: %s", err.message);
    cf_autofree char *want =
        *r->kind->group ? cf_xasprintf("%s/%s", r->kind->group, r->path.version) : cf_xstrdup("v1");
    if (strcmp(cf_json_str(config, "", "kind", NULL), r->kind->kind) != 0 ||
        strcmp(cf_json_str(config, "", "apiVersion", NULL), want) != 0)
        return sbx_fail(r->out, 400, "BadRequest",
                        "the kind or apiVersion of the applied configuration is missing or not "
                        "that of the URL");
    if (!json_is_object(json_object_get(config, "metadata")))
        json_object_set_new(config, "metadata", json_object());
    json_t *meta = json_object_get(config, "metadata");
    if (json_array_size(json_object_get(meta, "managedFields")) > 0)
        return sbx_fail(r->out, 400, "BadRequest", "metadata.managedFields must be nil");
    const char *name = cf_json_str(meta, "", "name", NULL),
               *ns = cf_json_str(meta, "", "namespace", NULL);
    if (*name && strcmp(name, r->path.name) != 0)
        return sbx_fail(r->out, 400, "BadRequest",
                        "the name of the object (%s) does not match the name on the URL (%s)", name,
                        r->path.name);
    if (*ns && strcmp(ns, r->ns) != 0)
        return sbx_fail(r->out, 400, "BadRequest",
                        "the namespace of the provided object does not match the namespace sent on "
                        "the request");
    json_object_set_new(meta, "name", json_string(r->path.name));
    if (*r->ns)
        json_object_set_new(meta, "namespace", json_string(r->ns));
    /* Applying is done by the schema, which knows no other fields, asked to be strict or not. */
    if (!sbx_rules_decode(r->kind, config, true, r->out)) {
        cf_autofree char *why = cf_xstrdup(cf_json_str(r->out->body, "", "message", NULL));
        return sbx_fail(r->out, 500, NULL,
                        "failed to create typed patch object (%s/%s; %s, Kind=%s): %s", r->ns,
                        r->path.name, want, r->kind->kind, why);
    }
    *out = cf_steal(&config);
    return true;
}

static bool conflicts_answered(struct sbx_request *r, const struct sbx_causes *causes)
{
    size_t n = json_array_size(causes->list);
    const json_t *first = json_array_get(causes->list, 0);
    sbx_fail(r->out, 409, "Conflict", "Apply failed with %zu conflict%s: %s: %s", n,
             n == 1 ? "" : "s", cf_json_str(first, "", "message", NULL),
             cf_json_str(first, "", "field", NULL));
    sbx_detail(r->out, "causes", json_incref(causes->list));
    return true;
}

void sbx_apply(struct sbx_request *r, json_t *live)
{
    json_t *read = NULL;
    if (!sbx_query(&r->path, "fieldManager")) {
        (void)option_invalid(r, "FieldValueRequired", "is required for apply patch",
                             "fieldManager");
        return;
    }
    if (!apply_body(r, &read))
        return;
    cf_autojson json_t *config = read;
    if (!live && *cf_json_str(config, "", "metadata", "uid", NULL)) {
        sbx_fail_conflict(
            r->out, r->kind, r->path.name,
            "uid mismatch: the provided object specified a uid, and no existing object was found");
        return;
    }
    if (!live && !sbx_namespace_open(r))
        return;
    cf_autojson json_t *base =
        live ? sbx_shown(r->kind, r->path.version, live, false)
             : json_pack("{s:O,s:O,s:{}}", "apiVersion", json_object_get(config, "apiVersion"),
                         "kind", json_object_get(config, "kind"), "metadata");
    struct sbx_manager by = { r->manager, "Apply", cf_json_str(config, "", "apiVersion", NULL),
                              r->path.sub && strcmp(r->path.sub, "status") == 0 ? "status" : "" };
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    json_t *obj = NULL, *managed = NULL;
    if (!sbx_managed_apply(r->kind, base, config, &by, sbx_query_true(&r->path, "force"), &obj,
                           &managed, &causes)) {
        (void)conflicts_answered(r, &causes);
        return;
    }
    if (live)
        sbx_finish_update(r, live, obj, managed);
    else
        sbx_finish_create(r, obj, "Apply", managed);
}

void sbx_verb_patch(struct sbx_request *r)
{
    const char *type = r->call->content_type ? r->call->content_type : "";
    json_t *live = sbx_get(r->api, r->kind, r->ns, r->path.name);
    bool is_apply = strncmp(type, "application/apply-patch+yaml", 28) == 0;
    bool is_json = strncmp(type, "application/json-patch+json", 27) == 0;
    bool is_merge = strncmp(type, "application/merge-patch+json", 28) == 0;
    bool is_strategic = strncmp(type, "application/strategic-merge-patch+json", 38) == 0;
    if (!is_apply && !is_json && !is_merge && !(is_strategic && !r->kind->is_crd)) {
        sbx_fail(r->out, 415, "UnsupportedMediaType", "415: Unsupported Media Type");
        return;
    }
    if (sbx_query(&r->path, "force") && !is_apply) {
        (void)option_invalid(r, "FieldValueForbidden", "may not be specified for non-apply patch",
                             "force");
        return;
    }
    if (is_apply) {
        if (!live && r->path.sub)
            sbx_fail_not_found(r->out, r->kind, r->path.name);
        else
            sbx_apply(r, live);
        return;
    }
    if (!live) {
        sbx_fail_not_found(r->out, r->kind, r->path.name);
        return;
    }
    if (is_strategic) {
        sbx_fail(r->out, 501, "NotImplemented",
                 "the sandbox does not do strategic merge patches: use merge-patch+json or apply");
        return;
    }
    patch_onto(r, live, is_json);
}

/* ---- the scale subresource ---- */

static char *selector_text(const json_t *labels)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(4096);
    const char *key;
    json_t *v;
    json_object_foreach(cf_json_unconst(labels), key, v)
    {
        cf_buf_printf(&b, "%s%s=%s", b.len ? "," : "", key, json_string_value(v));
    }
    return cf_xstrdup(cf_buf_str(&b));
}

static json_t *scale_of(const json_t *obj)
{
    cf_autofree char *selector =
        selector_text(cf_json_at(obj, "spec", "selector", "matchLabels", NULL));
    json_t *scale = json_pack("{s:s,s:s,s:{},s:{},s:{s:I,s:s}}", "kind", "Scale", "apiVersion",
                              "autoscaling/v1", "metadata", "spec", "status", "replicas",
                              (json_int_t)cf_json_int(obj, 0, "status", "replicas", NULL),
                              "selector", selector);
    int64_t replicas = cf_json_int(obj, 0, "spec", "replicas", NULL);
    if (replicas)
        cf_json_put_take(scale, json_integer((json_int_t)replicas), "spec", "replicas", NULL);
    static const char *const copied[] = { "name", "namespace", "uid", "resourceVersion",
                                          "creationTimestamp" };
    for (size_t i = 0; i < CF_ARRAY_LEN(copied); i++)
        cf_json_put_take(scale,
                         json_incref(cf_json_unconst(cf_json_at(obj, "metadata", copied[i], NULL))),
                         "metadata", copied[i], NULL);
    return scale;
}

void sbx_verb_scale(struct sbx_request *r)
{
    json_t *live = sbx_get(r->api, r->kind, r->ns, r->path.name);
    if (!live) {
        sbx_fail_not_found(r->out, r->kind, r->path.name);
        return;
    }
    if (strcmp(r->call->method, "GET") != 0) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *body =
            cf_json_parse(r->call->body, r->call->body_len, SBX_OBJECT_MAX, &err);
        cf_autojson json_t *scale = scale_of(live);
        cf_autojson json_t *wanted = json_is_array(body) ? patch_json(r, scale, body)
                                     : body              ? cf_json_merge_apply(scale, body)
                                                         : NULL;
        if (!wanted) {
            if (!r->out->body)
                sbx_fail(r->out, 400, "BadRequest", "error decoding Scale: %s", err.message);
            return;
        }
        json_t *obj = cf_json_copy(live);
        cf_json_put_take(obj,
                         json_integer((json_int_t)cf_json_int(wanted, 0, "spec", "replicas", NULL)),
                         "spec", "replicas", NULL);
        const char *rv = cf_json_str(wanted, "", "metadata", "resourceVersion", NULL);
        cf_json_put_take(obj, json_string(rv), "metadata", "resourceVersion", NULL);
        sbx_finish_update(r, live, obj, NULL);
        if (r->out->status != 200)
            return;
    }
    cf_autojson json_t *shown = json_incref(r->out->body ? r->out->body : live);
    json_decref(r->out->body);
    r->out->body = scale_of(shown);
    r->out->status = 200;
}
