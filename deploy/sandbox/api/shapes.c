/* SPDX-License-Identifier: Apache-2.0 */
/* Which lists are keyed, which are sets, and which lists and maps are one value: the table behind
 * server-side apply. */
#include <string.h>

#include "deploy/sandbox/api/fields.h"

/* The first row whose suffix fits the field's dotted name decides. `kind` NULL: every built-in
 * kind; "*": every kind. */
static const struct {
    const char *kind, *suffix;
    enum sbx_shape_kind shape;
    const char *keys;
} rows[] = {
    { "*", "metadata.finalizers", SBX_SHAPE_SET, NULL },
    { "*", "metadata.ownerReferences", SBX_SHAPE_KEYED, "uid" },
    { "*", "status.conditions", SBX_SHAPE_KEYED, "type" },
    { "Gateway", "spec.listeners", SBX_SHAPE_KEYED, "name" },
    { "Service", "spec.ports", SBX_SHAPE_KEYED, "port,protocol" },
    { "Service", "spec.selector", SBX_SHAPE_WHOLE, NULL },
    { "ServiceAccount", "secrets", SBX_SHAPE_KEYED, "name" },
    { "ServiceAccount", "imagePullSecrets", SBX_SHAPE_WHOLE, NULL },
    { "PersistentVolumeClaim", "spec.dataSource", SBX_SHAPE_WHOLE, NULL },
    { NULL, "containers.ports", SBX_SHAPE_KEYED, "containerPort,protocol" },
    { NULL, "initContainers.ports", SBX_SHAPE_KEYED, "containerPort,protocol" },
    { NULL, "containers.env", SBX_SHAPE_KEYED, "name" },
    { NULL, "initContainers.env", SBX_SHAPE_KEYED, "name" },
    { NULL, "containers.volumeMounts", SBX_SHAPE_KEYED, "mountPath" },
    { NULL, "initContainers.volumeMounts", SBX_SHAPE_KEYED, "mountPath" },
    { NULL, "containers.volumeDevices", SBX_SHAPE_KEYED, "devicePath" },
    { NULL, "spec.containers", SBX_SHAPE_KEYED, "name" },
    { NULL, "spec.initContainers", SBX_SHAPE_KEYED, "name" },
    { NULL, "spec.ephemeralContainers", SBX_SHAPE_KEYED, "name" },
    { NULL, "spec.volumes", SBX_SHAPE_KEYED, "name" },
    { NULL, "spec.imagePullSecrets", SBX_SHAPE_KEYED, "name" },
    { NULL, "spec.hostAliases", SBX_SHAPE_KEYED, "ip" },
    { NULL, "spec.topologySpreadConstraints", SBX_SHAPE_KEYED, "topologyKey,whenUnsatisfiable" },
    { NULL, "spec.schedulingGates", SBX_SHAPE_KEYED, "name" },
    { NULL, "spec.nodeSelector", SBX_SHAPE_WHOLE, NULL },
    { NULL, "valueFrom.fieldRef", SBX_SHAPE_WHOLE, NULL },
    { NULL, "valueFrom.configMapKeyRef", SBX_SHAPE_WHOLE, NULL },
    { NULL, "valueFrom.secretKeyRef", SBX_SHAPE_WHOLE, NULL },
    { NULL, "valueFrom.resourceFieldRef", SBX_SHAPE_WHOLE, NULL },
    { NULL, "selector", SBX_SHAPE_WHOLE, NULL },
    { NULL, "labelSelector", SBX_SHAPE_WHOLE, NULL },
    { NULL, "podSelector", SBX_SHAPE_WHOLE, NULL },
    { NULL, "namespaceSelector", SBX_SHAPE_WHOLE, NULL },
    { NULL, "roleRef", SBX_SHAPE_WHOLE, NULL },
    { NULL, "backend.resource", SBX_SHAPE_WHOLE, NULL },
    { NULL, "defaultBackend.resource", SBX_SHAPE_WHOLE, NULL },
};

static bool ends_with(const char *dotted, const char *suffix)
{
    size_t n = strlen(dotted), m = strlen(suffix);
    return n >= m && strcmp(dotted + n - m, suffix) == 0 && (n == m || dotted[n - m - 1] == '.');
}

struct sbx_shape sbx_shape_of(const struct sbx_kind *k, const char *dotted, const json_t *value)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        bool mine = rows[i].kind ? rows[i].kind[0] == '*' || strcmp(rows[i].kind, k->kind) == 0
                                 : !k->is_crd;
        if (mine && ends_with(dotted, rows[i].suffix) &&
            (rows[i].shape == SBX_SHAPE_WHOLE || json_is_array(value)))
            return (struct sbx_shape){ rows[i].shape, rows[i].keys };
    }
    return (struct sbx_shape){ json_is_object(value) ? SBX_SHAPE_PARTS : SBX_SHAPE_WHOLE, NULL };
}
