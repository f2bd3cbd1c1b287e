/* SPDX-License-Identifier: Apache-2.0 */
/* The table of metric namings, and the matching of series against it. */
#include "orchestrator/gate/presets.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const struct cf_preset cf_presets[] = {
    {
        .name = "istio", /* Istio's own telemetry, as its gateways and sidecars report it */
        .routers = CF_PRESET_OF_MESHES,
        .requests = { "istio_requests_total" },
        .code_label = "response_code",
        .latency = "istio_request_duration_milliseconds_bucket",
        .latency_unit_ms = 1,
        .match = { { "destination_service", "{host}", false }, { "reporter", "source", false } },
    },
    {
        .name = "envoy", /* Envoy with its default tags */
        .routers = CF_PRESET_OF_MESHES,
        .requests = { "envoy_cluster_upstream_rq_xx" },
        .code_label = "envoy_response_code_class",
        .latency = "envoy_cluster_upstream_rq_time_bucket",
        .latency_unit_ms = 1,
        .has_subsets = true,
        .match = { { "envoy_cluster_name", "outbound|{port}|{subset}|{host}", false } },
    },
    {
        .name = "envoy-istio", /* Envoy with the tags that Istio's bootstrap sets */
        .routers = CF_PRESET_OF_MESHES,
        .requests = { "envoy_cluster_upstream_rq", "envoy_cluster_upstream_rq_xx" },
        .code_label = "response_code_class",
        .latency = "envoy_cluster_upstream_rq_time_bucket",
        .latency_unit_ms = 1,
        .has_subsets = true,
        .match = { { "cluster_name", "outbound|{port}|{subset}|{host}", false } },
    },
    {
        /* ingress-nginx; a canary's requests carry the main service and name the canary apart */
        .name = "nginx",
        .routers = CF_PRESET_OF_INGRESSES,
        .requests = { "nginx_ingress_controller_requests" },
        .code_label = "status",
        .latency = "nginx_ingress_controller_request_duration_seconds_bucket",
        .latency_unit_ms = 1000,
        .match = { { "service", "{service}", false },
                   { "namespace", "{namespace}", false },
                   { "canary", "", false } },
        .canary_match = { { "canary", "{namespace}-{service}-{port}", false } },
    },
    {
        .name = "traefik",
        .routers = CF_PRESET_OF_ALL,
        .requests = { "traefik_service_requests_total" },
        .code_label = "code",
        .latency = "traefik_service_request_duration_seconds_bucket",
        .latency_unit_ms = 1000,
        .match = { { "service", "{namespace}-{service}-{port}@kubernetes", true } },
    },
    { .name = NULL },
};

const struct cf_preset *cf_preset_find(const char *name)
{
    for (const struct cf_preset *p = cf_presets; name && p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

const char *const *cf_preset_names(void)
{
    static const char *const names[] = { "auto",  "istio",   "envoy", "envoy-istio",
                                         "nginx", "traefik", NULL };
    return names;
}

const struct cf_preset_match *cf_preset_matches(const struct cf_preset *p,
                                                const struct cf_stream_backend *backend,
                                                struct cf_error *err)
{
    if (backend->subset && *backend->subset && !p->has_subsets) {
        cf_error_set(err, CF_ERR_INVALID, "%s metrics do not tell the subsets of one host apart",
                     p->name);
        return NULL;
    }
    return backend->canary && p->canary_match[0].label ? p->canary_match : p->match;
}

/* The text that a {placeholder} stands for, into `scratch` when it is a number; NULL: the port, which is not known. The names are
 * those of our own table. */
static const char *placeholder(const struct cf_stream_backend *b, const char *name, size_t len,
                               char scratch[16])
{
    const char *port = b->port_name && *b->port_name ? b->port_name : NULL;
    if (b->port > 0) {
        snprintf(scratch, 16, "%d", b->port);
        port = scratch;
    }
    const struct {
        const char *name;
        const char *value;
        const char *if_unknown;
    } table[] = {
        { "host", b->host, "" },         { "subset", b->subset, "" },
        { "port", port, NULL },          { "namespace", b->namespace_, "" },
        { "service", b->service, "" },   { "ingress", b->ingress, "" },
        { "main", b->main_service, "" },
    };
    size_t i = 0;
    while (strlen(table[i].name) != len || memcmp(table[i].name, name, len) != 0) {
        i++;
        cf_assert(i < CF_ARRAY_LEN(table));
    }
    return table[i].value ? table[i].value : table[i].if_unknown;
}

bool cf_preset_value(const struct cf_preset_match *m, const struct cf_stream_backend *backend,
                     char *buf, struct cf_error *err)
{
    size_t used = 0;
    for (const char *c = m->value; *c;) {
        char scratch[16];
        char literal[2] = { *c, 0 };
        const char *piece = literal;
        const char *end = *c == '{' ? strchr(c, '}') : NULL;
        if (end)
            piece = placeholder(backend, c + 1, (size_t)(end - c - 1), scratch);
        if (!piece)
            return cf_error_set(err, CF_ERR_INVALID,
                                "the port of the destination %s is not known, and label %s has it",
                                backend->host ? backend->host : backend->service, m->label);
        size_t len = strlen(piece);
        if (used + len >= CF_PRESET_VALUE_MAX)
            return cf_error_set(err, CF_ERR_LIMIT,
                                "the backend's name is longer than %d characters",
                                CF_PRESET_VALUE_MAX - 1);
        memcpy(buf + used, piece, len);
        used += len;
        c = end ? end + 1 : c + 1;
    }
    buf[used] = 0;
    return true;
}

bool cf_preset_series_matches(const struct cf_preset_match *m,
                              const struct cf_stream_backend *backend, cf_label_fn *label,
                              const void *labels)
{
    for (int i = 0; i < CF_PRESET_MATCHES && m[i].label; i++) {
        char want[CF_PRESET_VALUE_MAX];
        struct cf_error ignored = CF_ERROR_INIT;
        if (!cf_preset_value(&m[i], backend, want, &ignored))
            return false;
        const char *have = label(labels, m[i].label);
        have = have ? have : "";
        if (m[i].prefix ? strncmp(have, want, strlen(want)) != 0 : strcmp(have, want) != 0)
            return false;
    }
    return true;
}

bool cf_preset_result(const struct cf_preset *p, cf_label_fn *label, const void *labels,
                      bool *out_bad)
{
    const char *code = label(labels, p->code_label);
    if (!code || !isdigit((unsigned char)code[0]))
        return false;
    *out_bad = code[0] == '5';
    return true;
}
