/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of registered clusters, cached by the rev of their records (clusters.h). */
#include "orchestrator/engine/clusters.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/secret.h"
#include "base/thread.h"
#include "orchestrator/gate/presets.h"
#include "store/clusters.h"

enum { NAME_MAX_CHARS = 63 /* of a cluster: a DNS label */ };

struct entry {
    char *name;
    struct cf_kube *kube;
    json_t *doc;
    json_t *secrets; /* the credentials' JSON form, or NULL */
    int64_t rev;
    uint64_t stamp;    /* of its file, when it has one; 0: none */
    int64_t looked_ms; /* 0: look again */
    struct entry *next;
};

struct cf_clusters {
    struct cf_store *store;
    struct cf_kube_net *net;
    char *folder, *in_cluster;
    struct cf_clusters_local local; /* points at the two */
    pthread_mutex_t mutex;          /* guards the list and its entries */
    struct entry *entries;
};

struct cf_clusters *cf_clusters_new(struct cf_store *store, struct cf_kube_net *net,
                                    const struct cf_clusters_local *local)
{
    struct cf_clusters *c = cf_xcalloc(1, sizeof *c);
    c->store = store;
    c->net = net;
    if (local)
        c->local = *local;
    c->local.folder = c->folder = cf_xstrdup(local && local->folder ? local->folder : "");
    c->local.in_cluster = c->in_cluster =
        cf_xstrdup(local && local->in_cluster ? local->in_cluster : "");
    pthread_mutex_init(&c->mutex, NULL);
    return c;
}

static void entry_free(struct entry *e)
{
    cf_kube_unref(e->kube);
    json_decref(e->doc);
    json_decref(e->secrets);
    free(e->name);
    free(e);
}

void cf_clusters_free(struct cf_clusters *c)
{
    if (!c)
        return;
    for (struct entry *e = c->entries, *next; e; e = next) {
        next = e->next;
        entry_free(e);
    }
    pthread_mutex_destroy(&c->mutex);
    free(c->folder);
    free(c->in_cluster);
    free(c);
}

