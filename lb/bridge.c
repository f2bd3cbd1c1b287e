/* SPDX-License-Identifier: Apache-2.0 */
/* The bridge's objects as pure functions: its name, its Service, and who names it. */
#include "lb/bridge.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "lb/bridge_objects.h"

enum { BRIDGE_STEM_MAX = 44 }; /* with "-", 8 hex and "-crossfade" still a label of 63 */

char *cf_bridge_name(const char *service, char buf[CF_DEST_WORD_MAX])
{
    char hex[CF_SHA256_HEX];
    if (strlen(service) + strlen("-crossfade") < CF_DEST_WORD_MAX)
        snprintf(buf, CF_DEST_WORD_MAX, "%s-crossfade", service);
    else
        snprintf(buf, CF_DEST_WORD_MAX, "%.*s-%.8s-crossfade", BRIDGE_STEM_MAX, service,
                 cf_sha256_hex(service, strlen(service), hex));
    return buf;
}

json_t *cf_bridge_metadata(const struct cf_bridge *b, const char *name)
{
    char origin[3 * CF_DEST_NAME_MAX];
    json_t *m = json_object();
    snprintf(origin, sizeof origin, "%s/%s/%s", b->target_cluster, b->target_ns, b->target_service);
    json_object_set_new(m, "name", json_string(name));
    json_object_set_new(m, "namespace", json_string(b->ns));
    cf_json_put_take(m, json_string("crossfade"), "labels", "app.kubernetes.io/managed-by", NULL);
    cf_json_put_take(m, json_string(b->run), "labels", CF_BRIDGE_LABEL_RUN, NULL);
    cf_json_put_take(m, json_string("true"), "labels", CF_BRIDGE_LABEL, NULL);
    if (b->by_name)
        cf_json_put_take(m, json_string("true"), "labels", CF_BRIDGE_BY_NAME, NULL);
    cf_json_put_take(m, json_string(origin), "annotations", "crossfade.dev/bridge-target", NULL);
    return m;
}

bool cf_bridge_is_ours(const json_t *object)
{
    return strcmp(cf_json_str(object, "", "metadata", "labels", CF_BRIDGE_LABEL, NULL), "true") ==
           0;
}

static json_t *bridge_port(const json_t *port)
{
    static const char *const copied[] = { "name", "protocol", "port", "appProtocol" };
    json_t *p = json_object();
    for (size_t i = 0; i < CF_ARRAY_LEN(copied); i++)
        if (json_object_get(port, copied[i]))
            json_object_set_new(p, copied[i], cf_json_copy(json_object_get(port, copied[i])));
    /* Without a selector nobody resolves a target port by name: the slices carry the numbers. */
    json_object_set(p, "targetPort", json_object_get(port, "port"));
    return p;
}

json_t *cf_bridge_service(const struct cf_bridge *b, const json_t *source_service,
                          struct cf_error *err)
{
    static const char *const copied[] = { "ipFamilies", "ipFamilyPolicy" };
    char name[CF_DEST_WORD_MAX];
    const json_t *spec = json_object_get(source_service, "spec"),
                 *ports = json_object_get(spec, "ports");
    if (strcmp(cf_json_str(spec, "ClusterIP", "type", NULL), "ExternalName") == 0 ||
        !json_array_size(ports)) {
        cf_error_set(err, CF_ERR_INVALID,
                     "Service %s/%s is %s: there is nothing to put a bridge beside", b->ns,
                     b->service, json_array_size(ports) ? "an ExternalName" : "without ports");
        cf_error_reason(err, "no-bridge-possible");
        return NULL;
    }
    json_t *service = json_object();
    json_object_set_new(service, "apiVersion", json_string("v1"));
    json_object_set_new(service, "kind", json_string("Service"));
    json_object_set_new(service, "metadata",
                        cf_bridge_metadata(b, cf_bridge_name(b->service, name)));
    cf_json_put_take(service, json_array(), "spec", "ports", NULL);
    for (size_t i = 0; i < json_array_size(ports); i++)
        json_array_append_new(cf_json_unconst(cf_json_at(service, "spec", "ports", NULL)),
                              bridge_port(json_array_get(ports, i)));
    if (strcmp(cf_json_str(spec, "", "clusterIP", NULL), "None") == 0)
        cf_json_put_take(service, json_string("None"), "spec", "clusterIP", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(copied); i++)
        if (json_object_get(spec, copied[i]))
            cf_json_put_take(service, cf_json_copy(json_object_get(spec, copied[i])), "spec",
                             copied[i], NULL);
    return service;
}

static bool names_service(enum cf_router_type type, const char *object_ns, const json_t *entry,
                          const struct cf_bridge *b, const char *name)
{
    struct cf_destination d;
    char its_ns[CF_DEST_WORD_MAX], its_name[CF_DEST_NAME_MAX];
    return cf_destination_read(type, object_ns, entry, &d) &&
           cf_destination_service(type, &d, its_ns, its_name) && strcmp(its_ns, b->ns) == 0 &&
           strcmp(its_name, name) == 0;
}

/* A VirtualService's routes of any protocol, or an HTTPRoute's rules. */
static bool routes_name(enum cf_router_type type, const json_t *routes, const char *entries,
                        const char *ns, const struct cf_bridge *b, const char *name)
{
    for (size_t i = 0; i < json_array_size(routes); i++) {
        const json_t *list = json_object_get(json_array_get(routes, i), entries);
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *entry = json_array_get(list, k);
            if (type == CF_ROUTER_VIRTUAL_SERVICE)
                entry = json_object_get(entry, "destination");
            if (names_service(type, ns, entry, b, name))
                return true;
        }
    }
    return false;
}

static bool ingress_names(const json_t *object, const char *ns, const struct cf_bridge *b,
                          const char *name)
{
    const json_t *rules = cf_json_at(object, "spec", "rules", NULL);
    if (names_service(CF_ROUTER_INGRESS, ns, cf_json_at(object, "spec", "defaultBackend", NULL), b,
                      name))
        return true;
    for (size_t r = 0; r < json_array_size(rules); r++) {
        const json_t *paths = cf_json_at(json_array_get(rules, r), "http", "paths", NULL);
        for (size_t p = 0; p < json_array_size(paths); p++)
            if (names_service(CF_ROUTER_INGRESS, ns,
                              json_object_get(json_array_get(paths, p), "backend"), b, name))
                return true;
    }
    return false;
}

bool cf_bridge_named_by(const struct cf_bridge *b, const json_t *object)
{
    static const char *const protocols[] = { "http", "tls", "tcp" };
    char name[CF_DEST_WORD_MAX];
    const char *kind = cf_json_str(object, "", "kind", NULL),
               *ns = cf_json_str(object, "", "metadata", "namespace", NULL);
    const json_t *spec = json_object_get(object, "spec");
    cf_bridge_name(b->service, name);
    if (strcmp(kind, "Ingress") == 0)
        return ingress_names(object, ns, b, name);
    if (strcmp(kind, "HTTPRoute") == 0)
        return routes_name(CF_ROUTER_HTTP_ROUTE, json_object_get(spec, "rules"), "backendRefs", ns,
                           b, name);
    for (size_t i = 0; strcmp(kind, "VirtualService") == 0 && i < CF_ARRAY_LEN(protocols); i++)
        if (routes_name(CF_ROUTER_VIRTUAL_SERVICE, json_object_get(spec, protocols[i]), "route", ns,
                        b, name))
            return true;
    return false;
}
