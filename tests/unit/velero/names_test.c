/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that names follow from run, way, pass and attempt, that no two of them are the same, that Velero's labels
 * hold the whole of each, and that any claim's name gives a pod's. */
#include "tests/unit/velero/room.h"

#include <ctype.h>
#include <stdlib.h>

static void check_name(const char *name)
{
    size_t len = strlen(name);
    assert_in_range(len, 1, 63);
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '-')
            fail_msg("%s is no DNS label", name);
    assert_true(name[0] != '-' && name[len - 1] != '-');
}

static void names_are_each_one_things(void **state)
{
    (void)state;
    struct cf_volumes v = pure_way(TWO_CLAIMS);
    cf_autojson json_t *seen = json_object();
    static const char *const runs[] = { RUN_ID, "01920000-0000-7000-8000-000000000002" };
    static const char *const ways[] = { "there", "back" };
    size_t n = 0;
    for (int r = 0; r < 2; r++)
        for (int w = 0; w < 2; w++)
            for (int pass = 1; pass <= 3; pass++)
                for (int attempt = 1; attempt <= 3; attempt++)
                    for (int restore = 0; restore <= 2; restore++, n++) {
                        char name[CF_VELERO_NAME_MAX];
                        v.run_id = runs[r];
                        v.way = ways[w];
                        if (restore == 0)
                            cf_velero_backup_name(&v, pass, attempt, name);
                        else
                            cf_velero_restore_name(&v, pass, attempt, 1, restore == 1, name);
                        check_name(name);
                        json_object_set_new(seen, name, json_true());
                    }
    assert_int_equal(json_object_size(seen), n);
    way_free(&v);
}

static void the_largest_numbers_fit(void **state)
{
    (void)state;
    struct cf_volumes v = pure_way(TWO_CLAIMS);
    char name[CF_VELERO_NAME_MAX];
    check_name(
        cf_velero_restore_name(&v, 999999, CF_VELERO_ATTEMPTS, CF_VELERO_ATTEMPTS, true, name));
    way_free(&v);
}

static void any_claim_has_a_pod(void **state)
{
    (void)state;
    struct cf_volumes v = pure_way("[]");
    char a[CF_VELERO_NAME_MAX], b[CF_VELERO_NAME_MAX], long_one[254];
    check_name(cf_velero_stage_name(&v, "data-db-0", a));
    assert_non_null(strstr(a, "data-db-0"));
    cf_velero_stage_name(&v, "data.db", a);
    cf_velero_stage_name(&v, "data-db", b);
    assert_string_not_equal(a, b);
    memset(long_one, 'a', sizeof long_one);
    long_one[253] = '\0';
    check_name(cf_velero_stage_name(&v, long_one, a));
    long_one[252] = 'b';
    check_name(cf_velero_stage_name(&v, long_one, b));
    assert_string_not_equal(a, b);
    check_name(cf_velero_rehearsal_namespace(&v, a));
    way_free(&v);
}

static void what_is_lost_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *got, *lost; /* NULL: nothing */
    } table[] = {
        { "{'a':1}", "{'a':1,'filled':'in'}", NULL },
        { "{'a':{'b':['x']}}", "{'a':{'b':['x']}}", NULL },
        { "{'a':{'b':1},'snapshotMoveData':true}", "{'a':{'b':1}}", "/snapshotMoveData" },
        { "{'a':{'b':1}}", "{'a':{}}", "/a/b" },
        { "{'a':['x','y']}", "{'a':['x']}", "/a/1" },
        { "{'a':false}", "{'a':true}", "/a" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        cf_autojson json_t *sent = cf_test_json(table[i].sent);
        cf_autojson json_t *got = cf_test_json(table[i].got);
        char path[256] = "";
        bool lost = cf_velero_pruned(sent, got, path, sizeof path);
        assert_int_equal(lost, table[i].lost != NULL);
        assert_string_equal(path, lost ? table[i].lost : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_each_one_things),
        cmocka_unit_test(the_largest_numbers_fit),
        cmocka_unit_test(any_claim_has_a_pod),
        cmocka_unit_test(what_is_lost_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
