/* SPDX-License-Identifier: Apache-2.0 */
/* /volumes: what is in the volumes behind claims. */
#include "deploy/sandbox/volumes/volumes.h"

#include <string.h>

#include "base/digest.h"
#include "base/units.h"
#include "deploy/sandbox/control/routes.h"

/* The key of the volume that the claim of the path is bound to; NULL: answered. Caller frees. */
static char *volume_key(struct cf_http_request *req, struct cf_http_response *res)
{
    const char *ns = cf_http_request_param(req, "namespace"),
               *name = cf_http_request_param(req, "claim");
    struct sbx_api *api = sbx_control_api(req, res, cf_http_request_param(req, "cluster"));
    if (!api)
        return NULL;
    cf_autojson json_t *claim = sbx_api_one(api, "", "persistentvolumeclaims", ns, name);
    const char *volume = cf_json_str(claim, "", "spec", "volumeName", NULL);
    if (!sbx_control_of(req)->volumes || !claim || !*volume) {
        sbx_control_fail(res, 404, "claim %s/%s is %s", ns, name,
                         claim ? "not bound to a volume" : "not there");
        return NULL;
    }
    return sbx_volume_key(sbx_api_cluster(api), volume);
}

void sbx_control_volume_list(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_autofree char *key = volume_key(req, res);
    struct sbx_volumes *volumes = sbx_control_of(req)->volumes;
    if (!key)
        return;
    json_t *all = sbx_volume_summary(volumes, key);
    json_object_set_new(all, "count", json_incref(json_object_get(all, "files")));
    json_object_set_new(all, "files", sbx_volume_list(volumes, key));
    cf_http_response_json_take(res, 200, all);
}

void sbx_control_volume_get(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_autofree char *key = volume_key(req, res);
    const char *path = cf_http_request_param(req, "path");
    struct sbx_volumes *volumes = sbx_control_of(req)->volumes;
    size_t len = 0;
    if (!key)
        return;
    char *bytes = sbx_volume_read(volumes, key, path, &len);
    if (bytes)
        cf_http_response_body_take(res, "application/octet-stream", bytes, len);
    else if (sbx_volume_has(volumes, key, path))
        sbx_control_fail(res, 409, "%s is a described file: it has a size and a digest, no bytes",
                         path);
    else
        sbx_control_fail(res, 404, "there is no file %s", path);
}

/* {"size": 1000 or "200Mi", "seed": "…"}, {"text": "…"} or {"base64": "…"}. */
static bool write_described(struct sbx_volumes *volumes, const char *key, const char *path,
                            const json_t *body, struct cf_error *err)
{
    const json_t *size = json_object_get(body, "size");
    const char *text = cf_json_str(body, NULL, "text", NULL),
               *base64 = cf_json_str(body, NULL, "base64", NULL);
    int64_t bytes = json_integer_value(size);
    size_t len = 0;
    cf_autofree unsigned char *plain = NULL;
    if (text)
        return sbx_volume_write(volumes, key, path, text, strlen(text), err);
    if (base64)
        return cf_base64_decode(base64, strlen(base64), &plain, &len, err) &&
               sbx_volume_write(volumes, key, path, plain, len, err);
    if (json_is_string(size) && !cf_bytes_parse(json_string_value(size), &bytes, err))
        return false;
    if (!size)
        return cf_error_set(err, CF_ERR_INVALID, "text, base64, or size and seed are wanted");
    return sbx_volume_describe(volumes, key, path, bytes, cf_json_str(body, "", "seed", NULL), err);
}

void sbx_control_volume_put(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "size", "seed", "text", "base64", NULL };
    cf_autofree char *key = volume_key(req, res);
    const char *path = cf_http_request_param(req, "path");
    struct sbx_volumes *volumes = sbx_control_of(req)->volumes;
    struct cf_error err = CF_ERROR_INIT;
    size_t len;
    const char *bytes = cf_http_request_body(req, &len);
    if (!key)
        return;
    bool fine;
    if (cf_http_media_type_is(cf_http_request_header(req, "Content-Type"), "application/json")) {
        cf_autojson json_t *body = sbx_control_body(req, res, members);
        if (!body)
            return;
        fine = write_described(volumes, key, path, body, &err);
    } else {
        fine = sbx_volume_write(volumes, key, path, bytes, len, &err);
    }
    if (fine)
        sbx_control_ok(res);
    else
        sbx_control_error(res, &err);
}

void sbx_control_volume_remove(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_autofree char *key = volume_key(req, res);
    const char *path = cf_http_request_param(req, "path");
    if (!key)
        return;
    if (sbx_volume_remove(sbx_control_of(req)->volumes, key, path))
        sbx_control_ok(res);
    else
        sbx_control_fail(res, 404, "there is no file %s", path);
}
