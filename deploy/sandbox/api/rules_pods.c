/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of pod specs. */
#include <string.h>

#include "deploy/sandbox/api/rules.h"

static bool has_volume(const json_t *spec, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(spec, "volumes"), i, v)
    {
        if (strcmp(cf_json_str(v, "", "name", NULL), name) == 0)
            return true;
    }
    return false;
}

static void check_ports(const json_t *ports, const char *at, struct sbx_causes *causes)
{
    size_t i;
    json_t *p;
    json_array_foreach(ports, i, p)
    {
        int64_t n = cf_json_int(p, 0, "containerPort", NULL);
        if (n == 0)
            sbx_cause(causes, "FieldValueRequired", "", "%s.ports[%zu].containerPort", at, i);
        else if (n < 1 || n > 65535)
            sbx_cause(causes, "FieldValueInvalid", "must be between 1 and 65535, inclusive",
                      "%s.ports[%zu].containerPort", at, i);
        if (!sbx_word_in("TCP,UDP,SCTP", cf_json_str(p, "TCP", "protocol", NULL)))
            sbx_cause(causes, "FieldValueNotSupported",
                      "supported values: \"SCTP\", \"TCP\", \"UDP\"", "%s.ports[%zu].protocol", at,
                      i);
    }
}

static void check_container(const json_t *spec, const json_t *c, const char *at,
                            struct sbx_causes *causes)
{
    size_t i;
    json_t *v;
    if (!*cf_json_str(c, "", "name", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "%s.name", at);
    if (!*cf_json_str(c, "", "image", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "%s.image", at);
    check_ports(json_object_get(c, "ports"), at, causes);
    json_array_foreach(json_object_get(c, "env"), i, v)
    {
        if (!*cf_json_str(v, "", "name", NULL))
            sbx_cause(causes, "FieldValueRequired", "", "%s.env[%zu].name", at, i);
    }
    json_array_foreach(json_object_get(c, "volumeMounts"), i, v)
    {
        const char *name = cf_json_str(v, "", "name", NULL);
        if (!*name)
            sbx_cause(causes, "FieldValueRequired", "", "%s.volumeMounts[%zu].name", at, i);
        if (!has_volume(spec, name))
            sbx_cause(causes, "FieldValueNotFound", name, "%s.volumeMounts[%zu].name", at, i);
        if (!*cf_json_str(v, "", "mountPath", NULL))
            sbx_cause(causes, "FieldValueRequired", "", "%s.volumeMounts[%zu].mountPath", at, i);
    }
}

static bool seen_before(const json_t *list, size_t i, const char *name)
{
    for (size_t n = 0; n < i; n++)
        if (*name && strcmp(cf_json_str(json_array_get(list, n), "", "name", NULL), name) == 0)
            return true;
    return false;
}

static void check_containers(const json_t *spec, const char *at, const char *member,
                             struct sbx_causes *causes)
{
    const json_t *list = json_object_get(spec, member);
    size_t i;
    json_t *c;
    json_array_foreach(list, i, c)
    {
        cf_autofree char *place = cf_xasprintf("%s.%s[%zu]", at, member, i);
        check_container(spec, c, place, causes);
        const char *name = cf_json_str(c, "", "name", NULL);
        if (seen_before(list, i, name))
            sbx_cause(causes, "FieldValueDuplicate", name, "%s.name", place);
    }
}

void sbx_rules_check_pod_spec(const json_t *spec, const char *at, const char *restart_rule,
                              struct sbx_causes *causes)
{
    if (json_array_size(json_object_get(spec, "containers")) == 0)
        sbx_cause(causes, "FieldValueRequired", "", "%s.containers", at);
    check_containers(spec, at, "initContainers", causes);
    check_containers(spec, at, "containers", causes);
    size_t i;
    json_t *v;
    const json_t *volumes = json_object_get(spec, "volumes");
    json_array_foreach(volumes, i, v)
    {
        const char *name = cf_json_str(v, "", "name", NULL);
        if (!*name)
            sbx_cause(causes, "FieldValueRequired", "", "%s.volumes[%zu].name", at, i);
        if (seen_before(volumes, i, name))
            sbx_cause(causes, "FieldValueDuplicate", name, "%s.volumes[%zu].name", at, i);
    }
    const char *restart = cf_json_str(spec, "Always", "restartPolicy", NULL);
    if (!sbx_word_in(restart_rule, restart))
        sbx_cause(causes, "FieldValueNotSupported", restart_rule, "%s.restartPolicy", at);
}
