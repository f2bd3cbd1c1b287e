/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that must not leak: zeroed when freed, without a printf path, sealed for storage with
 * AES-256-GCM.
 *
 * A sealing key comes from a file (`crossfade key generate`); a keyring holds the current key, with
 * which everything new is sealed, and older ones, which still open. A sealed blob is: version byte,
 * 8 bytes of key id, 12 bytes of nonce, ciphertext, 16 bytes of tag. The associated data binds a
 * blob to its place ("cluster/dc1"), so that rows cannot be swapped. Keyrings are immutable once
 * loaded and may be shared between threads. */
#ifndef CF_BASE_SECRET_H
#define CF_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    CF_SEAL_KEY_BYTES = 32,
    CF_SEAL_KEY_ID_HEX = 17, /* first 8 bytes of SHA-256 of the key, hex, NUL */
    /* A sealed before-image of the largest object etcd takes, with room. */
    CF_SECRET_MAX = 4 * 1024 * 1024,
    CF_KEYRING_MAX = 16,
};

struct cf_secret; /* opaque, so that nothing prints it */

struct cf_secret *cf_secret_new(const void *data, size_t len) CF_NODISCARD;
void cf_secret_free(struct cf_secret *s); /* zeroes; accepts NULL */
void cf_secret_free_p(struct cf_secret **s);
/* Borrowed, NUL-terminated beyond the length. */
const char *cf_secret_data(const struct cf_secret *s);
size_t cf_secret_len(const struct cf_secret *s);
/* Zeroes memory so that the compiler cannot leave it out. */
void cf_zero(void *p, size_t len);

struct cf_keyring;
/* One key per line, base64 of 32 bytes, the first is current; '#' comments. Refuses a file that
 * others may read (mode & 077) with the chmod line that mends it. */
struct cf_keyring *cf_keyring_load(const char *path, struct cf_error *err) CF_NODISCARD;
/* A fresh random key as a line for such a file; caller frees with cf_secret_free. */
struct cf_secret *cf_keyring_generate_line(void) CF_NODISCARD;
void cf_keyring_free(struct cf_keyring *k);
const char *cf_keyring_current_id(const struct cf_keyring *k);

/* *out is malloc'd ciphertext; caller frees. */
bool cf_seal(const struct cf_keyring *k, const char *associated, const void *plain, size_t len,
             unsigned char **out, size_t *out_len, struct cf_error *err) CF_NODISCARD;
/* DENIED when no key fits or the tag does not match (the message names the key id that is
 * missing). */
struct cf_secret *cf_unseal(const struct cf_keyring *k, const char *associated,
                            const unsigned char *sealed, size_t len,
                            struct cf_error *err) CF_NODISCARD;
/* The id of the key a blob was sealed with, into buf of CF_SEAL_KEY_ID_HEX bytes. */
bool cf_sealed_key_id(const unsigned char *sealed, size_t len, char *buf,
                      struct cf_error *err) CF_NODISCARD;

#endif
