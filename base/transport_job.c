/* SPDX-License-Identifier: Apache-2.0 */
/* One request under way: what curl is told, and what its callbacks do with what comes. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/secret.h"
#include "base/thread.h"
#include "base/transport_internal.h"

/* --- making --- */

static bool is_clean(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    }
    return true;
}

static bool is_path(const char *s)
{
    return *s == '/' && is_clean(s) && !strchr(s, ' ') && !strchr(s, '#');
}

static bool add_header(struct transport_job *j, const char *line, struct cf_error *err)
{
    if (!is_clean(line))
        return cf_error_set(err, CF_ERR_INVALID, "a request header has control characters");
    struct curl_slist *more = curl_slist_append(j->headers, line);
    cf_assert(more);
    j->headers = more;
    return true;
}

static bool add_named(struct transport_job *j, const char *name, const char *value,
                      struct cf_error *err)
{
    if (!value)
        return true;
    cf_autofree char *line = cf_xasprintf("%s: %s", name, value);
    return add_header(j, line, err);
}

static bool add_headers(struct transport_job *j, const struct cf_http_call_request *r,
                        struct cf_error *err)
{
    for (size_t i = 0; r->headers && r->headers[i]; i++) {
        if (i >= TRANSPORT_HEADER_LINES_MAX)
            return cf_error_set(err, CF_ERR_LIMIT, "more than %d request headers",
                                TRANSPORT_HEADER_LINES_MAX);
        if (!add_header(j, r->headers[i], err))
            return false;
    }
    if (!add_named(j, "Content-Type", r->content_type, err) ||
        !add_named(j, "Accept", r->accept, err))
        return false;
    return add_header(j, "Expect:", err); /* curl's 100-continue would cost a round trip */
}

struct transport_job *transport_job_new(struct cf_transport *t, struct cf_endpoint *e,
                                        const struct cf_http_call_request *r,
                                        enum transport_job_kind kind, struct cf_error *err)
{
    const char *method = r->method ? r->method : "GET";
    const char *path = r->path ? r->path : "";
    if (path[0] && !is_path(path)) {
        cf_error_set(err, CF_ERR_INVALID, "the request's path is not one");
        return NULL;
    }
    if (strlen(e->base_url) + strlen(path) > TRANSPORT_URL_MAX) {
        cf_error_set(err, CF_ERR_LIMIT, "the request's URL exceeds %d bytes", TRANSPORT_URL_MAX);
        return NULL;
    }
    struct transport_job *j = cf_xcalloc(1, sizeof *j);
    atomic_init(&j->refs, 1);
    pthread_mutex_init(&j->lock, NULL);
    cf_cond_init(&j->cond);
    j->kind = kind;
    j->t = t;
    j->endpoint = cf_endpoint_ref(e);
    j->method = cf_xstrdup(method);
    /* No path: the base URL is the whole one, and only a bare host needs its slash. */
    const char *host = strstr(e->base_url, "://") + 3;
    j->url = cf_xasprintf("%s%s", e->base_url, path[0] || strchr(host, '/') ? path : "/");
    j->is_read = r->is_read || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    j->fresh_connection = r->fresh_connection;
    if (r->body) {
        j->body = cf_xmalloc(r->body_len + 1);
        memcpy(j->body, r->body, r->body_len);
        j->body_len = r->body_len;
    }
    j->reply.headers = CF_BUF_INIT(CF_HTTP_HEADERS_MAX);
    j->reply.body = CF_BUF_INIT(r->response_max ? r->response_max : CF_HTTP_RESPONSE_MAX);
    if (!add_headers(j, r, err)) {
        transport_job_unref(j);
        return NULL;
    }
    return j;
}

void transport_job_ref(struct transport_job *j)
{
    atomic_fetch_add(&j->refs, 1);
}

/* Header lines hold credentials: zeroed before they are freed. */
static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h; h = h->next)
        cf_zero(h->data, strlen(h->data));
    curl_slist_free_all(headers);
}

