/* SPDX-License-Identifier: Apache-2.0 */
/* docs/plan-reference.md is what the table says now, and names every field.
 * CROSSFADE_UPDATE=1 writes the page. */
#include <stdio.h>

#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/schema.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

#define PAGE "docs/plan-reference.md"

static void the_page_is_current(void **state)
{
    (void)state;
    cf_autofree char *is = cf_plan_reference_markdown();
    if (getenv("CROSSFADE_UPDATE")) {
        FILE *f = fopen(CF_SOURCE_DIR "/" PAGE, "wb");
        assert_non_null(f);
        fputs(is, f);
        fclose(f);
    }
    cf_autofree char *page = cf_test_read_file(PAGE, NULL);
    if (strcmp(is, page) != 0)
        fail_msg("%s is not what the table says; run this test with CROSSFADE_UPDATE=1", PAGE);
}

static void the_page_names_every_field(void **state)
{
    (void)state;
    cf_autofree char *page = cf_plan_reference_markdown();
    const struct cf_schema_row *row = NULL;
    while ((row = cf_schema_next(row))) {
        if ((row->flags & CF_SCHEMA_NOTE) || !*row->path || strcmp(cf_schema_key(row), "*") == 0)
            continue;
        cf_autofree char *cell = cf_xasprintf("| `%s` |", cf_schema_key(row));
        cf_autofree char *item = cf_xasprintf("%s`: ", cf_schema_key(row));
        if (!strstr(page, (row->flags & CF_SCHEMA_LATER) ? item : cell))
            fail_msg("%s is not on the page", row->path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_current),
        cmocka_unit_test(the_page_names_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
