/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for loopback, made at each start: kubectl sends tokens over TLS only. Any thread.
 */
#ifndef DEPLOY_SANDBOX_CERTIFICATE_H
#define DEPLOY_SANDBOX_CERTIFICATE_H

#include "base/error.h"

/* Signed by itself, for 127.0.0.1, ::1 and localhost, a year long; the certificate is its own CA.
 * Both PEM texts are the caller's to free. */
bool sandbox_certificate(char **out_cert, char **out_key, struct cf_error *err) CF_NODISCARD;

/* The text in base64, on one line; the caller frees. */
char *sandbox_base64(const char *text) CF_NODISCARD;

#endif
