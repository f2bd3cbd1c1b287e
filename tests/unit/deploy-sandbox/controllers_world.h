/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster with running controllers for tests: objects are written as JSON with single quotes. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_CONTROLLERS_WORLD_H
#define TESTS_UNIT_DEPLOY_SANDBOX_CONTROLLERS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"
#include "deploy/sandbox/api/kinds.h"
#include "deploy/sandbox/controllers/controllers.h"

enum { SETTLE_MS = 20000 };

struct test_world {
    struct sbx_api *apis[2];
    struct sbx_controllers *controllers;
};

static const struct sbx_controllers_options quick = {
    .pod_ready_ms = 30,
    .pod_drain_ms = 60,
    .job_run_ms = 30,
    .route_status_ms = 10,
    .progress_deadline_ms = 150,
};

/* The same where nobody asks for a deadline: a slow machine would meet it. */
static inline struct sbx_controllers_options patient(void)
{
    struct sbx_controllers_options o = quick;
    o.progress_deadline_ms = 0;
    return o;
}

static inline int world_up(void **state)
{
    struct test_world *w = cf_xcalloc(1, sizeof(*w));
    struct cf_error err = CF_ERROR_INIT;
    w->apis[0] = sbx_api_new("east");
    w->apis[1] = sbx_api_new("west");
    w->controllers = sbx_controllers_start(w->apis, 2, &quick, &err);
    assert_non_null(w->controllers);
    *state = w;
    return 0;
}

static inline int world_down(void **state)
{
    struct test_world *w = *state;
    sbx_controllers_stop(w->controllers);
    sbx_api_free(w->apis[0]);
    sbx_api_free(w->apis[1]);
    free(w);
    return 0;
}

static inline json_t *read_json(const char *quoted)
{
    cf_autofree char *text = cf_xstrdup(quoted);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), 0, &err);
    if (!j)
        fail_msg("%s in %s", err.message, text);
    return j;
}

static inline char *path_of(const char *group, const char *plural, const char *ns)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    assert_non_null(k);
    return cf_xasprintf("%s%s/%s%s%s/%s", *group ? "/apis/" : "/api", group, k->version,
                        k->namespaced ? "/namespaces/" : "", k->namespaced ? ns : "", plural);
}

/* POSTs the object; 201 or the test fails. */
static inline void make(struct sbx_api *api, const char *group, const char *plural, const char *ns,
                        const char *quoted)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    cf_autojson json_t *body = read_json(quoted), *answer = NULL;
    cf_autofree char *gv = cf_xasprintf("%s%s%s", group, *group ? "/" : "", k->version);
    json_object_set_new(body, "apiVersion", json_string(gv));
    json_object_set_new(body, "kind", json_string(k->kind));
    cf_autofree char *path = path_of(group, plural, ns);
    int status = sbx_api_do(api, "test", "POST", NULL, body, &answer, "%s", path);
    if (status != 201)
        fail_msg("POST %s: %d %s", path, status, cf_json_str(answer, "", "message", NULL));
}

static inline int merge(struct sbx_api *api, const char *group, const char *plural, const char *ns,
                        const char *name, const char *quoted)
{
    cf_autojson json_t *body = read_json(quoted);
    cf_autofree char *path = path_of(group, plural, ns);
    return sbx_api_do(api, "test", "PATCH", "application/merge-patch+json", body, NULL, "%s/%s",
                      path, name);
}

static inline int drop(struct sbx_api *api, const char *group, const char *plural, const char *ns,
                       const char *name, const char *query)
{
    cf_autofree char *path = path_of(group, plural, ns);
    return sbx_api_do(api, "test", "DELETE", NULL, NULL, NULL, "%s/%s%s", path, name, query);
}

static inline size_t count(struct sbx_api *api, const char *group, const char *plural,
                           const char *ns)
{
    cf_autojson json_t *all = sbx_api_all(api, group, plural, ns);
    return json_array_size(all);
}

