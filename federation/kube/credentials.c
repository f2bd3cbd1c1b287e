/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials as a value: life, what may be shown, and those that need no kubeconfig. */
#include "federation/kube/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/url.h"

#define SERVICE_ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

enum { NAMESPACE_FILE_MAX = 256 };

void kube_zero_free(char *s)
{
    if (s)
        cf_zero(s, strlen(s));
    free(s);
}

struct cf_kube_credentials *kube_credentials_new(void)
{
    struct cf_kube_credentials *c = cf_xcalloc(1, sizeof *c);
    atomic_init(&c->refs, 1);
    return c;
}

struct cf_kube_credentials *cf_kube_credentials_ref(struct cf_kube_credentials *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

static void free_list(char **list)
{
    for (size_t i = 0; list[i]; i++)
        kube_zero_free(list[i]);
}

void cf_kube_credentials_unref(struct cf_kube_credentials *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    free(c->server);
    free(c->context);
    free(c->ns);
    free(c->ca_pem);
    free(c->cert_pem);
    kube_zero_free(c->key_pem);
    free(c->tls_server_name);
    kube_zero_free(c->proxy_url);
    kube_zero_free(c->authorization);
    free(c->token_file);
    free(c->exec.command);
    free(c->exec.api_version);
    free(c->exec.install_hint);
    free_list(c->exec.args);
    free_list(c->exec.env);
    free_list(c->impersonate);
    free(c);
}

const char *cf_kube_credentials_server(const struct cf_kube_credentials *c)
{
    return c->server;
}

const char *cf_kube_credentials_context(const struct cf_kube_credentials *c)
{
    return c->context ? c->context : "";
}

const char *cf_kube_credentials_namespace(const struct cf_kube_credentials *c)
{
    return c->ns && c->ns[0] ? c->ns : "default";
}

bool cf_kube_credentials_insecure(const struct cf_kube_credentials *c)
{
    return c->insecure;
}

const char *cf_kube_credentials_kind(const struct cf_kube_credentials *c)
{
    if (c->exec.command)
        return "exec";
    if (c->token_file)
        return "token file";
    if (c->authorization)
        return strncmp(c->authorization, "Basic ", 6) == 0 ? "basic" : "token";
    return c->cert_pem ? "certificate" : "none";
}

char *kube_bearer(const char *token, struct cf_error *err)
{
    size_t len = strlen(token);
    while (len > 0 && strchr(" \t\r\n", token[len - 1]))
        len--;
    size_t skip = strspn(token, " \t\r\n");
    if (skip >= len) {
        cf_error_set(err, CF_ERR_INVALID, "the token is empty");
        return NULL;
    }
    for (size_t i = skip; i < len; i++) {
        if ((unsigned char)token[i] <= 0x20 || token[i] == 0x7f) {
            cf_error_set(err, CF_ERR_INVALID,
                         "the token has white space or control characters inside");
            return NULL;
        }
    }
    return cf_xasprintf("Bearer %.*s", (int)(len - skip), token + skip);
}

static bool is_loopback(const char *server)
{
    const char *host = strstr(server, "://") + 3;
    size_t len = strcspn(host, ":/");
    return (len == 9 && strncasecmp(host, "localhost", 9) == 0) || strncmp(host, "[::1]", 5) == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len);
}

bool kube_check_server(const char *server, bool allow_clear, struct cf_error *err)
{
    if (!server || !server[0])
        return cf_error_set(err, CF_ERR_INVALID, "the cluster has no server");
    if (!cf_url_check(server, false, err))
        return cf_error_wrap(err, "the cluster's server");
    if (strncasecmp(server, "http:", 5) == 0 && !allow_clear && !is_loopback(server))
        return cf_error_set(
            err, CF_ERR_INVALID,
            "the cluster's server is plain http, and not on this machine: use https");
    return true;
}

struct cf_kube_credentials *cf_kubeconfig_plain(const char *server, const char *token,
                                                struct cf_error *err)
{
    if (!kube_check_server(server, true, err))
        return NULL;
    char *bearer = token ? kube_bearer(token, err) : NULL;
    if (token && !bearer)
        return NULL;
    struct cf_kube_credentials *c = kube_credentials_new();
    c->server = cf_xstrdup(server);
    c->authorization = bearer;
    return c;
}

struct cf_kube_credentials *kube_in_cluster(const char *host, const char *port, const char *folder,
                                            struct cf_error *err)
{
    if (!host || !host[0] || !port || !port[0]) {
        cf_error_set(err, CF_ERR_NOT_FOUND,
                     "not in a pod: KUBERNETES_SERVICE_HOST and _PORT are not set");
        return NULL;
    }
    cf_autofree char *ca_path = cf_xasprintf("%s/ca.crt", folder);
    cf_autofree char *ns_path = cf_xasprintf("%s/namespace", folder);
    cf_autofree char *token_path = cf_xasprintf("%s/token", folder);
    cf_autofree char *ca = cf_file_read(ca_path, CF_KUBE_FILE_MAX, NULL, err);
    if (!ca)
        return NULL;
    cf_autofree char *token = cf_file_read(token_path, CF_KUBE_FILE_MAX, NULL, err);
    if (!token)
        return NULL;
    struct cf_error no_namespace = CF_ERROR_INIT;
    char *ns = cf_file_read(ns_path, NAMESPACE_FILE_MAX, NULL, &no_namespace);
    if (ns)
        ns[strcspn(ns, "\r\n")] = '\0';
    struct cf_kube_credentials *c = kube_credentials_new();
    bool is_v6 = strchr(host, ':') != NULL;
    c->server = cf_xasprintf("https://%s%s%s:%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
    c->context = cf_xstrdup("in-cluster");
    c->ca_pem = cf_steal(&ca);
    c->token_file = cf_steal(&token_path);
    c->ns = ns;
    return c;
}

struct cf_kube_credentials *cf_kubeconfig_in_cluster(struct cf_error *err)
{
    return kube_in_cluster(getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT"),
                           SERVICE_ACCOUNT_FOLDER, err);
}
