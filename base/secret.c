/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in memory, and sealing them with AES-256-GCM. Keyrings are read in keyring.c. See
 * secret.h. */
#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/digest.h"
#include "base/keyring.h"

enum {
    SEAL_VERSION = 1,
    KEY_ID_BYTES = 8,
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    HEADER_BYTES = 1 + KEY_ID_BYTES, /* authenticated with the associated data */
    OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES,
};

struct cf_secret {
    size_t len;
    char data[];
};

struct cf_secret *cf_secret_new(const void *data, size_t len)
{
    struct cf_secret *s = cf_xmalloc(sizeof *s + len + 1);
    s->len = len;
    if (len > 0)
        memcpy(s->data, data, len);
    s->data[len] = '\0';
    return s;
}

void cf_secret_free(struct cf_secret *s)
{
    if (!s)
        return;
    cf_zero(s->data, s->len);
    free(s);
}

void cf_secret_free_p(struct cf_secret **s)
{
    cf_secret_free(*s);
    *s = NULL;
}

const char *cf_secret_data(const struct cf_secret *s)
{
    return s->data;
}

size_t cf_secret_len(const struct cf_secret *s)
{
    return s->len;
}

void cf_zero(void *p, size_t len)
{
    if (len > 0)
        OPENSSL_cleanse(p, len);
}

/* What is authenticated but not hidden: the blob's header, then its place. */
static bool add_associated(EVP_CIPHER_CTX *ctx, const unsigned char *header, const char *associated,
                           bool sealing)
{
    int n;
    int (*update)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int) =
        sealing ? EVP_EncryptUpdate : EVP_DecryptUpdate;
    return update(ctx, NULL, &n, header, HEADER_BYTES) == 1 &&
           update(ctx, NULL, &n, (const unsigned char *)associated, (int)strlen(associated)) == 1;
}

bool cf_seal(const struct cf_keyring *k, const char *associated, const void *plain, size_t len,
             unsigned char **out, size_t *out_len, struct cf_error *err)
{
    if (len > CF_SECRET_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "%zu bytes to seal are more than %d", len,
                            CF_SECRET_MAX);
    const struct cf_seal_key *key = cf_keyring_current(k);
    unsigned char *blob = cf_xmalloc(len + OVERHEAD_BYTES);
    unsigned char *nonce = blob + HEADER_BYTES, *text = nonce + NONCE_BYTES;
    blob[0] = SEAL_VERSION;
    memcpy(blob + 1, key->id, KEY_ID_BYTES);

    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, last = 0;
    bool ok = ctx && RAND_bytes(nonce, NONCE_BYTES) == 1 &&
              EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
              add_associated(ctx, blob, associated, true) &&
              (len == 0 || EVP_EncryptUpdate(ctx, text, &n, plain, (int)len) == 1) &&
              EVP_EncryptFinal_ex(ctx, text + n, &last) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, text + len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!ok || (size_t)(n + last) != len) {
        free(blob);
        return cf_error_set(err, CF_ERR_BUG, "OpenSSL refused to seal");
    }
    *out = blob;
    *out_len = len + OVERHEAD_BYTES;
    return true;
}

bool cf_sealed_key_id(const unsigned char *sealed, size_t len, char *buf, struct cf_error *err)
{
    if (len > CF_SECRET_MAX + (size_t)OVERHEAD_BYTES)
        return cf_error_set(err, CF_ERR_LIMIT, "a sealed blob of %zu bytes is too large", len);
    if (len < OVERHEAD_BYTES)
        return cf_error_set(err, CF_ERR_INVALID, "a sealed blob of %zu bytes is too short", len);
    if (sealed[0] != SEAL_VERSION)
        return cf_error_set(err, CF_ERR_INVALID, "a sealed blob of version %d is not known here",
                            sealed[0]);
    cf_hex(sealed + 1, KEY_ID_BYTES, buf);
    return true;
}

struct cf_secret *cf_unseal(const struct cf_keyring *k, const char *associated,
                            const unsigned char *sealed, size_t len, struct cf_error *err)
{
    char id[CF_SEAL_KEY_ID_HEX];
    if (!cf_sealed_key_id(sealed, len, id, err))
        return NULL;
    const struct cf_seal_key *key = cf_keyring_find(k, sealed + 1);
    if (!key) {
        cf_error_set(err, CF_ERR_DENIED, "sealed with key %s, which is not in the keyring", id);
        return NULL;
    }
    const unsigned char *nonce = sealed + HEADER_BYTES, *text = nonce + NONCE_BYTES;
    size_t text_len = len - OVERHEAD_BYTES;
    unsigned char tag[TAG_BYTES];
    memcpy(tag, text + text_len, TAG_BYTES);

    struct cf_secret *s = cf_xcalloc(1, sizeof *s + text_len + 1);
    s->len = text_len;
    unsigned char *plain = (unsigned char *)s->data;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, last = 0;
    bool ok = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
              add_associated(ctx, sealed, associated, false) &&
              (text_len == 0 || EVP_DecryptUpdate(ctx, plain, &n, text, (int)text_len) == 1) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
              EVP_DecryptFinal_ex(ctx, plain + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!ok) {
        cf_secret_free(s);
        cf_error_set(err, CF_ERR_DENIED,
                     "sealed data was changed or belongs to another place (key %s)", id);
        return NULL;
    }
    return s;
}
