/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the transport share: jobs (one request under way), the loop's messages, limits,
 * outcomes.
 *
 * A job has counted references: the caller's and the loop's. Fields are touched by the loop's
 * thread only, but for those that say otherwise. So a caller can leave at its deadline without
 * waiting for anybody. */
#ifndef CF_BASE_TRANSPORT_INTERNAL_H
#define CF_BASE_TRANSPORT_INTERNAL_H

#include <curl/curl.h>
#include <pthread.h>

#include "base/transport.h"

enum {
    TRANSPORT_POLL_MS_MAX = 1000,   /* the loop looks around at least this often */
    TRANSPORT_CANCEL_SLICE_MS = 50, /* how soon a waiting caller sees its cancel flag */
    TRANSPORT_IDLE_EASY_MAX = 64,   /* curl handles kept for the next job */
    /* Older idle connections are not used again: API servers and NATs drop them. */
    TRANSPORT_CONN_IDLE_S = 90,
    /* Connections rotate, so that load spreads and drained servers are left. */
    TRANSPORT_CONN_LIFE_S = 900,
    TRANSPORT_KEEPALIVE_IDLE_S = 15,
    TRANSPORT_KEEPALIVE_INTERVAL_S = 5,
    TRANSPORT_UNACKED_MS_MAX = 20000, /* TCP_USER_TIMEOUT: a peer that is gone without a word */
    TRANSPORT_URL_MAX = 16 * 1024,
    TRANSPORT_HEADER_LINES_MAX = 64, /* of a request */
};

/* Who waits for a place at an endpoint, in order of arrival. On the waiter's stack, guarded by the
 * gate's lock. */
struct transport_waiter {
    pthread_cond_t cond;
    struct transport_waiter *next;
};

/* Concurrency limit and token bucket of an endpoint. */
struct transport_gate {
    pthread_mutex_t lock; /* guards all of it */
    struct transport_waiter *first, *last;
    int in_flight, max_in_flight;
    double tokens, rate_per_ms, burst;
    int64_t filled_ms;
};
void transport_gate_init(struct transport_gate *g, int max_in_flight, double rate_per_s, int burst);
void transport_gate_destroy(struct transport_gate *g);
/* Waits for a place and a token, first come first served, until the deadline. */
bool transport_gate_enter(struct transport_gate *g, int64_t deadline_ms,
                          const struct cf_cancel *cancel, struct cf_error *err) CF_NODISCARD;
void transport_gate_leave(struct transport_gate *g);

struct cf_endpoint {
    atomic_int refs;
    char *base_url; /* as requests use it: without trailing '/', host replaced by tls_server_name */
    char *shown_url; /* as it was given, without trailing '/' */
    char *ca_pem, *cert_pem, *key_pem, *proxy_url, *user_agent;
    struct curl_slist *connect_to; /* the real host, when tls_server_name took its place */
    bool insecure, is_https, http2_cleartext;
    pthread_mutex_t lock; /* guards authorization */
    char *authorization;  /* the whole header line, or NULL */
    struct transport_gate gate;
};
/* INVALID when OpenSSL cannot read the material or the key does not belong to the certificate. NULL
 * parts are skipped. */
bool transport_check_pem(const char *ca_pem, const char *cert_pem, const char *key_pem,
                         struct cf_error *err) CF_NODISCARD;

enum transport_job_kind { TRANSPORT_CALL, TRANSPORT_DOWNLOAD };
enum transport_job_place { JOB_NOWHERE, JOB_DELAYED, JOB_RUNNING };

struct transport_job {
    atomic_int refs;
    enum transport_job_kind kind;
    struct cf_transport *t;
    struct cf_endpoint *endpoint;
    CURL *easy;
    struct curl_slist *headers;
    char *method, *url, *body;
    size_t body_len;
    bool is_read, fresh_connection;
    char detail[CURL_ERROR_SIZE];

    /* the loop's bookkeeping */
    enum transport_job_place place;
    struct transport_job *prev, *next;
    int64_t begun_ms; /* on the wire */

    /* What has come so far. */
    struct cf_http_reply reply;
    bool headers_done, too_large;

    /* Any thread: whether the request may have been sent, and whether anybody still wants the
     * answer. The writer of one reads the other afterwards, so that no request is sent after its
     * caller was told that it was not. */
    atomic_bool sent, unwanted;

    /* calls: guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done, resent; /* resent: aborted because it would have gone out twice */
    CURLcode code;
    bool stopped; /* the transport was freed under it */
    bool refused; /* the peer let no connection be made: nothing listens there */

    /* downloads */
    struct cf_http_download_events events;
    struct cf_http_download_options options;
    int64_t due_ms;   /* when delayed: its start */
    int64_t limit_ms; /* when it has stalled */
    int64_t end_ms;   /* of its life; 0: none */
    bool stalled;
    bool in_callback, closed; /* guarded by lock */
};

/* INVALID for a path or header that cannot be sent. The job has one reference. */
struct transport_job *transport_job_new(struct cf_transport *t, struct cf_endpoint *e,
                                        const struct cf_http_call_request *request,
                                        enum transport_job_kind kind,
                                        struct cf_error *err) CF_NODISCARD;
void transport_job_ref(struct transport_job *j);
void transport_job_unref(struct transport_job *j);
/* Gives the job its curl handle with everything set; on the loop's thread. */
void transport_job_prepare(struct transport_job *j, CURL *easy);
/* Takes the handle back; the caller keeps or frees it. */
CURL *transport_job_release_easy(struct transport_job *j);

/* The loop: puts the job on the wire (after options.delay_ms for downloads), or takes it off. Both
 * take a reference of their own. Any thread. */
void transport_start(struct transport_job *j);
void transport_end(struct transport_job *j);
/* The loop shall look at its timers at this time, at the latest; on its thread. */
void transport_look_at(struct cf_transport *t, int64_t ms);
bool transport_is_own_thread(const struct cf_transport *t);
void transport_count_retry(struct cf_transport *t);
/* A caller is about to wait, or has stopped waiting: the transport is not freed under it. */
void transport_caller_enters(struct cf_transport *t);
void transport_caller_leaves(struct cf_transport *t, bool failed);

/* Downloads' callbacks, called by the loop and by curl's callbacks; false: end it. */
bool transport_download_started(struct transport_job *j);
bool transport_download_chunk(struct transport_job *j, const void *data, size_t len);
void transport_download_ended(struct transport_job *j, CURLcode code, bool stopped);
/* When the loop must look at this download again, in cf_mono_now_ms(). */
int64_t transport_download_next_ms(const struct transport_job *j);

/* Whether a read that ended so may be sent again. */
bool transport_is_broken_connection(CURLcode code);
/* Sets the error for a request that got no answer. */
bool transport_no_answer(const struct transport_job *j, CURLcode code, bool sent,
                         struct cf_error *err);

#endif
