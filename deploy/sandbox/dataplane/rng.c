/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256**, seeded by SplitMix64. Pure. */
#include "deploy/sandbox/dataplane/rng.h"

#include <sys/random.h>
#include <time.h>

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t next(struct sbx_rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

void sbx_rng_seed(struct sbx_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* SplitMix64 fills the state */
        uint64_t z = seed += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        r->s[i] = z ^ (z >> 31);
    }
}

void sbx_rng_seed_any(struct sbx_rng *r)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
        seed = (uint64_t)time(NULL);
    sbx_rng_seed(r, seed);
}

double sbx_rng_uniform(struct sbx_rng *r)
{
    return (double)(next(r) >> 11) * 0x1p-53;
}
