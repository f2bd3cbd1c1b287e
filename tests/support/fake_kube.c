/* SPDX-License-Identifier: Apache-2.0 */
/* The API server in memory: its life, reading, discovery, and the port. */
#include "tests/support/fake_kube.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/support/fake_kube_internal.h"

/* clang-format off */
static const struct {
    const char *api_version, *kind, *plural;
    bool namespaced;
} usual_kinds[] = {
    { "v1",                                "Namespace",                "namespaces",                false},
    { "v1",                                "Node",                     "nodes",                     false},
    { "v1",                                "PersistentVolume",         "persistentvolumes",         false},
    { "v1",                                "Pod",                      "pods",                      true },
    { "v1",                                "Service",                  "services",                  true },
    { "v1",                                "Endpoints",                "endpoints",                 true },
    { "v1",                                "ConfigMap",                "configmaps",                true },
    { "v1",                                "Secret",                   "secrets",                   true },
    { "v1",                                "ServiceAccount",           "serviceaccounts",           true },
    { "v1",                                "PersistentVolumeClaim",    "persistentvolumeclaims",    true },
    { "v1",                                "ResourceQuota",            "resourcequotas",            true },
    { "v1",                                "LimitRange",               "limitranges",               true },
    { "v1",                                "Event",                    "events",                    true },
    { "v1",                                "ReplicationController",    "replicationcontrollers",    true },
    { "apps/v1",                           "Deployment",               "deployments",               true },
    { "apps/v1",                           "ReplicaSet",               "replicasets",               true },
    { "apps/v1",                           "StatefulSet",              "statefulsets",              true },
    { "apps/v1",                           "DaemonSet",                "daemonsets",                true },
    { "apps/v1",                           "ControllerRevision",       "controllerrevisions",       true },
    { "batch/v1",                          "Job",                      "jobs",                      true },
    { "batch/v1",                          "CronJob",                  "cronjobs",                  true },
    { "autoscaling/v2",                    "HorizontalPodAutoscaler",  "horizontalpodautoscalers",  true },
    { "policy/v1",                         "PodDisruptionBudget",      "poddisruptionbudgets",      true },
    { "networking.k8s.io/v1",              "Ingress",                  "ingresses",                 true },
    { "networking.k8s.io/v1",              "NetworkPolicy",            "networkpolicies",           true },
    { "networking.k8s.io/v1",              "IngressClass",             "ingressclasses",            false},
    { "discovery.k8s.io/v1",               "EndpointSlice",            "endpointslices",            true },
    { "scheduling.k8s.io/v1",              "PriorityClass",            "priorityclasses",           false},
    { "storage.k8s.io/v1",                 "StorageClass",             "storageclasses",            false},
    { "rbac.authorization.k8s.io/v1",      "Role",                     "roles",                     true },
    { "rbac.authorization.k8s.io/v1",      "RoleBinding",              "rolebindings",              true },
    { "rbac.authorization.k8s.io/v1",      "ClusterRole",              "clusterroles",              false},
    { "rbac.authorization.k8s.io/v1",      "ClusterRoleBinding",       "clusterrolebindings",       false},
    { "apiextensions.k8s.io/v1",           "CustomResourceDefinition", "customresourcedefinitions", false},
    { "networking.istio.io/v1",            "VirtualService",           "virtualservices",           true },
    { "networking.istio.io/v1",            "DestinationRule",          "destinationrules",          true },
    { "networking.istio.io/v1",            "ServiceEntry",             "serviceentries",            true },
    { "networking.istio.io/v1beta1",       "VirtualService",           "virtualservices",           true },
    { "networking.istio.io/v1beta1",       "DestinationRule",          "destinationrules",          true },
    { "gateway.networking.k8s.io/v1",      "HTTPRoute",                "httproutes",                true },
    { "gateway.networking.k8s.io/v1",      "Gateway",                  "gateways",                  true },
    { "gateway.networking.k8s.io/v1beta1", "HTTPRoute",                "httproutes",                true },
    { "gateway.networking.k8s.io/v1beta1", "ReferenceGrant",           "referencegrants",           true },
};
/* clang-format on */

