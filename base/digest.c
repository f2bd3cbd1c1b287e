/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by OpenSSL; hex and base64 of our own (OpenSSL's ignores broken input). See digest.h. */
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

void cf_sha256(const void *data, size_t len, unsigned char out[CF_SHA256_BYTES])
{
    cf_assert(EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1);
}

char *cf_sha256_hex(const void *data, size_t len, char buf[CF_SHA256_HEX])
{
    unsigned char digest[CF_SHA256_BYTES];
    cf_sha256(data, len, digest);
    return cf_hex(digest, sizeof digest, buf);
}

char *cf_hex(const void *data, size_t len, char *buf)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        buf[2 * i] = digits[bytes[i] >> 4];
        buf[2 * i + 1] = digits[bytes[i] & 15];
    }
    buf[2 * len] = '\0';
    return buf;
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode(const unsigned char *in, size_t len, const char *alphabet, bool padded)
{
    char *text = cf_xmalloc((len + 2) / 3 * 4 + 1);
    char *out = text;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = CF_MIN(len - i, (size_t)3);
        unsigned group = (unsigned)in[i] << 16;
        if (n > 1)
            group |= (unsigned)in[i + 1] << 8;
        if (n > 2)
            group |= in[i + 2];
        for (size_t k = 0; k < 4; k++) {
            if (k <= n)
                *out++ = alphabet[group >> (18 - 6 * k) & 63];
            else if (padded)
                *out++ = '=';
        }
    }
    *out = '\0';
    return text;
}

char *cf_base64_encode(const void *data, size_t len)
{
    return encode(data, len, standard, true);
}

char *cf_base64url_encode(const void *data, size_t len)
{
    return encode(data, len, url_safe, false);
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool cf_base64_decode(const char *text, size_t len, unsigned char **out, size_t *out_len,
                      struct cf_error *err)
{
    unsigned char *bytes = cf_xmalloc(len / 4 * 3 + 4);
    size_t n = 0;
    unsigned group = 0;
    int filled = 0, padding = 0;
    for (size_t i = 0; i < len; i++) {
        if (is_space(text[i]))
            continue;
        int value = text[i] == '=' && filled >= 2 ? 0 : sextet(text[i]);
        if (value < 0 || (padding > 0 && text[i] != '=')) {
            OPENSSL_cleanse(bytes, n);
            free(bytes);
            return cf_error_set(err, CF_ERR_INVALID, "not base64 at character %zu", i + 1);
        }
        padding += text[i] == '=';
        group = group << 6 | (unsigned)value;
        if (++filled < 4)
            continue;
        bytes[n++] = (unsigned char)(group >> 16);
        bytes[n++] = (unsigned char)(group >> 8);
        bytes[n++] = (unsigned char)group;
        n -= (size_t)padding;
        group = 0;
        filled = 0;
        if (padding > 0)
            padding = 3; /* nothing may follow: a further '=' has filled < 2 and fails as well */
    }
    if (filled != 0) {
        OPENSSL_cleanse(bytes, n);
        free(bytes);
        return cf_error_set(err, CF_ERR_INVALID, "base64 ends in the middle of a group of four");
    }
    bytes[n] = '\0';
    *out = bytes;
    *out_len = n;
    return true;
}

bool cf_equal_constant_time(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
