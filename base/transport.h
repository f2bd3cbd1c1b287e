/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as a client: one thread with one curl multi handle per instance, and callers that simply
 * block.
 *
 * A program makes few instances (calls, watches, responders), because streams that live long must
 * not share connections with calls that must be quick. An endpoint is where requests go: base URL,
 * TLS material, credentials, how much it is given at once. HTTP/2 over TLS with multiplexing,
 * HTTP/1.1 on clear text (HTTP/2 with prior knowledge if the endpoint says so); no redirects, no
 * cookies, no environment proxies; only http and https.
 *
 * What callers rely on:
 * - A call returns by its deadline, whatever the other side or the network does.
 * - A request that may write is put on the wire at most once. Without a complete answer it is
 *   CF_ERR_UNKNOWN; if nothing was sent, CF_ERR_UNAVAILABLE (connect, TLS) or CF_ERR_TRANSIENT
 *   (reason "Throttled": our own limits).
 * - GET and HEAD are sent again once, inside the deadline, when a connection broke under them.
 * - Any HTTP status is an answer, not an error.
 *
 * Deadlines are absolute, in cf_mono_now_ms() milliseconds (base/thread.h). Everything here may be
 * called by any thread but where said otherwise.
 *
 * The client's words are cf_http_call_request and cf_http_download; cf_http_request and
 * cf_http_stream are the server's (orchestrator/http). */
#ifndef CF_BASE_TRANSPORT_H
#define CF_BASE_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum {
    /* Default cap of a body; a list page of 500 large objects. */
    CF_HTTP_RESPONSE_MAX = 64 * 1024 * 1024,
    CF_HTTP_HEADERS_MAX = 64 * 1024, /* all response headers together */
    CF_HTTP_CALL_MS_DEFAULT = 10000, /* for callers without an opinion */
};

/* Asks the calls that carry it to end soon (within about 50 ms). May be set from any thread and
 * from a signal handler; must outlive the calls. */
struct cf_cancel {
    atomic_bool requested;
};
#define CF_CANCEL_INIT ((struct cf_cancel){ false })
void cf_cancel_request(struct cf_cancel *c);
bool cf_cancel_requested(const struct cf_cancel *c); /* accepts NULL: false */

/* --- instances --- */

struct cf_transport;

struct cf_transport_options {
    const char *name;         /* of the thread: "calls" */
    int max_host_connections; /* per host and port; 0: 16. Watches on HTTP/2 need more than one per
                                 100 streams */
    int max_idle_connections; /* kept open over all hosts; 0: 256 */
};

/* `options` may be NULL. Starts the thread. */
struct cf_transport *cf_transport_new(const struct cf_transport_options *options,
                                      struct cf_error *err) CF_NODISCARD;
/* All streams must be closed. Ends what is in flight (CANCELLED, or UNKNOWN for a write) and joins
 * the thread. Accepts NULL. No call may be started meanwhile. */
void cf_transport_free(struct cf_transport *t);

/* Since the start; for /metrics and tests. */
struct cf_transport_stats {
    uint64_t calls, retries, failures, connections;
    int in_flight, streams;
};
void cf_transport_stats(struct cf_transport *t, struct cf_transport_stats *out);

/* --- endpoints --- */

struct cf_endpoint; /* counted references; immutable but for the authorization */

struct cf_endpoint_options {
    const char *base_url;        /* "https://10.0.0.1:6443", with or without a path */
    const char *ca_pem;          /* NULL: the system's roots */
    const char *cert_pem;        /* client certificate chain and its key, or both NULL */
    const char *key_pem;         /* zeroed when the endpoint goes */
    const char *tls_server_name; /* verified (and sent as SNI and Host) instead of the URL's host,
                                    or NULL */
    const char *proxy_url;       /* http, https, socks5 or socks5h; NULL: none */
    const char *user_agent;      /* NULL: "crossfade" */
    bool insecure; /* no verification of the server's certificate: only when the cluster's record
                      says so */
    bool http2_cleartext; /* http:// by HTTP/2 with prior knowledge */
    int max_in_flight;    /* calls at once; 0: no limit. Streams do not count */
    double rate_per_s;    /* token bucket; 0: none */
    int burst;            /* of the bucket; 0: max(1, rate_per_s) */
};

/* INVALID for a URL that is not http(s), a certificate without key, material that OpenSSL cannot
 * read. */
struct cf_endpoint *cf_endpoint_new(const struct cf_endpoint_options *options,
                                    struct cf_error *err) CF_NODISCARD;
struct cf_endpoint *cf_endpoint_ref(struct cf_endpoint *e) CF_NODISCARD;
void cf_endpoint_unref(struct cf_endpoint *e); /* accepts NULL */
const char *cf_endpoint_url(const struct cf_endpoint *e);
/* The value of the Authorization header of requests that go out from now on ("Bearer …", "Basic
 * …"), or NULL for none. Copied; zeroed when it is replaced. INVALID for control characters. */