struct cf_fake_kube *cf_fake_kube_new(void)
{
    struct cf_fake_kube *f = cf_xcalloc(1, sizeof *f);
    pthread_mutex_init(&f->lock, NULL);
    f->objects = json_object();
    f->texts = json_object();
    f->log = CF_BUF_INIT(1024 * 1024);
    f->version = 100;
    for (size_t i = 0; i < CF_ARRAY_LEN(usual_kinds); i++)
        cf_fake_kube_kind(f, usual_kinds[i].api_version, usual_kinds[i].kind, usual_kinds[i].plural,
                          usual_kinds[i].namespaced);
    cf_fake_kube_put(
        f,
        "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"kube-system\"}}");
    return f;
}

void cf_fake_kube_free(struct cf_fake_kube *f)
{
    if (!f)
        return;
    json_decref(f->objects);
    json_decref(f->texts);
    for (size_t i = 0; i < f->n_denied; i++)
        free(f->denied[i]);
    cf_buf_free(&f->log);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

void cf_fake_kube_kind(struct cf_fake_kube *f, const char *api_version, const char *kind,
                       const char *plural, bool namespaced)
{
    CF_LOCKED(&f->lock);
    cf_assert(f->n_kinds < FAKE_KINDS_MAX);
    struct fake_kind *k = &f->kinds[f->n_kinds++];
    const char *slash = strchr(api_version, '/');
    snprintf(k->group, sizeof k->group, "%.*s", slash ? (int)(slash - api_version) : 0,
             api_version);
    snprintf(k->version, sizeof k->version, "%s", slash ? slash + 1 : api_version);
    snprintf(k->kind, sizeof k->kind, "%s", kind);
    snprintf(k->plural, sizeof k->plural, "%s", plural);
    k->namespaced = namespaced;
}

void cf_fake_kube_plain_status(struct cf_fake_kube *f, const char *group)
{
    CF_LOCKED(&f->lock);
    snprintf(f->plain_group, sizeof f->plain_group, "%s", group);
}

void cf_fake_kube_forget_group(struct cf_fake_kube *f, const char *group)
{
    CF_LOCKED(&f->lock);
    for (size_t i = f->n_kinds; i-- > 0;) {
        if (strcmp(f->kinds[i].group, group) == 0)
            f->kinds[i] = f->kinds[--f->n_kinds];
    }
}

void fake_refuse(struct fake_answer *a, int status, const char *reason, const char *cause_field,
                 const char *message)
{
    json_decref(a->body);
    a->status = status;
    a->body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "kind", "Status", "apiVersion", "v1",
                        "status", "Failure", "message", message, "reason", reason, "code", status);
    if (cause_field)
        cf_json_put_take(a->body,
                         json_pack("[{s:s, s:s}]", "field", cause_field, "message", message),
                         "details", "causes", NULL);
}

/* --- objects behind the API's back --- */

static bool kind_path(struct cf_fake_kube *f, const char *api_version, const char *kind,
                      const char *ns, const char *name, struct fake_path *p)
{
    struct cf_object_ref ref = cf_ref(api_version, kind, ns, name);
    *p = (struct fake_path){ 0 };
    for (size_t i = 0; i < f->n_kinds; i++) {
        const struct fake_kind *k = &f->kinds[i];
        if (strcmp(k->group, ref.group) != 0 || strcmp(k->version, ref.version) != 0 ||
            strcmp(k->kind, ref.kind) != 0)
            continue;
        snprintf(p->group, sizeof p->group, "%s", k->group);
        snprintf(p->version, sizeof p->version, "%s", k->version);
        snprintf(p->plural, sizeof p->plural, "%s", k->plural);
        snprintf(p->ns, sizeof p->ns, "%s", k->namespaced ? ref.ns : "");
        snprintf(p->name, sizeof p->name, "%s", ref.name);
        return true;
    }
    return false;
}

