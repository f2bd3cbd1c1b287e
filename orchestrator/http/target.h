/* SPDX-License-Identifier: Apache-2.0 */
/* The request target: what both protocols accept as path and query. Pure; any thread. */
#ifndef ORCHESTRATOR_HTTP_TARGET_H
#define ORCHESTRATOR_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/* NULL if "/path?query" is fine, else what is wrong with it: characters outside RFC 3986, broken or
 * NUL escapes, dot segments (also escaped ones: nobody sends them but to get around a check). */
const char *http_target_check(const char *target, size_t len);

/* NULL if "host[:port]" is one, else what is wrong. */
const char *http_host_check(const char *host, size_t len);

/* Splits "http://host/path?query" (RFC 9112 3.2.2): false if it is not of that form. All of it
 * points into `target`: for a missing path to the slash before the host. */
bool http_target_absolute(const char *target, size_t len, const char **out_host,
                          size_t *out_host_len, const char **out_path, size_t *out_path_len);

#endif
