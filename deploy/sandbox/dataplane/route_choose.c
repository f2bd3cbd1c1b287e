/* SPDX-License-Identifier: Apache-2.0 */
/* Which backend a request goes to, and how that looks from outside. */
#include <string.h>
#include <strings.h>

#include "deploy/sandbox/dataplane/route.h"

/* "*.example.com" has what ends so, "*" everything; the longest name wins. */
static const struct sbx_host *find_host(const struct sbx_table *t, const char *host)
{
    size_t len = strcspn(host, ":");
    const struct sbx_host *best = NULL;
    for (const struct sbx_host *h = t->hosts; h; h = h->next) {
        size_t n = strlen(h->name);
        if (n == len && strncasecmp(h->name, host, len) == 0)
            return h;
        if (h->name[0] == '*' && len > n - 1 &&
            strncasecmp(h->name + 1, host + len - (n - 1), n - 1) == 0 &&
            (!best || n > strlen(best->name)))
            best = h;
    }
    return best;
}

static bool text_fits(const struct sbx_text_rule *r, const char *text)
{
    size_t n = r->text ? strlen(r->text) : 0;
    switch (r->how) {
    case SBX_ANY:
        return true;
    case SBX_EXACT:
        return strcmp(text, r->text) == 0;
    case SBX_PREFIX:
        return strncmp(text, r->text, n) == 0;
    case SBX_PATH_PREFIX: /* "/a" has "/a" and "/a/b", not "/ab" */
        if (n && r->text[n - 1] == '/')
            n--;
        return strncmp(text, r->text, n) == 0 && (text[n] == 0 || text[n] == '/');
    case SBX_REGEX:
        return r->regex && regexec(r->regex, text, 0, NULL, 0) == 0;
    }
    return false;
}

static bool rule_fits(const struct sbx_rule *r, const struct sbx_ask *ask)
{
    if (!text_fits(&r->path, ask->path) || (r->method && strcasecmp(r->method, ask->method) != 0))
        return false;
    for (int i = 0; i < r->n_headers; i++) {
        const char *value = ask->header ? ask->header(ask->user, r->headers[i].name) : NULL;
        if ((value && text_fits(&r->headers[i].value, value)) == r->headers[i].negate)
            return false;
    }
    return true;
}

static const struct sbx_rule *find_rule(const struct sbx_host *h, const struct sbx_ask *ask)
{
    const struct sbx_rule *r = h->rules;
    while (r && !rule_fits(r, ask))
        r = r->next;
    return r;
}

static struct sbx_backend *roll(const struct sbx_rule *r, double dice)
{
    double at = dice * r->total;
    for (int i = 0; i < r->n; i++) {
        if (at < r->targets[i].weight)
            return r->targets[i].backend;
        at -= r->targets[i].weight;
    }
    return NULL;
}

/* Whether the backend is in ingress-nginx' list: behind a path, as its main one or its canary's, or
 * behind a canary of a host that is not known. */
static bool is_listed(const struct sbx_table *t, const struct sbx_backend *backend)
{
    for (const struct sbx_kept *k = t->kept; k; k = k->next)
        if (strcmp(k->backend->metric, backend->metric) == 0)
            return true;
    for (const struct sbx_host *h = t->hosts; h; h = h->next)
        for (const struct sbx_rule *r = h->rules; r; r = r->next)
            for (int i = 0; r->needs && i < r->n; i++)
                if (strcmp(r->targets[i].backend->metric, backend->metric) == 0)
                    return true;
    return false;
}

static const struct sbx_rule *same_rule(const struct sbx_table *t, const char *host,
                                        const struct sbx_rule *rule)
{
    for (const struct sbx_host *h = t->hosts; h; h = h->next)
        for (const struct sbx_rule *r = h->rules; r && strcmp(h->name, host) == 0; r = r->next)
            if (r->needs && r->rank == rule->rank && strcmp(r->object, rule->object) == 0 &&
                strcmp(r->path.text, rule->path.text) == 0)
                return r;
    return NULL;
}

void sbx_table_succeed(struct sbx_table *next, const struct sbx_table *old)
{
    for (struct sbx_host *h = next->hosts; h; h = h->next) {
        for (struct sbx_rule *r = h->rules; r; r = r->next) {
            const struct sbx_rule *before = r->needs ? same_rule(old, h->name, r) : NULL;
            if (before && before->needs->n > 0 &&
                strcmp(before->needs->metric, r->needs->metric) != 0 &&
                !is_listed(next, before->needs))
                atomic_store(r->orphaned, true);
        }
    }
}

/* An old worker's last request, see sbx_table_succeed(). */
static bool is_orphan(const struct sbx_rule *r)
{
    return atomic_exchange(r->orphaned, false);
}

struct sbx_choice sbx_table_choose(const struct sbx_table *t, const struct sbx_ask *ask,
                                   double dice)
{
    struct sbx_choice c = { .status = 404, .body = "" };
    const struct sbx_host *h = find_host(t, ask->host);
    c.rule = h ? find_rule(h, ask) : NULL;
    if (!c.rule)
        return c;
    if (c.rule->needs && (c.rule->needs->n == 0 || is_orphan(c.rule))) {
        c.status = 503;
        c.body = "503 Service Temporarily Unavailable";
        c.backend = c.rule->needs;
        return c;
    }
    c.backend = roll(c.rule, dice);
    if (c.backend && c.rule->needs &&
        c.backend->n == 0) /* ingress-nginx leaves out a canary without endpoints */
        c.backend = c.rule->needs;
    if (!c.backend || (!c.backend->exists && c.rule->router == SBX_HTTP_ROUTE)) {
        c.status = 500; /* what Gateway API asks for an invalid reference, and for weights that are
                           all 0 */
        return c;
    }
    c.status = c.backend->n ? 0 : 503;
    c.body = c.backend->n ? "" : "no healthy upstream";
    return c;
}

struct sbx_endpoint sbx_backend_next(struct sbx_backend *b)
{
    cf_assert(b->n > 0);
    return b->endpoints[atomic_fetch_add(&b->turn, 1) % (unsigned)b->n];
}

json_t *sbx_table_split(const struct sbx_table *t)
{
    json_t *all = json_object();
    for (const struct sbx_host *h = t->hosts; h; h = h->next) {
        const struct sbx_ask ask = { .host = h->name, .method = "GET", .path = "/" };
        const struct sbx_rule *r = find_rule(h, &ask);
        if (!r)
            continue;
        json_t *backends = json_object();
        json_t *ready = json_object();
        for (int i = 0; i < r->n; i++) {
            const char *name = r->targets[i].backend->name;
            json_int_t before = json_integer_value(json_object_get(backends, name));
            json_object_set_new(backends, name, json_integer(before + r->targets[i].weight));
            json_object_set_new(ready, name, json_integer(r->targets[i].backend->n));
        }
        json_object_set_new(all, h->name,
                            json_pack("{s:s, s:o, s:o}", "object", r->object, "backends", backends,
                                      "ready", ready));
    }
    return all;
}