void cf_fake_kube_put_json(struct cf_fake_kube *f, const json_t *object)
{
    CF_LOCKED(&f->lock);
    struct fake_path p;
    bool known = kind_path(f, cf_json_str(object, "", "apiVersion", NULL),
                           cf_json_str(object, "", "kind", NULL),
                           cf_json_str(object, "", "metadata", "namespace", NULL),
                           cf_json_str(object, "", "metadata", "name", NULL), &p);
    cf_assert(known && p.name[0]);
    cf_autojson json_t *o = cf_json_copy(object);
    char text[64], key[6 * FAKE_PART_MAX];
    snprintf(text, sizeof text, "%" PRId64, ++f->version);
    cf_json_put_take(o, json_string(text), "metadata", "resourceVersion", NULL);
    snprintf(text, sizeof text, "00000000-0000-4000-8000-%012" PRId64, ++f->uids);
    if (!cf_json_at(o, "metadata", "uid", NULL))
        cf_json_put_take(o, json_string(text), "metadata", "uid", NULL);
    if (!cf_json_at(o, "metadata", "generation", NULL))
        cf_json_put_take(o, json_integer(1), "metadata", "generation", NULL);
    if (!cf_json_at(o, "metadata", "creationTimestamp", NULL))
        cf_json_put_take(o, json_string("2026-01-01T00:00:00Z"), "metadata", "creationTimestamp",
                         NULL);
    fake_key(&p, key, sizeof key);
    json_object_set(f->objects, key, o);
}

void cf_fake_kube_put(struct cf_fake_kube *f, const char *json_text)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *o = cf_json_parse(json_text, strlen(json_text), 0, &err);
    if (!o) {
        fprintf(stderr, "fake_kube: %s\n", err.message);
        abort();
    }
    cf_fake_kube_put_json(f, o);
}

json_t *cf_fake_kube_peek(struct cf_fake_kube *f, const char *api_version, const char *kind,
                          const char *ns, const char *name)
{
    CF_LOCKED(&f->lock);
    struct fake_path p;
    char key[6 * FAKE_PART_MAX];
    if (!kind_path(f, api_version, kind, ns, name, &p))
        return NULL;
    fake_key(&p, key, sizeof key);
    const json_t *o = json_object_get(f->objects, key);
    return o ? cf_json_copy(o) : NULL;
}

void cf_fake_kube_remove(struct cf_fake_kube *f, const char *api_version, const char *kind,
                         const char *ns, const char *name)
{
    CF_LOCKED(&f->lock);
    struct fake_path p;
    char key[6 * FAKE_PART_MAX];
    if (!kind_path(f, api_version, kind, ns, name, &p))
        return;
    fake_key(&p, key, sizeof key);
    json_object_del(f->objects, key);
    f->version++;
}

size_t cf_fake_kube_count(struct cf_fake_kube *f)
{
    CF_LOCKED(&f->lock);
    return json_object_size(f->objects);
}

/* --- rules and records --- */

void cf_fake_kube_fail(struct cf_fake_kube *f, const struct cf_fake_fault *fault)
{
    CF_LOCKED(&f->lock);
    size_t kept = 0; /* rules that are used up make room */
    for (size_t i = 0; i < f->n_faults; i++)
        if (f->faults[i].times > 0)
            f->faults[kept++] = f->faults[i];
    f->n_faults = kept;
    cf_assert(f->n_faults < FAKE_FAULTS_MAX);
    f->faults[f->n_faults++] = *fault;
}

void cf_fake_kube_mend(struct cf_fake_kube *f)
{
    CF_LOCKED(&f->lock);
    f->n_faults = 0;
}

void cf_fake_kube_text(struct cf_fake_kube *f, const char *path_part, const char *text)
{
    CF_LOCKED(&f->lock);
    json_object_set_new(f->texts, path_part, json_stringn_nocheck(text, strlen(text)));
}

/* NULL: the path is not one of those. */
static const json_t *text_at(const struct cf_fake_kube *f, const struct cf_kube_request *r)
{
    const char *part;
    json_t *text;
    json_object_foreach(f->texts, part, text)
    {
        if (strcmp(r->method, "GET") == 0 && strstr(r->path, part))
            return text;
    }
    return NULL;
}

void cf_fake_kube_hook(struct cf_fake_kube *f, void (*hook)(void *, const struct cf_kube_request *),
                       void *arg)
{
    CF_LOCKED(&f->lock);
    f->hook = hook;
    f->hook_arg = arg;
}

void cf_fake_kube_deny(struct cf_fake_kube *f, const char *verb_and_resource)
{
    CF_LOCKED(&f->lock);
    cf_assert(f->n_denied < FAKE_DENIED_MAX);
    f->denied[f->n_denied++] = cf_xstrdup(verb_and_resource);
}

const char *cf_fake_kube_log(struct cf_fake_kube *f)
{
    CF_LOCKED(&f->lock);
    return cf_buf_str(&f->log);
}

