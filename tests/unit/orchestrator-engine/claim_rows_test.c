/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what is kept of claims whose data moves: there the plan's class and size and the copy's placement; of the source, for
 * the way back, its own class and placement and no size; what is tolerated where it is read; and that a run without that goes back as it did. */
#include "orchestrator/engine/claim_rows.h"

#include "tests/support/quick_json.h"
#include "tests/support/test.h"

/* clang-format off */
#define INVENTORY(class, of_claim) \
    "{'objects':[{'body':{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'db'},'spec':{'template':{'spec':{" \
      "'nodeSelector':{'pool':'west'},'tolerations':[{'key':'db'}],'containers':[]}}}}}]," \
    "'volumes':{'claims':[{'name':'data','strategy':'veleroFsBackup','verify':'none','storageClass':'fast-west','size':'20Gi'," \
      "'claim':{'metadata':{'uid':'u1'},'spec':{" class "}}," of_claim "}]}}"
#define POOL "'placement':{'nodeSelector':{'pool':'east'},'tolerations':[{'key':'east'}]}"
#define EAST "'by':['StatefulSet/db']," POOL
#define FACTS "{'classes':[{'name':'slow','isDefault':false},{'name':'standard','isDefault':true}]}"

#define SAME "'name':'data','strategy':'veleroFsBackup','verify':'none','storageClass':"
#define OURS "'uid':'u1','by':'StatefulSet/db'"
#define WEST "'placement':{'nodeSelector':{'pool':'west'},'tolerations':[{'key':'db'}]},'tolerations':[{'key':'east'}]"
#define BACK(class) SAME "'" class "'," OURS ",'source':{'storageClass':'" class "'," POOL "}," POOL ",'tolerations':[{'key':'db'}]"

static const struct {
    const char *what, *inventory, *facts;
    const char *there, *back;
} cases[] = {
    { "its own class", INVENTORY("'storageClassName':'slow'", EAST), FACTS, SAME "'fast-west','size':'20Gi'," OURS "," WEST, BACK("slow") },
    { "none is the default", INVENTORY("", EAST), FACTS, SAME "'fast-west','size':'20Gi'," OURS "," WEST, BACK("standard") },
    { "none of a volume made by hand, too", INVENTORY("'storageClassName':''", EAST), FACTS, SAME "'fast-west','size':'20Gi'," OURS "," WEST, BACK("standard") },
    { "there is no default", INVENTORY("", EAST), "{}", SAME "'fast-west','size':'20Gi'," OURS "," WEST, BACK("") },
    { "nobody mounts it", INVENTORY("'storageClassName':'slow'", "'by':[]"), FACTS, SAME "'fast-west','size':'20Gi','uid':'u1'",
      SAME "'slow','uid':'u1','source':{'storageClass':'slow'}" },
};
/* clang-format on */

static void check_row(const char *what, const char *way, const json_t *rows, const char *want)
{
    cf_autofree char *got = cf_test_dump(rows);
    cf_autofree char *all = cf_xasprintf("[{%s}]", want);
    if (strcmp(got, all) != 0)
        fail_msg("%s, %s: %s, not %s", what, way, got, all);
}

static void the_source_keeps_what_it_had(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *inventory = cf_test_json(cases[i].inventory);
        cf_autojson json_t *facts = cf_test_json(cases[i].facts);
        cf_autojson json_t *rows = cf_claim_rows_there(inventory);
        cf_autojson json_t *before = cf_json_copy(rows);
        check_row(cases[i].what, "there", rows, cases[i].there);
        cf_autojson json_t *of_old = cf_claim_rows_back(rows);
        check_row(cases[i].what, "back without it", of_old, cases[i].there);
        cf_claim_rows_note_source(rows, inventory, facts);
        cf_autojson json_t *noted = cf_json_copy(rows);
        cf_autojson json_t *back = cf_claim_rows_back(rows);
        check_row(cases[i].what, "back", back, cases[i].back);
        assert_true(cf_json_equal(rows, noted)); /* the step's own stay as they are */
        json_object_del(json_array_get(rows, 0), "source");
        assert_true(cf_json_equal(rows, before));
    }
}

static void without_claims_there_is_nothing(void **state)
{
    (void)state;
    cf_autojson json_t *rows = cf_claim_rows_there(NULL);
    cf_autojson json_t *back = cf_claim_rows_back(NULL);
    cf_claim_rows_note_source(rows, NULL, NULL);
    assert_int_equal(json_array_size(rows), 0);
    assert_int_equal(json_array_size(back), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_source_keeps_what_it_had),
        cmocka_unit_test(without_claims_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
