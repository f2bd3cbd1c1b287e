/* SPDX-License-Identifier: Apache-2.0 */
/* How densely a test visits a long row of moments (the calls of a run, at each of which it may die).
 * All of them take minutes under the sanitizers; so one run of the tests visits every n-th, a prime,
 * so that the same call of each round is not always the one left out. */
#ifndef TESTS_SUPPORT_STRIDE_H
#define TESTS_SUPPORT_STRIDE_H

#include <stdlib.h>

/* `usual`, or 1 if CROSSFADE_TEST_ALL is set. */
static inline int cf_test_stride(int usual)
{
    return getenv("CROSSFADE_TEST_ALL") ? 1 : usual;
}

#endif
