/* SPDX-License-Identifier: Apache-2.0 */
/* The first plan that `crossfade plan init` writes. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/plan/bind.h"
#include "orchestrator/plan/format.h"
#include "orchestrator/plan/plan.h"

/* "CLUSTER/NAMESPACE" or "CLUSTER". */
struct place {
    char cluster[CF_PLAN_NAME_MAX + 1];
    char namespace_[CF_PLAN_NAME_MAX + 1]; /* "": not given */
};

static bool parse_place(const char *text, const char *what, struct place *out, struct cf_error *err)
{
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    const char *namespace_ = slash ? slash + 1 : "";
    if (n == 0 || n > CF_PLAN_NAME_MAX || strlen(namespace_) > CF_PLAN_NAME_MAX ||
        (slash && !*namespace_))
        return cf_error_set(err, CF_ERR_INVALID, "%s \"%.80s\" is not CLUSTER/NAMESPACE", what,
                            text);
    snprintf(out->cluster, sizeof out->cluster, "%.*s", (int)n, text);
    snprintf(out->namespace_, sizeof out->namespace_, "%s", namespace_);
    return true;
}

/* A name as a YAML value: in quotes where a plain one would be a number or a truth value. Caller
 * frees. */
static char *yaml_name(const char *name)
{
    bool is_plain = *name && (*name < '0' || *name > '9') && strcmp(name, "true") != 0 &&
                    strcmp(name, "false") != 0 && strcmp(name, "null") != 0 &&
                    cf_format_ok(CF_FORMAT_OBJECT_NAME, name);
    if (is_plain)
        return cf_xstrdup(name);
    cf_autojson json_t *text = json_string(name); /* JSON's quotes are YAML's too */
    return text ? json_dumps(text, JSON_ENCODE_ANY) : cf_xstrdup("\"?\"");
}

/* The first issue of a text that did not decode, as an error. */
static bool fail_with_issue(const struct cf_plan_issues *issues, struct cf_error *err)
{
    const struct cf_plan_issue *i = issues->items;
    while (i->is_warning)
        i++;
    return cf_error_set(err, CF_ERR_INVALID, "%s: %s", i->pointer, i->detail);
}

static bool check(const char *text, struct cf_error *err)
{
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *plan CF_CLEANUP(cf_plan_free_p) = NULL;
    if (cf_plan_decode(text, strlen(text), CF_PLAN_YAML, &plan, NULL, &issues))
        return true;
    return fail_with_issue(&issues, err);
}

/* A name that is too long for a DNS label is cut. */
static void plan_name(const struct place *from, const struct place *to, char *buf)
{
    cf_autofree char *name =
        cf_xasprintf("%s-%s-to-%s", from->namespace_, from->cluster, to->cluster);
    size_t len = CF_MIN(strlen(name), (size_t)CF_PLAN_NAME_MAX);
    memcpy(buf, name, len);
    buf[len] = '\0';
    for (size_t n = strlen(buf); n > 0 && buf[n - 1] == '-'; n--)
        buf[n - 1] = '\0';
}

static bool is_router_type(const char *text)
{
    for (size_t i = 0; cf_words_router_type[i]; i++)
        if (strcmp(cf_words_router_type[i], text) == 0)
            return true;
    return false;
}

char *cf_plan_init_text(const char *from, const char *to, const char *router_type,
                        const char *router_name, struct cf_error *err)
{
    struct place source, target;
    if (!parse_place(from, "the source", &source, err) ||
        !parse_place(to, "the target", &target, err))
        return NULL;
    if (router_type && !is_router_type(router_type)) {
        cf_error_set(err, CF_ERR_INVALID,
                     "\"%.40s\" is not a router type: virtualService, httpRoute, ingress",
                     router_type);
        return NULL;
    }
    if (!*source.namespace_) {
        cf_error_set(err, CF_ERR_INVALID,
                     "the source \"%.80s\" names no namespace: CLUSTER/NAMESPACE", from);
        return NULL;
    }
    char name[CF_PLAN_NAME_MAX + 1];
    plan_name(&source, &target, name);
    bool is_renamed = *target.namespace_ && strcmp(target.namespace_, source.namespace_) != 0;
    const char *type =
        router_type ? router_type : cf_plan_router_type_name(CF_PLAN_ROUTER_VIRTUAL_SERVICE);
    cf_autofree char *plan = yaml_name(name);
    cf_autofree char *cluster = yaml_name(source.cluster);
    cf_autofree char *namespace_ = yaml_name(source.namespace_);
    cf_autofree char *to_cluster = yaml_name(target.cluster);
    cf_autofree char *to_namespace = yaml_name(target.namespace_);
    cf_autofree char *router = yaml_name(router_name ? router_name : source.namespace_);
    cf_autofree char *text =
        cf_xasprintf("apiVersion: " CF_PLAN_API_VERSION "\n"
                     "kind: " CF_PLAN_KIND "\n"
                     "metadata: {name: %s}\n"
                     "spec:\n"
                     "  source: {cluster: %s, namespace: %s}\n"
                     "  target: {cluster: %s%s%s}\n"
                     "  traffic:\n"
                     "    router: {type: %s, name: %s}\n"
                     "    steps: [5, 25, 50, 100]\n"
                     "    hold: 5m\n"
                     "  gates:\n"
                     "    - successRate: \">= 99.5%%\"\n",
                     plan, cluster, namespace_, to_cluster, is_renamed ? ", namespace: " : "",
                     is_renamed ? to_namespace : "", type, router);
    if (!check(text, err)) {
        cf_error_wrap(err, "the plan would not be valid");
        return NULL;
    }
    return cf_steal(&text);
}
