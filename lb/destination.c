/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations: read from plans and objects, compared, written. */
#include "lb/destination.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"

#define CLUSTER_DOMAIN "svc.cluster.local"

static const char *const type_names[CF_ROUTER_TYPES] = {
    [CF_ROUTER_VIRTUAL_SERVICE] = "virtualService",
    [CF_ROUTER_HTTP_ROUTE] = "httpRoute",
    [CF_ROUTER_INGRESS] = "ingress",
};

const char *cf_router_type_name(enum cf_router_type type)
{
    cf_assert(type >= 0 && type < CF_ROUTER_TYPES);
    return type_names[type];
}

bool cf_router_type_parse(const char *name, enum cf_router_type *out)
{
    for (int i = 0; i < CF_ROUTER_TYPES; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *out = (enum cf_router_type)i;
            return true;
        }
    }
    return false;
}

/* Copies; false if it does not fit. */
static bool put(char *dst, size_t size, const char *src)
{
    size_t len = strlen(src);
    if (len >= size)
        return false;
    memcpy(dst, src, len + 1);
    return true;
}

/* Istio's rule: a name without a dot is one of the router's namespace; all others are whole. */
static bool put_host(char *dst, const char *host, const char *ns)
{
    char whole[2 * CF_DEST_NAME_MAX];
    size_t len = strlen(host);
    if (len > 1 && host[len - 1] == '.')
        len--;
    if (len >= CF_DEST_NAME_MAX)
        return false;
    if (memchr(host, '.', len) || len == 0)
        snprintf(whole, sizeof whole, "%.*s", (int)len, host);
    else
        snprintf(whole, sizeof whole, "%.*s.%s." CLUSTER_DOMAIN, (int)len, host, ns);
    return put(dst, CF_DEST_NAME_MAX, whole);
}

/* A port as an integer or a text; absent is "". */
static bool put_port(char *dst, const json_t *port)
{
    if (!port || json_is_null(port)) {
        dst[0] = '\0';
        return true;
    }
    if (json_is_integer(port)) {
        json_int_t n = json_integer_value(port);
        snprintf(dst, CF_DEST_WORD_MAX, "%lld", (long long)n);
        return n >= 1 && n <= 65535;
    }
    return json_is_string(port) && put(dst, CF_DEST_WORD_MAX, json_string_value(port));
}

/* 0 when it is no number of a port. */
static int port_number(const char *port)
{
    struct cf_error ignored = CF_ERROR_INIT;
    int64_t n;
    return cf_int_parse(port, 1, 65535, &n, &ignored) ? (int)n : 0;
}

static bool bad(struct cf_error *err, const char *member, const char *what)
{
    cf_error_set(err, CF_ERR_INVALID, "destination: %s", what);
    return cf_error_field(err, member);
}

/* "[namespace/]name[:port]" or "host[:port]". */
static bool parse_text(enum cf_router_type type, const char *ns, const char *text,
                       struct cf_destination *d, struct cf_error *err)
{
    char name[CF_DEST_TEXT_MAX];
    if (!put(name, sizeof name, text) || !*text)
        return bad(err, "", "is empty or too long");
    char *colon = strrchr(name, ':');
    if (colon) {
        *colon = '\0';
        if (!put(d->port, sizeof d->port, colon + 1) || !*d->port)
            return bad(err, "port", "the port after ':' is empty or too long");
    }
    char *slash = strchr(name, '/');
    if (type == CF_ROUTER_VIRTUAL_SERVICE)
        return put_host(d->host, name, ns) || bad(err, "host", "the host is too long");
    if (slash && type == CF_ROUTER_INGRESS)
        return bad(err, "name", "an Ingress reaches Services of its own namespace only");
    if (slash) {
        *slash = '\0';
        if (!put(d->ns, sizeof d->ns, name))
            return bad(err, "namespace", "the namespace is too long");
    }
    return put(d->name, sizeof d->name, slash ? slash + 1 : name) ||
           bad(err, "name", "the name is too long");
}

struct member {
    const char *name;
    unsigned types; /* 1 << type */
    size_t offset, size;
};

enum {
    VS = 1 << CF_ROUTER_VIRTUAL_SERVICE,
    HR = 1 << CF_ROUTER_HTTP_ROUTE,
    ING = 1 << CF_ROUTER_INGRESS
};

#define MEMBER(word, types, field)                                                                 \
    {                                                                                              \
        word, types, offsetof(struct cf_destination, field),                                       \
            sizeof(((struct cf_destination *)0)->field)                                            \
    }
