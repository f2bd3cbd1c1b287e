/* SPDX-License-Identifier: Apache-2.0 */
/* Writing objects: create, replace, apply, patch, delete. Each is one request, put on the wire at
 * most once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "federation/kube/kube_internal.h"

static const struct cf_kube_write write_default = { 0 };

static void write_query(const struct cf_kube_write *w, bool is_apply, struct cf_buf *path)
{
    kube_query(path, "fieldManager", w->field_manager ? w->field_manager : CF_KUBE_FIELD_MANAGER);
    if (w->dry_run)
        kube_query(path, "dryRun", "All");
    if (w->strict)
        kube_query(path, "fieldValidation", "Strict");
    if (is_apply && w->force)
        kube_query(path, "force", "true");
}

static bool send(const struct kube_span *span, const char *method, const char *content_type,
                 const char *body, size_t body_len, const struct cf_kube_write *w,
                 struct cf_buf *path, json_t **out, struct cf_error *err)
{
    write_query(w, strcmp(content_type, KUBE_APPLY_PATCH) == 0, path);
    if (!kube_path_fits(path, err))
        return false;
    struct kube_exchange x = {
        .method = method,
        .path = cf_buf_str(path),
        .content_type = content_type,
        .body = body,
        .body_len = body_len,
    };
    return kube_exchange(span, &x, out, NULL, err);
}

bool cf_kube_create(struct cf_kube *k, const struct cf_kube_how *how, const json_t *object,
                    const struct cf_kube_write *write, json_t **out, struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    const struct cf_kube_write *w = write ? write : &write_default;
    const char *ns = cf_json_str(object, "", "metadata", "namespace", NULL);
    struct cf_kube_resource r;
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
    if (!kube_resource_of(&span, cf_json_str(object, "", "apiVersion", NULL),
                          cf_json_str(object, "", "kind", NULL), &r, err))
        return false;
    if (r.namespaced && ns[0] == '\0')
        return cf_error_set(err, CF_ERR_INVALID, "%s needs a namespace", r.kind);
    if (!cf_kube_resource_path(&r, ns, NULL, NULL, &path, err))
        return false;
    cf_autofree char *body = cf_json_dump(object);
    return send(&span, "POST", KUBE_JSON, body, strlen(body), w, &path, out, err);
}

/* Writes to the path that the object itself names. */
static bool write_object(struct cf_kube *k, const struct cf_kube_how *how, const char *method,
                         const char *content_type, const json_t *object,
                         const struct cf_kube_write *write, json_t **out, struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    const struct cf_kube_write *w = write ? write : &write_default;
    struct cf_object_ref ref;
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
    if (!cf_ref_of(object, &ref, err) || !kube_ref_path(&span, &ref, w->subresource, &path, err))
        return false;
    cf_autofree char *body = cf_json_dump(object);
    return send(&span, method, content_type, body, strlen(body), w, &path, out, err);
}

bool cf_kube_replace(struct cf_kube *k, const struct cf_kube_how *how, const json_t *object,
                     const struct cf_kube_write *write, json_t **out, struct cf_error *err)
{
    return write_object(k, how, "PUT", KUBE_JSON, object, write, out, err);
}

bool cf_kube_apply(struct cf_kube *k, const struct cf_kube_how *how, const json_t *object,
                   const struct cf_kube_write *write, json_t **out, struct cf_error *err)
{
    return write_object(k, how, "PATCH", KUBE_APPLY_PATCH, object, write, out, err);
}

static bool patch_text(struct cf_kube *k, const struct cf_kube_how *how,
                       const struct cf_object_ref *ref, const char *content_type, const char *body,
                       size_t body_len, const struct cf_kube_write *write, json_t **out,
                       struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    const struct cf_kube_write *w = write ? write : &write_default;
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
    return kube_ref_path(&span, ref, w->subresource, &path, err) &&
           send(&span, "PATCH", content_type, body, body_len, w, &path, out, err);
}

bool cf_kube_json_patch_text(struct cf_kube *k, const struct cf_kube_how *how,
                             const struct cf_object_ref *ref, const char *patch, size_t patch_len,
                             const struct cf_kube_write *write, json_t **out, struct cf_error *err)
{
    return patch_text(k, how, ref, KUBE_JSON_PATCH, patch, patch_len, write, out, err);
}

bool cf_kube_json_patch(struct cf_kube *k, const struct cf_kube_how *how,
                        const struct cf_object_ref *ref, const json_t *patch,
                        const struct cf_kube_write *write, json_t **out, struct cf_error *err)
{
    cf_autofree char *body = cf_json_dump(patch);
    return patch_text(k, how, ref, KUBE_JSON_PATCH, body, strlen(body), write, out, err);
}

bool cf_kube_merge_patch(struct cf_kube *k, const struct cf_kube_how *how,
                         const struct cf_object_ref *ref, const json_t *patch,
                         const struct cf_kube_write *write, json_t **out, struct cf_error *err)
{
    cf_autofree char *body = cf_json_dump(patch);
    return patch_text(k, how, ref, KUBE_MERGE_PATCH, body, strlen(body), write, out, err);
}

static json_t *delete_options(const struct cf_kube_delete *d)
{
    json_t *o = json_object();
    json_object_set_new(o, "apiVersion", json_string("v1"));
    json_object_set_new(o, "kind", json_string("DeleteOptions"));
    json_object_set_new(o, "propagationPolicy",
                        json_string(d->propagation ? d->propagation : "Background"));
    if (d->grace_s >= 0)
        json_object_set_new(o, "gracePeriodSeconds", json_integer(d->grace_s));
    if (d->uid)
        cf_json_put_take(o, json_string(d->uid), "preconditions", "uid", NULL);
    if (d->resource_version)
        cf_json_put_take(o, json_string(d->resource_version), "preconditions", "resourceVersion",
                         NULL);
    if (d->dry_run)
        json_object_set_new(o, "dryRun", json_pack("[s]", "All"));
    return o;
}

bool cf_kube_delete(struct cf_kube *k, const struct cf_kube_how *how,
                    const struct cf_object_ref *ref, const struct cf_kube_delete *options,
                    struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    const struct cf_kube_delete usual = CF_KUBE_DELETE_INIT;
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
    if (!kube_ref_path(&span, ref, NULL, &path, err))
        return false;
    cf_autojson json_t *body = delete_options(options ? options : &usual);
    cf_autofree char *text = cf_json_dump(body);
    struct kube_exchange x = {
        .method = "DELETE",
        .path = cf_buf_str(&path),
        .content_type = KUBE_JSON,
        .body = text,
        .body_len = strlen(text),
    };
    return kube_exchange(&span, &x, NULL, NULL, err);
}
