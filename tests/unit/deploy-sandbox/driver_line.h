/* SPDX-License-Identifier: Apache-2.0 */
/* A driver's lines to the API servers of the sandbox, whose calls can be cut off anywhere: as a
 * process that dies, with what it had recorded; and where it keeps before-images. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_DRIVER_LINE_H
#define TESTS_UNIT_DEPLOY_SANDBOX_DRIVER_LINE_H

#include "base/buf.h"
#include "deploy/sandbox/api/api.h"
#include "federation/kube/kube.h"

/* Calls until one is cut off: -1 never; then all that follow are, until it is set anew. */
struct knife {
    int left;
    bool after; /* the call had its effect, and only the answer is lost */
    int calls;
};

struct line {
    struct sbx_api *api;
    struct knife *knife;
};

static inline bool line_call(void *self, const struct cf_kube_request *request,
                             struct cf_kube_response *out, struct cf_error *err)
{
    struct line *l = self;
    cf_autojson json_t *body = NULL, *answer = NULL;
    bool cut = l->knife->left == 0;
    l->knife->calls++;
    if (cut && !l->knife->after)
        return cf_error_set(err, CF_ERR_UNKNOWN, "cut off before %s", request->method);
    if (request->body_len > 0 && !(body = cf_json_parse(request->body, request->body_len, 0, err)))
        return false;
    out->status = sbx_api_do(l->api, "crossfade", request->method, request->content_type, body,
                             &answer, "%s", request->path);
    if (cut) {
        l->knife->after = false;
        return cf_error_set(err, CF_ERR_UNKNOWN, "cut off after %s", request->method);
    }
    if (l->knife->left > 0)
        l->knife->left--;
    out->body = (struct cf_buf)CF_BUF_INIT(CF_KUBE_PAGE_BYTES_MAX);
    cf_autofree char *text = answer ? cf_json_dump(answer) : NULL;
    if (text)
        cf_buf_puts(&out->body, text);
    return true;
}

static inline struct cf_kube *line_open(struct line *l, struct knife *knife, struct sbx_api *api,
                                        const char *name)
{
    static const struct cf_kube_ops ops = { .call = line_call };
    *l = (struct line){ .api = api, .knife = knife };
    return cf_kube_new(name, &ops, l);
}

static inline bool image_put(void *self, const char *key, const json_t *object,
                             struct cf_error *err)
{
    (void)err;
    if (!json_object_get(self, key))
        json_object_set_new(self, key, cf_json_copy(object));
    return true;
}

static inline bool image_get(void *self, const char *key, json_t **out, struct cf_error *err)
{
    (void)err;
    *out = json_incref(json_object_get((json_t *)self, key));
    return true;
}

#endif
