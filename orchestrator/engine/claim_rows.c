/* SPDX-License-Identifier: Apache-2.0 */
/* Claims whose data moves, there and back (claim_rows.h). */
#include "orchestrator/engine/claim_rows.h"

#include "federation/objects/kinds.h"
#include "federation/objects/pods.h"
#include "federation/objects/volumes.h"

/* ---- there ---- */

/* Where a claim is read. */
static void tolerate(json_t *row, const json_t *placement)
{
    json_object_del(row, "tolerations");
    if (json_object_get(placement, "tolerations"))
        json_object_set(row, "tolerations", json_object_get(placement, "tolerations"));
}

/* In the target the pods of the copy that mounts the claim must be able to run where the volume is
 * made. */
static json_t *row_there(const json_t *inventory, const json_t *found)
{
    json_t *row = json_object();
    static const char *const same[] = { "name", "strategy", "verify", "storageClass", "size" };
    const char *by = json_string_value(json_array_get(json_object_get(found, "by"), 0));
    for (size_t i = 0; i < CF_ARRAY_LEN(same); i++)
        json_object_set(row, same[i], json_object_get(found, same[i]));
    const json_t *body = by ? cf_inventory_body(inventory, by) : NULL;
    const json_t *spec = body ? cf_object_pod_spec(body) : NULL;
    json_object_set_new(row, "uid", json_string(cf_object_uid(json_object_get(found, "claim"))));
    if (by)
        json_object_set_new(row, "by", json_string(by));
    if (spec)
        json_object_set_new(row, "placement", cf_pod_placement(spec));
    tolerate(row, json_object_get(found, "placement"));
    return row;
}

static const json_t *claims_of(const json_t *inventory)
{
    return cf_json_at(inventory, "volumes", "claims", NULL);
}

json_t *cf_claim_rows_there(const json_t *inventory)
{
    json_t *rows = json_array();
    size_t i;
    json_t *found;
    json_array_foreach(claims_of(inventory), i, found)
    {
        json_array_append_new(rows, row_there(inventory, found));
    }
    return rows;
}

/* ---- back ---- */

/* A claim that names no class comes back as one of the default: the target's names the target's. */
static const char *class_of(const json_t *claim, const json_t *facts)
{
    const char *class = cf_json_str(claim, "", "spec", "storageClassName", NULL);
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(facts, "classes"), i, one)
    {
        if (!*class && cf_json_bool(one, false, "isDefault", NULL))
            class = cf_json_str(one, "", "name", NULL);
    }
    return class;
}

void cf_claim_rows_note_source(json_t *rows, const json_t *inventory, const json_t *facts)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const json_t *found = json_array_get(claims_of(inventory), i);
        json_object_set_new(row, "source",
                            json_pack("{s:s, s:O*}", "storageClass",
                                      class_of(json_object_get(found, "claim"), facts), "placement",
                                      json_object_get(found, "placement")));
    }
}

/* No size: a restored claim asks for what the one that was read asked for, and that is the target's. It
 * is no less than the source's was (rule target-size), and it is more when the plan said so or
 * somebody has let it grow; what has been written since may need all of it. The plan's would make
 * a claim that has grown too small for its data. */
static json_t *row_back(const json_t *row)
{
    const json_t *source = json_object_get(row, "source");
    const json_t *placement = json_object_get(source, "placement");
    json_t *back = json_copy(cf_json_unconst(row));
    if (!source)
        return back;
    json_object_set(back, "storageClass", json_object_get(source, "storageClass"));
    json_object_del(back, "size");
    json_object_del(back, "placement");
    if (placement)
        json_object_set(back, "placement", cf_json_unconst(placement));
    tolerate(back, json_object_get(row, "placement"));
    return back;
}

json_t *cf_claim_rows_back(const json_t *rows)
{
    json_t *back = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        json_array_append_new(back, row_back(row));
    }
    return back;
}
