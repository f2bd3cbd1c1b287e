/* SPDX-License-Identifier: Apache-2.0 */
/* Before-images: sealed on the way in, opened and parsed on the way out. */
#include "store/images.h"

#include <string.h>

#include "store/private.h"
#include "store/seal.h"

bool cf_image_put(struct cf_store *store, const struct cf_fence *fence, const char *run_id,
                  const char *cluster, const char *ref, const json_t *object, enum cf_record *out,
                  struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "image_put",
        "WITH f AS MATERIALIZED (SELECT 1 FROM shard WHERE id = $1 AND owner = $2"
        "   AND epoch = $3 FOR SHARE),"
        " m AS MATERIALIZED (SELECT id FROM run WHERE id = $4 AND finished_at IS NULL"
        "   AND EXISTS (SELECT 1 FROM f) FOR KEY SHARE),"
        " i AS (INSERT INTO before_image (run_id, cluster, ref, key_id, sealed)"
        "   SELECT m.id, $5, $6, $7, $8 FROM m ON CONFLICT DO NOTHING)"
        " SELECT (SELECT count(*) FROM f), (SELECT count(*) FROM m)",
        true
    };
    cf_autofree char *associated = cf_image_associated(run_id, cluster, ref);
    cf_autofree char *text = cf_json_dump(object);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_int(&a, fence->shard);
    cf_arg_text(&a, fence->owner);
    cf_arg_int(&a, fence->epoch);
    cf_arg_text(&a, run_id);
    cf_arg_text(&a, cluster);
    cf_arg_text(&a, ref);
    bool sealed = cf_seal_args(store, &a, associated, text, strlen(text), err);
    cf_zero(text, strlen(text));
    cf_autores PGresult *res = sealed ? cf_query(store, &stmt, &a, err) : NULL;
    if (!res)
        return cf_error_wrap(err, "before-image of %s on %s", ref, cluster);
    struct cf_column c = cf_row(res, 0);
    bool fence_held = cf_col_int(&c) == 1;
    bool written = cf_col_int(&c) == 1;
    *out = !fence_held ? CF_RECORD_FENCED : written ? CF_RECORDED : CF_RECORD_STALE;
    return true;
}

bool cf_image_get(struct cf_store *store, const char *run_id, const char *cluster, const char *ref,
                  json_t **out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "image_get",
        "SELECT sealed FROM before_image WHERE run_id = $1 AND cluster = $2 AND ref = $3", false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, run_id);
    cf_arg_text(&a, cluster);
    cf_arg_text(&a, ref);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no before-image of %s on %s", ref,
                            cluster);
    struct cf_column c = cf_row(res, 0);
    cf_autofree char *associated = cf_image_associated(run_id, cluster, ref);
    CF_CLEANUP(cf_secret_free_p)
    struct cf_secret *plain = cf_unseal_column(store, &c, associated, err);
    json_t *object =
        plain ? cf_json_parse(cf_secret_data(plain), cf_secret_len(plain), 0, err) : NULL;
    if (!object)
        return cf_error_wrap(err, "before-image of %s on %s", ref, cluster);
    *out = object;
    return true;
}

void cf_image_list_free(struct cf_image_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->rows[i].cluster);
        free(list->rows[i].ref);
    }
    free(list->rows);
    *list = (struct cf_image_list){ 0 };
}

bool cf_image_refs(struct cf_store *store, const char *run_id, struct cf_image_list *out,
                   struct cf_error *err)
{
    static const struct cf_stmt stmt = { "image_refs",
                                         "SELECT cluster, ref, wall_ms(at) FROM before_image"
                                         "   WHERE run_id = $1 ORDER BY at, cluster, ref",
                                         false };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, run_id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    int n = PQntuples(res);
    struct cf_image_list list = { .rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows),
                                  .n = (size_t)n };
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list.rows[i].cluster = cf_col_text(&c);
        list.rows[i].ref = cf_col_text(&c);
        list.rows[i].at_ms = cf_col_int64(&c);
    }
    *out = list;
    return true;
}