bool cf_endpoint_set_authorization(struct cf_endpoint *e, const char *value,
                                   struct cf_error *err) CF_NODISCARD;

/* --- calls --- */

struct cf_http_call_request {
    const char *method; /* NULL: GET. GET and HEAD read, everything else writes unless `is_read` */
    const char *path;   /* "/api/v1/pods?limit=5", appended to the base URL; already escaped */
    const char *const *headers; /* "Name: value", ended by NULL; or NULL */
    const char *content_type;   /* of the body */
    const char *accept;         /* NULL: any */
    const void *body;           /* copied */
    size_t body_len;
    int64_t deadline_ms;            /* 0: CF_HTTP_CALL_MS_DEFAULT from now */
    size_t response_max;            /* bytes of body; 0: CF_HTTP_RESPONSE_MAX; beyond: LIMIT */
    const struct cf_cancel *cancel; /* may be NULL */
    bool is_read;          /* a POST without effect (a review, a query): may be sent again */
    bool fresh_connection; /* never on a connection that exists: for a second attempt raced against
                              a first */
    bool skip_limits;      /* neither bucket nor concurrency limit: the rollback lane */
};

struct cf_http_reply {
    int status;
    int64_t date_ms;        /* the Date header in wall ms, or 0 */
    int64_t retry_after_ms; /* the Retry-After header, or 0 */
    int64_t elapsed_ms;     /* from the request on the wire to the end of the answer */
    struct cf_buf headers;  /* internal form; read with cf_http_reply_header */
    struct cf_buf body;     /* NUL-terminated */
};
void cf_http_reply_free(struct cf_http_reply *r); /* for CF_CLEANUP; a zeroed reply is fine */
#define CF_HTTP_REPLY_INIT ((struct cf_http_reply){ 0 })
/* Copies the header's first value (case ignored) into buf, cut at its size; false if absent. */
bool cf_http_reply_header(const struct cf_http_reply *r, const char *name, char *buf, size_t size);

/* One request, one answer, by the deadline. `*out` must be empty and stays so on failure. Never
 * call it on a transport's own thread (from a stream's callback). Errors: the list at the top; and
 * CANCELLED (asked to stop before anything was sent, or while reading), LIMIT (answer too large;
 * `upstream` has the status), UNAVAILABLE (reason "Timeout" when a read has no answer in time,
 * "TLS" when the certificate is not accepted, "Refused" when nothing listens at that address), and
 * TRANSIENT (reason "Broken" when a connection was made and broke without an answer to a read). */
bool cf_http_call(struct cf_transport *t, struct cf_endpoint *e,
                  const struct cf_http_call_request *request, struct cf_http_reply *out,
                  struct cf_error *err) CF_NODISCARD;

/* --- streams --- */

struct cf_http_download;

/* All run on the transport's thread and must be short: everything else of this instance waits
 * meanwhile. They may open and close streams. */
struct cf_http_download_events {
    /* The status and headers are there. False ends the stream (CANCELLED). May be NULL. */
    bool (*on_start)(void *arg, const struct cf_http_reply *head);
    /* Some bytes of the body, as they come, of any status. False ends the stream. */
    bool (*on_chunk)(void *arg, const void *data, size_t len);
    /* Exactly once, last, unless the stream was closed before: `why` is clear when the other side
     * ended it properly, else TRANSIENT (reason "Stalled": nothing came in time; broken),
     * UNAVAILABLE (not reached) or CANCELLED. */
    void (*on_end)(void *arg, const struct cf_error *why);
    void *arg;
};

struct cf_http_download_options {
    int64_t delay_ms; /* wait before the request is sent: reconnects need no timer of their own */
    int64_t start_ms; /* the status must be there this long after the request is sent; 0: 30 s */
    int64_t stall_ms; /* longest silence between two chunks; 0: no limit */
    int64_t total_ms; /* longest life; 0: no limit */
};

/* Returns at once; of `request`, deadline, cancel, response_max and the limits are not used,
 * everything is copied. The handle is the caller's until cf_http_download_close. Fails only by
 * INVALID. */
struct cf_http_download *cf_http_download_open(struct cf_transport *t, struct cf_endpoint *e,
                                               const struct cf_http_call_request *request,
                                               const struct cf_http_download_options *options,
                                               const struct cf_http_download_events *events,
                                               struct cf_error *err) CF_NODISCARD;
/* No callback of it runs or will run after this returns; waits for one that is running, but for
 * calls made on the transport's thread (from a callback, also its own), which do not wait. Must be
 * called exactly once, also after on_end. Accepts NULL. */
void cf_http_download_close(struct cf_http_download *d);

#endif
