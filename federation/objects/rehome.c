/* SPDX-License-Identifier: Apache-2.0 */
/* Places where objects name their own namespace: one table. */
#include "federation/objects/rehome.h"

#include <string.h>

#include "federation/objects/kinds.h"

/* How a text holds the namespace. */
enum form {
    PLAIN,  /* "shop" */
    HOST,   /* "web.shop", "web.shop.svc.cluster.local" */
    PREFIX, /* "shop/gateway" */
};

/* `path` is a JSON pointer in which '*' stands for every element. */
static const struct {
    const char *label, *path;
    enum form form;
} places[] = {
    { "HTTPRoute", "/spec/parentRefs/*/namespace", PLAIN },
    { "HTTPRoute", "/spec/rules/*/backendRefs/*/namespace", PLAIN },
    { "HTTPRoute", "/spec/rules/*/filters/*/requestMirror/backendRef/namespace", PLAIN },
    { "GRPCRoute", "/spec/parentRefs/*/namespace", PLAIN },
    { "GRPCRoute", "/spec/rules/*/backendRefs/*/namespace", PLAIN },
    { "GRPCRoute", "/spec/rules/*/filters/*/requestMirror/backendRef/namespace", PLAIN },
    { "Gateway", "/spec/listeners/*/tls/certificateRefs/*/namespace", PLAIN },
    { "ReferenceGrant", "/spec/from/*/namespace", PLAIN },
    { "ServiceMonitor", "/spec/namespaceSelector/matchNames/*", PLAIN },
    { "PodMonitor", "/spec/namespaceSelector/matchNames/*", PLAIN },
    { "NetworkPolicy",
      "/spec/ingress/*/from/*/namespaceSelector/matchLabels/kubernetes.io~1metadata.name", PLAIN },
    { "NetworkPolicy",
      "/spec/egress/*/to/*/namespaceSelector/matchLabels/kubernetes.io~1metadata.name", PLAIN },
    { "Service", "/spec/externalName", HOST },
    { "VirtualService", "/spec/hosts/*", HOST },
    { "VirtualService", "/spec/gateways/*", PREFIX },
    { "VirtualService", "/spec/exportTo/*", PLAIN },
    { "VirtualService", "/spec/http/*/route/*/destination/host", HOST },
    { "VirtualService", "/spec/http/*/mirror/host", HOST },
    { "VirtualService", "/spec/http/*/mirrors/*/destination/host", HOST },
    { "VirtualService", "/spec/http/*/delegate/namespace", PLAIN },
    { "VirtualService", "/spec/tls/*/route/*/destination/host", HOST },
    { "VirtualService", "/spec/tcp/*/route/*/destination/host", HOST },
    { "DestinationRule", "/spec/host", HOST },
    { "DestinationRule", "/spec/exportTo/*", PLAIN },
    { "ServiceEntry", "/spec/exportTo/*", PLAIN },
    { "Gateway.networking.istio.io", "/spec/servers/*/hosts/*", PREFIX },
};

struct move {
    const char *from, *to;
    enum form form;
};

/* The text with the new namespace (new memory), or NULL when it names another. */
static char *moved(const struct move *m, const char *text)
{
    size_t len = strlen(m->from);
    const char *dot = strchr(text, '.');
    switch (m->form) {
    case PLAIN:
        return strcmp(text, m->from) == 0 ? cf_xstrdup(m->to) : NULL;
    case PREFIX:
        return strncmp(text, m->from, len) == 0 && text[len] == '/'
                   ? cf_xasprintf("%s%s", m->to, text + len)
                   : NULL;
    case HOST:
        if (!dot || strncmp(dot + 1, m->from, len) != 0)
            return NULL;
        if (dot[1 + len] != '\0' && strcmp(dot + 1 + len, ".svc") != 0 &&
            strncmp(dot + 1 + len, ".svc.", 5) != 0)
            return NULL;
        return cf_xasprintf("%.*s.%s%s", (int)(dot - text), text, m->to, dot + 1 + len);
    }
    return NULL;
}

static json_t *moved_value(const struct move *m, const json_t *value)
{
    cf_autofree char *text = json_is_string(value) ? moved(m, json_string_value(value)) : NULL;
    return text ? json_string(text) : NULL;
}

static void follow(const struct move *m, json_t *value, const char *path);

/* Every element: followed further, or changed itself when the path ends here. */
static void follow_elements(const struct move *m, json_t *list, const char *rest)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (*rest) {
            follow(m, json_array_get(list, i), rest);
            continue;
        }
        json_t *new = moved_value(m, json_array_get(list, i));
        if (new)
            json_array_set_new(list, i, new);
    }
}

static void follow(const struct move *m, json_t *value, const char *path)
{
    const char *rest = path;
    cf_autofree char *token = cf_json_pointer_next(&rest);
    if (!token || !value)
        return;
    if (strcmp(token, "*") == 0) {
        follow_elements(m, value, rest);
    } else if (*rest) {
        follow(m, json_object_get(value, token), rest);
    } else {
        json_t *new = moved_value(m, json_object_get(value, token));
        if (new)
            json_object_set_new(value, token, new);
    }
}

/* ServiceAccounts of the namespace among a binding's subjects. */
static void move_subjects(json_t *object, const char *from, const char *to)
{
    size_t i;
    json_t *subject;
    json_array_foreach(json_object_get(object, "subjects"), i, subject)
    {
        if (strcmp(cf_json_str(subject, from, "namespace", NULL), from) == 0 &&
            strcmp(cf_json_str(subject, "", "kind", NULL), "ServiceAccount") == 0)
            json_object_set_new(subject, "namespace", json_string(to));
    }
}

void cf_object_set_namespace(json_t *object, const char *ns)
{
    const struct cf_kind *k = cf_kind_of(object);
    cf_autofree char *from = cf_xstrdup(cf_object_namespace(object));
    if (k && strcmp(k->kind, "Namespace") == 0) {
        cf_json_put_take(object, json_string(ns), "metadata", "name", NULL);
        return;
    }
    if (k && k->flags & CF_KIND_CLUSTER)
        return;
    cf_json_put_take(object, json_string(ns), "metadata", "namespace", NULL);
    move_subjects(object, from, ns);
    for (size_t i = 0; k && strcmp(from, ns) != 0 && i < CF_ARRAY_LEN(places); i++) {
        const struct move m = { from, ns, places[i].form };
        if (strcmp(places[i].label, k->label ? k->label : k->kind) == 0)
            follow(&m, object, places[i].path);
    }
}
