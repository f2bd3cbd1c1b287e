/* SPDX-License-Identifier: Apache-2.0 */
/* What a kubeconfig's context resolves to, for the files of this room. Immutable; counted; keys
 * zeroed at the end. */
#ifndef CF_FEDERATION_KUBE_CREDENTIALS_H
#define CF_FEDERATION_KUBE_CREDENTIALS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "federation/kube/kubeconfig.h"

enum {
    KUBE_EXEC_ARGS_MAX = 64,
    KUBE_EXEC_ENV_MAX = 64,
    KUBE_IMPERSONATE_GROUPS_MAX = 32,
};

/* A credential plugin as the kubeconfig describes it. Lists end with NULL. */
struct kube_exec {
    char *command;     /* as it is looked up: absolute, or a name for PATH; NULL: none */
    char *api_version; /* of ExecCredential */
    char *args[KUBE_EXEC_ARGS_MAX + 1];
    char *env[KUBE_EXEC_ENV_MAX + 1]; /* "NAME=value" */
    char *install_hint;               /* or NULL */
    bool provide_cluster_info;
};

struct cf_kube_credentials {
    atomic_int refs;
    char *server, *context, *ns;
    char *ca_pem, *cert_pem, *key_pem;
    char *tls_server_name, *proxy_url;
    bool insecure;
    char *authorization; /* "Bearer …" or "Basic …" that never changes, or NULL */
    char *token_file;    /* or NULL */
    struct kube_exec exec;
    char *impersonate[KUBE_IMPERSONATE_GROUPS_MAX + 3]; /* header lines, ended by NULL */
};

struct cf_kube_credentials *kube_credentials_new(void);
/* "Bearer …" of a token; surrounding white space is dropped. INVALID for an empty one. Caller
 * frees. */
char *kube_bearer(const char *token, struct cf_error *err) CF_NODISCARD;
/* Zeroes, then frees; accepts NULL. */
void kube_zero_free(char *s);
/* With the folder and the address given, for tests. */
struct cf_kube_credentials *kube_in_cluster(const char *host, const char *port, const char *folder,
                                            struct cf_error *err) CF_NODISCARD;
/* INVALID unless it is an https URL, or http to this machine (or `allow_clear`). */
bool kube_check_server(const char *server, bool allow_clear, struct cf_error *err) CF_NODISCARD;

#endif
