/* SPDX-License-Identifier: Apache-2.0 */
/* Proves TLS: ALPN, versions, refused handshakes, certificates from text and files, their exchange
 * while running, and that curl reaches the server in each of its ways of speaking HTTP. */
#include "tests/unit/orchestrator-http/site.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct cert {
    char *cert_pem, *key_pem;
};

static char *bio_text(BIO *b)
{
    char *data;
    long n = BIO_get_mem_data(b, &data);
    char *text = cf_xstrndup(data, (size_t)n);
    BIO_free(b);
    return text;
}

static struct cert make_cert(const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), (long)cf_mono_now_ms());
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(x, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    BIO *cert = BIO_new(BIO_s_mem()), *pem = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(cert, x);
    PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL);
    X509_free(x);
    EVP_PKEY_free(key);
    return (struct cert){ bio_text(cert), bio_text(pem) };
}

static void free_cert(struct cert *c)
{
    free(c->cert_pem);
    free(c->key_pem);
}

static struct cert one;
static struct site plain, tls;

static int start(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    one = make_cert("one");
    struct cf_http_tls *t = cf_http_tls_from_pem(one.cert_pem, one.key_pem, &err);
    assert_non_null(t);
    plain = site_start(NULL, NULL, NULL);
    tls = site_start(NULL, &(struct cf_http_limits){ .handshake_ms = 200 }, t);
    cf_http_tls_unref(t);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cf_http_server_stop(plain.server, 1000);
    cf_http_server_stop(tls.server, 1000);
    free_cert(&one);
    return 0;
}

static size_t append(char *data, size_t size, size_t n, void *user)
{
    cf_buf_append(user, data, size * n);
    return size * n;
}

static CURL *curl_for(const struct site *s, const char *path, const struct cert *ca,
                      struct cf_buf *out)
{
    char url[200];
    CURL *c = curl_easy_init();
    snprintf(url, sizeof url, "%s%s", cf_http_listener_url(s->listener), path);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
    struct curl_blob blob = { .data = ca->cert_pem,
                              .len = strlen(ca->cert_pem),
                              .flags = CURL_BLOB_COPY };
    curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob);
    return c;
}

