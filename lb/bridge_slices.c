/* SPDX-License-Identifier: Apache-2.0 */
/* The bridge's EndpointSlices: one for each of the target's that has ready endpoints, or chunks of
 * fixed addresses; and the writes that bring the present ones there. */
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/digest.h"
#include "lb/bridge_objects.h"

/* "<bridge>-<8 hex>", by name "<bridge>-by-name-<8 hex>": the same for the same origin. A Service
 * may have a bridge of both sorts in one namespace. */
static json_t *new_slice(const struct cf_bridge *b, const char *origin, const char *address_type)
{
    char bridge[CF_DEST_WORD_MAX], service[CF_DEST_NAME_MAX], name[CF_DEST_WORD_MAX + 32],
        hex[CF_SHA256_HEX];
    snprintf(name, sizeof name, "%s-%s%.8s", cf_bridge_name(b->service, bridge),
             b->by_name ? "by-name-" : "", cf_sha256_hex(origin, strlen(origin), hex));
    json_t *slice = json_object();
    json_object_set_new(slice, "apiVersion", json_string("discovery.k8s.io/v1"));
    json_object_set_new(slice, "kind", json_string("EndpointSlice"));
    json_object_set_new(slice, "metadata", cf_bridge_metadata(b, name));
    cf_json_put_take(slice, json_string(cf_bridge_service_name(b, service)), "metadata", "labels",
                     CF_SLICE_SERVICE, NULL);
    cf_json_put_take(slice, json_string(CF_SLICE_MANAGER), "metadata", "labels",
                     CF_SLICE_MANAGED_BY, NULL);
    json_object_set_new(slice, "addressType", json_string(address_type));
    json_object_set_new(slice, "endpoints", json_array());
    json_object_set_new(slice, "ports", json_array());
    return slice;
}

static bool same_protocol(const json_t *a, const json_t *b)
{
    return strcmp(cf_json_str(a, "TCP", "protocol", NULL),
                  cf_json_str(b, "TCP", "protocol", NULL)) == 0;
}

/* The source Service's port that a slice's port stands for: of its name, or the only one there is.
 * NULL: none. */
static const json_t *service_port_for(const json_t *service_ports, const json_t *slice_ports,
                                      const json_t *slice_port)
{
    const char *name = cf_json_str(slice_port, "", "name", NULL);
    for (size_t i = 0; i < json_array_size(service_ports); i++) {
        const json_t *p = json_array_get(service_ports, i);
        if (strcmp(cf_json_str(p, "", "name", NULL), name) == 0 && same_protocol(p, slice_port))
            return p;
    }
    const json_t *only = json_array_get(service_ports, 0);
    bool single = json_array_size(service_ports) == 1 && json_array_size(slice_ports) == 1;
    return single && same_protocol(only, slice_port) ? only : NULL;
}

static void append_port(json_t *ports, const json_t *service_port, int64_t number)
{
    json_t *p = json_object();
    const json_t *app = json_object_get(service_port, "appProtocol");
    json_object_set_new(p, "name", json_string(cf_json_str(service_port, "", "name", NULL)));
    json_object_set_new(p, "protocol",
                        json_string(cf_json_str(service_port, "TCP", "protocol", NULL)));
    json_object_set_new(p, "port", json_integer(number));
    if (app)
        json_object_set_new(p, "appProtocol", cf_json_copy(app));
    json_array_append_new(ports, p);
}

/* Absent conditions mean ready, by the API's own rule. */
static bool is_ready(const json_t *endpoint)
{
    return cf_json_bool(endpoint, true, "conditions", "ready", NULL);
}

static json_t *append_endpoint(json_t *endpoints, json_t *addresses_taken)
{
    json_t *e = json_object();
    json_object_set_new(e, "addresses", addresses_taken);
    cf_json_put_take(e, json_true(), "conditions", "ready", NULL);
    json_array_append_new(endpoints, e);
    return e;
}

/* What was met on the way: why nothing may have come of it. */
struct mirrored {
    bool any_port, mapped; /* a slice had ports; one of them is the Service's */
    bool family;           /* nothing was left out for its IP family */
};

