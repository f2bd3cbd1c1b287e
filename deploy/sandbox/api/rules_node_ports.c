/* SPDX-License-Identifier: Apache-2.0 */
/* Node ports of Services: each of a server's is given once. */
#include <string.h>

#include "deploy/sandbox/api/rules.h"

enum { FIRST_PORT = 30000, PORTS = 2768 /* the usual range: to 32767 */ };

static bool has_node_ports(const json_t *service)
{
    return sbx_word_in("NodePort,LoadBalancer", cf_json_str(service, "", "spec", "type", NULL));
}

/* Whether a Service other than `self` has it. */
static bool is_taken(struct sbx_api *api, const json_t *self, int64_t port)
{
    const struct sbx_table *t = sbx_table_of(api, sbx_kind_of_group("", "services"));
    for (size_t i = 0; i < t->count; i++) {
        const json_t *other = t->entries[i].obj;
        if (strcmp(cf_json_str(other, "", "metadata", "uid", NULL),
                   cf_json_str(self, "", "metadata", "uid", NULL)) == 0)
            continue;
        size_t j;
        json_t *p;
        json_array_foreach(cf_json_at(other, "spec", "ports", NULL), j, p)
        {
            if (cf_json_int(p, 0, "nodePort", NULL) == port)
                return true;
        }
    }
    return false;
}

/* Servers begin at different numbers, as real ones draw them. */
static int64_t next_port(struct sbx_api *api, const json_t *self)
{
    if (!api->next_node_port) {
        unsigned h = 0;
        for (const char *c = api->cluster; *c; c++)
            h = h * 31 + (unsigned char)*c;
        api->next_node_port = (int)(h % PORTS);
    }
    for (int i = 0; i < PORTS; i++) {
        int64_t port = FIRST_PORT + api->next_node_port++ % PORTS;
        if (!is_taken(api, self, port))
            return port;
    }
    return 0;
}

static const json_t *same_port(const json_t *live, const json_t *port)
{
    size_t i;
    json_t *p;
    json_array_foreach(cf_json_at(live, "spec", "ports", NULL), i, p)
    {
        if (cf_json_int(p, 0, "port", NULL) == cf_json_int(port, 0, "port", NULL) &&
            strcmp(cf_json_str(p, "TCP", "protocol", NULL),
                   cf_json_str(port, "TCP", "protocol", NULL)) == 0)
            return p;
    }
    return NULL;
}

void sbx_rules_default_node_ports(struct sbx_api *api, json_t *service, const json_t *live)
{
    size_t i;
    json_t *p;
    json_array_foreach(has_node_ports(service)
                           ? cf_json_unconst(cf_json_at(service, "spec", "ports", NULL))
                           : NULL,
                       i, p)
    {
        if (cf_json_int(p, 0, "nodePort", NULL))
            continue;
        int64_t old = cf_json_int(same_port(live, p), 0, "nodePort", NULL);
        json_object_set_new(p, "nodePort", json_integer(old ? old : next_port(api, service)));
    }
}

void sbx_rules_check_node_ports(struct sbx_api *api, const json_t *service,
                                struct sbx_causes *causes)
{
    size_t i;
    json_t *p;
    json_array_foreach(cf_json_at(service, "spec", "ports", NULL), i, p)
    {
        int64_t port = cf_json_int(p, 0, "nodePort", NULL);
        if (port && is_taken(api, service, port))
            sbx_cause(causes, "FieldValueInvalid", "provided port is already allocated",
                      "spec.ports[%zu].nodePort", i);
    }
}
