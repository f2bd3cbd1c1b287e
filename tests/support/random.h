/* SPDX-License-Identifier: Apache-2.0 */
/* A small seeded generator (xorshift64*), so that every random test is the same test each time. */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

struct cf_test_random {
    uint64_t state;
};

static inline uint64_t cf_test_random_next(struct cf_test_random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1dULL;
}

static inline struct cf_test_random cf_test_random_seed(uint64_t seed)
{
    struct cf_test_random r = { seed * 0x9e3779b97f4a7c15ULL + 1 };
    for (int i = 0; i < 4; i++)
        cf_test_random_next(&r);
    return r;
}

/* In [0, 1). */
static inline double cf_test_random_unit(struct cf_test_random *r)
{
    return (double)(cf_test_random_next(r) >> 11) / 9007199254740992.0;
}

/* In [0, n). */
static inline uint64_t cf_test_random_below(struct cf_test_random *r, uint64_t n)
{
    return cf_test_random_next(r) % n;
}

#endif
