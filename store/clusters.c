/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters as rows. Every change locks the row, checks revision and identity, and leaves an event.
 */
#include "store/clusters.h"

#include <stdio.h>
#include <string.h>

#include "store/private.h"
#include "store/seal.h"

void cf_cluster_row_free(struct cf_cluster_row *row)
{
    free(row->name);
    free(row->uid);
    free(row->server);
    json_decref(row->doc);
    json_decref(row->checked);
    free(row->author);
    *row = (struct cf_cluster_row){ 0 };
}

void cf_cluster_list_free(struct cf_cluster_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cf_cluster_row_free(&list->rows[i]);
    free(list->rows);
    *list = (struct cf_cluster_list){ 0 };
}

#define COLUMNS                                                                                    \
    "name, uid, server, doc, checked, author, rev, wall_ms(created_at), wall_ms(updated_at), "     \
    "wall_ms(checked_at)"

static bool read_row(struct cf_column *c, struct cf_cluster_row *out, struct cf_error *err)
{
    out->name = cf_col_text(c);
    out->uid = cf_col_text(c);
    out->server = cf_col_text(c);
    out->doc = cf_col_json(c);
    out->checked = cf_col_json(c);
    out->author = cf_col_text(c);
    out->rev = cf_col_int64(c);
    out->created_ms = cf_col_int64(c);
    out->updated_ms = cf_col_int64(c);
    out->checked_ms = cf_col_int64(c);
    return cf_row_end(c, err);
}

static bool event(struct cf_tx *tx, const char *kind, const char *name, const char *uid,
                  const char *author, struct cf_error *err)
{
    cf_autofree char *subject = cf_xasprintf("cluster/%s", name);
    cf_autojson json_t *body = json_pack("{s:s, s:s}", "cluster", name, "uid", uid);
    return cf_tx_event(tx, kind, subject, author, body, err);
}

static bool not_found(struct cf_error *err, const char *name)
{
    return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no cluster %s", name);
}

/* Under which name a cluster is known already, for the message. */
static bool refuse_taken(struct cf_tx *tx, const struct cf_cluster_new *cluster,
                         struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "cluster_taken",
        "SELECT name FROM cluster WHERE name = $1 OR uid = $2 ORDER BY name = $1 DESC", false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, cluster->name);
    cf_arg_text(&a, cluster->uid);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_TRANSIENT, "cluster %s was removed just now",
                            cluster->name);
    const char *other = PQgetvalue(res, 0, 0);
    if (strcmp(other, cluster->name) == 0)
        cf_error_set(err, CF_ERR_CONFLICT, "there is a cluster %s already", other);
    else
        cf_error_set(err, CF_ERR_CONFLICT, "this cluster is registered already, as %s", other);
    return cf_error_reason(err, CF_STORE_EXISTS);
}

bool cf_cluster_add(struct cf_store *store, const struct cf_cluster_new *cluster,
                    struct cf_error *err)
{
    static const struct cf_stmt stmt = { "cluster_add",
                                         "INSERT INTO cluster (name, uid, server, doc, author,"
                                         "   key_id, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)"
                                         "   ON CONFLICT DO NOTHING",
                                         true };
    cf_autofree char *associated = cf_cluster_associated(cluster->name, cluster->uid);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, cluster->name);
    cf_arg_text(&a, cluster->uid);
    cf_arg_text(&a, cluster->server);
    cf_arg_json_or(&a, cluster->doc, "{}");
    cf_arg_text(&a, cluster->author);
    if (!cf_seal_args(store, &a, associated, cf_secret_data(cluster->credentials),
                      cf_secret_len(cluster->credentials), err))
        return cf_error_wrap(err, "add cluster %s", cluster->name);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err) || !cf_tx_idem_begin(&tx, cluster->idem, err))
        return false;
    if (cluster->idem && cluster->idem->replayed)
        return true;
    cf_autores PGresult *res = cf_tx_query(&tx, &stmt, &a, err);
    if (!res)
        return false;
    if (strcmp(PQcmdTuples(res), "1") != 0)
        return refuse_taken(&tx, cluster, err);
    return event(&tx, "cluster.added", cluster->name, cluster->uid, cluster->author, err) &&
           cf_tx_idem_made(&tx, cluster->idem, cluster->name, err) && cf_tx_commit(&tx, err);
}

/* Locks the row and checks what an update or removal must find. */
static bool lock_row(struct cf_tx *tx, const char *name, int64_t rev, char **out_uid,
                     struct cf_error *err)
{
    static const struct cf_stmt stmt = { "cluster_lock",
                                         "SELECT uid, rev FROM cluster WHERE name = $1 FOR UPDATE",
                                         false };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return not_found(err, name);
    struct cf_column c = cf_row(res, 0);
    cf_autofree char *uid = cf_col_text(&c);
    int64_t have = cf_col_int64(&c);
    if (rev > 0 && rev != have) {
        cf_error_set(err, CF_ERR_CONFLICT, "cluster %s is at revision %lld", name, (long long)have);
        return cf_error_reason(err, CF_STORE_PRECONDITION);
    }
    *out_uid = cf_steal(&uid);
    return true;
}

