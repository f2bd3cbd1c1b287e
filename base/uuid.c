/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDv7 by RFC 9562's method 2: within one millisecond the random part is counted up by a random
 * amount. */
#include "base/uuid.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/thread.h"

static void random_bytes(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        cf_assert(n > 0);
        p += n;
        len -= (size_t)n;
    }
}

/* The last one given out; guarded by `mutex`. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_ms;   /* 48 bits */
static uint64_t last_high; /* 12 random bits */
static uint64_t last_low;  /* 62 random bits */

static const uint64_t LOW_MASK = (UINT64_C(1) << 62) - 1;
enum { HIGH_MASK = 0xFFF };

static void start_over(uint64_t ms)
{
    uint64_t bits[2];
    random_bytes(bits, sizeof bits);
    last_ms = ms;
    last_high = bits[0] & HIGH_MASK;
    last_low = bits[1] & LOW_MASK;
}

static void count_up(void)
{
    uint32_t by;
    random_bytes(&by, sizeof by);
    last_low += (uint64_t)by + 1;
    if (last_low > LOW_MASK) {
        last_low &= LOW_MASK;
        last_high++;
    }
    if (last_high > HIGH_MASK)
        start_over(last_ms + 1);
}

char *cf_uuid_v7(char buf[CF_UUID_TEXT])
{
    uint64_t now = (uint64_t)cf_wall_ms(&cf_clock_real);
    uint64_t ms, high, low;
    {
        CF_LOCKED(&mutex);
        if (now > last_ms)
            start_over(now);
        else
            count_up(); /* also when the wall clock went back */
        ms = last_ms;
        high = last_high;
        low = last_low | UINT64_C(1) << 63; /* the variant */
    }
    snprintf(buf, CF_UUID_TEXT, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(ms >> 16 & 0xFFFFFFFF),
             (unsigned)(ms & 0xFFFF), (unsigned)high & HIGH_MASK, (unsigned)(low >> 48) & 0xFFFF,
             (unsigned long long)(low & 0xFFFFFFFFFFFF));
    return buf;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool cf_uuid_valid(const char *text)
{
    for (int i = 0; i < CF_UUID_TEXT - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i]))
            return false; /* at the latest at the NUL of a shorter text */
    }
    return text[CF_UUID_TEXT - 1] == '\0';
}

char *cf_random_hex(char *buf, unsigned n)
{
    static const char hex[] = "0123456789abcdef";
    random_bytes(buf, n);
    for (unsigned i = 0; i < n; i++)
        buf[i] = hex[(unsigned char)buf[i] & 15];
    buf[n] = '\0';
    return buf;
}
