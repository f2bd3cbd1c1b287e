/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what the volumes' driver makes of faults that meet a pass where the data is. */
#include "tests/unit/deploy-sandbox/velero_driver_faults.h"

static void faults_of_passes(void **state)
{
    (void)state;
    check_rows(LIVE, FROZEN, 0);
}

static void more_faults_of_passes(void **state)
{
    (void)state;
    check_rows(LIVE, FROZEN, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_passes),
        cmocka_unit_test(more_faults_of_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
