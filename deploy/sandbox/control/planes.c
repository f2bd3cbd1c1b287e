/* SPDX-License-Identifier: Apache-2.0 */
/* The switches of the control planes. */
#include <string.h>

#include "deploy/sandbox/control/routes.h"

/* A control plane of either sort, as its switches are concerned. */
struct plane {
    void *self; /* NULL: there is none */
    bool (*set)(void *self, const char *member, const char *name, int64_t value,
                struct cf_error *err);
    json_t *(*tell)(void *self);
};

static bool set_karmada(void *self, const char *member, const char *name, int64_t value,
                        struct cf_error *err)
{
    return sbx_karmada_switch(self, member, name, value, err);
}

static json_t *tell_karmada(void *self)
{
    return sbx_karmada_switches(self);
}

static bool set_clusternet(void *self, const char *member, const char *name, int64_t value,
                           struct cf_error *err)
{
    return sbx_clusternet_switch(self, member, name, value, err);
}

static json_t *tell_clusternet(void *self)
{
    return sbx_clusternet_switches(self);
}

static struct plane karmada_of(struct cf_http_request *req)
{
    return (struct plane){ sbx_control_of(req)->karmada, set_karmada, tell_karmada };
}

static struct plane clusternet_of(struct cf_http_request *req)
{
    return (struct plane){ sbx_control_of(req)->clusternet, set_clusternet, tell_clusternet };
}

static bool is_there(const struct plane *p, struct cf_http_response *res)
{
    if (!p->self)
        sbx_control_fail(res, 404, "there is no such control plane here");
    return p->self != NULL;
}

static void tell(struct plane p, struct cf_http_response *res)
{
    if (is_there(&p, res))
        cf_http_response_json_take(res, 200, p.tell(p.self));
}

/* Whether a value says what a switch understands: a number, true or false. */
static bool read_value(const json_t *v, int64_t *out)
{
    *out = json_is_true(v) ? 1 : json_integer_value(v);
    return json_is_boolean(v) || json_is_integer(v);
}

static void throw_switches(struct plane p, struct cf_http_request *req,
                           struct cf_http_response *res)
{
    if (!is_there(&p, res))
        return;
    size_t len;
    const char *text = cf_http_request_body(req, &len);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *body = cf_json_parse(text, len, SBX_CONTROL_BODY_MAX, &err);
    if (!body) {
        sbx_control_error(res, &err);
        return;
    }
    const char *member = cf_json_str(body, NULL, "member", NULL), *name;
    json_t *v;
    json_object_foreach(body, name, v)
    {
        int64_t value;
        if (strcmp(name, "member") == 0)
            continue;
        if (!read_value(v, &value)) {
            sbx_control_fail(res, 400, "%s must be a number, true or false", name);
            return;
        }
        if (!p.set(p.self, member, name, value, &err)) {
            sbx_control_error(res, &err);
            return;
        }
    }
    sbx_control_ok(res);
}

void sbx_control_karmada_tell(struct cf_http_request *req, struct cf_http_response *res)
{
    tell(karmada_of(req), res);
}

void sbx_control_karmada_switch(struct cf_http_request *req, struct cf_http_response *res)
{
    throw_switches(karmada_of(req), req, res);
}

void sbx_control_clusternet_tell(struct cf_http_request *req, struct cf_http_response *res)
{
    tell(clusternet_of(req), res);
}

void sbx_control_clusternet_switch(struct cf_http_request *req, struct cf_http_response *res)
{
    throw_switches(clusternet_of(req), req, res);
}
