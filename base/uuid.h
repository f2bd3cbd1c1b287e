/* SPDX-License-Identifier: Apache-2.0 */
/* UUID version 7 (RFC 9562): sortable by time, unique by 74 random bits. Any thread. */
#ifndef CF_BASE_UUID_H
#define CF_BASE_UUID_H

#include <stdbool.h>

enum { CF_UUID_TEXT = 37 };

/* Writes the 36 characters and NUL; within a process each is greater than the one before. Returns
 * buf. */
char *cf_uuid_v7(char buf[CF_UUID_TEXT]);
/* Whether the text is a UUID of any version, lower or upper case. */
bool cf_uuid_valid(const char *text);
/* `n` random hex characters and NUL into buf of n + 1 bytes, from getrandom; for nonces. Returns
 * buf. */
char *cf_random_hex(char *buf, unsigned n);

#endif
