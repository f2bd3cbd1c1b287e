/* SPDX-License-Identifier: Apache-2.0 */
/* What velero/verify.sh would find in a volume here, in its words. Volumes hold files alone: no folders,
 * links, owners or modes, so those are none, and the same for all. At most SBX_FILES_MAX files make a
 * log that is never cut, so nobody asks for some of them. */
#include "deploy/sandbox/controllers/readers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "deploy/sandbox/api/core.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/volumes/volumes.h"

enum { ROWS_MAX = 32 * 1024 * 1024 };

static bool is_reader(const json_t *pod)
{
    return strcmp(cf_json_str(pod, "", "metadata", "labels", "crossfade.dev/stage", NULL),
                  "verify") == 0;
}

/* The volume behind the pod's first claim; NULL: none. Caller frees. */
static char *key_of(struct sbx_api *api, const json_t *pod)
{
    size_t i;
    json_t *volume;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        const char *name = cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL);
        cf_autojson json_t *claim =
            *name ? sbx_api_one(api, "", "persistentvolumeclaims", sbx_ns(pod), name) : NULL;
        const char *bound = cf_json_str(claim, "", "spec", "volumeName", NULL);
        if (*bound)
            return sbx_volume_key(sbx_api_cluster(api), bound);
    }
    return NULL;
}

static void put_escaped(struct cf_buf *b, const char *path)
{
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        if (*c < 32 || *c == 127 || *c == '\\')
            cf_buf_printf(b, "\\%03o", *c);
        else
            cf_buf_putc(b, (char)*c);
    }
}

struct reading {
    struct cf_buf rows; /* without their "f TAB" */
    int64_t files, bytes;
};

static struct reading read_volume(struct sbx_world *w, const json_t *pod)
{
    struct reading r = { .rows = CF_BUF_INIT(ROWS_MAX) };
    cf_autofree char *key = w->options.volumes ? key_of(w->api, pod) : NULL;
    cf_autojson json_t *list = key ? sbx_volume_list(w->options.volumes, key) : NULL;
    size_t i;
    json_t *file;
    json_array_foreach(list, i, file)
    {
        const char *path = cf_json_str(file, "", "path", NULL);
        if (strncmp(path, ".velero/", 8) == 0 || strncmp(path, "lost+found/", 11) == 0)
            continue;
        int64_t size = cf_json_int(file, 0, "size", NULL);
        cf_buf_puts(&r.rows, "./");
        put_escaped(&r.rows, path);
        cf_buf_printf(&r.rows, "\tf\t%" PRId64 "\t%s\t644 0 0\n", size,
                      cf_json_str(file, "", "sha256", NULL));
        r.files++;
        r.bytes += size;
    }
    return r;
}

void sbx_reader_leave(struct sbx_pass *p, const json_t *pod, json_t *containers)
{
    char digest[CF_SHA256_HEX];
    if (!is_reader(pod))
        return;
    struct reading r = read_volume(p->world, pod);
    cf_sha256_hex(cf_buf_str(&r.rows), r.rows.len, digest);
    cf_autofree char *words = cf_xasprintf(
        "{\"files\":%" PRId64 ",\"directories\":0,\"links\":0,\"others\":0,\"bytes\":%" PRId64
        ",\"unreadable\":0,\"content\":\"%s\",\"all\":\"%s\",\"seconds\":0}",
        r.files, r.bytes, digest, digest);
    cf_json_put_take(json_array_get(containers, 0), json_string(words), "state", "terminated",
                     "message", NULL);
    cf_buf_free(&r.rows);
}

/* As velero/verify.sh writes it; what a pod that still reads has said so far. */
static char *log_of(struct sbx_world *w, const json_t *pod)
{
    struct cf_buf log = CF_BUF_INIT(ROWS_MAX + ROWS_MAX / 8);
    if (is_reader(pod)) {
        struct reading r = read_volume(w, pod);
        const char *row = cf_buf_str(&r.rows);
        cf_buf_puts(&log, "begin\n");
        if (!sbx_pod_is_done(pod))
            cf_buf_puts(&log, "p 0 0\n");
        for (; sbx_pod_is_done(pod) && *row; row = strchr(row, '\n') + 1)
            cf_buf_printf(&log, "f\t%.*s\n", (int)(strchr(row, '\n') - row), row);
        if (sbx_pod_is_done(pod))
            cf_buf_puts(&log, "end\n");
        cf_buf_free(&r.rows);
    }
    char *text = cf_buf_take(&log);
    return text ? text : cf_xstrdup("");
}

/* The end of it, from its n-th last line on. */
static void keep_lines(char *text, int64_t n)
{
    size_t len = strlen(text), at = len && text[len - 1] == '\n' ? len - 1 : len;
    for (; at > 0; at--) {
        if (text[at - 1] == '\n' && --n <= 0)
            break;
    }
    memmove(text, text + at, len - at + 1);
}

bool sbx_reader_log(void *world, const struct sbx_call *call, struct sbx_answer *out)
{
    struct sbx_world *w = world;
    const char *user;
    CF_CLEANUP(sbx_path_free) struct sbx_path path = { 0 };
    if (strcmp(call->method, "GET") != 0 || !strstr(call->target, "/log"))
        return false;
    sbx_path_parse(&path, call->target);
    if (!path.kind || !path.sub || strcmp(path.sub, "log") != 0 || !path.ns ||
        strcmp(path.kind->plural, "pods") != 0)
        return false;
    memset(out, 0, sizeof(*out));
    if (!call->trusted && sbx_api_who(w->api, call->authorization, &user) == SBX_RIGHTS_NONE)
        return sbx_fail(out, 401, "Unauthorized", "Unauthorized"), true;
    cf_autojson json_t *pod = sbx_api_one(w->api, "", "pods", path.ns, path.name);
    if (!pod)
        return sbx_fail(out, 404, "NotFound", "pods \"%s\" not found", path.name), true;
    out->status = 200;
    out->text = log_of(w, pod);
    int64_t lines = sbx_query_int(&path, "tailLines", -1);
    int64_t bytes = sbx_query_int(&path, "limitBytes", SBX_QUERY_INT_MAX);
    if (lines >= 0)
        keep_lines(out->text, lines);
    if ((int64_t)strlen(out->text) > bytes)
        out->text[bytes] = '\0';
    return true;
}