static struct entry *find_locked(struct cf_clusters *c, const char *name)
{
    for (struct entry *e = c->entries; e; e = e->next)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

void cf_clusters_changed(struct cf_clusters *c, const char *name)
{
    CF_LOCKED(&c->mutex);
    struct entry *e = find_locked(c, name);
    if (e)
        e->looked_ms = 0;
}

/* ---- making a client ---- */

static bool is_server_side(const json_t *doc)
{
    return cf_json_bool(doc, false, "serverSide", NULL);
}

/* The JSON form of a credentials text, or NULL for a plain kubeconfig. */
static json_t *secrets_of(const json_t *doc, const char *text, size_t len)
{
    struct cf_error ignored = CF_ERROR_INIT;
    if (len == 0 || text[0] != '{')
        return NULL;
    json_t *j = cf_json_parse(text, len, 0, &ignored);
    if (j && (is_server_side(doc) || json_is_string(json_object_get(j, "kubeconfig"))))
        return j;
    json_decref(j);
    return NULL;
}

/* A DNS label: no name leads out of the folder. */
static bool is_file_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= NAME_MAX_CHARS &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static char *file_of(const struct cf_clusters_local *local, const char *name)
{
    bool has_folder = local && local->folder && *local->folder;
    return has_folder && is_file_name(name) ? cf_xasprintf("%s/%s.kubeconfig", local->folder, name)
                                            : NULL;
}

static bool runs_in(const struct cf_clusters_local *local, const char *name)
{
    return local && local->in_cluster && *local->in_cluster && strcmp(local->in_cluster, name) == 0;
}

static struct cf_kube_credentials *of_the_server(const struct cf_clusters_local *local,
                                                 const char *name,
                                                 const struct cf_kubeconfig_options *options,
                                                 struct cf_error *err)
{
    if (runs_in(local, name))
        return cf_kubeconfig_in_cluster(err);
    cf_autofree char *file = file_of(local, name);
    if (!is_file_name(name))
        cf_error_set(err, CF_ERR_INVALID, "\"%.80s\" can be no name of a kubeconfig's file", name);
    else if (!file)
        cf_error_set(err, CF_ERR_INVALID,
                     "nothing is configured for it in the service: set clusters.folder to the "
                     "folder of %s.kubeconfig, or clusters.in-cluster to %s",
                     name, name);
    else if (access(file, F_OK) != 0)
        cf_error_set(err, CF_ERR_INVALID, "the service's clusters.folder has no %s.kubeconfig",
                     name);
    else
        return cf_kubeconfig_load(file, options, err);
    return NULL;
}

/* What changes when a file is replaced or written; 0: no file. */
static uint64_t stamp_of(const struct cf_clusters_local *local, const char *name, const json_t *doc)
{
    struct stat st;
    cf_autofree char *file = is_server_side(doc) ? file_of(local, name) : NULL;
    if (!file || stat(file, &st) != 0)
        return 0;
    return (uint64_t)st.st_ino ^ (uint64_t)st.st_size << 40 ^ (uint64_t)st.st_mtim.tv_sec << 20 ^
           (uint64_t)st.st_mtim.tv_nsec;
}

struct cf_kube_credentials *cf_clusters_credentials(const struct cf_clusters_local *local,
                                                    const char *name, const json_t *doc,
                                                    const char *text, size_t len,
                                                    struct cf_error *err)
{
    const char *context = cf_json_str(doc, "", "context", NULL);
    struct cf_kubeconfig_options options = {
        .trust = CF_KUBECONFIG_INLINE,
        .context = *context ? context : NULL,
        .allow_insecure = cf_json_bool(doc, false, "insecure", NULL),
    };
    if (is_server_side(doc))
        return of_the_server(local, name, &options, err);
    cf_autojson json_t *secrets = secrets_of(doc, text, len);
    const char *config = cf_json_str(secrets, "", "kubeconfig", NULL);
    if (secrets)
        return cf_kubeconfig_parse(config, strlen(config), &options, err);
    return cf_kubeconfig_parse(text, len, &options, err);
}

static bool open_client(const struct cf_clusters *clusters, const char *name, const json_t *doc,
                        const char *credentials, size_t len, struct cf_kube **out,
                        struct cf_error *err)
{
    struct cf_kube_credentials *c =
        cf_clusters_credentials(&clusters->local, name, doc, credentials, len, err);
    if (!c)
        return cf_error_wrap(err, "credentials of cluster %s", name);
    struct cf_kube_options options = { .name = name,
                                       .max_in_flight = clusters->local.calls_at_once,
                                       .rate_per_s = clusters->local.calls_per_s };
    struct cf_kube *kube = cf_kube_open(clusters->net, c, &options, err);
    cf_kube_credentials_unref(c);
    if (!kube)
        return cf_error_wrap(err, "client of cluster %s", name);
    *out = kube;
    return true;
}

/* A whole new entry from the store. */
static struct entry *read_entry(struct cf_clusters *c, const char *name, struct cf_error *err)
{
    CF_CLEANUP(cf_cluster_row_free) struct cf_cluster_row row = { 0 };
    CF_CLEANUP(cf_secret_free_p) struct cf_secret *secret = NULL;
    struct cf_kube *kube = NULL;
    int64_t rev = 0;
    if (!cf_cluster_get(c->store, name, &row, err))
        return NULL;
    if (!cf_cluster_credentials(c->store, name, &secret, &rev, err))
        return NULL;
    const char *text = cf_secret_data(secret);
    size_t len = cf_secret_len(secret);
    uint64_t stamp = stamp_of(&c->local, name, row.doc); /* before it is read: at worst once more */
    if (!open_client(c, name, row.doc, text, len, &kube, err))
        return NULL;
    struct entry *e = cf_xcalloc(1, sizeof *e);
    e->name = cf_xstrdup(name);
    e->kube = kube;
    e->doc = json_incref(row.doc);
    e->secrets = secrets_of(row.doc, text, len);
    e->rev = row.rev;
    e->stamp = stamp;
    e->looked_ms = cf_mono_now_ms();
    return e;
}

/* Puts a new entry in the old one's place; the old client lives on with those who hold it. */
static void put_entry(struct cf_clusters *c, struct entry *fresh)
{
    CF_LOCKED(&c->mutex);
    for (struct entry **at = &c->entries; *at; at = &(*at)->next) {
        struct entry *old = *at;
        if (strcmp(old->name, fresh->name) != 0)
            continue;
        *at = old->next;
        entry_free(old);
        break;
    }
    fresh->next = c->entries;
    c->entries = fresh;
}

static void drop_entry(struct cf_clusters *c, const char *name)
{
    CF_LOCKED(&c->mutex);
    for (struct entry **at = &c->entries; *at; at = &(*at)->next) {
        struct entry *old = *at;
        if (strcmp(old->name, name) != 0)
            continue;
        *at = old->next;
        entry_free(old);
        return;
    }
}

/* Makes sure that the entry is there and as fresh as can be had. A store that does not answer
 * leaves a known entry as it is. */
static bool refresh(struct cf_clusters *c, const char *name, struct cf_error *err)
{
    int64_t rev = 0;
    uint64_t stamp = 0;
    bool known = false;
    {
        CF_LOCKED(&c->mutex);
        struct entry *e = find_locked(c, name);
        if (e && e->looked_ms != 0 && cf_mono_now_ms() - e->looked_ms < CF_CLUSTERS_FRESH_MS)
            return true;
        known = e != NULL;
        rev = e ? e->rev : 0;
        stamp = e ? e->stamp : 0;
        if (e)
            e->looked_ms = cf_mono_now_ms(); /* one looks; the others go on with what there is */
    }
    CF_CLEANUP(cf_cluster_row_free) struct cf_cluster_row row = { 0 };
    if (known && cf_cluster_get(c->store, name, &row, err) && row.rev == rev &&
        stamp_of(&c->local, name, row.doc) == stamp)
        return true;
    if (err->kind == CF_ERR_NONE) {
        struct entry *fresh = read_entry(c, name, err);
        if (fresh)
            put_entry(c, fresh);
    }
    if (err->kind == CF_ERR_NONE)
        return true;
    if (err->kind == CF_ERR_NOT_FOUND) {
        drop_entry(c, name);
        return cf_error_wrap(err, "cluster %s is not registered", name);
    }
    if (!known || !cf_error_is_retryable(err))
        return false;
    cf_error_clear(err);
    return true;
}

bool cf_clusters_kube(void *self, const char *name, struct cf_kube **out, struct cf_error *err)
{
    struct cf_clusters *c = self;
    if (!refresh(c, name, err))
        return false;
    CF_LOCKED(&c->mutex);
    struct entry *e = find_locked(c, name);
    if (!e)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "cluster %s is not registered", name);
    *out = cf_kube_ref(e->kube);
    return true;
}

