/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking calls: wait for a place, send, wait for the answer; leave at the deadline whatever
 * happens. What no answer means is decided here, from two facts: could the request have gone out,
 * and could it write. */
#include <string.h>

#include "base/thread.h"
#include "base/transport_internal.h"

bool transport_is_broken_connection(CURLcode code)
{
    switch (code) {
    case CURLE_HTTP2: /* also GOAWAY */
    case CURLE_HTTP2_STREAM:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return true;
    default:
        return false;
    }
}

static bool is_tls_problem(CURLcode code)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return true;
    default:
        return false;
    }
}

bool transport_no_answer(const struct transport_job *j, CURLcode code, bool sent,
                         struct cf_error *err)
{
    const char *detail = j->detail[0] ? j->detail : curl_easy_strerror(code);
    const char *path = j->url + strlen(j->endpoint->base_url);
    int path_len = (int)strcspn(path, "?");
    enum cf_err_kind kind = CF_ERR_UNAVAILABLE;
    const char *reason = "";
    if (j->refused && !sent) {
        reason = "Refused";
    } else if (is_tls_problem(code) && !sent) {
        reason = "TLS";
    } else if (sent && !j->is_read) {
        kind = CF_ERR_UNKNOWN;
        reason = "NoAnswer";
        if (j->resent || code == CURLE_ABORTED_BY_CALLBACK)
            detail = "the connection broke before an answer came";
    } else if (sent) {
        kind = CF_ERR_TRANSIENT;
        reason = "Broken";
    }
    cf_error_set(err, kind, "%s %s%.*s: %s", j->method, j->endpoint->shown_url, path_len, path,
                 detail);
    return cf_error_reason(err, reason);
}

/* The caller's wait is over without an answer; what that means depends on whether the request is
 * out. */
static bool left_waiting(const struct transport_job *j, const struct cf_cancel *cancel,
                         struct cf_error *err)
{
    bool sent = atomic_load(&j->sent);
    bool asked = cf_cancel_requested(cancel);
    const char *path = j->url + strlen(j->endpoint->base_url);
    const char *what = asked ? "asked to stop" : "no answer in time";
    enum cf_err_kind kind = asked ? CF_ERR_CANCELLED : CF_ERR_UNAVAILABLE;
    if (sent && !j->is_read)
        kind = CF_ERR_UNKNOWN;
    else if (!sent && !asked)
        what = "no connection in time";
    cf_error_set(err, kind, "%s %s%.*s: %s", j->method, j->endpoint->shown_url,
                 (int)strcspn(path, "?"), path, what);
    return cf_error_reason(err, asked ? "Cancelled" : "Timeout");
}

/* Until the job is done; false at the deadline or when asked to stop. */
static bool wait_done(struct transport_job *j, int64_t deadline_ms, const struct cf_cancel *cancel)
{
    CF_LOCKED(&j->lock);
    while (!j->done) {
        int64_t now_ms = cf_mono_now_ms();
        if (now_ms >= deadline_ms || cf_cancel_requested(cancel))
            return false;
        int64_t until_ms =
            cancel ? CF_MIN(deadline_ms, now_ms + TRANSPORT_CANCEL_SLICE_MS) : deadline_ms;
        cf_cond_wait_until(&j->cond, &j->lock, until_ms);
    }
    return true;
}

static bool judge(struct transport_job *j, struct cf_http_reply *out, struct cf_error *err)
{
    if (j->code == CURLE_OK) {
        *out = j->reply;
        j->reply = CF_HTTP_REPLY_INIT;
        return true;
    }
    if (j->too_large) {
        cf_error_set(err, CF_ERR_LIMIT, "%s %s: the answer exceeds %zu bytes", j->method,
                     j->endpoint->shown_url,
                     j->reply.headers.overflow ? j->reply.headers.max : j->reply.body.max);
        err->upstream = j->reply.status;
        return false;
    }
    bool sent = atomic_load(&j->sent);
    if (j->stopped && (j->is_read || !sent))
        return cf_error_set(err, CF_ERR_CANCELLED, "the client is being shut down");
    return transport_no_answer(j, j->code, sent, err);
}

/* One attempt. *out_broken: a connection broke under it. */
static bool attempt(struct cf_transport *t, struct cf_endpoint *e,
                    const struct cf_http_call_request *request, int64_t deadline_ms,
                    struct cf_http_reply *out, bool *out_broken, struct cf_error *err)
{
    struct transport_job *j = transport_job_new(t, e, request, TRANSPORT_CALL, err);
    if (!j)
        return false;
    bool ok = false;
    transport_start(j);
    if (wait_done(j, deadline_ms, request->cancel)) {
        *out_broken = transport_is_broken_connection(j->code) && j->is_read;
        ok = judge(j, out, err);
    } else {
        atomic_store(&j->unwanted, true); /* before `sent` is read: see the header */
        left_waiting(j, request->cancel, err);
        transport_end(j);
    }
    transport_job_unref(j);
    return ok;
}

static bool call(struct cf_transport *t, struct cf_endpoint *e,
                 const struct cf_http_call_request *request, int64_t deadline_ms,
                 struct cf_http_reply *out, struct cf_error *err)
{
    bool broken = false;
    if (attempt(t, e, request, deadline_ms, out, &broken, err))
        return true;
    if (!broken || cf_mono_now_ms() >= deadline_ms || cf_cancel_requested(request->cancel))
        return false;
    transport_count_retry(t);
    cf_error_clear(err);
    struct cf_http_call_request again = *request;
    again.fresh_connection = true;
    return attempt(t, e, &again, deadline_ms, out, &broken, err);
}

bool cf_http_call(struct cf_transport *t, struct cf_endpoint *e,
                  const struct cf_http_call_request *request, struct cf_http_reply *out,
                  struct cf_error *err)
{
    cf_assert(!transport_is_own_thread(t));
    int64_t deadline_ms =
        request->deadline_ms ? request->deadline_ms : cf_mono_now_ms() + CF_HTTP_CALL_MS_DEFAULT;
    if (cf_cancel_requested(request->cancel))
        return cf_error_set(err, CF_ERR_CANCELLED, "asked to stop");
    if (!request->skip_limits && !transport_gate_enter(&e->gate, deadline_ms, request->cancel, err))
        return cf_error_wrap(err, "%s", e->shown_url);
    transport_caller_enters(t);
    bool ok = call(t, e, request, deadline_ms, out, err);
    transport_caller_leaves(t, !ok);
    if (!request->skip_limits)
        transport_gate_leave(&e->gate);
    return ok;
}
