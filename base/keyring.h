/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a keyring, for base/secret.c only. Keyrings are immutable once loaded. */
#ifndef CF_BASE_KEYRING_H
#define CF_BASE_KEYRING_H

#include "base/secret.h"

struct cf_seal_key {
    unsigned char bytes[CF_SEAL_KEY_BYTES];
    unsigned char id[8]; /* the first bytes of SHA-256 of the key */
    char id_hex[CF_SEAL_KEY_ID_HEX];
};

/* With which everything new is sealed. */
const struct cf_seal_key *cf_keyring_current(const struct cf_keyring *k);
/* By the 8 bytes of its id; NULL if it is not there. */
const struct cf_seal_key *cf_keyring_find(const struct cf_keyring *k, const unsigned char *id);

#endif
