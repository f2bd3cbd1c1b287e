/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a baseline, borrowed from it. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "lb/kinds.h"

enum cf_router_type cf_baseline_type(const json_t *baseline)
{
    enum cf_router_type type = CF_ROUTER_TYPES;
    cf_assert(cf_router_type_parse(cf_json_str(baseline, "", "type", NULL), &type));
    return type;
}

const char *cf_baseline_cluster(const json_t *baseline)
{
    return cf_json_str(baseline, "", "cluster", NULL);
}

const char *cf_baseline_ns(const json_t *baseline)
{
    return cf_json_str(baseline, "", "ns", NULL);
}

const char *cf_baseline_object(const json_t *baseline)
{
    return cf_json_str(baseline, "", "name", NULL);
}

const char *cf_baseline_kind(const json_t *baseline)
{
    return cf_kind_of_baseline(baseline)->kind;
}

const char *cf_baseline_route_key(const json_t *baseline)
{
    return cf_json_str(baseline, "", "route_key", NULL);
}

const char *cf_baseline_slot(const json_t *baseline)
{
    return cf_json_str(baseline, "", "slot", NULL);
}

int cf_baseline_share(const json_t *baseline)
{
    return (int)cf_json_int(baseline, 0, "share", NULL);
}

int cf_baseline_weight(const json_t *baseline)
{
    return (int)cf_json_int(baseline, 0, "weight", NULL);
}

static void read_destination(const json_t *j, struct cf_destination *out)
{
    snprintf(out->host, sizeof out->host, "%s", cf_json_str(j, "", "host", NULL));
    snprintf(out->subset, sizeof out->subset, "%s", cf_json_str(j, "", "subset", NULL));
    snprintf(out->group, sizeof out->group, "%s", cf_json_str(j, "", "group", NULL));
    snprintf(out->kind, sizeof out->kind, "%s", cf_json_str(j, "", "kind", NULL));
    snprintf(out->name, sizeof out->name, "%s", cf_json_str(j, "", "name", NULL));
    snprintf(out->ns, sizeof out->ns, "%s", cf_json_str(j, "", "ns", NULL));
    snprintf(out->port, sizeof out->port, "%s", cf_json_str(j, "", "port", NULL));
}

void cf_baseline_destinations(const json_t *baseline, struct cf_destination *source,
                              struct cf_destination *target)
{
    read_destination(json_object_get(baseline, "source"), source);
    read_destination(json_object_get(baseline, "target"), target);
}

char *cf_baseline_text(const json_t *baseline, char *buf)
{
    const char *key = cf_baseline_route_key(baseline), *cluster = cf_baseline_cluster(baseline);
    snprintf(buf, CF_ROUTER_LINE_MAX, "%s %s/%s%s%s%s%s", cf_baseline_kind(baseline),
             cf_baseline_ns(baseline), cf_baseline_object(baseline), *key ? " route " : "", key,
             *cluster ? " on " : "", cluster);
    return buf;
}

/* Appends `key` with the dots escaped, as kubectl's jsonpath wants it. */
static void append_jsonpath_key(struct cf_buf *b, const char *key)
{
    for (; *key; key++) {
        if (*key == '.')
            cf_buf_putc(b, '\\');
        cf_buf_putc(b, *key);
    }
}

char *cf_router_kubectl_line(const json_t *baseline, char *buf)
{
    const struct cf_kind_ops *kind = cf_kind_of_baseline(baseline);
    const char *ns = cf_baseline_ns(baseline), *name = cf_baseline_object(baseline);
    const char *cluster = cf_baseline_cluster(baseline), *at = *cluster ? " --context " : "";
    char key[CF_MARK_KEY_MAX];
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(CF_ROUTER_LINE_MAX - 1);
    cf_buf_printf(&b, "kubectl%s%s -n %s patch %s.%s %s --type=json -p ", at, cluster, ns,
                  kind->plural, kind->group, name);
    cf_buf_printf(&b, "\"$(kubectl%s%s -n %s get %s.%s %s -o jsonpath='{.metadata.annotations.", at,
                  cluster, ns, kind->plural, kind->group, name);
    append_jsonpath_key(&b, cf_mark_key(CF_MARK_RESTORE, cf_baseline_slot(baseline), key));
    cf_buf_puts(&b, "}')\"");
    snprintf(buf, CF_ROUTER_LINE_MAX, "%s", cf_buf_str(&b));
    return buf;
}
