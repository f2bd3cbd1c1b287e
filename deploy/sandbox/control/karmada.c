/* SPDX-License-Identifier: Apache-2.0 */
/* The switches of the Karmada control plane. */
#include <string.h>

#include "deploy/sandbox/control/routes.h"

static struct sbx_karmada *plane(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_karmada *k = sbx_control_of(req)->karmada;
    if (!k)
        sbx_control_fail(res, 404, "there is no control plane here");
    return k;
}

void sbx_control_karmada_tell(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_karmada *k = plane(req, res);
    if (k)
        cf_http_response_json_take(res, 200, sbx_karmada_switches(k));
}

/* Whether a value says what a switch understands: a number, true or false. */
static bool read_value(const json_t *v, int64_t *out)
{
    *out = json_is_true(v) ? 1 : json_integer_value(v);
    return json_is_boolean(v) || json_is_integer(v);
}

void sbx_control_karmada_switch(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_karmada *k = plane(req, res);
    if (!k)
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
        if (!sbx_karmada_switch(k, member, name, value, &err)) {
            sbx_control_error(res, &err);
            return;
        }
    }
    sbx_control_ok(res);
}
