/* SPDX-License-Identifier: Apache-2.0 */
/* Proves of tokens: only one first token, however many try; hashes alone are kept; revoked and
 * expired ones are refused alike. */
#include "tests/unit/store/store_test.h"

#include <pthread.h>

#include "store/access.h"

static struct cf_token_new token_of(const char *id, const char *text)
{
    struct cf_token_new t = { .name = "ci", .role = "operator", .created_by = "alice" };
    snprintf(t.id, sizeof t.id, "%s", id);
    cf_sha256(text, strlen(text), t.sha256);
    return t;
}

struct booter {
    int i;
    bool ok;
    struct cf_error err;
};

static void *booter(void *arg)
{
    struct booter *b = arg;
    char id[CF_TOKEN_ID_TEXT], text[32];
    snprintf(id, sizeof id, "0000000%d", b->i);
    snprintf(text, sizeof text, "secret-%d", b->i);
    struct cf_token_new t = token_of(id, text);
    b->err = CF_ERROR_INIT;
    b->ok = cf_token_bootstrap(T.store, &t, &b->err);
    return NULL;
}

/* Another first token is written, but not committed yet. */
static void a_first_token_under_way_is_waited_for(void **state)
{
    (void)state;
    pthread_t thread;
    struct booter b = { .i = 9 };
    PGconn *pg = PQconnectdb(T.conninfo);
    PQclear(PQexec(pg, "SET search_path = crossfade; BEGIN"));
    PGresult *res = PQexec(pg, "INSERT INTO token (id, sha256, name, role, created_by) VALUES"
                               " ('ffffffff', decode(repeat('00', 32), 'hex'), 'x', 'admin', 'x')");
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    assert_int_equal(pthread_create(&thread, NULL, booter, &b), 0);
    usleep(300 * 1000);
    PQclear(PQexec(pg, "COMMIT"));
    PQfinish(pg);
    pthread_join(thread, NULL);
    assert_false(b.ok);
    assert_string_equal(b.err.reason, CF_STORE_EXISTS);
    free(sql("DELETE FROM token"));
}

static void there_is_one_first_token(void **state)
{
    (void)state;
    enum { N = 6 };
    pthread_t threads[N];
    struct booter b[N];
    int won = 0;
    for (int i = 0; i < N; i++) {
        b[i].i = i;
        assert_int_equal(pthread_create(&threads[i], NULL, booter, &b[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        won += b[i].ok;
        if (!b[i].ok) {
            assert_int_equal(b[i].err.kind, CF_ERR_CONFLICT);
            assert_string_equal(b[i].err.reason, CF_STORE_EXISTS);
        }
    }
    assert_int_equal(won, 1);
    assert_sql("SELECT count(*) FROM token", "1");
}

static void valid_tokens_are_found(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_token_row row = { 0 };
    struct cf_token_new t = token_of("aaaa0001", "cf_text");
    assert_ok(cf_token_add(T.store, &t, NULL, &err), &err);
    assert_fails(cf_token_add(T.store, &t, NULL, &err), &err, CF_ERR_CONFLICT, "aaaa0001");
    assert_ok(cf_token_authenticate(T.store, t.sha256, &row, &err), &err);
    assert_string_equal(row.id, "aaaa0001");
    assert_string_equal(row.role, "operator");
    assert_true(row.expires_ms == 0 && row.last_used_ms == 0);
    cf_token_row_free(&row);
    assert_sql("SELECT used_at IS NOT NULL FROM token WHERE id = 'aaaa0001'", "t");
    t.sha256[0] ^= 1;
    assert_fails(cf_token_authenticate(T.store, t.sha256, &row, &err), &err, CF_ERR_DENIED,
                 "not valid");
    t.sha256[0] ^= 1;
    assert_ok(cf_token_revoke(T.store, "aaaa0001", "alice", &err), &err);
    assert_ok(cf_token_revoke(T.store, "aaaa0001", "alice", &err), &err);
    assert_fails(cf_token_revoke(T.store, "ffffffff", "alice", &err), &err, CF_ERR_NOT_FOUND,
                 "ffffffff");
    assert_fails(cf_token_authenticate(T.store, t.sha256, &row, &err), &err, CF_ERR_DENIED,
                 "not valid");
    assert_sql("SELECT count(*) FROM event WHERE kind = 'token.revoked'", "1");
    struct cf_token_new brief = token_of("aaaa0002", "brief");
    brief.expires_in_ms = 1;
    assert_ok(cf_token_add(T.store, &brief, NULL, &err), &err);
    usleep(5000);
    assert_fails(cf_token_authenticate(T.store, brief.sha256, &row, &err), &err, CF_ERR_DENIED,
                 "not valid");
    struct cf_token_list list = { 0 };
    assert_ok(cf_token_list_page(T.store, "aaaa0000", 1, &list, &err), &err);
    assert_true(list.n == 1 && list.more && list.rows[0].revoked_ms > 0);
    cf_token_list_free(&list);
}

static void a_repeated_request_makes_no_second_token(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_idem key = {
        .principal = "alice", .route = "POST /tokens", .key = "k1", .request_sha256 = "abc"
    };
    struct cf_idem again = key, other = key;
    struct cf_token_row row = { 0 };
    struct cf_token_new t = token_of("bbbb0001", "first"), u = token_of("bbbb0002", "second");
    assert_ok(cf_token_add(T.store, &t, &key, &err), &err);
    assert_false(key.replayed);
    assert_ok(cf_token_add(T.store, &u, &again, &err), &err);
    assert_true(again.replayed);
    assert_string_equal(again.resource, "bbbb0001");
    assert_sql("SELECT count(*) FROM token WHERE id LIKE 'bbbb%'", "1");
    other.request_sha256 = "def";
    assert_fails(cf_token_add(T.store, &u, &other, &err), &err, CF_ERR_INVALID, "another request");
    assert_ok(cf_token_get(T.store, "bbbb0001", &row, &err), &err);
    assert_string_equal(row.id, "bbbb0001");
    cf_token_row_free(&row);
    assert_fails(cf_token_get(T.store, "bbbb0002", &row, &err), &err, CF_ERR_NOT_FOUND, "bbbb0002");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_token_under_way_is_waited_for),
        cmocka_unit_test(there_is_one_first_token),
        cmocka_unit_test(valid_tokens_are_found),
        cmocka_unit_test(a_repeated_request_makes_no_second_token),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
