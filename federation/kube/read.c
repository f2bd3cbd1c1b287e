/* SPDX-License-Identifier: Apache-2.0 */
/* Reading objects: one, maybe one, many. */
#include <stdio.h>
#include <string.h>

#include "federation/kube/kube_internal.h"

enum { LIST_RESTARTS_MAX = 3 }; /* a list that expires more often than that is not going to end */

bool cf_kube_get_subresource(struct cf_kube *k, const struct cf_kube_how *how,
                             const struct cf_object_ref *ref, const char *subresource, json_t **out,
                             struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
    if (!kube_ref_path(&span, ref, subresource, &path, err))
        return false;
    struct kube_exchange x = { .method = "GET", .path = cf_buf_str(&path), .is_read = true };
    return kube_exchange(&span, &x, out, NULL, err);
}

bool cf_kube_get(struct cf_kube *k, const struct cf_kube_how *how, const struct cf_object_ref *ref,
                 json_t **out, struct cf_error *err)
{
    return cf_kube_get_subresource(k, how, ref, NULL, out, err);
}

bool cf_kube_find(struct cf_kube *k, const struct cf_kube_how *how, const struct cf_object_ref *ref,
                  bool *out_found, json_t **out_object, struct cf_error *err)
{
    cf_autojson json_t *object = NULL;
    struct cf_error problem = CF_ERROR_INIT;
    if (!cf_kube_get(k, how, ref, &object, &problem) && problem.kind != CF_ERR_NOT_FOUND)
        return cf_error_move(err, &problem);
    *out_found = object != NULL;
    if (out_object)
        *out_object = cf_steal(&object);
    return true;
}

void kube_fill_item(json_t *item, const char *api_version, const char *kind)
{
    if (!json_is_object(item))
        return;
    if (!json_object_get(item, "apiVersion"))
        json_object_set_new(item, "apiVersion", json_string(api_version));
    if (!json_object_get(item, "kind"))
        json_object_set_new(item, "kind", json_string(kind));
}

static bool page_path(const struct cf_kube_list *what, const struct cf_kube_resource *r,
                      const char *token, struct cf_buf *path, struct cf_error *err)
{
    if (!cf_kube_resource_path(r, what->ns, NULL, NULL, path, err))
        return false;
    char limit[16];
    snprintf(limit, sizeof limit, "%d", what->page > 0 ? what->page : CF_KUBE_LIST_PAGE_DEFAULT);
    kube_query(path, "limit", limit);
    if (what->label_selector && what->label_selector[0])
        kube_query(path, "labelSelector", what->label_selector);
    if (what->field_selector && what->field_selector[0])
        kube_query(path, "fieldSelector", what->field_selector);
    if (token[0])
        kube_query(path, "continue", token);
    return kube_path_fits(path, err);
}

/* Moves one page's items into `items`. */
static bool take_items(const struct cf_kube_list *what, const json_t *page, json_t *items,
                       struct cf_error *err)
{
    size_t max = what->max_items ? what->max_items : CF_KUBE_LIST_ITEMS_MAX;
    const json_t *found = cf_json_at(page, "items", NULL);
    for (size_t i = 0; i < json_array_size(found); i++) {
        if (json_array_size(items) >= max)
            return cf_error_set(err, CF_ERR_LIMIT, "more than %zu objects of kind %s", max,
                                what->kind);
        json_t *item = json_array_get(found, i);
        kube_fill_item(item, what->api_version, what->kind);
        if (what->trim)
            what->trim(item);
        json_array_append(items, item);
    }
    return true;
}

/* One attempt over all pages; *out_rv is the version of the first page, which all pages share. */
static bool list_all(const struct kube_span *span, const struct cf_kube_list *what,
                     const struct cf_kube_resource *r, json_t *items, char *out_rv,
                     struct cf_error *err)
{
    cf_autofree char *token = cf_xstrdup("");
    out_rv[0] = '\0';
    do {
        CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
        if (!page_path(what, r, token, &path, err))
            return false;
        struct kube_exchange x = { .method = "GET",
                                   .path = cf_buf_str(&path),
                                   .response_max = CF_KUBE_PAGE_BYTES_MAX,
                                   .is_read = true };
        cf_autojson json_t *page = NULL;
        if (!kube_exchange(span, &x, &page, NULL, err) || !take_items(what, page, items, err))
            return false;
        snprintf(out_rv, CF_KUBE_RV_TEXT, "%s",
                 cf_json_str(page, "", "metadata", "resourceVersion", NULL));
        free(token);
        token = cf_xstrdup(cf_json_str(page, "", "metadata", "continue", NULL));
    } while (token[0]);
    return true;
}

bool cf_kube_list(struct cf_kube *k, const struct cf_kube_how *how, const struct cf_kube_list *what,
                  json_t **out_items, char *out_rv, struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    struct cf_kube_resource r;
    if (!kube_resource_of(&span, what->api_version, what->kind, &r, err))
        return false;
    for (int restarts = 0;; restarts++) {
        cf_autojson json_t *items = json_array();
        char rv[CF_KUBE_RV_TEXT];
        struct cf_error problem = CF_ERROR_INIT;
        if (list_all(&span, what, &r, items, rv, &problem)) {
            *out_items = cf_steal(&items);
            if (out_rv)
                memcpy(out_rv, rv, sizeof rv);
            return true;
        }
        bool expired = problem.upstream == 410 && restarts < LIST_RESTARTS_MAX;
        if (!expired)
            return cf_error_move(err, &problem);
    }
}
