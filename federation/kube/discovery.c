/* SPDX-License-Identifier: Apache-2.0 */
/* The discovery cache: one entry per group and version, replaced whole, asked for outside the
 * lock. */
#include "federation/kube/discovery.h"

#include <string.h>

#include "base/thread.h"
#include "base/url.h"
#include "federation/kube/discovery_parse.h"
#include "federation/kube/kube_internal.h"

static void entry_free(struct kube_group_version *e)
{
    if (e)
        free(e->resources);
    free(e);
}

void kube_discovery_free(struct cf_kube *k)
{
    while (k->discovery) {
        struct kube_group_version *e = k->discovery;
        k->discovery = e->next;
        entry_free(e);
    }
}

void cf_kube_discovery_reset(struct cf_kube *k)
{
    CF_LOCKED(&k->discovery_lock);
    kube_discovery_free(k);
}

enum lookup { LOOKUP_FRESH, LOOKUP_STALE, LOOKUP_ABSENT, LOOKUP_ASK };

/* What the cache knows: the resource (fresh or stale), that it is not served (asked a moment ago),
 * or nothing. */
static enum lookup look_up(struct cf_kube *k, const char *api_version, const char *kind,
                           struct cf_kube_resource *out)
{
    CF_LOCKED(&k->discovery_lock);
    for (const struct kube_group_version *e = k->discovery; e; e = e->next) {
        if (strcmp(e->api_version, api_version) != 0)
            continue;
        int64_t age_ms = cf_mono_now_ms() - e->asked_ms;
        for (size_t i = 0; i < e->n; i++) {
            if (strcmp(e->resources[i].kind, kind) != 0)
                continue;
            *out = e->resources[i];
            return age_ms <= CF_KUBE_DISCOVERY_FRESH_MS ? LOOKUP_FRESH : LOOKUP_STALE;
        }
        return age_ms < CF_KUBE_DISCOVERY_MISS_MS ? LOOKUP_ABSENT : LOOKUP_ASK;
    }
    return LOOKUP_ASK;
}

static void store_take(struct cf_kube *k, struct kube_group_version *fresh)
{
    struct kube_group_version *old = NULL;
    {
        CF_LOCKED(&k->discovery_lock);
        struct kube_group_version **at = &k->discovery;
        while (*at && strcmp((*at)->api_version, fresh->api_version) != 0)
            at = &(*at)->next;
        old = *at;
        fresh->next = old ? old->next : NULL;
        *at = fresh;
    }
    entry_free(old);
}

/* Asks the server what a group and version serves. A 404 is an answer: nothing. */
static bool ask(const struct kube_span *span, const char *api_version, struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
    kube_group_version_path(api_version, &path);
    struct kube_exchange x = { .method = "GET",
                               .path = cf_buf_str(&path),
                               .response_max = CF_KUBE_PAGE_BYTES_MAX,
                               .is_read = true };
    cf_autojson json_t *list = NULL;
    bool served = kube_exchange(span, &x, &list, NULL, err);
    if (!served && err->kind != CF_ERR_NOT_FOUND)
        return false;
    cf_error_clear(err);
    struct kube_resources found = { 0 };
    if (served && !kube_parse_resource_list(list, api_version, &found, err)) {
        free(found.items);
        return false;
    }
    struct kube_group_version *e = cf_xcalloc(1, sizeof *e);
    memcpy(e->api_version, api_version, strlen(api_version) + 1);
    e->asked_ms = cf_mono_now_ms();
    e->served = served;
    e->resources = found.items;
    e->n = found.n;
    store_take(span->k, e);
    return true;
}

static bool no_match(const char *api_version, const char *kind, struct cf_error *err)
{
    cf_error_set(err, CF_ERR_NOT_FOUND, "the cluster does not serve %s of %s", kind, api_version);
    return cf_error_reason(err, "NoKindMatch");
}

/* Half of the time that is left, so that an old entry still serves when the server does not answer
 * this. */