/* Mirrors one slice; NULL when it has nothing ready that may be carried. */
static json_t *mirror(const struct cf_bridge *b, const json_t *service, const json_t *theirs,
                      struct mirrored *met)
{
    const json_t *service_ports = cf_json_at(service, "spec", "ports", NULL);
    const json_t *endpoints = json_object_get(theirs, "endpoints"),
                 *ports = json_object_get(theirs, "ports");
    json_t *slice = new_slice(b, cf_json_str(theirs, "", "metadata", "name", NULL),
                              cf_json_str(theirs, "IPv4", "addressType", NULL));
    json_t *our_ports = json_object_get(slice, "ports"),
           *our_endpoints = json_object_get(slice, "endpoints");
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *p = json_array_get(ports, i), *sp = service_port_for(service_ports, ports, p);
        int64_t number = cf_json_int(p, 0, "port", NULL);
        if (sp && number > 0)
            append_port(our_ports, sp, number);
    }
    bool portless = b->by_name && !json_array_size(service_ports) && !json_array_size(ports);
    bool carried = json_array_size(our_ports) || portless;
    met->any_port |= json_array_size(ports) > 0;
    met->mapped |= json_array_size(our_ports) > 0;
    for (size_t i = 0; carried && i < json_array_size(endpoints); i++) {
        const json_t *e = json_array_get(endpoints, i);
        if (!is_ready(e) || !json_array_size(json_object_get(e, "addresses")))
            continue;
        json_t *ours =
            append_endpoint(our_endpoints, cf_json_copy(json_object_get(e, "addresses")));
        if (b->by_name)
            cf_bridge_carry_hostname(ours, e);
    }
    bool fits =
        !b->by_name || cf_bridge_family_fits(service, cf_json_str(slice, "", "addressType", NULL));
    if (json_array_size(our_endpoints) && fits)
        return slice;
    met->family &= !json_array_size(our_endpoints) || fits;
    json_decref(slice);
    return NULL;
}

static json_t *refuse_mirror(const struct cf_bridge *b, const struct mirrored *met,
                             struct cf_error *err)
{
    if (met->any_port && !met->mapped) {
        cf_error_set(err, CF_ERR_INVALID,
                     "no port of the target's Service %s/%s has the name of one of Service %s/%s",
                     b->target_ns, b->target_service, b->ns, b->service);
        cf_error_reason(err, "no-port-maps");
        return NULL;
    }
    cf_error_set(err, CF_ERR_INVALID,
                 "no ready address behind Service %s/%s on %s is of an IP family of Service %s/%s; "
                 "set its ipFamilies to what the other cluster's pods have",
                 b->target_ns, b->target_service, b->target_cluster, b->ns, b->service);
    cf_error_reason(err, "no-family-fits");
    return NULL;
}

json_t *cf_bridge_slices(const struct cf_bridge *b, const json_t *source_service,
                         const json_t *target_slices, int *out_ready, struct cf_error *err)
{
    cf_autojson json_t *out = json_array();
    struct mirrored met = { .family = true };
    size_t total = 0;
    for (size_t i = 0; i < json_array_size(target_slices); i++) {
        const json_t *theirs = json_array_get(target_slices, i);
        if (cf_bridge_slice_is_by_name(theirs))
            continue;
        total += json_array_size(json_object_get(theirs, "endpoints"));
        json_t *slice =
            total <= CF_BRIDGE_ENDPOINTS_MAX ? mirror(b, source_service, theirs, &met) : NULL;
        if (slice)
            json_array_append_new(out, slice);
    }
    if (total > CF_BRIDGE_ENDPOINTS_MAX) {
        cf_error_set(err, CF_ERR_LIMIT, "Service %s/%s has %zu endpoints, more than %d",
                     b->target_ns, b->target_service, total, CF_BRIDGE_ENDPOINTS_MAX);
        return NULL;
    }
    if ((met.any_port && !met.mapped) || (!met.family && !json_array_size(out)))
        return refuse_mirror(b, &met, err);
    *out_ready = cf_bridge_ready_count(out);
    return cf_steal(&out);
}

/* NULL for what no slice may carry. */
static const char *address_type_of(const char *ip)
{
    return cf_address_refused(ip) ? NULL : cf_address_type(ip);
}

static int64_t fixed_port(const json_t *service_port, int wanted)
{
    const json_t *target = json_object_get(service_port, "targetPort");
    if (wanted > 0)
        return wanted;
    return json_integer_value(target) > 0 ? json_integer_value(target)
                                          : cf_json_int(service_port, 0, "port", NULL);
}

/* Addresses of one type and one port, in chunks that a slice can hold. */
static void append_fixed(const struct cf_bridge *b, const json_t *service_ports,
                         const struct cf_bridge_address *addresses, int n, int of, const char *type,
                         json_t *out)
{
    json_t *slice = NULL;
    char origin[64];
    for (int i = of, chunk = 0; i < n; i++) {
        if (addresses[i].port != addresses[of].port ||
            strcmp(address_type_of(addresses[i].ip), type) != 0)
            continue;
        if (!slice ||
            json_array_size(json_object_get(slice, "endpoints")) >= CF_BRIDGE_SLICE_ENDPOINTS_MAX) {
            snprintf(origin, sizeof origin, "fixed %s %d %d", type, addresses[of].port, chunk++);
            json_array_append_new(out, slice = new_slice(b, origin, type));
            for (size_t p = 0; p < json_array_size(service_ports); p++)
                append_port(json_object_get(slice, "ports"), json_array_get(service_ports, p),
                            fixed_port(json_array_get(service_ports, p), addresses[of].port));
        }
        append_endpoint(json_object_get(slice, "endpoints"), json_pack("[s]", addresses[i].ip));
    }
}

