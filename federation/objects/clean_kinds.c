/* SPDX-License-Identifier: Apache-2.0 */
/* What kinds without pods lose beyond what every object loses (clean.h). */
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/quantity.h"

/* Whether a list of ports (as someone applied it) has this port with this very node port. */
static bool has_node_port(const json_t *ports, const json_t *port)
{
    size_t i;
    json_t *applied;
    json_array_foreach(ports, i, applied)
    {
        if (cf_json_int(applied, 0, "port", NULL) == cf_json_int(port, -1, "port", NULL) &&
            cf_json_int(applied, 0, "nodePort", NULL) == cf_json_int(port, -1, "nodePort", NULL))
            return true;
    }
    return false;
}

/* managedFields say of an applied port `k:{"port":80,"protocol":"TCP"}: {"f:nodePort": {}}`. */
static bool is_applied_node_port(const json_t *original, const json_t *port)
{
    cf_autofree char *key = cf_xasprintf("k:{\"port\":%lld,\"protocol\":\"%s\"}",
                                         (long long)cf_json_int(port, 0, "port", NULL),
                                         cf_json_str(port, "TCP", "protocol", NULL));
    size_t i;
    json_t *entry;
    json_array_foreach(cf_json_at(original, "metadata", "managedFields", NULL), i, entry)
    {
        if (strcmp(cf_json_str(entry, "", "operation", NULL), "Apply") == 0 &&
            cf_json_at(entry, "fieldsV1", "f:spec", "f:ports", key, "f:nodePort", NULL))
            return true;
    }
    return false;
}

/* What a person applied with kubectl; NULL when nobody did, or it cannot be read: then it proves
 * nothing. New reference. */
static json_t *last_applied(const json_t *original)
{
    const char *text = cf_json_str(original, NULL, "metadata", "annotations",
                                   "kubectl.kubernetes.io/last-applied-configuration", NULL);
    struct cf_error unreadable = CF_ERROR_INIT;
    return text ? cf_json_parse(text, strlen(text), 0, &unreadable) : NULL;
}

/* Whether somebody's server-side apply owns this field of spec. */
static bool is_applied_field(const json_t *original, const char *field)
{
    size_t i;
    json_t *entry;
    json_array_foreach(cf_json_at(original, "metadata", "managedFields", NULL), i, entry)
    {
        if (strcmp(cf_json_str(entry, "", "operation", NULL), "Apply") == 0 &&
            cf_json_at(entry, "fieldsV1", "f:spec", field, NULL))
            return true;
    }
    return false;
}

/* Node ports that a person chose are meant; those that the source cluster gave are not. */
static void strip_node_ports(json_t *spec, const json_t *original)
{
    cf_autojson json_t *applied = last_applied(original);
    size_t i;
    json_t *port;
    json_array_foreach(json_object_get(spec, "ports"), i, port)
    {
        if (!has_node_port(cf_json_at(applied, "spec", "ports", NULL), port) &&
            !is_applied_node_port(original, port))
            json_object_del(port, "nodePort");
    }
    if (!cf_json_at(applied, "spec", "healthCheckNodePort", NULL) &&
        !is_applied_field(original, "f:healthCheckNodePort"))
        json_object_del(spec, "healthCheckNodePort");
}

void cf_clean_service(json_t *object, const json_t *original)
{
    json_t *spec = json_object_get(object, "spec");
    if (strcmp(cf_json_str(spec, "", "clusterIP", NULL), "None") != 0) {
        json_object_del(spec, "clusterIP");
        json_object_del(spec, "clusterIPs");
    }
    json_object_del(spec, "loadBalancerIP");
    json_object_del(spec, "ipFamilies");
    /* The one policy that every cluster can follow. */
    if (strcmp(cf_json_str(spec, "", "ipFamilyPolicy", NULL), "PreferDualStack") != 0)
        json_object_del(spec, "ipFamilyPolicy");
    if (strcmp(cf_json_str(spec, "", "type", NULL), "LoadBalancer") == 0)
        json_object_del(spec, "externalIPs");
    strip_node_ports(spec, original);
}

/* A volume may have grown beyond what was asked for: the copy must hold what is in it. */
static void ask_for_capacity(json_t *object, const json_t *original)
{
    const json_t *capacity = cf_json_at(original, "status", "capacity", "storage", NULL);
    double asked = 0, has = 0;
    if (!cf_quantity_of(capacity, &has))
        return;
    if (!cf_quantity_of(cf_json_at(object, "spec", "resources", "requests", "storage", NULL),
                        &asked) ||
        asked < has)
        cf_json_put_take(object, json_incref(cf_json_unconst(capacity)), "spec", "resources",
                         "requests", "storage", NULL);
}

