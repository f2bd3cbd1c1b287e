/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges over HTTP: what is told of one whose run has ended, and how its removal is asked for. */
#include <libpq-fe.h>

#include "tests/unit/orchestrator-api/fixture.h"

#define BRIDGE "0192f000-0000-7000-8000-00000000b001"
#define NAMED  "0192f000-0000-7000-8000-00000000b002"
#define PATH   "/api/v1/bridges/" BRIDGE

/* In a shard that no replica owns, so that nothing but the API touches them. */
static void add_bridges(struct fixture *f)
{
    static const char insert[] =
        "INSERT INTO bridge (id, shard, run_id, cluster, ns, service, target_cluster, target_ns,"
        " target_service, spec, state, status) VALUES ('" BRIDGE "', 999, '" BRIDGE "', 'dc1',"
        " 'web', 'echo', 'dc2', 'web', 'echo', '{\"addresses\":[],\"weight\":100}', 'active',"
        " '{\"synced\":true,\"stale\":false,\"ready\":3,\"weight\":0,\"why\":\"\"}'),"
        " ('" NAMED "', 999, '" BRIDGE "', 'dc1', 'web', 'echo', 'dc2', 'web', 'echo',"
        " '{\"byName\":true}', 'active', '{\"synced\":true,\"ready\":1,\"others\":2,\"why\":\"two\"}')";
    PGconn *pg = PQconnectdb(f->database);
    PGresult *res = PQexec(pg, insert);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        fail_msg("%s", PQresultErrorMessage(res));
    PQclear(res);
    PQfinish(pg);
}

/* Its lane's last look is older than the run's last word about the weight. */
static void the_weight_is_that_of_the_run(void **state)
{
    struct fixture *f = *state;
    add_bridges(f);
    AUTO_ANSWER a = get(f, VIEWER, PATH);
    expect(a, 200, NULL);
    assert_int_equal(cf_json_int(a.json, -1, "status", "weight", NULL), 100);
    assert_int_equal(cf_json_int(a.json, -1, "status", "ready", NULL), 3);
    AUTO_ANSWER list = get(f, VIEWER, "/api/v1/bridges");
    expect(list, 200, NULL);
    assert_int_equal(json_integer_value(cf_json_pointer(list.json, "/items/0/status/weight")), 100);
}

/* Beside the other one of the same Service; nobody weighs it. */
static void one_by_name_says_so(void **state)
{
    struct fixture *f = *state;
    AUTO_ANSWER a = get(f, VIEWER, "/api/v1/bridges/" NAMED);
    expect(a, 200, NULL);
    assert_true(cf_json_bool(a.json, false, "byName", NULL));
    assert_int_equal(cf_json_int(a.json, -1, "status", "others", NULL), 2);
    assert_null(cf_json_at(a.json, "status", "weight", NULL));
    AUTO_ANSWER other = get(f, VIEWER, PATH);
    assert_false(cf_json_bool(other.json, true, "byName", NULL));
}

static void its_removal_is_asked_for(void **state)
{
    struct fixture *f = *state;
    char place[128], after[16];
    AUTO_ANSWER a = ask(f, OPERATOR, "DELETE", PATH, NULL, NULL, NULL);
    expect(a, 202, NULL);
    assert_string_equal(cf_json_str(a.json, "", "state", NULL), "retiring");
    assert_true(cf_http_reply_header(&a.reply, "Location", place, sizeof place));
    assert_string_equal(place, PATH);
    assert_true(cf_http_reply_header(&a.reply, "Retry-After", after, sizeof after));
    AUTO_ANSWER b = get(f, VIEWER, place);
    expect(b, 200, NULL);
    assert_string_equal(cf_json_str(b.json, "", "state", NULL), "retiring");
    AUTO_ANSWER none = ask(f, OPERATOR, "DELETE", "/api/v1/bridges/nothing", NULL, NULL, NULL);
    expect(none, 404, "NOT_FOUND");
}

static int start(void **state)
{
    *state = fixture_start();
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_weight_is_that_of_the_run),
        cmocka_unit_test(one_by_name_says_so),
        cmocka_unit_test(its_removal_is_asked_for),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
