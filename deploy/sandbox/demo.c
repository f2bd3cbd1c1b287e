/* SPDX-License-Identifier: Apache-2.0 */
/* Applying demo.yaml, which is part of the program. */
#include "deploy/sandbox/demo.h"

#include "base/embed.h"
#include "base/yaml.h"
#include "deploy/sandbox/api/kinds.h"

#include <string.h>

extern const struct cf_embedded sbx_demo_files[];

static bool apply(struct sbx_api *api, const json_t *object, struct cf_error *err)
{
    const struct sbx_kind *k = sbx_kind_named(cf_json_str(object, "", "apiVersion", NULL),
                                              cf_json_str(object, "", "kind", NULL));
    const char *name = cf_json_str(object, "", "metadata", "name", NULL),
               *ns = cf_json_str(object, "", "metadata", "namespace", NULL);
    if (!k)
        return cf_error_set(err, CF_ERR_BUG, "the demo has an object of an unknown kind: %s", name);
    cf_autofree char *root =
        *k->group ? cf_xasprintf("/apis/%s/%s", k->group, k->version) : cf_xstrdup("/api/v1");
    cf_autofree char *in = k->namespaced ? cf_xasprintf("/namespaces/%s", ns) : cf_xstrdup("");
    cf_autojson json_t *answer = NULL;
    int status =
        sbx_api_do(api, "kubectl", "PATCH", "application/apply-patch+yaml", object, &answer,
                   "%s%s/%s/%s?fieldManager=kubectl&force=true", root, in, k->plural, name);
    return status < 300 || cf_error_set(err, CF_ERR_BUG, "the demo's %s %s: %s", k->kind, name,
                                        cf_json_str(answer, "", "message", NULL));
}

bool sbx_demo_load(struct sbx_api *api, struct cf_error *err)
{
    cf_autojson json_t *objects =
        cf_yaml_parse_all(sbx_demo_files[0].data, sbx_demo_files[0].len, 0, err);
    if (!objects)
        return cf_error_wrap(err, "demo.yaml");
    size_t i;
    json_t *o;
    json_array_foreach(objects, i, o)
    {
        if (!apply(api, o, err))
            return false;
    }
    return true;
}
