/* SPDX-License-Identifier: Apache-2.0 */
/* Proves of what is sealed: credentials and before-images come back, are nowhere in clear, cannot
 * be moved to another row, survive a change of keys; and of clusters: identity, preconditions, what
 * keeps one from being removed. */
#include "tests/unit/store/store_test.h"

#include "store/bridges.h"
#include "store/clusters.h"
#include "store/images.h"

static bool add_cluster(const char *name, const char *uid, const char *credentials,
                        struct cf_error *err)
{
    struct cf_secret *secret = cf_secret_new(credentials, strlen(credentials));
    json_t *doc = json_pack("{s:s}", "prometheus", "http://p");
    struct cf_cluster_new cluster = { .name = name,
                                      .uid = uid,
                                      .server = "https://x",
                                      .doc = doc,
                                      .credentials = secret,
                                      .author = "root" };
    bool ok = cf_cluster_add(T.store, &cluster, err);
    cf_secret_free(secret);
    json_decref(doc);
    return ok;
}

static void assert_credentials(struct cf_store *store, const char *name, const char *want)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_secret *secret = NULL;
    int64_t rev = 0;
    assert_ok(cf_cluster_credentials(store, name, &secret, &rev, &err), &err);
    assert_string_equal(cf_secret_data(secret), want);
    assert_true(rev > 0);
    cf_secret_free(secret);
}

static void clusters_have_one_name(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_cluster_row row = { 0 };
    assert_ok(add_cluster("dc1", "uid-dc1", "kubeconfig-one", &err), &err);
    assert_fails(add_cluster("dc1", "uid-x", "k", &err), &err, CF_ERR_CONFLICT,
                 "a cluster dc1 already");
    assert_fails(add_cluster("dc9", "uid-dc1", "k", &err), &err, CF_ERR_CONFLICT,
                 "registered already, as dc1");
    assert_credentials(T.store, "dc1", "kubeconfig-one");
    assert_ok(cf_cluster_get(T.store, "dc1", &row, &err), &err);
    assert_string_equal(cf_json_str(row.doc, "", "prometheus", NULL), "http://p");
    assert_null(row.checked);
    assert_int_equal(row.rev, 1);
    cf_cluster_row_free(&row);
    assert_fails(cf_cluster_get(T.store, "dc7", &row, &err), &err, CF_ERR_NOT_FOUND,
                 "no cluster dc7");
    assert_sql("SELECT count(*) FROM event WHERE kind = 'cluster.added'", "1");
    assert_sql(
        "SELECT count(*) FROM cluster WHERE position('kubeconfig' IN encode(sealed, 'escape')) > 0",
        "0");
}

static void clusters_change_under_preconditions(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_cluster_row row = { 0 };
    assert_ok(add_cluster("chg", "uid-chg", "old", &err), &err);
    struct cf_cluster_new update = {
        .name = "chg", .uid = "uid-chg", .server = "https://y", .author = "eve"
    };
    assert_ok(cf_cluster_update(T.store, &update, 1, &err), &err);
    assert_credentials(T.store, "chg", "old");
    assert_false(cf_cluster_update(T.store, &update, 1, &err));
    assert_string_equal(err.reason, CF_STORE_PRECONDITION);
    cf_error_clear(&err);
    struct cf_secret *secret = cf_secret_new("new", 3);
    update.credentials = secret;
    update.uid = "uid-other";
    assert_fails(cf_cluster_update(T.store, &update, 0, &err), &err, CF_ERR_CONFLICT,
                 "another cluster");
    update.uid = "uid-chg";
    assert_ok(cf_cluster_update(T.store, &update, 0, &err), &err);
    cf_secret_free(secret);
    assert_credentials(T.store, "chg", "new");
    json_t *checked = json_pack("{s:b}", "reachable", 1);
    assert_ok(cf_cluster_set_checked(T.store, "chg", checked, &err), &err);
    assert_fails(cf_cluster_set_checked(T.store, "none", checked, &err), &err, CF_ERR_NOT_FOUND,
                 "none");
    assert_ok(cf_cluster_get(T.store, "chg", &row, &err), &err);
    assert_int_equal(row.rev, 3);
    assert_true(json_equal(row.checked, checked) && row.checked_ms > 0);
    assert_string_equal(row.author, "eve");
    cf_cluster_row_free(&row);
    json_decref(checked);
    struct cf_cluster_list list = { 0 };
    assert_ok(cf_cluster_list_page(T.store, "", 1, &list, &err), &err);
    assert_true(list.n == 1 && list.more);
    cf_cluster_list_free(&list);
}

