/* SPDX-License-Identifier: Apache-2.0 */
/* Token texts. */
#include "orchestrator/api/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/uuid.h"

enum { RANDOM_BYTES = 32, RANDOM_TEXT = 43, CHECK_HEX = 6 };

/* The first six hex digits of SHA-256 over everything in front of the check. */
static void check_of(const char *text, size_t len, char out[CHECK_HEX + 1])
{
    char hex[CF_SHA256_HEX];
    cf_sha256_hex(text, len, hex);
    memcpy(out, hex, CHECK_HEX);
    out[CHECK_HEX] = 0;
}

struct cf_secret *cf_token_draw(struct cf_token_new *row)
{
    unsigned char random[RANDOM_BYTES];
    char text[CF_TOKEN_TEXT_LEN + 1], check[CHECK_HEX + 1];
    cf_assert(RAND_bytes(random, sizeof random) == 1);
    char *middle = cf_base64_encode(random, sizeof random);
    for (char *c = middle; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    cf_random_hex(row->id, CF_TOKEN_ID_TEXT - 1);
    int len = snprintf(text, sizeof text, "cf_%s_%.*s_", row->id, RANDOM_TEXT, middle);
    check_of(text, (size_t)len, check);
    memcpy(text + len, check, sizeof check);
    cf_sha256(text, CF_TOKEN_TEXT_LEN, row->sha256);
    struct cf_secret *s = cf_secret_new(text, CF_TOKEN_TEXT_LEN);
    cf_zero(middle, strlen(middle));
    free(middle);
    cf_zero(random, sizeof random);
    cf_zero(text, sizeof text);
    return s;
}

bool cf_token_parse(const char *text, unsigned char sha256[CF_SHA256_BYTES])
{
    char check[CHECK_HEX + 1];
    if (strlen(text) != CF_TOKEN_TEXT_LEN || strncmp(text, "cf_", 3) != 0)
        return false;
    check_of(text, CF_TOKEN_TEXT_LEN - CHECK_HEX, check);
    if (!cf_equal_constant_time(check, text + CF_TOKEN_TEXT_LEN - CHECK_HEX, CHECK_HEX))
        return false;
    cf_sha256(text, CF_TOKEN_TEXT_LEN, sha256);
    return true;
}
