/* SPDX-License-Identifier: Apache-2.0 */
/* Proves, kind by kind, what an object becomes on its way: a table of objects as they are read, as
 * they are cleaned, and as the target gets them. CROSSFADE_UPDATE=1 writes what comes out into
 * tests/data/object_cases.json: read the difference. */
#include <stdio.h>
#include <stdlib.h>

#include "federation/objects/clean.h"
#include "federation/objects/transform.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

#define CASES "tests/data/object_cases.json"

enum { CASES_MIN = 150 };

/* The closure's member of a case, and the members beside it. */
static json_t *members_of(const json_t *one, json_t *member)
{
    json_t *members = json_array();
    size_t i;
    json_t *o;
    json_array_append(members, member);
    json_array_foreach(cf_json_at(one, "with", "members", NULL), i, o)
    {
        json_array_append_new(members, json_pack("{s:O}", "object", o));
    }
    return members;
}

/* The object as the target gets it; with the plan, the namespace and the neighbours of the case. */
static json_t *copy_of(const json_t *one)
{
    struct cf_error err = CF_ERROR_INIT;
    const json_t *with = json_object_get(one, "with");
    const json_t *own = json_object_get(with, "member");
    cf_autojson json_t *member = own ? cf_json_copy(own) : json_object();
    json_object_set(member, "object", json_object_get(one, "object"));
    cf_autojson json_t *members = members_of(one, member);
    struct cf_transform t = {
        .target_namespace = cf_json_str(with, "shop", "namespace", NULL),
        .workloads = json_object_get(with, "workloads"),
        .members = members,
    };
    json_t *copy = cf_object_transform(&t, member, &err);
    if (!copy)
        fail_msg("%s: %s", cf_json_str(one, "", "name", NULL), err.message);
    return copy;
}

/* What comes out of a case: {"skip": reason}, or {"clean": …, "copy": …}. */
static json_t *outcome(const json_t *one)
{
    const json_t *object = json_object_get(one, "object");
    const char *name = cf_json_str(one, "", "name", NULL);
    const char *never = cf_object_skip_reason(object);
    if (never)
        return json_pack("{s:s}", "skip", never);
    cf_autojson json_t *before = cf_json_copy(object);
    cf_autojson json_t *clean = cf_object_clean(object);
    cf_autojson json_t *copy = copy_of(one);
    if (!json_equal(object, before))
        fail_msg("%s: the input was changed", name);
    cf_autojson json_t *again = cf_object_clean(clean);
    /* Who chose a node port stands in what cleaning takes away. */
    if (!json_equal(clean, again) && !strstr(name, "node port") && !strstr(name, "chosen port"))
        fail_msg("%s: cleaning twice changes it", name);
    return json_pack("{s:O, s:O}", "clean", clean, "copy", copy);
}

static void update(const json_t *cases)
{
    cf_autofree char *text = cf_json_dump_pretty(cases);
    FILE *f = fopen(CF_SOURCE_DIR "/" CASES, "wb");
    assert_non_null(f);
    fprintf(f, "%s\n", text);
    fclose(f);
}

static void objects_become_what_the_table_says(void **state)
{
    (void)state;
    bool write = getenv("CROSSFADE_UPDATE") != NULL;
    cf_autojson json_t *cases = cf_test_read_json(CASES);
    size_t i, wrong = 0;
    json_t *one;
    assert_true(json_array_size(cases) >= CASES_MIN);
    json_array_foreach(cases, i, one)
    {
        cf_autojson json_t *got = outcome(one);
        if (write) {
            json_object_update(one, got);
            continue;
        }
        cf_autojson json_t *want = json_object();
        static const char *const parts[] = { "skip", "clean", "copy" };
        for (size_t k = 0; k < CF_ARRAY_LEN(parts); k++)
            if (json_object_get(one, parts[k]))
                json_object_set(want, parts[k], json_object_get(one, parts[k]));
        if (json_equal(got, want))
            continue;
        cf_autofree char *text = cf_json_dump(got);
        print_error("%s: %s\n", cf_json_str(one, "", "name", NULL), text);
        wrong++;
    }
    if (write)
        update(cases);
    if (wrong)
        fail_msg("%zu cases differ; CROSSFADE_UPDATE=1 writes them", wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_become_what_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
