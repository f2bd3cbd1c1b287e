/* SPDX-License-Identifier: Apache-2.0 */
/* The faults of Veleros, and what DownloadRequests lead to. */
#include "deploy/sandbox/control/routes.h"

static struct sbx_velero *velero_of(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_velero *v = sbx_control_of(req)->velero;
    if (!v)
        sbx_control_fail(res, 404, "there is no Velero here: start the sandbox with --velero");
    return v;
}

void sbx_control_velero_tell(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_velero *v = velero_of(req, res);
    if (v)
        cf_http_response_json_take(res, 200, json_pack("{s:o}", "faults", sbx_velero_faults(v)));
}

void sbx_control_velero_fault(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_velero *v = velero_of(req, res);
    struct cf_error err = CF_ERROR_INIT;
    size_t len;
    const char *text = cf_http_request_body(req, &len);
    if (!v)
        return;
    cf_autojson json_t *body = cf_json_parse(text, len, SBX_CONTROL_BODY_MAX, &err);
    if (body && sbx_velero_fault(v, body, &err))
        sbx_control_ok(res);
    else
        sbx_control_error(res, &err);
}

void sbx_control_velero_heal(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_velero *v = velero_of(req, res);
    const char *fault = cf_http_request_query(req, "fault");
    if (!v)
        return;
    sbx_velero_heal(v, fault ? fault : "", cf_http_request_query(req, "cluster"));
    sbx_control_ok(res);
}

void sbx_control_velero_download(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_velero *v = velero_of(req, res);
    char *data = NULL;
    size_t len = 0;
    if (!v)
        return;
    if (sbx_velero_download(v, cf_http_request_param(req, "token"), &data, &len))
        cf_http_response_body_take(res, "application/gzip", data, len);
    else
        sbx_control_fail(res, 404, "there is nothing to download");
}
