/* SPDX-License-Identifier: Apache-2.0 */
/* A kubeconfig made ready to be sent: one context, its files' contents as data. Reads files;
 * nothing else. */
#ifndef CF_CLI_KUBECONFIG_INLINE_H
#define CF_CLI_KUBECONFIG_INLINE_H

#include "base/json.h"

/* A kubeconfig with exactly the named context (NULL: current-context, or the only one), in which
 * certificate, key and token files have become data and nothing names a file or a program.
 * `insecure`: insecure-skip-tls-verify is set, and CA data is dropped. INVALID: exec plugins and
 * auth providers, with the reason and what to do. NOT_FOUND: no such context. New reference. */
json_t *cf_kubeconfig_inline(const char *path, const char *context, bool insecure,
                             struct cf_error *err) CF_NODISCARD;

/* Name of the first context of the file that leads to that server (a slash at the end does not
 * count); "" when none does. Caller frees; NULL: the file cannot be read. */
char *cf_kubeconfig_context_for(const char *path, const char *server,
                                struct cf_error *err) CF_NODISCARD;

#endif
