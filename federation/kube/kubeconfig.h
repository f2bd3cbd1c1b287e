/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are to a cluster: a kubeconfig, read and resolved to the material of one context.
 *
 * Two entries that differ in what they trust. CF_KUBECONFIG_INLINE is for text that came over REST:
 * only inline data (certificate-authority-data, client-certificate-data, client-key-data, token,
 * username/password); file paths, exec and auth-provider are INVALID with the pointer of the field
 * and a hint, because they would read the server's files or run programs on it.
 * CF_KUBECONFIG_SERVER is for files of the server's own configuration: all of these but
 * auth-provider. insecure-skip-tls-verify is refused unless the caller's own record of the cluster
 * allows it. The results are immutable and may be shared between threads. Key material is zeroed
 * when freed. */
#ifndef CF_FEDERATION_KUBE_KUBECONFIG_H
#define CF_FEDERATION_KUBE_KUBECONFIG_H

#include "base/error.h"

enum cf_kubeconfig_trust { CF_KUBECONFIG_INLINE, CF_KUBECONFIG_SERVER };

enum {
    CF_KUBECONFIG_TEXT_MAX = 512 * 1024, /* hundreds of contexts with certificates */
    CF_KUBE_FILE_MAX = 1024 * 1024,      /* a CA bundle, a token file */
};

/* What one context resolves to. Opaque: it holds keys. */
struct cf_kube_credentials;

struct cf_kubeconfig_options {
    enum cf_kubeconfig_trust trust;
    const char *context;  /* NULL: current-context, or the only one */
    const char *base_dir; /* SERVER: for relative paths; NULL: the working directory */
    bool allow_insecure;  /* the cluster's record says that its certificate need not be verified */
};

/* `config` is YAML or JSON. INVALID: field = JSON pointer, message says what is wrong and what to
 * do instead. NOT_FOUND: no such context (the message lists those that are there). */
struct cf_kube_credentials *cf_kubeconfig_parse(const char *config, size_t len,
                                                const struct cf_kubeconfig_options *options,
                                                struct cf_error *err) CF_NODISCARD;
/* The same from a file of the server; trust is SERVER and base_dir the file's folder whatever the
 * options say. */
struct cf_kube_credentials *cf_kubeconfig_load(const char *path,
                                               const struct cf_kubeconfig_options *options,
                                               struct cf_error *err) CF_NODISCARD;
/* What a pod is given: service account token (re-read), CA, KUBERNETES_SERVICE_HOST and _PORT. */
struct cf_kube_credentials *cf_kubeconfig_in_cluster(struct cf_error *err) CF_NODISCARD;
/* A plain server, with a bearer token or without (NULL): sandbox, tests. */
struct cf_kube_credentials *cf_kubeconfig_plain(const char *server, const char *token,
                                                struct cf_error *err) CF_NODISCARD;

struct cf_kube_credentials *cf_kube_credentials_ref(struct cf_kube_credentials *c) CF_NODISCARD;
void cf_kube_credentials_unref(struct cf_kube_credentials *c); /* accepts NULL */

/* What may be shown. */
const char *cf_kube_credentials_server(const struct cf_kube_credentials *c);
const char *
cf_kube_credentials_context(const struct cf_kube_credentials *c); /* "" if there was none */
const char *cf_kube_credentials_namespace(
    const struct cf_kube_credentials *c); /* of the context, or "default" */
bool cf_kube_credentials_insecure(const struct cf_kube_credentials *c);
/* "certificate", "token", "token file", "exec", "basic" or "none". */
const char *cf_kube_credentials_kind(const struct cf_kube_credentials *c);

#endif