void transport_job_unref(struct transport_job *j)
{
    if (atomic_fetch_sub(&j->refs, 1) != 1)
        return;
    cf_assert(!j->easy);
    free_headers(j->headers);
    cf_endpoint_unref(j->endpoint);
    if (j->body)
        cf_zero(j->body, j->body_len);
    free(j->body);
    free(j->method);
    free(j->url);
    cf_http_reply_free(&j->reply);
    pthread_cond_destroy(&j->cond);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

/* --- curl's callbacks, on the loop's thread --- */

/* Just before the request goes out, on each attempt of curl's own: it sends again by itself when a
 * connection that it used before turns out dead. A write must not go out twice, and nothing after
 * its caller has left. */
static int before_request(void *arg, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    (void)peer_ip, (void)own_ip, (void)peer_port, (void)own_port;
    struct transport_job *j = arg;
    bool was_sent = atomic_exchange(&j->sent, true);
    if (atomic_load(&j->unwanted))
        return CURL_PREREQFUNC_ABORT;
    if (was_sent && !j->is_read) {
        j->resent = true;
        return CURL_PREREQFUNC_ABORT;
    }
    j->headers_done = false;
    return CURL_PREREQFUNC_OK;
}

static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    (void)arg;
    int unacked_ms = TRANSPORT_UNACKED_MS_MAX;
    if (purpose == CURLSOCKTYPE_IPCXN)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof unacked_ms);
    return CURL_SOCKOPT_OK;
}

static bool take_value(const char *line, size_t len, const char *name, char *buf, size_t size)
{
    size_t n = strlen(name);
    if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
        return false;
    const char *value = line + n + 1, *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
        end--;
    snprintf(buf, size, "%.*s", (int)(end - value), value);
    return true;
}

/* Seconds, or a date (RFC 9110 10.2.3), as milliseconds from now; 0 if neither. */
static int64_t retry_after_ms(const char *value)
{
    enum { RETRY_AFTER_S_MAX = 24 * 3600 };
    char *end = NULL;
    long long s = strtoll(value, &end, 10);
    if (end == value || *end) {
        time_t at = curl_getdate(value, NULL);
        s = at < 0 ? 0 : (long long)(at - time(NULL));
    }
    return s <= 0 ? 0 : 1000 * (int64_t)CF_MIN(s, RETRY_AFTER_S_MAX);
}

static void note_header(struct transport_job *j, const char *line, size_t len)
{
    char value[128];
    if (take_value(line, len, "Retry-After", value, sizeof value)) {
        j->reply.retry_after_ms = retry_after_ms(value);
    } else if (take_value(line, len, "Date", value, sizeof value)) {
        time_t at = curl_getdate(value, NULL);
        j->reply.date_ms = at < 0 ? 0 : 1000 * (int64_t)at;
    }
    cf_buf_append(&j->reply.headers, line, len);
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct transport_job *j = arg;
    size_t len = size * n;
    if (len >= 5 && strncmp(line, "HTTP/", 5) ==
                        0) { /* also after an interim 1xx answer, or on a second attempt */
        cf_buf_reset(&j->reply.headers);
        cf_buf_reset(&j->reply.body);
        j->reply.retry_after_ms = j->reply.date_ms = 0;
        return len;
    }
    if (len > 2) {
        note_header(j, line, len);
        j->too_large |= j->reply.headers.overflow;
        return j->too_large ? 0 : len;
    }
    long status = 0;
    curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
    j->reply.status = (int)status;
    if (status < 200 || j->headers_done)
        return len;
    j->headers_done = true;
    return j->kind == TRANSPORT_CALL || transport_download_started(j) ? len : 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct transport_job *j = arg;
    size_t len = size * n;
    if (j->kind == TRANSPORT_DOWNLOAD)
        return transport_download_chunk(j, data, len) ? len : 0;
    cf_buf_append(&j->reply.body, data, len);
    j->too_large |= j->reply.body.overflow;
    return j->too_large ? 0 : len;
}

/* --- telling curl --- */

#define SET(option, value) cf_assert(curl_easy_setopt(j->easy, (option), (value)) == CURLE_OK)

static void set_blob(struct transport_job *j, CURLoption option, const char *pem)
{
    struct curl_blob blob = { .data = (void *)(uintptr_t)pem,
                              .len = strlen(pem),
                              .flags = CURL_BLOB_NOCOPY };
    SET(option, &blob); /* the endpoint outlives the job */
}