static struct kube_span half_span(const struct kube_span *span)
{
    struct kube_span half = *span;
    int64_t now_ms = cf_mono_now_ms();
    half.deadline_ms = now_ms + CF_MAX(0, span->deadline_ms - now_ms) / 2;
    return half;
}

/* Asks again for an entry that has grown old; the rollback lane does not stop for that. */
static enum lookup renew(const struct kube_span *span, const char *api_version, const char *kind,
                         struct cf_kube_resource *found)
{
    struct cf_error ignored = CF_ERROR_INIT;
    struct kube_span half = half_span(span);
    if (span->how.urgent || !ask(&half, api_version, &ignored))
        return LOOKUP_STALE;
    return look_up(span->k, api_version, kind, found);
}

bool kube_resource_of(const struct kube_span *span, const char *api_version, const char *kind,
                      struct cf_kube_resource *out, struct cf_error *err)
{
    if (!api_version || !kind || strlen(api_version) >= CF_API_VERSION_MAX || kind[0] == '\0' ||
        api_version[0] == '\0')
        return cf_error_set(err, CF_ERR_INVALID, "not a kind: apiVersion or kind is missing");
    struct cf_kube_resource found;
    enum lookup state = look_up(span->k, api_version, kind, &found);
    if (state == LOOKUP_STALE) {
        state = renew(span, api_version, kind, &found);
    } else if (state == LOOKUP_ASK) {
        if (!ask(span, api_version, err))
            return cf_error_wrap(err, "ask which kinds %s has", api_version);
        state = look_up(span->k, api_version, kind, &found);
    }
    if (state != LOOKUP_FRESH && state != LOOKUP_STALE)
        return no_match(api_version, kind, err);
    *out = found;
    return true;
}

bool cf_kube_resource_of(struct cf_kube *k, const struct cf_kube_how *how, const char *api_version,
                         const char *kind, struct cf_kube_resource *out, struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    return kube_resource_of(&span, api_version, kind, out, err);
}

bool cf_kube_resource_path(const struct cf_kube_resource *r, const char *ns, const char *name,
                           const char *subresource, struct cf_buf *out, struct cf_error *err)
{
    bool has_ns = ns && ns[0], has_name = name && name[0];
    if (has_ns && !r->namespaced)
        return cf_error_set(err, CF_ERR_INVALID, "%s has no namespaces, but \"%s\" is given",
                            r->kind, ns);
    if (has_name && r->namespaced && !has_ns)
        return cf_error_set(err, CF_ERR_INVALID, "%s \"%s\" needs a namespace", r->kind, name);
    char api_version[CF_API_VERSION_MAX];
    struct cf_object_ref ref = { 0 };
    memcpy(ref.group, r->group, sizeof ref.group);
    memcpy(ref.version, r->version, sizeof ref.version);
    kube_group_version_path(cf_ref_api_version(&ref, api_version), out);
    if (has_ns) {
        cf_buf_puts(out, "/namespaces/");
        cf_url_escape(out, ns);
    }
    cf_buf_putc(out, '/');
    cf_url_escape(out, r->plural);
    if (has_name) {
        cf_buf_putc(out, '/');
        cf_url_escape(out, name);
    }
    if (subresource && subresource[0]) {
        cf_buf_putc(out, '/');
        cf_url_escape(out, subresource);
    }
    return kube_path_fits(out, err);
}

bool kube_ref_path(const struct kube_span *span, const struct cf_object_ref *ref,
                   const char *subresource, struct cf_buf *path, struct cf_error *err)
{
    if (!cf_ref_is_valid(ref) || ref->name[0] == '\0')
        return cf_error_set(err, CF_ERR_INVALID, "the object's name is missing or too long");
    char api_version[CF_API_VERSION_MAX];
    struct cf_kube_resource r;
    return kube_resource_of(span, cf_ref_api_version(ref, api_version), ref->kind, &r, err) &&
           cf_kube_resource_path(&r, ref->ns, ref->name, subresource, path, err);
}
