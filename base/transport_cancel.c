/* SPDX-License-Identifier: Apache-2.0 */
/* The flag by which a caller's wait is ended. See transport.h. */
#include "base/transport.h"

void cf_cancel_request(struct cf_cancel *c)
{
    atomic_store(&c->requested, true);
}

bool cf_cancel_requested(const struct cf_cancel *c)
{
    return c && atomic_load(&c->requested);
}