int cf_fake_kube_writes(struct cf_fake_kube *f)
{
    CF_LOCKED(&f->lock);
    return f->writes;
}

void cf_fake_kube_log_reset(struct cf_fake_kube *f)
{
    CF_LOCKED(&f->lock);
    cf_buf_reset(&f->log);
    f->writes = 0;
}

static bool take_fault(struct cf_fake_kube *f, const struct cf_kube_request *r,
                       struct cf_fake_fault *out)
{
    for (size_t i = 0; i < f->n_faults; i++) {
        struct cf_fake_fault *fault = &f->faults[i];
        bool fits = fault->times > 0 && (!fault->method || strcmp(fault->method, r->method) == 0) &&
                    (!fault->path_part || strstr(r->path, fault->path_part));
        if (!fits)
            continue;
        fault->times--;
        *out = *fault;
        return true;
    }
    return false;
}

/* --- the port --- */

static void answer(struct cf_fake_kube *f, const struct cf_kube_request *r, struct fake_answer *a)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *body = NULL;
    if (r->body_len > 0) {
        body = cf_json_parse(r->body, r->body_len, 0, &err);
        if (!body) {
            fake_refuse(a, 400, "BadRequest", NULL, err.message);
            return;
        }
    }
    struct fake_path p;
    fake_path_parse(r->path, &p);
    if (fake_read_special(f, r, &p, body, a))
        return;
    const struct fake_kind *kind = fake_kind_of(f, &p);
    bool right_scope = kind && (!p.name[0] || kind->namespaced == (p.ns[0] != '\0'));
    if (!right_scope)
        fake_refuse(a, 404, "NotFound", NULL, "the server could not find the requested resource");
    else if (strcmp(r->method, "GET") == 0)
        fake_read(f, &p, kind, a);
    else
        fake_write(f, r->method, r->content_type ? r->content_type : "", &p, kind, body, a);
}

static void note(struct cf_fake_kube *f, const struct cf_kube_request *r)
{
    struct fake_path p;
    bool is_discovery = !fake_path_parse(r->path, &p) || p.plural[0] == '\0';
    if (is_discovery)
        return;
    cf_buf_printf(&f->log, "%s %s\n", r->method, r->path);
    if (strcmp(r->method, "GET") != 0)
        f->writes++;
}

static bool fake_call(void *self, const struct cf_kube_request *r, struct cf_kube_response *out,
                      struct cf_error *err)
{
    struct cf_fake_kube *f = self;
    pthread_mutex_lock(&f->lock);
    void (*hook)(void *, const struct cf_kube_request *) = f->hook;
    void *hook_arg = f->hook_arg;
    pthread_mutex_unlock(&f->lock);
    if (hook)
        hook(hook_arg, r);

    CF_LOCKED(&f->lock);
    struct cf_fake_fault fault = { 0 };
    bool failing = take_fault(f, r, &fault);
    struct fake_answer a = { 0 };
    note(f, r);
    const json_t *told = text_at(f, r);
    if (!told && (!failing || fault.after))
        answer(f, r, &a);
    if (failing && fault.status == 0) {
        json_decref(a.body);
        return cf_error_set(err, fault.kind, "%s %s: no answer (as the test asked)", r->method,
                            r->path);
    }
    if (failing)
        fake_refuse(&a, fault.status, fault.reason ? fault.reason : "", NULL, "as the test asked");
    out->status = a.status;
    out->retry_after_ms = failing ? fault.retry_after_ms : 0;
    out->date_ms = cf_wall_ms(&cf_clock_real) / 1000 * 1000;
    out->body = CF_BUF_INIT(CF_KUBE_PAGE_BYTES_MAX);
    if (told && !failing) {
        out->status = 200;
        cf_buf_append(&out->body, json_string_value(told), json_string_length(told));
    } else if (a.body) {
        cf_autofree char *text = cf_json_dump(a.body);
        cf_buf_puts(&out->body, text);
    }
    json_decref(a.body);
    return true;
}

static const struct cf_kube_ops fake_ops = { .call = fake_call };

struct cf_kube *cf_fake_kube_client(struct cf_fake_kube *f, const char *name)
{
    return cf_kube_new(name, &fake_ops, f);
}