static void set_tls(struct transport_job *j)
{
    const struct cf_endpoint *e = j->endpoint;
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, e->insecure ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, e->insecure ? 0L : 2L);
    if (e->ca_pem) {
        /* the cluster's CA alone: curl would go on to trust the system's folder */
        SET(CURLOPT_CAPATH, NULL);
        set_blob(j, CURLOPT_CAINFO_BLOB, e->ca_pem);
    }
    if (e->cert_pem) {
        SET(CURLOPT_SSLCERTTYPE, "PEM");
        SET(CURLOPT_SSLKEYTYPE, "PEM");
        set_blob(j, CURLOPT_SSLCERT_BLOB, e->cert_pem);
        set_blob(j, CURLOPT_SSLKEY_BLOB, e->key_pem);
    }
}

static void set_connection(struct transport_job *j)
{
    const struct cf_endpoint *e = j->endpoint;
    long version = CURL_HTTP_VERSION_1_1;
    if (e->is_https)
        version = CURL_HTTP_VERSION_2TLS;
    else if (e->http2_cleartext)
        version = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    SET(CURLOPT_HTTP_VERSION, version);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, e->proxy_url ? e->proxy_url : "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_PIPEWAIT, j->fresh_connection ? 0L : 1L);
    SET(CURLOPT_FRESH_CONNECT, j->fresh_connection ? 1L : 0L);
    SET(CURLOPT_MAXAGE_CONN, (long)TRANSPORT_CONN_IDLE_S);
    SET(CURLOPT_MAXLIFETIME_CONN, (long)TRANSPORT_CONN_LIFE_S);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)TRANSPORT_KEEPALIVE_IDLE_S);
    SET(CURLOPT_TCP_KEEPINTVL, (long)TRANSPORT_KEEPALIVE_INTERVAL_S);
    SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
    SET(CURLOPT_QUICK_EXIT, 1L); /* never join a resolver thread that hangs */
    SET(CURLOPT_NOSIGNAL, 1L);
    if (e->connect_to)
        SET(CURLOPT_CONNECT_TO, e->connect_to);
}

/* As who the endpoint is now, not when the job was made: a delayed one may start much later. */
static void add_authorization(struct transport_job *j)
{
    struct cf_endpoint *e = j->endpoint;
    CF_LOCKED(&e->lock);
    if (!e->authorization)
        return;
    struct curl_slist *more = curl_slist_append(j->headers, e->authorization); /* copies */
    cf_assert(more);
    j->headers = more;
}

static void set_request(struct transport_job *j)
{
    add_authorization(j);
    SET(CURLOPT_URL, j->url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_HTTPHEADER, j->headers);
    SET(CURLOPT_USERAGENT, j->endpoint->user_agent);
    if (strcmp(j->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    else if (strcmp(j->method, "GET") != 0 || j->body) {
        SET(CURLOPT_POSTFIELDS, j->body ? j->body : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)j->body_len);
        SET(CURLOPT_CUSTOMREQUEST, j->method);
    }
}

void transport_job_prepare(struct transport_job *j, CURL *easy)
{
    j->easy = easy;
    set_request(j);
    set_connection(j);
    if (j->endpoint->is_https)
        set_tls(j);
    SET(CURLOPT_PRIVATE, j);
    SET(CURLOPT_ERRORBUFFER, j->detail);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, j);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, j);
    SET(CURLOPT_PREREQFUNCTION, before_request);
    SET(CURLOPT_PREREQDATA, j);
    j->begun_ms = cf_mono_now_ms();
}

CURL *transport_job_release_easy(struct transport_job *j)
{
    CURL *easy = cf_steal(&j->easy);
    if (easy)
        curl_easy_reset(easy);
    return easy;
}

/* --- replies --- */

void cf_http_reply_free(struct cf_http_reply *r)
{
    cf_buf_free(&r->headers);
    cf_buf_free(&r->body);
}

bool cf_http_reply_header(const struct cf_http_reply *r, const char *name, char *buf, size_t size)
{
    const char *line = cf_buf_str(&r->headers);
    while (*line) {
        size_t len = strcspn(line, "\n");
        if (take_value(line, len, name, buf, size))
            return true;
        line += len + (line[len] == '\n');
    }
    return false;
}
