/* SPDX-License-Identifier: Apache-2.0 */
/* The client's life, and the one place where an answer of an API server is judged. */
#include <string.h>

#include "base/thread.h"
#include "base/url.h"
#include "federation/kube/kube_internal.h"
#include "federation/kube/status.h"

void cf_kube_response_free(struct cf_kube_response *r)
{
    cf_buf_free(&r->body);
}

struct cf_kube *cf_kube_new(const char *name, const struct cf_kube_ops *ops, void *self)
{
    struct cf_kube *k = cf_xcalloc(1, sizeof *k);
    atomic_init(&k->refs, 1);
    k->name = cf_xstrdup(name ? name : "");
    k->ops = ops;
    k->self = self;
    k->parallel = 1;
    pthread_mutex_init(&k->discovery_lock, NULL);
    return k;
}

struct cf_kube *cf_kube_ref(struct cf_kube *k)
{
    atomic_fetch_add(&k->refs, 1);
    return k;
}

void cf_kube_unref(struct cf_kube *k)
{
    if (!k || atomic_fetch_sub(&k->refs, 1) != 1)
        return;
    if (k->ops->free)
        k->ops->free(k->self);
    kube_discovery_free(k);
    pthread_mutex_destroy(&k->discovery_lock);
    free(k->name);
    free(k);
}

void cf_kube_unref_p(struct cf_kube **k)
{
    cf_kube_unref(*k);
}

const char *cf_kube_name(const struct cf_kube *k)
{
    return k->name;
}

struct kube_span kube_span(struct cf_kube *k, const struct cf_kube_how *how)
{
    struct kube_span s = { .k = k };
    if (how)
        s.how = *how;
    if (s.how.timeout_ms <= 0)
        s.how.timeout_ms = CF_KUBE_TIMEOUT_MS_DEFAULT;
    s.deadline_ms = cf_mono_now_ms() + s.how.timeout_ms;
    return s;
}

static bool out_of_time(struct cf_error *err)
{
    cf_error_set(err, CF_ERR_UNAVAILABLE, "no time left for the next call");
    return cf_error_reason(err, "Timeout");
}

/* Parses a 2xx answer. A write whose answer cannot be read has happened all the same: UNKNOWN says
 * "read back". */
static bool take_answer(const struct kube_exchange *x, const struct cf_kube_response *answer,
                        json_t **out, struct cf_error *err)
{
    cf_autojson json_t *tree = NULL;
    if (out && answer->body.len > 0) {
        tree = cf_json_parse(answer->body.data, answer->body.len, answer->body.len, err);
        if (!tree) {
            err->kind = x->is_read ? CF_ERR_TRANSIENT : CF_ERR_UNKNOWN;
            err->upstream = answer->status;
            return cf_error_wrap(err, "the answer to %s %s", x->method, x->path);
        }
    }
    if (out)
        *out = cf_steal(&tree);
    return true;
}

static bool exchange_once(const struct kube_span *span, const struct kube_exchange *x, json_t **out,
                          int64_t *out_date_ms, struct cf_error *err)
{
    if (cf_cancel_requested(span->how.cancel))
        return cf_error_set(err, CF_ERR_CANCELLED, "asked to stop");
    int64_t left_ms = span->deadline_ms - cf_mono_now_ms();
    if (left_ms <= 0)
        return out_of_time(err);
    struct cf_kube_request request = {
        .method = x->method,
        .path = x->path,
        .content_type = x->content_type,
        .accept = x->accept ? x->accept : KUBE_JSON,
        .body = x->body,
        .body_len = x->body_len,
        .timeout_ms = left_ms,
        .response_max = x->response_max ? x->response_max : CF_KUBE_OBJECT_BYTES_MAX,
        .cancel = span->how.cancel,
        .is_read = x->is_read,
        .fresh_connection = span->how.fresh_connection,
        .urgent = span->how.urgent,
    };
    CF_CLEANUP(cf_kube_response_free) struct cf_kube_response answer = { 0 };
    if (!span->k->ops->call(span->k->self, &request, &answer, err))
        return false;
    if (answer.status < 200 || answer.status >= 300)
        return cf_kube_status_error(answer.status, cf_buf_str(&answer.body), answer.body.len,
                                    answer.retry_after_ms, !x->is_read, err);
    if (!take_answer(x, &answer, out, err))
        return false;
    if (out_date_ms)
        *out_date_ms = answer.date_ms;
    return true;
}

/* A refusal is believed only of a server that has read its roles: one that is just starting refuses
 * everybody for a moment. A read that met such a moment is asked again. */
bool kube_exchange(const struct kube_span *span, const struct kube_exchange *x, json_t **out,
                   int64_t *out_date_ms, struct cf_error *err)
{
    if (exchange_once(span, x, out, out_date_ms, err))
        return true;
    if (err->upstream != 403 || span->how.urgent || strcmp(x->path, KUBE_ACCESS_REVIEWS) == 0)
        return false;
    bool is_news = false;
    if (!kube_knows_roles(span, &is_news)) {
        err->kind = CF_ERR_TRANSIENT;
        return cf_error_wrap(err, "%s has yet to read its roles", span->k->name);
    }
    if (!is_news || !x->is_read)
        return false;
    cf_error_clear(err);
    return exchange_once(span, x, out, out_date_ms, err);
}

void kube_query(struct cf_buf *path, const char *name, const char *value)
{
    cf_buf_putc(path, strchr(cf_buf_str(path), '?') ? '&' : '?');
    cf_buf_puts(path, name);
    cf_buf_putc(path, '=');
    cf_url_escape(path, value);
}

bool kube_path_fits(const struct cf_buf *path, struct cf_error *err)
{
    if (path->overflow)
        return cf_error_set(err, CF_ERR_LIMIT, "the request's path and query exceed %d bytes",
                            KUBE_PATH_MAX);
    return true;
}

bool cf_kube_raw(struct cf_kube *k, const struct cf_kube_how *how, const char *method,
                 const char *path, const char *content_type, const json_t *body, json_t **out,
                 struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    cf_autofree char *text = body ? cf_json_dump(body) : NULL;
    struct kube_exchange x = {
        .method = method,
        .path = path,
        .content_type = text ? (content_type ? content_type : KUBE_JSON) : NULL,
        .body = text,
        .body_len = text ? strlen(text) : 0,
        .response_max = CF_KUBE_PAGE_BYTES_MAX,
        .is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0,
    };
    return kube_exchange(&span, &x, out, NULL, err);
}

bool cf_kube_text(struct cf_kube *k, const struct cf_kube_how *how, const char *path,
                  struct cf_buf *out, struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    struct cf_kube_request request = {
        .method = "GET",
        .path = path,
        .accept = "*/*",
        .timeout_ms = span.how.timeout_ms,
        .response_max = out->max - out->len,
        .cancel = span.how.cancel,
        .is_read = true,
        .fresh_connection = span.how.fresh_connection,
        .urgent = span.how.urgent,
    };
    CF_CLEANUP(cf_kube_response_free) struct cf_kube_response answer = { 0 };
    if (!k->ops->call(k->self, &request, &answer, err))
        return false;
    if (answer.status < 200 || answer.status >= 300)
        return cf_kube_status_error(answer.status, cf_buf_str(&answer.body), answer.body.len,
                                    answer.retry_after_ms, false, err);
    cf_buf_append(out, cf_buf_str(&answer.body), answer.body.len);
    if (out->overflow)
        return cf_error_set(err, CF_ERR_LIMIT, "the answer to GET %s is more than %zu bytes", path,
                            out->max);
    return true;
}
