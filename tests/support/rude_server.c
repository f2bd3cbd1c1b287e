/* SPDX-License-Identifier: Apache-2.0 */
/* The small server: accepting, reading requests, writing what the handler says. */
#include "tests/support/rude_server.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"

enum { CONNECTIONS_MAX = 512, HEAD_MAX = 64 * 1024 };

struct connection {
    struct rude_server *peer;
    int fd, number;
    SSL *ssl;
    pthread_t thread;
    pthread_mutex_t write_lock;
};

struct rude_server {
    rude_server_fn *fn;
    void *arg;
    int fd, port;
    SSL_CTX *tls;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock; /* guards the connections */
    pthread_cond_t stop_cond;
    struct connection *connections[CONNECTIONS_MAX];
    int n;
};

static ssize_t io_read(struct connection *c, void *buf, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, buf, (int)n) : read(c->fd, buf, n);
}

static bool io_write(struct connection *c, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t done =
            c->ssl ? SSL_write(c->ssl, data, (int)n) : send(c->fd, data, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        data += done;
        n -= (size_t)done;
    }
    return true;
}

static size_t content_length(const char *head)
{
    const char *at = strcasestr(head, "\r\nContent-Length:");
    return at ? (size_t)strtoul(at + 17, NULL, 10) : 0;
}

/* One request; false when the connection ended. */
static bool serve_one(struct connection *c)
{
    cf_autofree char *head = cf_xcalloc(1, HEAD_MAX);
    size_t n = 0;
    while (!strstr(head, "\r\n\r\n")) {
        ssize_t got = n + 1 < HEAD_MAX ? io_read(c, head + n, 1) : -1;
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    size_t want = content_length(head), have = 0;
    cf_autofree char *body = cf_xcalloc(1, want + 1);
    while (have < want) {
        ssize_t got = io_read(c, body + have, want - have);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    struct rude_server_request r = { .head = head, .body = body, .connection = c->number, .io = c };
    sscanf(head, "%15s %511s", r.method, r.path);
    return c->peer->fn(c->peer->arg, &r);
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    if (!c->ssl || SSL_accept(c->ssl) == 1) {
        while (!atomic_load(&c->peer->stopping) && serve_one(c))
            ;
    }
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct rude_server *p = arg;
    for (;;) {
        int fd = accept(p->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        CF_LOCKED(&p->lock);
        cf_assert(p->n < CONNECTIONS_MAX);
        struct connection *c = cf_xcalloc(1, sizeof *c);
        *c = (struct connection){ .peer = p, .fd = fd, .number = p->n + 1 };
        if (p->tls) {
            c->ssl = SSL_new(p->tls);
            SSL_set_fd(c->ssl, fd);
        }
        struct cf_error err = CF_ERROR_INIT;
        cf_assert(cf_thread_start(&c->thread, "peer", serve, c, &err));
        p->connections[p->n++] = c;
    }
}

static void set_up_tls(struct rude_server *p, const char *cert_pem, const char *key_pem)
{
    BIO *cert_bio = BIO_new_mem_buf(cert_pem, -1), *key_bio = BIO_new_mem_buf(key_pem, -1);
    X509 *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    p->tls = SSL_CTX_new(TLS_server_method());
    cf_assert(SSL_CTX_use_certificate(p->tls, cert) == 1 &&
              SSL_CTX_use_PrivateKey(p->tls, key) == 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(cert_bio);
    BIO_free(key_bio);
}

struct rude_server *rude_server_start(rude_server_fn *fn, void *arg, const char *cert_pem,
                                      const char *key_pem)
{
    struct rude_server *p = cf_xcalloc(1, sizeof *p);
    p->fn = fn;
    p->arg = arg;
    pthread_mutex_init(&p->lock, NULL);
    cf_cond_init(&p->stop_cond);
    signal(SIGPIPE, SIG_IGN);
    if (cert_pem)
        set_up_tls(p, cert_pem, key_pem);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cf_assert(bind(p->fd, (struct sockaddr *)&address, len) == 0 && listen(p->fd, 128) == 0);
    cf_assert(getsockname(p->fd, (struct sockaddr *)&address, &len) == 0);
    p->port = ntohs(address.sin_port);
    struct cf_error err = CF_ERROR_INIT;
    cf_assert(cf_thread_start(&p->thread, "peer-accept", accept_all, p, &err));
    return p;
}

void rude_server_stop(struct rude_server *p)
{
    atomic_store(&p->stopping, true);
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->fd);
    {
        CF_LOCKED(&p->lock);
        pthread_cond_broadcast(&p->stop_cond);
    }
    for (int i = 0; i < p->n; i++) {
        struct connection *c = p->connections[i];
        shutdown(c->fd, SHUT_RDWR);
        pthread_join(c->thread, NULL);
        SSL_free(c->ssl);
        close(c->fd);
        free(c);
    }
    SSL_CTX_free(p->tls);
    pthread_cond_destroy(&p->stop_cond);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

int rude_server_port(const struct rude_server *p)
{
    return p->port;
}

int rude_server_connections(struct rude_server *p)
{
    CF_LOCKED(&p->lock);
    return p->n;
}

bool rude_server_send(const struct rude_server_request *r, const char *text)
{
    return io_write(r->io, text, strlen(text));
}

bool rude_server_answer(const struct rude_server_request *r, int status, const char *headers,
                        const char *body)
{
    cf_autofree char *text =
        cf_xasprintf("HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
                     strlen(body), strcmp(r->method, "HEAD") == 0 ? "" : body);
    return rude_server_send(r, text);
}

void rude_server_sleep(const struct rude_server_request *r, int ms)
{
    struct rude_server *p = ((struct connection *)r->io)->peer;
    int64_t until_ms = cf_mono_now_ms() + ms;
    CF_LOCKED(&p->lock);
    while (!atomic_load(&p->stopping) && cf_mono_now_ms() < until_ms)
        cf_cond_wait_until(&p->stop_cond, &p->lock, until_ms);
}

static char *to_text(BIO *bio)
{
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    char *text = cf_xstrndup(data, (size_t)n);
    BIO_free(bio);
    return text;
}

void rude_server_make_cert(const char *name, bool with_ip, char **out_cert_pem, char **out_key_pem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    cf_autofree char *san = cf_xasprintf("DNS:%s%s", name, with_ip ? ",IP:127.0.0.1" : "");
    const struct {
        int nid;
        const char *value;
    } extensions[] = { { NID_subject_alt_name, san },
                       { NID_basic_constraints, "critical,CA:TRUE" } };
    for (size_t i = 0; i < CF_ARRAY_LEN(extensions); i++) {
        X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid, extensions[i].value);
        X509_add_ext(cert, x, -1);
        X509_EXTENSION_free(x);
    }
    cf_assert(X509_sign(cert, key, EVP_sha256()) > 0);
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(cert_bio, cert);
    PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
    *out_cert_pem = to_text(cert_bio);
    *out_key_pem = to_text(key_bio);
}
