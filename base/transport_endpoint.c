/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints: where requests go and as whom. Everything is checked when it is made, so that a call
 * cannot fail by it. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "base/thread.h"
#include "base/transport_internal.h"
#include "base/url.h"

static void zero_free(char *s)
{
    if (s)
        cf_zero(s, strlen(s));
    free(s);
}

/* --- PEM --- */

static void bio_free_p(BIO **b)
{
    BIO_free(*b);
}

static void x509_free_p(X509 **x)
{
    X509_free(*x);
}

static void pkey_free_p(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

/* Encrypted keys are refused: there is nobody to ask for the passphrase. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf, (void)size, (void)rwflag, (void)arg;
    return -1;
}

static bool bad_pem(const char *what, struct cf_error *err)
{
    ERR_clear_error();
    return cf_error_set(err, CF_ERR_INVALID, "%s", what);
}

bool transport_check_pem(const char *ca_pem, const char *cert_pem, const char *key_pem,
                         struct cf_error *err)
{
    CF_CLEANUP(bio_free_p) BIO *ca_bio = ca_pem ? BIO_new_mem_buf(ca_pem, -1) : NULL;
    CF_CLEANUP(x509_free_p)
    X509 *ca = ca_bio ? PEM_read_bio_X509_AUX(ca_bio, NULL, no_passphrase, NULL) : NULL;
    if (ca_pem && !ca)
        return bad_pem("the CA certificate is not PEM", err);
    if (!cert_pem && !key_pem)
        return true;
    if (!cert_pem || !key_pem)
        return bad_pem("a client certificate needs its key, and the key its certificate", err);
    CF_CLEANUP(bio_free_p) BIO *cert_bio = BIO_new_mem_buf(cert_pem, -1);
    CF_CLEANUP(bio_free_p) BIO *key_bio = BIO_new_mem_buf(key_pem, -1);
    CF_CLEANUP(x509_free_p) X509 *cert = PEM_read_bio_X509_AUX(cert_bio, NULL, no_passphrase, NULL);
    if (!cert)
        return bad_pem("the client certificate is not PEM", err);
    CF_CLEANUP(pkey_free_p)
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, no_passphrase, NULL);
    if (!key)
        return bad_pem("the client key is not an unencrypted PEM key", err);
    if (X509_check_private_key(cert, key) != 1)
        return bad_pem("the client key does not belong to the client certificate", err);
    return true;
}

/* --- URLs --- */

static char *without_trailing_slash(const char *url)
{
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    return cf_xstrndup(url, n);
}

/* "https://10.0.0.1:6443/x" and "api.dc1" become "https://api.dc1:6443/x" and the connect-to
 * "::10.0.0.1:6443". */
static void use_server_name(struct cf_endpoint *e, const char *name)
{
    const char *authority = strstr(e->shown_url, "://") + 3;
    size_t len = strcspn(authority, "/?");
    const char *bracket = memchr(authority, ']', len);
    const char *from = bracket ? bracket : authority;
    const char *colon = memchr(from, ':', len - (size_t)(from - authority));
    size_t host_len = colon ? (size_t)(colon - authority) : len;
    free(e->base_url);
    e->base_url = cf_xasprintf("%.*s%s%s", (int)(authority - e->shown_url), e->shown_url, name,
                               authority + host_len);
    cf_autofree char *to = cf_xasprintf("::%.*s%s", (int)len, authority, colon ? "" : ":");
    e->connect_to = curl_slist_append(NULL, to);
    cf_assert(e->connect_to);
}

static bool name_is_plain(const char *name)
{
    return name[0] &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
               strlen(name);
}

static bool proxy_is_known(const char *url)
{
    static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
    for (size_t i = 0; i < CF_ARRAY_LEN(schemes); i++) {
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url[strlen(schemes[i])] != '\0';
    }
    return false;
}

static bool options_are_sound(const struct cf_endpoint_options *o, struct cf_error *err)
{
    if (!o->base_url || !cf_url_check(o->base_url, false, err))
        return err->kind ? false : cf_error_set(err, CF_ERR_INVALID, "a URL is missing");
    if (strchr(o->base_url, '?'))
        return cf_error_set(err, CF_ERR_INVALID, "the URL of a server has no query");
    if (o->tls_server_name && !name_is_plain(o->tls_server_name))
        return cf_error_set(err, CF_ERR_INVALID, "the TLS server name is not a host name");
    if (o->proxy_url && !proxy_is_known(o->proxy_url))
        return cf_error_set(err, CF_ERR_INVALID,
                            "a proxy is http://, https://, socks5:// or socks5h://");
    return transport_check_pem(o->ca_pem, o->cert_pem, o->key_pem, err);
}

/* --- life --- */

struct cf_endpoint *cf_endpoint_new(const struct cf_endpoint_options *o, struct cf_error *err)
{
    if (!options_are_sound(o, err))
        return NULL;
    struct cf_endpoint *e = cf_xcalloc(1, sizeof *e);
    atomic_init(&e->refs, 1);
    pthread_mutex_init(&e->lock, NULL);
    transport_gate_init(&e->gate, o->max_in_flight, o->rate_per_s, o->burst);
    e->shown_url = without_trailing_slash(o->base_url);
    e->base_url = cf_xstrdup(e->shown_url);
    e->is_https = strncasecmp(e->base_url, "https:", 6) == 0;
    e->ca_pem = cf_xstrdup(o->ca_pem);
    e->cert_pem = cf_xstrdup(o->cert_pem);
    e->key_pem = cf_xstrdup(o->key_pem);
    e->proxy_url = cf_xstrdup(o->proxy_url);
    e->user_agent = cf_xstrdup(o->user_agent ? o->user_agent : "crossfade");
    e->insecure = o->insecure;
    e->http2_cleartext = o->http2_cleartext;
    if (o->tls_server_name && e->is_https)
        use_server_name(e, o->tls_server_name);
    return e;
}

struct cf_endpoint *cf_endpoint_ref(struct cf_endpoint *e)
{
    atomic_fetch_add(&e->refs, 1);
    return e;
}

void cf_endpoint_unref(struct cf_endpoint *e)
{
    if (!e || atomic_fetch_sub(&e->refs, 1) != 1)
        return;
    zero_free(e->authorization);
    transport_gate_destroy(&e->gate);
    pthread_mutex_destroy(&e->lock);
    curl_slist_free_all(e->connect_to);
    free(e->base_url);
    free(e->shown_url);
    free(e->ca_pem);
    free(e->cert_pem);
    zero_free(e->key_pem);
    zero_free(e->proxy_url);
    free(e->user_agent);
    free(e);
}

const char *cf_endpoint_url(const struct cf_endpoint *e)
{
    return e->shown_url;
}

bool cf_endpoint_set_authorization(struct cf_endpoint *e, const char *value, struct cf_error *err)
{
    for (const char *s = value; s && *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return cf_error_set(err, CF_ERR_INVALID,
                                "the credential has control characters (a line end?)");
    }
    char *old, *fresh = value ? cf_xasprintf("Authorization: %s", value) : NULL;
    {
        CF_LOCKED(&e->lock);
        old = e->authorization;
        e->authorization = fresh;
    }
    zero_free(old);
    return true;
}
