/* SPDX-License-Identifier: Apache-2.0 */
/* Server-side TLS: one immutable SSL_CTX per certificate, counted, swapped by the listener. */
#include "orchestrator/http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { PEM_MAX = 1024 * 1024 }; /* a chain with room */

struct cf_http_tls {
    atomic_int refs;
    SSL_CTX *ctx;
};

static const unsigned char alpn_protocols[] = "\x02h2\x08http/1.1";

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
    (void)ssl, (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, alpn_protocols, sizeof alpn_protocols - 1, in,
                              in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool fail(struct cf_error *err, const char *what, const char *name)
{
    char text[256] = "unknown reason";
    unsigned long code = ERR_get_error();
    if (code)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return cf_error_set(err, CF_ERR_INVALID, "%s %s: %s", what, name, text);
}

static void free_x509(X509 **x)
{
    X509_free(*x);
}

static void free_bio(BIO **b)
{
    BIO_free(*b);
}

static void free_key(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return 0;
}

static bool use_chain(SSL_CTX *ctx, const char *pem, const char *name, struct cf_error *err)
{
    CF_CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem, (int)strlen(pem));
    CF_CLEANUP(free_x509) X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
    if (!leaf || SSL_CTX_use_certificate(ctx, leaf) != 1)
        return fail(err, "certificate", name);
    X509 *next;
    while ((next = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
        if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
            X509_free(next);
            return fail(err, "certificate chain", name);
        }
    }
    ERR_clear_error(); /* the end of the file is told as an error */
    return true;
}

static bool use_key(SSL_CTX *ctx, const char *pem, const char *name, struct cf_error *err)
{
    CF_CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem, (int)strlen(pem));
    CF_CLEANUP(free_key)
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    if (!key || SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return fail(err, "private key", name);
    return true;
}

static void configure(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    /* Forward secrecy and AEAD only, as HTTP/2 demands of TLS 1.2 (RFC 9113 9.2.2). */
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
}

static struct cf_http_tls *make(const char *cert, const char *cert_name, const char *key,
                                const char *key_name, struct cf_error *err)
{
    struct cf_http_tls *t = cf_xcalloc(1, sizeof *t);
    atomic_init(&t->refs, 1);
    t->ctx = SSL_CTX_new(TLS_server_method());
    if (!t->ctx) {
        fail(err, "TLS", "context");
    } else {
        configure(t->ctx);
        if (use_chain(t->ctx, cert, cert_name, err) && use_key(t->ctx, key, key_name, err))
            return t;
    }
    cf_http_tls_unref(t);
    return NULL;
}

struct cf_http_tls *cf_http_tls_from_pem(const char *cert_pem, const char *key_pem,
                                         struct cf_error *err)
{
    return make(cert_pem, "(text)", key_pem, "(text)", err);
}

static char *read_file(const char *path, struct cf_error *err)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        cf_error_set(err, CF_ERR_INVALID, "%s: %s", path, strerrordesc_np(errno));
        return NULL;
    }
    char *text = cf_xmalloc(PEM_MAX + 1);
    size_t n = fread(text, 1, PEM_MAX, f);
    bool is_whole = feof(f) && !ferror(f);
    fclose(f);
    text[n] = 0;
    if (is_whole)
        return text;
    OPENSSL_cleanse(text, n);
    free(text);
    cf_error_set(err, CF_ERR_INVALID, "%s: cannot be read whole (at most %d bytes)", path, PEM_MAX);
    return NULL;
}

struct cf_http_tls *cf_http_tls_from_files(const char *cert_path, const char *key_path,
                                           struct cf_error *err)
{
    struct cf_http_tls *t = NULL;
    cf_autofree char *cert = read_file(cert_path, err);
    char *key = cert ? read_file(key_path, err) : NULL;
    if (key) {
        t = make(cert, cert_path, key, key_path, err);
        OPENSSL_cleanse(key, strlen(key));
        free(key);
    }
    return t;
}

struct cf_http_tls *http_tls_ref(struct cf_http_tls *t)
{
    if (t)
        atomic_fetch_add(&t->refs, 1);
    return t;
}

void cf_http_tls_unref(struct cf_http_tls *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) > 1)
        return;
    SSL_CTX_free(t->ctx);
    free(t);
}

SSL *http_tls_session(const struct cf_http_tls *t, int fd)
{
    SSL *ssl = SSL_new(t->ctx);
    if (ssl && SSL_set_fd(ssl, fd) == 1)
        return ssl;
    SSL_free(ssl);
    return NULL;
}

bool http_tls_chose_h2(const SSL *ssl)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}