static inline bool is_there(struct sbx_api *api, const char *group, const char *plural,
                            const char *ns, const char *name)
{
    cf_autojson json_t *o = sbx_api_one(api, group, plural, ns, name);
    return o != NULL;
}

/* The value at a pointer of an object as text ("" if absent); valid until the next call. */
static inline const char *field(struct sbx_api *api, const char *group, const char *plural,
                                const char *ns, const char *name, const char *pointer)
{
    static char text[2048];
    cf_autojson json_t *o = sbx_api_one(api, group, plural, ns, name);
    const json_t *v = o ? cf_json_pointer(o, pointer) : NULL;
    cf_autofree char *dump = v && !json_is_string(v) ? cf_json_dump(v) : NULL;
    snprintf(text, sizeof(text), "%s", dump ? dump : v ? json_string_value(v) : "");
    return text;
}

/* "status reason" of a condition, or "". */
static inline const char *condition(struct sbx_api *api, const char *group, const char *plural,
                                    const char *ns, const char *name, const char *type)
{
    static char text[256];
    cf_autojson json_t *o = sbx_api_one(api, group, plural, ns, name);
    size_t i;
    json_t *c;
    text[0] = '\0';
    json_array_foreach(cf_json_at(o, "status", "conditions", NULL), i, c)
    {
        if (strcmp(cf_json_str(c, "", "type", NULL), type) == 0)
            snprintf(text, sizeof(text), "%s %s", cf_json_str(c, "", "status", NULL),
                     cf_json_str(c, "", "reason", NULL));
    }
    return text;
}

static inline void settle(struct test_world *w)
{
    assert_true(sbx_controllers_settle(w->controllers, SETTLE_MS));
}

struct endpoints {
    int ready, terminating, all;
    char port[16];
};

/* All endpoints of a Service. */
static inline struct endpoints endpoints_of(struct sbx_api *api, const char *ns,
                                            const char *service)
{
    struct endpoints e = { 0 };
    cf_autojson json_t *slices = sbx_api_all(api, "discovery.k8s.io", "endpointslices", ns);
    size_t i, k;
    json_t *slice, *one;
    json_array_foreach(slices, i, slice)
    {
        if (strcmp(cf_json_str(slice, "", "metadata", "labels", "kubernetes.io/service-name", NULL),
                   service) != 0)
            continue;
        json_array_foreach(json_object_get(slice, "endpoints"), k, one)
        {
            e.all++;
            e.ready += cf_json_bool(one, false, "conditions", "ready", NULL);
            e.terminating += cf_json_bool(one, false, "conditions", "terminating", NULL);
        }
        const json_t *port = json_array_get(json_object_get(slice, "ports"), 0);
        if (port)
            snprintf(e.port, sizeof(e.port), "%d", (int)cf_json_int(port, 0, "port", NULL));
    }
    return e;
}

#define POD_TEMPLATE(image)                                                                        \
    "'template':{'metadata':{'labels':{'app':'echo'}},'spec':{'containers':[{'name':'echo','"      \
    "image':'" image "',"                                                                          \
    "'ports':[{'name':'http','containerPort':8080}]}]}}"
#define SELECTOR "'selector':{'matchLabels':{'app':'echo'}},"

static inline void make_echo(struct sbx_api *api, const char *ns, int replicas)
{
    cf_autofree char *ns_body = cf_xasprintf("{'metadata':{'name':'%s'}}", ns);
    make(api, "", "namespaces", NULL, ns_body);
    cf_autofree char *d = cf_xasprintf(
        "{'metadata':{'name':'echo'},'spec':{'replicas':%d," SELECTOR POD_TEMPLATE("echo:v1") "}}",
        replicas);
    make(api, "apps", "deployments", ns, d);
    make(api, "", "services", ns,
         "{'metadata':{'name':'echo'},'spec':{'selector':{'app':'echo'},'ports':[{'name':'http',"
         "'port':80,'targetPort':'http'}]}}");
}

#endif