static void test_curl(void **state)
{
    (void)state;
    static const struct {
        bool is_tls;
        long version, want;
    } ways[] = {
        { false, CURL_HTTP_VERSION_1_0, CURL_HTTP_VERSION_1_1 },
        { false, CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_1_1 },
        { false, CURL_HTTP_VERSION_2, CURL_HTTP_VERSION_1_1 }, /* Upgrade: h2c is not taken */
        { false, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, CURL_HTTP_VERSION_2 },
        { true, CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_1_1 },
        { true, CURL_HTTP_VERSION_2TLS, CURL_HTTP_VERSION_2 },
    };
    char *body = cf_xcalloc(1, 500001);
    memset(body, 'b', 500000);
    for (size_t i = 0; i < CF_ARRAY_LEN(ways); i++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(30000000);
        const struct site *s = ways[i].is_tls ? &tls : &plain;
        CURL *c = curl_for(s, "/echo", &one, &got);
        long version = 0, status = 0;
        curl_easy_setopt(c, CURLOPT_HTTP_VERSION, ways[i].version);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
        assert_int_equal(curl_easy_perform(c), CURLE_OK);
        curl_easy_getinfo(c, CURLINFO_HTTP_VERSION, &version);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
        assert_int_equal(version, ways[i].want);
        assert_int_equal(status, 200);
        assert_int_equal(got.len, 500000);
        cf_buf_reset(&got);
        /* libcurl 7.88 cannot use a connection with prior knowledge again (curl pull request
         * 10643). */
        if (ways[i].version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
            curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
        char url[200];
        snprintf(url, sizeof url, "%s/big/20000000", cf_http_listener_url(s->listener));
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(c, CURLOPT_URL, url);
        CURLcode rc = curl_easy_perform(c);
        if (rc || got.len != 20000000)
            fail_msg("way %zu: %d after %zu bytes", i, rc, got.len);
        curl_easy_cleanup(c);
    }
    free(body);
}

/* A handshake of OpenSSL's client side: the ALPN protocol that was chosen, "" for none, NULL if it
 * failed. */
static const char *shake_hands(const char *alpn, int max_version, char *buf)
{
    struct cf_peer p = cf_peer_connect(tls.port);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(ctx, max_version);
    if (max_version < TLS1_2_VERSION)
        SSL_CTX_set_security_level(ctx, 0);
    SSL *ssl = SSL_new(ctx);
    if (*alpn)
        SSL_set_alpn_protos(ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    SSL_set_fd(ssl, p.fd);
    const unsigned char *name;
    unsigned len = 0;
    bool ok = SSL_connect(ssl) == 1 &&
              SSL_get_verify_result(ssl) == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    SSL_get0_alpn_selected(ssl, &name, &len);
    snprintf(buf, 20, "%.*s", (int)len, len ? (const char *)name : "");
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    cf_peer_close(&p);
    return ok ? buf : NULL;
}

static void test_alpn_and_versions(void **state)
{
    (void)state;
    char b[20];
    const char *none = "", *h1 = "\x08http/1.1", *h2 = "\x02h2", *both = "\x08http/1.1\x02h2",
               *other = "\x03xyz";
    assert_string_equal(shake_hands(none, TLS1_3_VERSION, b), "");
    assert_string_equal(shake_hands(h1, TLS1_3_VERSION, b), "http/1.1");
    assert_string_equal(shake_hands(h2, TLS1_3_VERSION, b), "h2");
    assert_string_equal(shake_hands(both, TLS1_3_VERSION, b), "h2");
    assert_string_equal(shake_hands(h2, TLS1_2_VERSION, b), "h2");
    assert_null(shake_hands(other, TLS1_3_VERSION, b));
    assert_null(shake_hands(other, TLS1_2_VERSION, b));
    assert_null(shake_hands(none, TLS1_1_VERSION, b));
}

/* Clear text, nothing at all, or half a handshake on the TLS port ends within the handshake's time.
 */
static void test_no_handshake(void **state)
{
    (void)state;
    static const char *const sent[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "",
                                        "\x16\x03\x01\x01" };
    for (size_t i = 0; i < CF_ARRAY_LEN(sent); i++) {
        struct cf_peer p = cf_peer_connect(tls.port);
        int64_t begin = cf_mono_now_ms();
        cf_peer_puts(&p, sent[i]);
        cf_peer_read_all(&p);
        assert_true(cf_mono_now_ms() - begin < 3000);
        cf_peer_close(&p);
    }
}

static CURLcode get_with(const struct cert *ca)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    CURL *c = curl_for(&tls, "/hello", ca, &got);
    CURLcode rc = curl_easy_perform(c);
    curl_easy_cleanup(c);
    return rc;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* A new certificate from files: for new connections at once, while an old connection goes on. */
static void test_reload(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cert two = make_cert("two");
    char cert_path[64], key_path[64];
    snprintf(cert_path, sizeof cert_path, "/tmp/cf-http-cert-%d.pem", (int)getpid());
    snprintf(key_path, sizeof key_path, "/tmp/cf-http-key-%d.pem", (int)getpid());
    write_file(cert_path, two.cert_pem);
    write_file(key_path, two.key_pem);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    CURL *old = curl_for(&tls, "/hello", &one, &got);
    assert_int_equal(curl_easy_perform(old), CURLE_OK);
    struct cf_http_tls *t = cf_http_tls_from_files(cert_path, key_path, &err);
    assert_non_null(t);
    cf_http_listener_set_tls(tls.listener, t);
    cf_http_tls_unref(t);
    assert_int_equal(get_with(&one), CURLE_PEER_FAILED_VERIFICATION);
    assert_int_equal(get_with(&two), CURLE_OK);
    assert_int_equal(curl_easy_perform(old), CURLE_OK);
    curl_easy_cleanup(old);

    write_file(key_path, one.key_pem);
    assert_fails(cf_http_tls_from_files(cert_path, key_path, &err), &err, CF_ERR_INVALID, key_path);
    write_file(cert_path, "nothing");
    assert_fails(cf_http_tls_from_files(cert_path, key_path, &err), &err, CF_ERR_INVALID,
                 cert_path);
    remove(cert_path);
    assert_fails(cf_http_tls_from_files(cert_path, key_path, &err), &err, CF_ERR_INVALID,
                 "No such file");
    remove(key_path);
    assert_fails(cf_http_tls_from_pem(one.cert_pem, "x", &err), &err, CF_ERR_INVALID,
                 "private key");
    cf_http_tls_unref(NULL);
    free_cert(&two);
}

int main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curl),
        cmocka_unit_test(test_alpn_and_versions),
        cmocka_unit_test(test_no_handshake),
        cmocka_unit_test(test_reload),
    };
    int rc = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return rc;
}