static void needed_clusters_stay(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    enum cf_record outcome;
    char id[CF_UUID_TEXT], bridge[CF_UUID_TEXT];
    assert_ok(add_cluster("dc2", "uid-dc2", "k", &err), &err);
    make_run("needs", id); /* dc1 to dc2 */
    assert_fails(cf_cluster_remove(T.store, "dc2", 0, "root", &err), &err, CF_ERR_CONFLICT,
                 "run needs/1");
    struct cf_fence fence = fence_of(id);
    struct cf_bridge_new b = { .run_id = id,
                               .cluster = "dc1",
                               .ns = "web",
                               .service = "echo",
                               .target_cluster = "dc2",
                               .target_ns = "web",
                               .target_service = "echo",
                               .state = "active" };
    assert_ok(cf_bridge_put(T.store, &fence, &b, bridge, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
    struct cf_event_new event = { .kind = "run.finished", .step = -1 };
    struct cf_run_change end = { .run = CF_RUN_UPDATE_INIT, .events = &event, .n_events = 1 };
    end.run.finished = true;
    assert_ok(cf_run_record(T.store, &fence, id, 1, &end, &done, &err), &err);
    assert_fails(cf_cluster_remove(T.store, "dc2", 0, "root", &err), &err, CF_ERR_CONFLICT,
                 "bridge web/echo on dc1");
    struct cf_fence lane = fence_of(bridge);
    assert_ok(cf_bridge_set(T.store, &lane, bridge, "retiring", NULL, &outcome, &err), &err);
    assert_ok(cf_bridge_row_remove(T.store, &lane, bridge, "root", &outcome, &err), &err);
    assert_ok(cf_cluster_remove(T.store, "dc2", 1, "root", &err), &err);
    assert_fails(cf_cluster_remove(T.store, "dc2", 0, "root", &err), &err, CF_ERR_NOT_FOUND,
                 "no cluster dc2");
}

static void a_sealed_row_cannot_be_moved(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_secret *secret = NULL;
    int64_t rev;
    assert_ok(add_cluster("victim", "uid-victim", "good", &err), &err);
    assert_ok(add_cluster("thief", "uid-thief", "bad", &err), &err);
    free(sql("UPDATE cluster SET sealed = (SELECT sealed FROM cluster WHERE name = 'thief') WHERE "
             "name = 'victim'"));
    assert_fails(cf_cluster_credentials(T.store, "victim", &secret, &rev, &err), &err,
                 CF_ERR_DENIED, "victim");
    free(sql("DELETE FROM cluster WHERE name = 'victim'"));
    struct cf_store *keyless = open_store(T.conninfo, NULL);
    assert_fails(cf_cluster_credentials(keyless, "thief", &secret, &rev, &err), &err,
                 CF_ERR_INVALID, "no sealing key");
    cf_store_close(keyless);
}

static void images_stay_as_they_were_first(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_image_list refs = { 0 };
    enum cf_record outcome;
    char id[CF_UUID_TEXT];
    make_run("images", id);
    struct cf_fence fence = fence_of(id), stale = fence;
    stale.epoch--;
    json_t *first = json_pack("{s:s}", "data", "c2VjcmV0"),
           *second = json_pack("{s:s}", "data", "ours"), *read = NULL;
    assert_ok(cf_image_put(T.store, &stale, id, "dc2", "v1/Secret/web/tls", first, &outcome, &err),
              &err);
    assert_int_equal(outcome, CF_RECORD_FENCED);
    assert_fails(cf_image_get(T.store, id, "dc2", "v1/Secret/web/tls", &read, &err), &err,
                 CF_ERR_NOT_FOUND, "tls");
    assert_ok(cf_image_put(T.store, &fence, id, "dc2", "v1/Secret/web/tls", first, &outcome, &err),
              &err);
    assert_int_equal(outcome, CF_RECORDED);
    assert_ok(cf_image_put(T.store, &fence, id, "dc2", "v1/Secret/web/tls", second, &outcome, &err),
              &err);
    assert_int_equal(outcome, CF_RECORDED);
    assert_ok(cf_image_get(T.store, id, "dc2", "v1/Secret/web/tls", &read, &err), &err);
    assert_true(json_equal(read, first));
    json_decref(read);
    assert_ok(cf_image_put(T.store, &fence, OTHER, "dc2", "x", first, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_STALE);
    assert_ok(cf_image_refs(T.store, id, &refs, &err), &err);
    assert_int_equal(refs.n, 1);
    assert_string_equal(refs.rows[0].ref, "v1/Secret/web/tls");
    cf_image_list_free(&refs);
    assert_sql("SELECT count(*) FROM before_image WHERE position('c2VjcmV0' IN encode(sealed, "
               "'escape')) > 0",
               "0");
    json_decref(first);
    json_decref(second);
}

static void a_new_key_seals_everything_again(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_keyring *both = keyring_of(KEY_2 KEY_1), *newest = keyring_of(KEY_2);
    struct cf_store *rotating = open_store(T.conninfo, both),
                    *after = open_store(T.conninfo, newest);
    struct cf_secret *secret = NULL;
    int64_t rev, n = 0, again = 0;
    assert_ok(add_cluster("rotate", "uid-rotate", "kept", &err), &err);
    assert_fails(cf_cluster_credentials(after, "rotate", &secret, &rev, &err), &err, CF_ERR_DENIED,
                 cf_keyring_current_id(T.keyring));
    assert_fails(cf_store_reseal(after, &n, &err), &err, CF_ERR_DENIED,
                 cf_keyring_current_id(T.keyring));
    assert_ok(cf_store_reseal(rotating, &n, &err), &err);
    assert_true(n >= 3); /* clusters, and the image of another test */
    assert_ok(cf_store_reseal(rotating, &again, &err), &err);
    assert_int_equal(again, 0);
    assert_credentials(after, "rotate", "kept");
    char text[256], want[16];
    snprintf(text, sizeof text,
             "SELECT count(*) FROM (SELECT key_id FROM cluster UNION ALL SELECT key_id FROM"
             " before_image) x WHERE key_id = '%s'",
             cf_keyring_current_id(newest));
    snprintf(want, sizeof want, "%d", (int)n);
    assert_sql(text, want);
    cf_store_close(rotating);
    cf_store_close(after);
    cf_keyring_free(both);
    cf_keyring_free(newest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_have_one_name),
        cmocka_unit_test(clusters_change_under_preconditions),
        cmocka_unit_test(needed_clusters_stay),
        cmocka_unit_test(a_sealed_row_cannot_be_moved),
        cmocka_unit_test(images_stay_as_they_were_first),
        cmocka_unit_test(a_new_key_seals_everything_again),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
