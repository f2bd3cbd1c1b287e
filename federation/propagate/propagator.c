/* SPDX-License-Identifier: Apache-2.0 */
/* The table of copy methods. */
#include "federation/propagate/propagator.h"

#include <string.h>

static const struct cf_propagator_ops *const methods[] = {
    &cf_propagator_direct,
    &cf_propagator_karmada,
    &cf_propagator_clusternet,
};

const struct cf_propagator_ops *cf_propagator_find(const char *method)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(methods); i++)
        if (strcmp(methods[i]->name, method) == 0)
            return methods[i];
    return NULL;
}
