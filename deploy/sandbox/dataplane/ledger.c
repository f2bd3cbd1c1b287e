/* SPDX-License-Identifier: Apache-2.0 */
/* Records in a file of the pod's volume. */
#include "deploy/sandbox/dataplane/ledger.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/units.h"

enum { RECORD_MAX = 64 * 1024, LINE_MAX_BYTES = 7 * RECORD_MAX, ANSWER_MAX = SBX_FILE_MAX + 1 };

bool sbx_ledger_is(const json_t *pod)
{
    const json_t *first = json_array_get(cf_json_at(pod, "spec", "containers", NULL), 0);
    const char *image = cf_json_str(first, "", "image", NULL), *slash = strrchr(image, '/');
    const char *name = slash ? slash + 1 : image;
    size_t n = strcspn(name, ":@");
    return n == strlen("ledger") && strncmp(name, "ledger", n) == 0;
}

const char *sbx_ledger_volume(const json_t *pod, const json_t *claims)
{
    const char *ns = cf_json_str(pod, "", "metadata", "namespace", NULL);
    size_t i, k;
    json_t *volume, *claim;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        const char *name = cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL);
        json_array_foreach(*name ? claims : NULL, k, claim)
        {
            if (strcmp(cf_json_str(claim, "", "metadata", "name", NULL), name) == 0 &&
                strcmp(cf_json_str(claim, "", "metadata", "namespace", NULL), ns) == 0)
                return cf_json_str(claim, "", "spec", "volumeName", NULL);
        }
    }
    return "";
}

static bool pod_lives(const struct sbx_ledger *l)
{
    cf_autojson json_t *pod = sbx_api_one(l->api, "", "pods", l->ns, l->pod);
    return pod && strcmp(cf_json_str(pod, "", "metadata", "uid", NULL), l->uid) == 0;
}

/* The number of whole lines: the last record's. */
static int64_t count_lines(const char *text, size_t len)
{
    int64_t n = 0;
    for (const char *p = text; p && (p = memchr(p, '\n', len - (size_t)(p - text))); p++)
        n++;
    return n;
}

static int64_t last_record(const struct sbx_ledger *l, const char *key)
{
    size_t len = 0;
    cf_autofree char *text = sbx_volume_read(l->volumes, key, SBX_LEDGER_FILE, &len);
    return text ? count_lines(text, len) : 0;
}

static void fail(struct cf_http_response *res, int status, const char *why)
{
    cf_http_response_json_take(res, status, json_pack("{s:s}", "error", why));
}

/* One writer at a time in the process: a record's number is that of the line it becomes. */
static bool append(const struct sbx_ledger *l, const char *key, const char *body, size_t len,
                   int64_t *out_seq, struct cf_error *err)
{
    static pthread_mutex_t writers = PTHREAD_MUTEX_INITIALIZER;
    CF_CLEANUP(cf_buf_free) struct cf_buf line = CF_BUF_INIT(LINE_MAX_BYTES);
    CF_LOCKED(&writers);
    int64_t seq = last_record(l, key) + 1;
    cf_buf_printf(&line, "{\"seq\":%" PRId64 ",\"body\":", seq);
    cf_json_append_string(&line, body, len);
    cf_buf_puts(&line, "}\n");
    if (!sbx_volume_append(l->volumes, key, SBX_LEDGER_FILE, cf_buf_str(&line), line.len, err))
        return false;
    *out_seq = seq;
    return true;
}

static void answer_append(const struct sbx_ledger *l, const char *key, struct cf_http_request *req,
                          struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    size_t len;
    const char *body = cf_http_request_body(req, &len);
    int64_t seq;
    if (len > RECORD_MAX || !cf_utf8_valid(body, len))
        fail(res, 413, "a record is a text of at most 65536 bytes");
    else if (!append(l, key, body, len, &seq, &err))
        fail(res, 503, err.message);
    else
        cf_http_response_json_take(res, 200,
                                   json_pack("{s:I,s:s}", "seq", (json_int_t)seq, "pod", l->pod));
}

static void answer_records(const struct sbx_ledger *l, const char *key, struct cf_http_request *req,
                           struct cf_http_response *res)
{
    const char *wanted = cf_http_request_query(req, "from");
    struct cf_error err = CF_ERROR_INIT;
    size_t len = 0;
    int64_t from = 1;
    if (wanted && !cf_int_parse(wanted, 1, INT64_MAX, &from, &err)) {
        fail(res, 400, "from is a number");
        return;
    }
    cf_autofree char *text = sbx_volume_read(l->volumes, key, SBX_LEDGER_FILE, &len);
    const char *at = text ? text : "";
    for (int64_t n = 1; n < from && at && *at; n++)
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : "";
    cf_http_response_body(res, "application/x-ndjson", at, strlen(at));
}

static void answer_digest(const struct sbx_ledger *l, const char *key, struct cf_http_response *res)
{
    cf_autojson json_t *all = sbx_volume_summary(l->volumes, key),
                       *list = sbx_volume_list(l->volumes, key);
    json_t *files = json_object(), *f;
    size_t i;
    json_array_foreach(list, i, f)
    {
        json_object_set(files, cf_json_str(f, "", "path", NULL), json_object_get(f, "sha256"));
    }
    json_object_set_new(all, "files", files);
    cf_http_response_json(res, 200, all);
}

void sbx_ledger_answer(const struct sbx_ledger *l, struct cf_http_request *req,
                       struct cf_http_response *res)
{
    const char *path = cf_http_request_path(req), *method = cf_http_request_method(req);
    bool get = strcmp(method, "GET") == 0;
    if (!l->volumes || !*l->volume || !pod_lives(l)) {
        fail(res, 503, *l->volume ? "the pod is gone" : "the pod has no volume");
        return;
    }
    cf_autofree char *key = sbx_volume_key(sbx_api_cluster(l->api), l->volume);
    if (strcmp(path, "/append") == 0 && strcmp(method, "POST") == 0)
        answer_append(l, key, req, res);
    else if (strcmp(path, "/records") == 0 && get)
        answer_records(l, key, req, res);
    else if (strcmp(path, "/digest") == 0 && get)
        answer_digest(l, key, res);
    else if (strcmp(path, "/healthz") == 0 && get)
        cf_http_response_text(res, 200, "ok\n");
    else
        fail(res, 404, "there are /append, /records, /digest and /healthz");
}