void cf_clean_claim(json_t *object, const json_t *original)
{
    static const char *const fields[] = { "volumeName", "dataSource", "dataSourceRef" };
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++)
        cf_json_del(object, "spec", fields[i], NULL);
    ask_for_capacity(object, original);
}

void cf_clean_service_account(json_t *object, const json_t *original)
{
    (void)original;
    json_t *secrets = json_object_get(object, "secrets");
    cf_autofree char *token = cf_xasprintf("%s-token-", cf_object_name(object));
    for (size_t i = json_array_size(secrets); i-- > 0;) {
        const char *name = cf_json_str(json_array_get(secrets, i), "", "name", NULL);
        if (strncmp(name, token, strlen(token)) == 0 || strstr(name, "-dockercfg-"))
            json_array_remove(secrets, i);
    }
    if (secrets && json_array_size(secrets) == 0)
        json_object_del(object, "secrets");
}

void cf_clean_namespace(json_t *object, const json_t *original)
{
    (void)original;
    cf_json_del(object, "spec", "finalizers", NULL);
    /* The label that carries the name is the API server's; it would contradict another name. */
    cf_json_del(object, "metadata", "labels", "kubernetes.io/metadata.name", NULL);
}

/* A token that a person asked for is asked for again: the target's controller fills it. */
void cf_clean_secret(json_t *object, const json_t *original)
{
    (void)original;
    static const char *const filled[] = { "token", "ca.crt", "namespace" };
    if (strcmp(cf_json_str(object, "", "type", NULL), CF_SECRET_TYPE_TOKEN) != 0)
        return;
    cf_json_del(object, "metadata", "annotations", "kubernetes.io/service-account.uid", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(filled); i++)
        cf_json_del(object, "data", filled[i], NULL);
    if (json_object_size(json_object_get(object, "data")) == 0)
        json_object_del(object, "data");
}

/* Addresses stay, what they say about the source's nodes and pods goes. */
static void strip_address(json_t *address)
{
    static const char *const fields[] = { "nodeName", "targetRef", "zone", "hints",
                                          "deprecatedTopology" };
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++)
        json_object_del(address, fields[i]);
}

void cf_clean_endpoints(json_t *object, const json_t *original)
{
    (void)original;
    static const char *const lists[] = { "addresses", "notReadyAddresses" };
    size_t i, k;
    json_t *subset, *address;
    json_array_foreach(json_object_get(object, "subsets"), i, subset)
    {
        for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
            json_array_foreach(json_object_get(subset, lists[l]), k, address)
            {
                strip_address(address);
            }
        }
    }
}

void cf_clean_endpoint_slice(json_t *object, const json_t *original)
{
    (void)original;
    size_t i;
    json_t *endpoint;
    json_array_foreach(json_object_get(object, "endpoints"), i, endpoint)
    {
        strip_address(endpoint);
    }
}

/* What a cloud's controller wrote about its load balancer. */
void cf_clean_ingress(json_t *object, const json_t *original)
{
    (void)original;
    static const char *const written[] = {
        "backends",     "forwarding-rule",    "https-forwarding-rule",
        "target-proxy", "https-target-proxy", "url-map",
        "ssl-cert",     "static-ip"
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(written); i++) {
        cf_autofree char *key = cf_xasprintf("ingress.kubernetes.io/%s", written[i]);
        cf_json_del(object, "metadata", "annotations", key, NULL);
    }
    if (json_object_size(cf_json_at(object, "metadata", "annotations", NULL)) == 0)
        cf_json_del(object, "metadata", "annotations", NULL);
}

/* The certificate of a conversion webhook is the source's. `preserveUnknownFields: true` is taken
 * by no server any more: what it means is said in each version's schema. */
void cf_clean_definition(json_t *object, const json_t *original)
{
    cf_json_del(object, "spec", "conversion", "webhook", "clientConfig", "caBundle", NULL);
    cf_json_del(object, "spec", "preserveUnknownFields", NULL);
    if (!cf_json_bool(original, false, "spec", "preserveUnknownFields", NULL))
        return;
    size_t i;
    json_t *version;
    json_array_foreach(cf_json_at(object, "spec", "versions", NULL), i, version)
    {
        json_t *schema = json_object_get(json_object_get(version, "schema"), "openAPIV3Schema");
        if (schema)
            json_object_set_new(schema, "x-kubernetes-preserve-unknown-fields", json_true());
    }
}
