/* SPDX-License-Identifier: Apache-2.0 */
/* What is carried, and how a driver says that it waits (federation.h). */
#include "federation/propagate/federation.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/direct.h"

void cf_federation_id(const char *run_id, char out[CF_FEDERATION_ID])
{
    char hex[CF_SHA256_HEX];
    if (!*run_id) {
        (void)snprintf(out, CF_FEDERATION_ID, "preview");
        return;
    }
    cf_sha256_hex(run_id, strlen(run_id), hex);
    (void)snprintf(out, CF_FEDERATION_ID, "%.8s", hex);
}

static void not_yet(struct cf_copying *out, bool stuck, const char *fmt, va_list ap)
{
    out->done = false;
    out->waits = true;
    out->stuck = stuck;
    (void)vsnprintf(out->why, sizeof out->why, fmt, ap);
}

bool cf_copying_waits(struct cf_copying *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    not_yet(out, false, fmt, ap);
    va_end(ap);
    return true;
}

void cf_copying_among(struct cf_copying *out, const struct cf_copying *mine, int *io_waiting)
{
    if ((*io_waiting)++ == 0 || (mine->stuck && !out->stuck))
        *out = *mine;
}

bool cf_copying_stuck(struct cf_copying *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    not_yet(out, true, fmt, ap);
    va_end(ap);
    return true;
}

bool cf_is_carried(const json_t *item)
{
    const json_t *ref = json_object_get(item, "ref");
    const struct cf_kind *k =
        cf_kind_find(cf_json_str(ref, "", "group", NULL), cf_json_str(ref, "", "kind", NULL));
    return *cf_json_str(ref, "", "namespace", NULL) && !(k && k->flags & CF_KIND_AMBIENT);
}

json_t *cf_carried_entries(const json_t *ledger, bool carried)
{
    json_t *rows = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(ledger, i, row)
    {
        if (cf_is_carried(row) == carried)
            json_array_append(rows, row);
    }
    return rows;
}

json_t *cf_carried_part(const json_t *inventory, bool carried)
{
    return json_pack("{s:o, s:s}", "objects",
                     cf_carried_entries(json_object_get(inventory, "objects"), carried), "digest",
                     cf_json_str(inventory, "", "digest", NULL));
}

bool cf_is_of_run(const struct cf_propagation *p, const json_t *object)
{
    return *p->run_id && strcmp(cf_json_str(object, "", "metadata", "labels", CF_LABEL_RUN, NULL),
                                p->run_id) == 0;
}
