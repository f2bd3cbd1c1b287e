/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that change: fetching them from a token file or a plugin, one fetch at a time, and
 * when to do it again. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "federation/kube/wire.h"

bool kube_wire_changes(const struct kube_wire *w)
{
    return w->credentials->exec.command || w->credentials->token_file;
}

struct cf_endpoint *kube_wire_endpoint(const struct kube_wire *w, const char *cert_pem,
                                       const char *key_pem, struct cf_error *err)
{
    const struct cf_kube_credentials *c = w->credentials;
    const struct cf_kube_options *o = &w->options;
    struct cf_endpoint_options options = {
        .base_url = c->server,
        .ca_pem = c->ca_pem,
        .cert_pem = cert_pem,
        .key_pem = key_pem,
        .tls_server_name = c->tls_server_name,
        .proxy_url = c->proxy_url,
        .insecure = c->insecure,
        .max_in_flight = o->max_in_flight > 0 ? o->max_in_flight : CF_KUBE_AT_ONCE_DEFAULT,
        .rate_per_s = o->rate_per_s > 0 ? o->rate_per_s : CF_KUBE_CALLS_PER_S_DEFAULT,
        .burst = o->burst,
    };
    return cf_endpoint_new(&options, err);
}

/* --- fetching, without the lock --- */

static bool from_file(const struct kube_wire *w, struct kube_exec_result *out, struct cf_error *err)
{
    char *text = cf_file_read(w->credentials->token_file, CF_KUBE_FILE_MAX, NULL, err);
    if (!text)
        return false;
    *out = (struct kube_exec_result){ .token = text };
    return true;
}

static bool fetch(struct kube_wire *w, int64_t deadline_ms, struct kube_exec_result *out,
                  struct cf_error *err)
{
    if (w->credentials->token_file)
        return from_file(w, out, err);
    int64_t limit_ms = cf_mono_now_ms() + KUBE_EXEC_TIMEOUT_MS;
    return kube_exec_run(w->credentials, CF_MIN(deadline_ms, limit_ms), out, err);
}

/* When to fetch again, given what was fetched. */
static int64_t next_fetch_ms(const struct kube_wire *w, const struct kube_exec_result *r,
                             int64_t now_ms)
{
    if (w->credentials->token_file)
        return now_ms + KUBE_TOKEN_FILE_MS;
    if (r->expires_wall_ms == 0)
        return INT64_MAX;
    int64_t life_ms = CF_MAX(0, r->expires_wall_ms - cf_wall_ms(&cf_clock_real));
    int64_t ahead_ms = CF_MIN((int64_t)KUBE_REFRESH_AHEAD_MS, life_ms / 5);
    return now_ms + CF_MAX(1000, life_ms - ahead_ms);
}

/* An endpoint for a certificate that the plugin gave, if it is another one than before; *out stays
 * NULL otherwise. */
static bool endpoint_for(const struct kube_wire *w, const struct kube_exec_result *r,
                         struct cf_endpoint **out, struct cf_error *err)
{
    bool is_same = !r->cert_pem || (w->cert_pem && strcmp(w->cert_pem, r->cert_pem) == 0);
    if (is_same)
        return true;
    *out = kube_wire_endpoint(w, r->cert_pem, r->key_pem, err);
    return *out != NULL;
}

/* Puts the material to use. Only the one who fetches is here, so w->cert_pem and w->endpoint are
 * read without the lock. */
static bool take_into_use(struct kube_wire *w, struct kube_exec_result *r, struct cf_error *err)
{
    struct cf_endpoint *fresh = NULL;
    char *bearer = r->token ? kube_bearer(r->token, err) : NULL;
    bool ok = (!r->token || bearer) && endpoint_for(w, r, &fresh, err) &&
              cf_endpoint_set_authorization(fresh ? fresh : w->endpoint, bearer, err);
    kube_zero_free(bearer);
    if (!ok) {
        cf_endpoint_unref(fresh);
        return false;
    }
    if (!fresh)
        return true;
    struct cf_endpoint *old;
    {
        CF_LOCKED(&w->lock);
        old = w->endpoint;
        w->endpoint = fresh;
        free(w->cert_pem);
        w->cert_pem = cf_steal(&r->cert_pem);
    }
    cf_endpoint_unref(old);
    return true;
}

/* It shall look at its timers again. */
static void wake_refresher(struct cf_kube_net *net)
{
    CF_LOCKED(&net->lock);
    pthread_cond_broadcast(&net->cond);
}

static bool fetch_and_use(struct kube_wire *w, int64_t deadline_ms, struct cf_error *err)
{
    struct kube_exec_result r = { 0 };
    bool ok = fetch(w, deadline_ms, &r, err) && take_into_use(w, &r, err);
    int64_t now_ms = cf_mono_now_ms();
    {
        CF_LOCKED(&w->lock);
        w->next_fetch_ms = ok ? next_fetch_ms(w, &r, now_ms) : now_ms + KUBE_REFRESH_RETRY_MS;
        w->has_material |= ok;
        w->generation += ok;
        w->is_fetching = false;
        pthread_cond_broadcast(&w->cond);
    }
    wake_refresher(w->net);
    kube_exec_result_free(&r);
    return ok;
}

bool kube_wire_fetch(struct kube_wire *w, uint64_t generation, int64_t deadline_ms,
                     struct cf_error *err)
{
    {
        CF_LOCKED(&w->lock);
        while (w->is_fetching) {
            if (cf_cond_wait_until(&w->cond, &w->lock, deadline_ms) ||
                cf_mono_now_ms() < deadline_ms)
                continue;
            cf_error_set(err, CF_ERR_UNAVAILABLE, "no credentials in time");
            return cf_error_reason(err, "Timeout");
        }
        if (w->generation > generation)
            return true;
        w->is_fetching = true;
    }
    return fetch_and_use(w, deadline_ms, err) ||
           cf_error_wrap(err, "get credentials for %s", w->credentials->server);
}

void kube_wire_expire(struct kube_wire *w)
{
    if (!kube_wire_changes(w))
        return;
    {
        CF_LOCKED(&w->lock);
        w->next_fetch_ms = CF_MIN(w->next_fetch_ms, cf_mono_now_ms());
    }
    wake_refresher(w->net);
}
