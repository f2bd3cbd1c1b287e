/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a kubeconfig's credential plugin: without a shell, with a deadline, in a process group of
 * its own that is killed whole, with no descriptor of ours but its pipes. Blocks. Any thread. */
#ifndef CF_FEDERATION_KUBE_EXEC_PLUGIN_H
#define CF_FEDERATION_KUBE_EXEC_PLUGIN_H

#include "base/buf.h"
#include "federation/kube/credentials.h"

enum {
    KUBE_EXEC_OUTPUT_MAX = 256 * 1024, /* an ExecCredential with a certificate chain */
    KUBE_EXEC_STDERR_MAX = 512,        /* its beginning goes into the error */
    KUBE_EXEC_TIMEOUT_MS = 20000,
};

/* Standard output of `argv` (argv[0] is looked up in PATH), which must exit with 0 before the
 * deadline (cf_mono_now_ms()). `environment` as in environ(7). Errors: NOT_FOUND (no such program),
 * UNAVAILABLE (failed, killed at the deadline), LIMIT (too much output). */
bool kube_run(char *const *argv, char *const *environment, int64_t deadline_ms, struct cf_buf *out,
              struct cf_error *err) CF_NODISCARD;

/* What a plugin gave. Strings are owned; free with kube_exec_result_free. */
struct kube_exec_result {
    char *token;              /* or NULL */
    char *cert_pem, *key_pem; /* or both NULL */
    int64_t expires_wall_ms;  /* 0: does not say */
};
void kube_exec_result_free(struct kube_exec_result *r);

/* Pure: ExecCredential text to a result. INVALID when it gives neither token nor certificate. */
bool kube_exec_parse(const char *text, size_t len, const char *api_version,
                     struct kube_exec_result *out, struct cf_error *err) CF_NODISCARD;
/* Runs the plugin of these credentials. */
bool kube_exec_run(const struct cf_kube_credentials *c, int64_t deadline_ms,
                   struct kube_exec_result *out, struct cf_error *err) CF_NODISCARD;

#endif
