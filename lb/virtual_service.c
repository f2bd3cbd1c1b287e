/* SPDX-License-Identifier: Apache-2.0 */
/* Istio's VirtualService: http routes by name, one level of delegates, and what we refuse. */
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "lb/split.h"

static const struct cf_split split = {
    .type = CF_ROUTER_VIRTUAL_SERVICE,
    .routes = "http",
    .entries = "route",
    .match = "match",
    .word = "http route",
    .absent_weight = 0,
};

enum { ROUTES_FOR_SUGGESTION_MAX = 64 };

/* The chosen route's index in a root or a delegate, or -1 with a problem. */
static int choose(const struct cf_router_target *t, const json_t *object, bool in_delegate,
                  struct cf_router_view *out)
{
    const json_t *routes = cf_split_routes(&split, object);
    size_t n = json_array_size(routes);
    if (n == 0) {
        bool other = json_array_size(cf_json_at(object, "spec", "tls", NULL)) > 0 ||
                     json_array_size(cf_json_at(object, "spec", "tcp", NULL)) > 0;
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, other ? "not-supported" : "no-routes",
                        other ? "the VirtualService has tls or tcp routes only: not supported yet"
                              : "the VirtualService has no http routes");
        return -1;
    }
    int named = *t->route ? cf_split_named(&split, object, t->route) : -1;
    if (named >= 0 || (!*t->route) || (in_delegate && n == 1))
        return named >= 0 ? named : cf_split_only_route(&split, t, object, out);
    if (in_delegate)
        return cf_split_only_route(&split, t, object, out);
    const char *names[ROUTES_FOR_SUGGESTION_MAX + 1] = { NULL };
    for (size_t i = 0, k = 0; i < n && k < ROUTES_FOR_SUGGESTION_MAX; i++)
        if ((names[k] = cf_json_str(json_array_get(routes, i), NULL, "name", NULL)))
            k++;
    const char *meant = cf_suggest(t->route, names);
    cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "route-not-found",
                    "no http route is named \"%.100s\"%s%.100s%s", t->route,
                    meant ? "; did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
    return -1;
}

bool cf_router_delegate_of(const struct cf_router_target *t, const json_t *object,
                           char ns[CF_DEST_WORD_MAX], char name[CF_DEST_NAME_MAX])
{
    if (t->type != CF_ROUTER_VIRTUAL_SERVICE)
        return false;
    struct cf_router_view scratch = { 0 };
    int index = choose(t, object, false, &scratch);
    if (index < 0)
        return false;
    const json_t *delegate =
        json_object_get(json_array_get(cf_split_routes(&split, object), (size_t)index), "delegate");
    const char *its_name = cf_json_str(delegate, "", "name", NULL);
    const char *home = cf_json_str(object, t->ns, "metadata", "namespace", NULL);
    const char *its_ns = cf_json_str(delegate, home, "namespace", NULL);
    if (!*its_name || strlen(its_name) >= CF_DEST_NAME_MAX || strlen(its_ns) >= CF_DEST_WORD_MAX)
        return false;
    snprintf(name, CF_DEST_NAME_MAX, "%s", its_name);
    snprintf(ns, CF_DEST_WORD_MAX, "%s", *its_ns ? its_ns : home);
    return true;
}

static bool array_has(const json_t *array, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (strcmp(json_string_value(json_array_get(array, i)) ?: "", text) == 0)
            return true;
    return false;
}

static bool is_in_mesh(const json_t *vs)
{
    const json_t *gateways = cf_json_at(vs, "spec", "gateways", NULL);
    return !json_array_size(gateways) || array_has(gateways, "mesh");
}

static bool share_a_gateway(const json_t *a, const json_t *b)
{
    const json_t *ga = cf_json_at(a, "spec", "gateways", NULL),
                 *gb = cf_json_at(b, "spec", "gateways", NULL);
    for (size_t i = 0; i < json_array_size(ga); i++)
        if (array_has(gb, json_string_value(json_array_get(ga, i)) ?: ""))
            return true;
    return false;
}

static bool share_a_host(const json_t *a, const json_t *b)
{
    const json_t *hosts = cf_json_at(a, "spec", "hosts", NULL),
                 *theirs = cf_json_at(b, "spec", "hosts", NULL);
    for (size_t i = 0; i < json_array_size(hosts); i++)
        if (array_has(theirs, json_string_value(json_array_get(hosts, i)) ?: ""))
            return true;
    return false;
}

/* Of one host in two VirtualServices the mesh takes either; a gateway puts their routes one after
 * the other. */