/* Whether an earlier address opened the group that this one is in. */
static bool in_earlier_group(const struct cf_bridge_address *addresses, int i)
{
    for (int k = 0; k < i; k++)
        if (addresses[k].port == addresses[i].port &&
            strcmp(address_type_of(addresses[k].ip), address_type_of(addresses[i].ip)) == 0)
            return true;
    return false;
}

json_t *cf_bridge_slices_fixed(const struct cf_bridge *b, const json_t *source_service,
                               const struct cf_bridge_address *addresses, int n, int *out_ready,
                               struct cf_error *err)
{
    const json_t *service_ports = cf_json_at(source_service, "spec", "ports", NULL);
    if (n < 1 || n > CF_BRIDGE_ENDPOINTS_MAX) {
        cf_error_set(err, n < 1 ? CF_ERR_INVALID : CF_ERR_LIMIT, "%d addresses; from 1 to %d", n,
                     CF_BRIDGE_ENDPOINTS_MAX);
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        if (address_type_of(addresses[i].ip))
            continue;
        cf_error_set(
            err, CF_ERR_INVALID,
            "\"%s\" is no address that an EndpointSlice may carry: give IP addresses that are not "
            "loopback, link-local, multicast or unspecified",
            addresses[i].ip);
        return NULL;
    }
    json_t *out = json_array();
    for (int i = 0; i < n; i++)
        if (!in_earlier_group(addresses, i))
            append_fixed(b, service_ports, addresses, n, i, address_type_of(addresses[i].ip), out);
    *out_ready = cf_bridge_ready_count(out);
    return out;
}

int cf_bridge_ready_count(const json_t *slices)
{
    cf_autojson json_t *seen = json_object();
    for (size_t i = 0; i < json_array_size(slices); i++) {
        const json_t *endpoints = json_object_get(json_array_get(slices, i), "endpoints");
        for (size_t k = 0; k < json_array_size(endpoints); k++) {
            const json_t *e = json_array_get(endpoints, k);
            const char *address =
                json_string_value(json_array_get(json_object_get(e, "addresses"), 0));
            if (address && is_ready(e))
                json_object_set_new(seen, address, json_true());
        }
    }
    return (int)json_object_size(seen);
}

static const json_t *named(const json_t *slices, const char *name)
{
    for (size_t i = 0; i < json_array_size(slices); i++)
        if (strcmp(cf_json_str(json_array_get(slices, i), "", "metadata", "name", NULL), name) == 0)
            return json_array_get(slices, i);
    return NULL;
}

static bool same_parts(const json_t *a, const json_t *b)
{
    static const char *const parts[] = { "addressType", "endpoints", "ports" };
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++) {
        const json_t *x = json_object_get(a, parts[i]), *y = json_object_get(b, parts[i]);
        bool both_empty = !json_array_size(x) && !json_array_size(y) && !json_is_string(x);
        if (!both_empty && !json_equal(x, y))
            return false;
    }
    return true;
}

static json_t *write_of(const char *op, const char *name, const json_t *object,
                        const json_t *present)
{
    json_t *w = json_pack("{ss ss}", "op", op, "name", name);
    const char *uid = cf_json_str(present, "", "metadata", "uid", NULL);
    if (object)
        json_object_set(w, "object", cf_json_unconst(object));
    if (*uid)
        json_object_set_new(w, "uid", json_string(uid));
    return w;
}

/* Of slices with the same address type: endpoints and ports are replaced as a whole. */
static json_t *update_of(const json_t *want, const json_t *have)
{
    json_t *w = write_of("update", cf_json_str(want, "", "metadata", "name", NULL), NULL, have);
    json_t *patch = json_object();
    json_object_set(patch, "endpoints", json_object_get(want, "endpoints"));
    json_object_set(patch, "ports", json_object_get(want, "ports"));
    json_object_set_new(w, "patch", patch);
    return w;
}

json_t *cf_bridge_diff(const json_t *desired, const json_t *present)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(desired); i++) {
        const json_t *want = json_array_get(desired, i);
        const char *name = cf_json_str(want, "", "metadata", "name", NULL);
        const json_t *have = named(present, name);
        if (!have)
            json_array_append_new(out, write_of("create", name, want, NULL));
        else if (!same_parts(want, have))
            json_array_append_new(out, update_of(want, have));
    }
    for (size_t i = 0; i < json_array_size(present); i++) {
        const json_t *have = json_array_get(present, i);
        const char *name = cf_json_str(have, "", "metadata", "name", NULL);
        if (!named(desired, name))
            json_array_append_new(out, write_of("delete", name, NULL, have));
    }
    return out;
}
