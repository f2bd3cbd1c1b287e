/* SPDX-License-Identifier: Apache-2.0 */
/* The service as a whole: what it refuses to start with and why, TLS with another certificate while
 * it runs, and what is answered while PostgreSQL is away. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/unit/orchestrator-api/fixture.h"

static void refused(struct fixture *f, struct cf_service_config config, enum cf_err_kind kind,
                    const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    config.database = f->database;
    struct cf_service *s = cf_service_start(&config, &err);
    if (s)
        fail_msg("the service started");
    cf_test_check_error(&err, kind, text, __FILE__, __LINE__);
}

static void what_cannot_be_started_is_explained(void **state)
{
    struct fixture *f = *state;
    cf_autofree char *held = cf_xasprintf("%s/state", f->dir);
    cf_autofree char *other = cf_xasprintf("%s/other", f->dir);
    refused(f, (struct cf_service_config){ .port = -1 }, CF_ERR_INVALID, "state directory");
    refused(f, (struct cf_service_config){ .port = -1, .state_dir = other, .address = "0.0.0.0" },
            CF_ERR_INVALID, "without TLS only a loopback address");
    refused(f, (struct cf_service_config){ .port = -1, .state_dir = other, .tls_cert = "/x" },
            CF_ERR_INVALID, "both");
    refused(
        f, (struct cf_service_config){ .port = -1, .state_dir = other, .key_file = "/nonexistent" },
        CF_ERR_NOT_FOUND, "/nonexistent");
    refused(f, (struct cf_service_config){ .port = -1, .state_dir = held }, CF_ERR_CONFLICT, "");
    refused(f,
            (struct cf_service_config){ .port = cf_service_port(f->service), .state_dir = other },
            CF_ERR_UNAVAILABLE, "");
}

static void write_pem(const char *path, EVP_PKEY *key, X509 *x)
{
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_true(x ? PEM_write_X509(out, x)
                  : PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
    assert_int_equal(fclose(out), 0);
}

/* A certificate of its own for 127.0.0.1, with this serial number. */
static void make_certificate(const char *cert, const char *key_path, long serial)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    assert_true(key && x);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(x, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    write_pem(cert, key, x);
    write_pem(key_path, key, NULL);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* Whether /livez answers to a client that trusts this certificate alone. */
static bool answers_by(struct fixture *f, const char *url, const char *cert)
{
    struct cf_error err = CF_ERROR_INIT;
    char *pem = cf_file_read(cert, 65536, NULL, &err);
    assert_non_null(pem);
    struct cf_endpoint *e =
        cf_endpoint_new(&(struct cf_endpoint_options){ .base_url = url, .ca_pem = pem }, &err);
    assert_non_null(e);
    struct cf_http_call_request r = { .path = "/livez", .fresh_connection = true };
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    bool ok = cf_http_call(f->transport, e, &r, &reply, &err) && reply.status == 200;
    cf_endpoint_unref(e);
    free(pem);
    return ok;
}

static void a_certificate_is_changed_while_it_runs(void **state)
{
    struct fixture *f = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *dir = cf_xasprintf("%s/tls-state", f->dir);
    cf_autofree char *cert = cf_xasprintf("%s/cert.pem", f->dir);
    cf_autofree char *key = cf_xasprintf("%s/key.pem", f->dir);
    cf_autofree char *new_cert = cf_xasprintf("%s/new.pem", f->dir);
    cf_autofree char *old_cert = cf_xasprintf("%s/old.pem", f->dir);
    make_certificate(cert, key, 1);
    struct cf_service_config config = { .database = f->database,
                                        .state_dir = dir,
                                        .port = -1,
                                        .workers = 1,
                                        .tls_cert = cert,
                                        .tls_key = key,
                                        .drain_ms = 200 };
    struct cf_service *s = cf_service_start(&config, &err);
    if (!s)
        fail_msg("%s", err.message);
    assert_int_equal(strncmp(cf_service_url(s), "https://", 8), 0);
    assert_true(answers_by(f, cf_service_url(s), cert));
    assert_int_equal(rename(cert, old_cert), 0);
    assert_fails(cf_service_reload(s, &err), &err, CF_ERR_INVALID, "cert.pem");
    assert_true(answers_by(f, cf_service_url(s), old_cert));
    make_certificate(new_cert, key, 2);
    assert_int_equal(rename(new_cert, cert), 0);
    assert_ok(cf_service_reload(s, &err), &err);
    assert_true(answers_by(f, cf_service_url(s), cert));
    assert_false(answers_by(f, cf_service_url(s), old_cert));
    cf_service_stop(s);
}

static int start(void **state)
{
    *state = fixture_start();
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state);
    return 0;
}

static void without_a_database_it_says_so(void **state)
{
    (void)state;
    struct cf_test_pg *pg = cf_test_pg_start();
    struct fixture *f = fixture_start_on(cf_test_pg_new_database(pg));
    char retry[16] = "";
    cf_log_setup(CF_LOG_ERROR, CF_LOG_JSON);
    cf_test_pg_stop(pg, CF_TEST_PG_CRASH);
    AUTO_ANSWER live = get(f, NOBODY, "/livez");
    expect(live, 200, NULL);
    AUTO_ANSWER ready = get(f, NOBODY, "/readyz");
    expect(ready, 503, "UNAVAILABLE");
    AUTO_ANSWER me = get(f, VIEWER, "/api/v1/me");
    expect(me, 503, "UNAVAILABLE");
    assert_true(cf_http_reply_header(&me.reply, "Retry-After", retry, sizeof retry));
    assert_null(strstr(cf_buf_str(&me.reply.body), "socket"));
    cf_test_pg_continue(pg);
    wait_until_ready(f);
    AUTO_ANSWER again = get(f, VIEWER, "/api/v1/me");
    expect(again, 200, NULL);
    fixture_stop(f);
    cf_test_pg_free(pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_database_it_says_so),
        cmocka_unit_test_setup_teardown(what_cannot_be_started_is_explained, start, stop),
        cmocka_unit_test_setup_teardown(a_certificate_is_changed_while_it_runs, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