static void check_peers(const json_t *object, const json_t *peers, struct cf_router_view *out)
{
    const char *own = cf_json_str(object, "", "metadata", "name", NULL);
    for (size_t p = 0; p < json_array_size(peers); p++) {
        const json_t *peer = json_array_get(peers, p);
        const char *name = cf_json_str(peer, "", "metadata", "name", NULL);
        if (strcmp(name, own) == 0 || !share_a_host(object, peer))
            continue;
        if (is_in_mesh(object) && is_in_mesh(peer))
            cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "host-shared",
                            "VirtualService %.100s has a host in common with this one, and inside "
                            "the mesh it is not defined "
                            "which of the two a request meets: merge them first",
                            name);
        else if (share_a_gateway(object, peer))
            cf_problems_add(&out->problems, CF_PROBLEM_WARNING, "host-shared",
                            "VirtualService %.100s has a host in common with this one at the same "
                            "gateway; requests that its "
                            "routes take first are not shifted",
                            name);
    }
}

static void check_gateways(const json_t *object, struct cf_router_view *out)
{
    bool is_root = json_array_size(cf_json_at(object, "spec", "hosts", NULL)) > 0;
    if (is_root && !json_array_size(cf_json_at(object, "spec", "gateways", NULL)))
        cf_problems_add(&out->problems, CF_PROBLEM_WARNING, "mesh-only",
                        "no gateways are listed, so this VirtualService applies inside the mesh "
                        "only; what enters through a "
                        "gateway is not shifted");
}

static void inspect(const struct cf_router_target *t, const struct cf_router_objects *o,
                    struct cf_router_view *out)
{
    char ns[CF_DEST_WORD_MAX], name[CF_DEST_NAME_MAX];
    const json_t *object = o->object;
    int index = choose(t, object, false, out);
    if (index < 0)
        return;
    check_gateways(object, out);
    check_peers(object, o->peers, out);
    if (cf_router_delegate_of(t, object, ns, name)) {
        if (!o->delegate) {
            cf_problems_add(
                &out->problems, CF_PROBLEM_BLOCKER, "delegate-missing",
                "the http route delegates to VirtualService %s/%.200s, which is not there", ns,
                name);
            return;
        }
        object = o->delegate;
        json_decref(out->object);
        out->object = json_incref(cf_json_unconst(object));
        if ((index = choose(t, object, true, out)) < 0)
            return;
        if (json_object_get(json_array_get(cf_split_routes(&split, object), (size_t)index),
                            "delegate")) {
            cf_problems_add(
                &out->problems, CF_PROBLEM_BLOCKER, "delegate-nested",
                "VirtualService %s/%.200s delegates again; Istio follows one level only", ns, name);
            return;
        }
    }
    cf_split_inspect(&split, t, object, index, out);
}

static void baseline(const struct cf_router_target *t, const struct cf_router_view *view,
                     json_t *out)
{
    cf_split_baseline(&split, t, view, out);
}

static bool locate(const json_t *b, const json_t *object, struct cf_place *out,
                   char why[CF_PLACE_WHY_MAX])
{
    return cf_split_locate(&split, b, object, out, why);
}

static void test_identity(const json_t *b, const json_t *object, const struct cf_place *at,
                          json_t *patch)
{
    (void)b;
    cf_split_test_identity(&split, object, at, patch);
}

static void set_weight(const json_t *b, const struct cf_place *at, int percent, json_t *patch)
{
    cf_split_set_weight(&split, b, at, percent, patch);
}

static void add_target(const json_t *b, const json_t *object, const struct cf_place *at,
                       json_t *patch)
{
    cf_split_add_target(&split, b, object, at, patch);
}

static void give_back(const json_t *b, const json_t *object, const struct cf_place *at,
                      json_t *patch)
{
    cf_split_give_back(&split, b, object, at, patch);
}

static bool is_given_back(const json_t *b, const json_t *object)
{
    return cf_split_is_given_back(&split, b, object);
}

static const char *const versions[] = { "v1", "v1beta1", "v1alpha3", NULL };

const struct cf_kind_ops cf_kind_virtual_service = {
    .group = "networking.istio.io",
    .versions = versions,
    .kind = "VirtualService",
    .plural = "virtualservices",
    .inspect = inspect,
    .baseline = baseline,
    .locate = locate,
    .test_identity = test_identity,
    .set_weight = set_weight,
    .add_target = add_target,
    .give_back = give_back,
    .is_given_back = is_given_back,
};