bool cf_cluster_update(struct cf_store *store, const struct cf_cluster_new *cluster, int64_t rev,
                       struct cf_error *err)
{
    static const struct cf_stmt stmt = { "cluster_update",
                                         "UPDATE cluster SET server = coalesce($2, server),"
                                         "   doc = coalesce($3, doc), author = $4, rev = rev +"
                                         "   1, updated_at = now(), key_id = coalesce($5,"
                                         "   key_id), sealed = coalesce($6, sealed)"
                                         "   WHERE name = $1",
                                         true };
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    cf_autofree char *uid = NULL;
    if (!cf_tx_begin(store, &tx, err) || !lock_row(&tx, cluster->name, rev, &uid, err))
        return false;
    if (strcmp(uid, cluster->uid) != 0) {
        cf_error_set(err, CF_ERR_CONFLICT,
                     "the credentials lead to another cluster (%s) than the one known as %s (%s)",
                     cluster->uid, cluster->name, uid);
        return cf_error_reason(err, CF_STORE_EXISTS);
    }
    cf_autofree char *associated = cf_cluster_associated(cluster->name, uid);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, cluster->name);
    cf_arg_text(&a, cluster->server);
    cf_arg_json(&a, cluster->doc);
    cf_arg_text(&a, cluster->author);
    if (!cluster->credentials) {
        cf_arg_text(&a, NULL);
        cf_arg_text(&a, NULL);
    } else if (!cf_seal_args(store, &a, associated, cf_secret_data(cluster->credentials),
                             cf_secret_len(cluster->credentials), err))
        return cf_error_wrap(err, "update cluster %s", cluster->name);
    cf_autores PGresult *res = cf_tx_query(&tx, &stmt, &a, err);
    return res && event(&tx, "cluster.changed", cluster->name, uid, cluster->author, err) &&
           cf_tx_commit(&tx, err);
}

bool cf_cluster_get(struct cf_store *store, const char *name, struct cf_cluster_row *out,
                    struct cf_error *err)
{
    static const struct cf_stmt stmt = { "cluster_get",
                                         "SELECT " COLUMNS " FROM cluster WHERE name = $1", false };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return not_found(err, name);
    struct cf_column c = cf_row(res, 0);
    CF_CLEANUP(cf_cluster_row_free) struct cf_cluster_row row = { 0 };
    if (!read_row(&c, &row, err))
        return false;
    *out = row;
    row = (struct cf_cluster_row){ 0 };
    return true;
}

bool cf_cluster_list_page(struct cf_store *store, const char *after, int limit,
                          struct cf_cluster_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "cluster_list",
                                         "SELECT " COLUMNS
                                         " FROM cluster WHERE name > $1 ORDER BY name LIMIT $2",
                                         false };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, after ? after : "");
    cf_arg_int(&a, limit + 1);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_cluster_list_free)
    struct cf_cluster_list list = { .more = PQntuples(res) > limit };
    int n = CF_MIN(PQntuples(res), limit);
    list.rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list.n++;
        if (!read_row(&c, &list.rows[i], err))
            return false;
    }
    *out = list;
    list = (struct cf_cluster_list){ 0 };
    return true;
}

bool cf_cluster_credentials(struct cf_store *store, const char *name, struct cf_secret **out,
                            int64_t *out_rev, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "cluster_credentials",
                                         "SELECT uid, rev, sealed FROM cluster WHERE name = $1",
                                         false };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return not_found(err, name);
    struct cf_column c = cf_row(res, 0);
    cf_autofree char *associated = cf_cluster_associated(name, cf_col_borrow(&c));
    int64_t rev = cf_col_int64(&c);
    struct cf_secret *secret = cf_unseal_column(store, &c, associated, err);
    if (!secret)
        return cf_error_wrap(err, "credentials of cluster %s", name);
    *out = secret;
    *out_rev = rev;
    return true;
}

bool cf_cluster_set_checked(struct cf_store *store, const char *name, const json_t *checked,
                            struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "cluster_checked", "UPDATE cluster SET checked = $2, checked_at = now() WHERE name = $1",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_arg_json(&a, checked);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    return strcmp(PQcmdTuples(res), "1") == 0 || not_found(err, name);
}

static bool refuse_in_use(struct cf_tx *tx, const char *name, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "cluster_in_use",
        "SELECT 'run ' || plan || '/' || number FROM run WHERE finished_at IS NULL"
        "   AND (source = $1 OR target = $1) UNION ALL"
        "   SELECT 'the bridge ' || ns || '/' || service || ' on ' || cluster FROM bridge"
        "   WHERE cluster = $1 OR target_cluster = $1 LIMIT 1",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return true;
    cf_error_set(err, CF_ERR_CONFLICT, "cluster %s is needed by %s", name, PQgetvalue(res, 0, 0));
    return cf_error_reason(err, CF_STORE_IN_USE);
}

bool cf_cluster_remove(struct cf_store *store, const char *name, int64_t rev, const char *author,
                       struct cf_error *err)
{
    static const struct cf_stmt stmt = { "cluster_remove", "DELETE FROM cluster WHERE name = $1",
                                         true };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    cf_autofree char *uid = NULL;
    if (!cf_tx_begin(store, &tx, err) || !lock_row(&tx, name, rev, &uid, err) ||
        !refuse_in_use(&tx, name, err))
        return false;
    cf_autores PGresult *res = cf_tx_query(&tx, &stmt, &a, err);
    return res && event(&tx, "cluster.removed", name, uid, author, err) && cf_tx_commit(&tx, err);
}