static const struct member members[] = {
    MEMBER("host", VS, host),    MEMBER("subset", VS, subset),        MEMBER("group", HR, group),
    MEMBER("kind", HR, kind),    MEMBER("name", HR | ING, name),      MEMBER("service", ING, name),
    MEMBER("namespace", HR, ns), MEMBER("port", VS | HR | ING, port),
};

static const struct member *member_named(enum cf_router_type type, const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(members); i++)
        if ((members[i].types & (1u << type)) && strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static bool parse_object(enum cf_router_type type, const char *ns, const json_t *value,
                         struct cf_destination *d, struct cf_error *err)
{
    const char *key;
    json_t *v;
    json_object_foreach(cf_json_unconst(value), key, v)
    {
        const struct member *m = member_named(type, key);
        if (!m)
            return bad(err, key, "is not a word of this router type");
        char *dst = (char *)d + m->offset;
        if (dst == d->port ? !put_port(d->port, v)
                           : !json_is_string(v) || !put(dst, m->size, json_string_value(v)))
            return bad(err, key, "is not a text or port that fits");
    }
    char host[CF_DEST_NAME_MAX];
    memcpy(host, d->host, sizeof host);
    if (type == CF_ROUTER_VIRTUAL_SERVICE)
        return (*host && put_host(d->host, host, ns)) || bad(err, "host", "needs a host");
    return *d->name || bad(err, "name", "needs a name");
}

/* What is the same for every way in: defaults that the type has. */
static void complete(enum cf_router_type type, const char *ns, struct cf_destination *d)
{
    if (type == CF_ROUTER_HTTP_ROUTE && !*d->kind)
        snprintf(d->kind, sizeof d->kind, "Service");
    if (type != CF_ROUTER_VIRTUAL_SERVICE && !*d->ns)
        snprintf(d->ns, sizeof d->ns, "%s", ns);
    for (char *p = d->host; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
}

bool cf_destination_parse(enum cf_router_type type, const char *ns, const json_t *value,
                          struct cf_destination *out, struct cf_error *err)
{
    struct cf_destination d = { 0 };
    bool ok = json_is_string(value)   ? parse_text(type, ns, json_string_value(value), &d, err)
              : json_is_object(value) ? parse_object(type, ns, value, &d, err)
                                      : bad(err, "", "must be a text or an object");
    if (!ok)
        return false;
    if (*d.port && type != CF_ROUTER_INGRESS && !port_number(d.port))
        return bad(err, "port", "the port must be a number from 1 to 65535");
    complete(type, ns, &d);
    *out = d;
    return true;
}

bool cf_destination_read(enum cf_router_type type, const char *ns, const json_t *entry,
                         struct cf_destination *out)
{
    struct cf_destination d = { 0 };
    bool ok;
    if (type == CF_ROUTER_VIRTUAL_SERVICE) {
        const char *host = cf_json_str(entry, "", "host", NULL);
        ok = *host && put_host(d.host, host, ns) &&
             put(d.subset, sizeof d.subset, cf_json_str(entry, "", "subset", NULL)) &&
             put_port(d.port, cf_json_at(entry, "port", "number", NULL));
    } else if (type == CF_ROUTER_HTTP_ROUTE) {
        ok = put(d.group, sizeof d.group, cf_json_str(entry, "", "group", NULL)) &&
             put(d.kind, sizeof d.kind, cf_json_str(entry, "", "kind", NULL)) &&
             put(d.name, sizeof d.name, cf_json_str(entry, "", "name", NULL)) && *d.name &&
             put(d.ns, sizeof d.ns, cf_json_str(entry, "", "namespace", NULL)) &&
             put_port(d.port, cf_json_at(entry, "port", NULL));
    } else {
        const json_t *port = cf_json_at(entry, "service", "port", "number", NULL);
        if (!port)
            port = cf_json_at(entry, "service", "port", "name", NULL);
        ok = put(d.name, sizeof d.name, cf_json_str(entry, "", "service", "name", NULL)) &&
             *d.name && put_port(d.port, port);
    }
    if (!ok)
        return false;
    complete(type, ns, &d);
    *out = d;
    return true;
}

bool cf_destination_matches(enum cf_router_type type, const struct cf_destination *wanted,
                            const struct cf_destination *present)
{
    if (*wanted->port && strcmp(wanted->port, present->port) != 0)
        return false;
    if (type == CF_ROUTER_VIRTUAL_SERVICE)
        return strcmp(wanted->host, present->host) == 0 &&
               strcmp(wanted->subset, present->subset) == 0;
    return strcmp(wanted->group, present->group) == 0 && strcmp(wanted->kind, present->kind) == 0 &&
           strcmp(wanted->name, present->name) == 0 && strcmp(wanted->ns, present->ns) == 0;
}

static json_t *port_json(const char *port)
{
    int n = port_number(port);
    return n ? json_integer(n) : json_string(port);
}

json_t *cf_destination_json(enum cf_router_type type, const char *router_ns,
                            const struct cf_destination *d)
{
    json_t *j = json_object();
    if (type == CF_ROUTER_VIRTUAL_SERVICE) {
        json_object_set_new(j, "host", json_string(d->host));
        if (*d->subset)
            json_object_set_new(j, "subset", json_string(d->subset));
        if (*d->port)
            cf_json_put_take(j, port_json(d->port), "port", "number", NULL);
    } else if (type == CF_ROUTER_HTTP_ROUTE) {
        json_object_set_new(j, "group", json_string(d->group));
        json_object_set_new(j, "kind", json_string(d->kind));
        json_object_set_new(j, "name", json_string(d->name));
        if (strcmp(d->ns, router_ns) != 0)
            json_object_set_new(j, "namespace", json_string(d->ns));
        if (*d->port)
            json_object_set_new(j, "port", port_json(d->port));
    } else {
        cf_json_put_take(j, json_string(d->name), "service", "name", NULL);
        if (*d->port)
            cf_json_put_take(j, port_json(d->port), "service", "port",
                             port_number(d->port) ? "number" : "name", NULL);
    }
    return j;
}

char *cf_destination_text(enum cf_router_type type, const struct cf_destination *d, char *buf)
{
    const char *colon = *d->port ? ":" : "";
    if (type == CF_ROUTER_VIRTUAL_SERVICE)
        snprintf(buf, CF_DEST_TEXT_MAX, "%s%s%s%s%s", d->host, colon, d->port,
                 *d->subset ? " subset " : "", d->subset);
    else
        snprintf(buf, CF_DEST_TEXT_MAX, "%s %s/%s%s%s", *d->kind ? d->kind : "Service", d->ns,
                 d->name, colon, d->port);
    return buf;
}

/* The parts of "name.namespace.svc.…"; false for any other host. */
static bool split_service_host(const char *host, char ns[CF_DEST_WORD_MAX],
                               char name[CF_DEST_NAME_MAX])
{
    const char *dot = strchr(host, '.');
    const char *dot2 = dot ? strchr(dot + 1, '.') : NULL;
    if (!dot2 || strncmp(dot2 + 1, "svc", 3) != 0 || (dot2[4] != '.' && dot2[4] != '\0'))
        return false;
    size_t name_len = (size_t)(dot - host), ns_len = (size_t)(dot2 - dot - 1);
    if (name_len == 0 || ns_len == 0 || ns_len >= CF_DEST_WORD_MAX)
        return false;
    snprintf(name, CF_DEST_NAME_MAX, "%.*s", (int)name_len, host);
    snprintf(ns, CF_DEST_WORD_MAX, "%.*s", (int)ns_len, dot + 1);
    return true;
}

bool cf_destination_service(enum cf_router_type type, const struct cf_destination *d,
                            char ns[CF_DEST_WORD_MAX], char name[CF_DEST_NAME_MAX])
{
    if (type == CF_ROUTER_VIRTUAL_SERVICE)
        return split_service_host(d->host, ns, name);
    if (type == CF_ROUTER_HTTP_ROUTE && (*d->group || strcmp(d->kind, "Service") != 0))
        return false;
    snprintf(ns, CF_DEST_WORD_MAX, "%s", d->ns);
    snprintf(name, CF_DEST_NAME_MAX, "%s", d->name);
    return true;
}

void cf_destination_beside(enum cf_router_type type, const struct cf_destination *like,
                           const char *service, struct cf_destination *out)
{
    struct cf_destination d = *like;
    d.subset[0] = '\0';
    if (type == CF_ROUTER_VIRTUAL_SERVICE) {
        const char *dot = strchr(like->host, '.');
        char host[2 * CF_DEST_NAME_MAX];
        snprintf(host, sizeof host, "%s%s", service, dot ? dot : "");
        snprintf(d.host, sizeof d.host, "%.*s", CF_DEST_NAME_MAX - 1, host);
    } else {
        snprintf(d.name, sizeof d.name, "%s", service);
    }
    *out = d;
}
