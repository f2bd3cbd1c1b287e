/* SPDX-License-Identifier: Apache-2.0 */
/* After a new key was put in front of the keyring: sealing again what older keys sealed. */
#include "store/private.h"
#include "store/seal.h"

/* Rows of one transaction: credentials and before-images of at most a few MB each. */
enum { BATCH = 50 };

/* A table with sealed rows: which of them are old ($1: current key, $2: how many), their place (two
 * or three texts), and how one is replaced ($1…: key_id, sealed, then the place). */
struct sealed_table {
    const char *what;
    struct cf_stmt find, replace;
    int place;
    char *(*associated)(char *const *place);
};

static char *of_cluster(char *const *place)
{
    return cf_cluster_associated(place[0], place[1]);
}

static char *of_image(char *const *place)
{
    return cf_image_associated(place[0], place[1], place[2]);
}

static const struct sealed_table tables[] = {
    { "cluster",
      { "reseal_clusters",
        "SELECT sealed, name, uid FROM cluster WHERE key_id <> $1 LIMIT $2 FOR UPDATE SKIP LOCKED",
        false },
      { "reseal_cluster",
        "UPDATE cluster SET key_id = $1, sealed = $2 WHERE name = $3 AND uid = $4", true },
      2,
      of_cluster },
    { "before-image",
      { "reseal_images",
        "SELECT sealed, run_id, cluster, ref FROM before_image WHERE key_id <> $1 LIMIT $2 FOR"
        "   UPDATE SKIP LOCKED",
        false },
      { "reseal_image",
        "UPDATE before_image SET key_id = $1, sealed = $2 WHERE run_id = $3 AND cluster = $4"
        "   AND ref = $5",
        true },
      3,
      of_image },
};

static bool reseal_row(struct cf_store *store, struct cf_tx *tx, const struct sealed_table *t,
                       struct cf_column *c, struct cf_error *err)
{
    char *place[3] = { NULL };
    struct cf_column names = *c;
    cf_col_skip(&names);
    for (int i = 0; i < t->place; i++)
        place[i] = cf_col_text(&names);
    cf_autofree char *associated = t->associated(place);
    CF_CLEANUP(cf_secret_free_p)
    struct cf_secret *plain = cf_unseal_column(store, c, associated, err);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    bool ok = plain &&
              cf_seal_args(store, &a, associated, cf_secret_data(plain), cf_secret_len(plain), err);
    for (int i = 0; i < t->place; i++) {
        if (ok)
            cf_arg_take(&a, place[i]);
        else
            free(place[i]);
    }
    cf_autores PGresult *res = ok ? cf_tx_query(tx, &t->replace, &a, err) : NULL;
    return res || cf_error_wrap(err, "seal %s again", associated);
}

/* One transaction; *out_n is how many were found. */
static bool reseal_batch(struct cf_store *store, const struct sealed_table *t, int *out_n,
                         struct cf_error *err)
{
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, cf_keyring_current_id(store->config.keyring));
    cf_arg_int(&a, BATCH);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err))
        return false;
    cf_autores PGresult *res = cf_tx_query(&tx, &t->find, &a, err);
    if (!res)
        return false;
    for (int i = 0; i < PQntuples(res); i++) {
        struct cf_column c = cf_row(res, i);
        if (!reseal_row(store, &tx, t, &c, err))
            return false;
    }
    *out_n = PQntuples(res);
    return cf_tx_commit(&tx, err);
}

bool cf_store_reseal(struct cf_store *store, int64_t *out_n, struct cf_error *err)
{
    if (!store->config.keyring)
        return cf_error_set(err, CF_ERR_INVALID,
                            "no sealing key is configured (crossfade key generate)");
    int64_t total = 0;
    for (size_t i = 0; i < CF_ARRAY_LEN(tables); i++) {
        for (int n = 1; n > 0; total += n)
            if (!reseal_batch(store, &tables[i], &n, err))
                return false;
    }
    *out_n = total;
    return true;
}
