/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's calls for one self-signed certificate on a P-256 key. */
#include "deploy/sandbox/certificate.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { VALID_S = 365 * 24 * 3600, SKEW_S = 3600 };

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = e && X509_add_ext(cert, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static bool fill(X509 *cert, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_set_version(cert, 2) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -SKEW_S) &&
           X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"crossfade sandbox", -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
           add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
           add_extension(cert, NID_subject_key_identifier, "hash") &&
           add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost") &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

static char *text_of(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    return cf_xstrndup(data, (size_t)len);
}

bool sandbox_certificate(char **out_cert, char **out_key, struct cf_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    BIO *cert_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
    bool ok = key && cert && cert_text && key_text && fill(cert, key) &&
              PEM_write_bio_X509(cert_text, cert) == 1 &&
              PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (ok) {
        *out_cert = text_of(cert_text);
        *out_key = text_of(key_text);
    }
    BIO_free(cert_text);
    BIO_free(key_text);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok || cf_error_set(err, CF_ERR_BUG, "no certificate could be made");
}

char *sandbox_base64(const char *text)
{
    size_t len = strlen(text);
    char *out = cf_xmalloc((len + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
    return out;
}