bool cf_clusters_record(void *self, const char *name, json_t **out, struct cf_error *err)
{
    struct cf_clusters *c = self;
    if (!refresh(c, name, err))
        return false;
    CF_LOCKED(&c->mutex);
    struct entry *e = find_locked(c, name);
    if (!e)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "cluster %s is not registered", name);
    *out = cf_json_copy(e->doc);
    return true;
}

/* ---- metrics ---- */

/* A name that outlives the record: the table's own. */
static const char *preset_of(const json_t *row)
{
    const struct cf_preset *p = cf_preset_find(cf_json_str(row, "auto", "preset", NULL));
    return p ? p->name : "auto";
}

static char *authorization_of(const json_t *secrets)
{
    const char *bearer = cf_json_str(secrets, "", "metrics", "bearer", NULL);
    const char *user = cf_json_str(secrets, "", "metrics", "username", NULL);
    if (*bearer)
        return cf_xasprintf("Bearer %s", bearer);
    if (!*user)
        return NULL;
    cf_autofree char *pair =
        cf_xasprintf("%s:%s", user, cf_json_str(secrets, "", "metrics", "password", NULL));
    cf_autofree char *encoded = cf_base64_encode(pair, strlen(pair));
    return cf_xasprintf("Basic %s", encoded);
}

static struct cf_endpoint *endpoint_of(const char *url, const json_t *row, const json_t *secrets,
                                       struct cf_error *err)
{
    const char *ca = cf_json_str(secrets, "", "metricsCa", NULL);
    struct cf_endpoint_options options = {
        .base_url = url,
        .ca_pem = *ca ? ca : NULL,
        .insecure = cf_json_bool(row, false, "insecure", NULL),
    };
    struct cf_endpoint *e = cf_endpoint_new(&options, err);
    cf_autofree char *authorization = authorization_of(secrets);
    if (e && authorization && !cf_endpoint_set_authorization(e, authorization, err)) {
        cf_endpoint_unref(e);
        return NULL;
    }
    return e;
}

static size_t urls_of(const json_t *row, const char **out)
{
    size_t n = 0, i;
    json_t *url;
    const char *one = cf_json_str(row, "", "url", NULL);
    if (*one)
        out[n++] = one;
    json_array_foreach(cf_json_at(row, "urls", NULL), i, url)
    {
        if (n < CF_CLUSTER_URLS_MAX && json_is_string(url))
            out[n++] = json_string_value(url);
    }
    return n;
}

static struct cf_source *make_source(struct cf_clusters *c, const json_t *row,
                                     const json_t *secrets, struct cf_error *err)
{
    const char *urls[CF_CLUSTER_URLS_MAX + 1];
    struct cf_endpoint *endpoints[CF_CLUSTER_URLS_MAX + 1];
    size_t n = urls_of(row, urls);
    struct cf_transport *calls = cf_kube_net_calls(c->net);
    if (n == 0) {
        cf_error_set(err, CF_ERR_INVALID, "the metrics source has no URL");
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        endpoints[i] = endpoint_of(urls[i], row, secrets, err);
        if (endpoints[i])
            continue;
        while (i-- > 0)
            cf_endpoint_unref(endpoints[i]);
        return NULL;
    }
    if (strcmp(cf_json_str(row, "", "type", NULL), "scrape") == 0)
        return cf_source_scrape_new(calls, endpoints, n, err);
    for (size_t i = 1; i < n; i++)
        cf_endpoint_unref(endpoints[i]);
    return cf_source_prometheus_new(calls, endpoints[0]);
}

bool cf_clusters_source(void *self, const char *name, struct cf_source **out,
                        const char **out_preset, struct cf_error *err)
{
    struct cf_clusters *c = self;
    cf_autojson json_t *doc = NULL;
    cf_autojson json_t *secrets = NULL;
    if (!refresh(c, name, err))
        return false;
    {
        CF_LOCKED(&c->mutex);
        struct entry *e = find_locked(c, name);
        doc = e ? cf_json_copy(e->doc) : NULL;
        secrets = e && e->secrets ? cf_json_copy(e->secrets) : NULL;
    }
    const json_t *row = json_array_get(cf_json_at(doc, "metrics", NULL), 0);
    if (!row)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "cluster %s has no metrics source", name);
    struct cf_source *source = make_source(c, row, secrets, err);
    if (!source)
        return cf_error_wrap(err, "metrics of cluster %s", name);
    *out = source;
    *out_preset = preset_of(row);
    return true;
}
