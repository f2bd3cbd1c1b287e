/* SPDX-License-Identifier: Apache-2.0 */
/* An inventory for people (explain.h). */
#include "orchestrator/engine/explain.h"

#include "federation/objects/kinds.h"

/* What names the object of a ref. */
static json_t *identity(const json_t *ref)
{
    const char *group = cf_json_str(ref, "", "group", NULL);
    const char *kind = cf_json_str(ref, "", "kind", NULL);
    const char *name = cf_json_str(ref, "", "name", NULL);
    cf_autofree char *label = cf_kind_label(group, kind);
    cf_autofree char *object = cf_xasprintf("%s/%s", label, name);
    cf_autofree char *api_version =
        cf_xasprintf("%s%s%s", group, *group ? "/" : "", cf_json_str(ref, "", "version", NULL));
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "object", object, "apiVersion", api_version,
                     "kind", kind, "namespace", cf_json_str(ref, "", "namespace", NULL), "name",
                     name);
}

/* One row for each of `rows`, with these members of it. */
static json_t *explained(const json_t *rows, const char *const *members)
{
    json_t *out = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        json_t *line = identity(json_object_get(row, "ref"));
        for (const char *const *m = members; *m; m++) {
            json_t *value = json_object_get(row, *m);
            if (value)
                json_object_set(line, *m, value);
        }
        json_array_append_new(out, line);
    }
    return out;
}

/* Which wave of workloads an object comes with, and its place in the order of application. */
static json_t *in_waves(json_t *lines_take, const json_t *objects)
{
    size_t i;
    json_t *line;
    json_array_foreach(lines_take, i, line)
    {
        int order = (int)cf_json_int(json_array_get(objects, i), 0, "wave", NULL);
        json_object_set_new(line, "wave", json_integer(cf_wave_of_number(order)));
        json_object_set_new(line, "order", json_integer(order));
    }
    return lines_take;
}

static json_t *kept_out(const json_t *rows)
{
    json_t *out = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        json_t *line = json_copy(row);
        cf_autofree char *object = cf_xasprintf("%s/%s", cf_json_str(row, "", "kind", NULL),
                                                cf_json_str(row, "", "name", NULL));
        json_object_set_new(line, "object", json_string(object));
        json_array_append_new(out, line);
    }
    return out;
}

json_t *cf_explain(const json_t *inventory)
{
    static const char *const of_copies[] = { "start", "onConflict", "why", "from", NULL };
    static const char *const of_required[] = { "level", "why", "expect", NULL };
    const json_t *objects = json_object_get(inventory, "objects");
    const json_t *notes = json_object_get(inventory, "notes");
    const json_t *unrelated = json_object_get(inventory, "unrelated");
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "objects",
                     in_waves(explained(objects, of_copies), objects), "required",
                     explained(json_object_get(inventory, "required"), of_required), "skipped",
                     kept_out(json_object_get(inventory, "skipped")), "unrelated",
                     unrelated ? cf_json_copy(unrelated) : json_object(), "notes",
                     notes ? cf_json_copy(notes) : json_array());
}
