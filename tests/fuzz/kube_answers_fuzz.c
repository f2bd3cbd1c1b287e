/* SPDX-License-Identifier: Apache-2.0 */
/* What an API server, a proxy or a plugin may answer: refusals, discovery, watch lines,
 * ExecCredentials. The first byte is the HTTP status, roughly. Lines must not depend on how the
 * bytes were cut. */
/* libs: cf_kube */
#include <string.h>

#include "federation/kube/discovery_parse.h"
#include "federation/kube/exec_plugin.h"
#include "federation/kube/lines.h"
#include "federation/kube/status.h"
#include "tests/fuzz/fuzz.h"

enum { LINE_MAX_BYTES = 64 };

static bool count_line(void *arg, const char *line, size_t len)
{
    size_t *sum = arg;
    cf_assert(len > 0 && !memchr(line, '\n', len));
    *sum = *sum * 31 + len;
    return true;
}

static size_t sum_lines(const char *text, size_t size, size_t step)
{
    CF_CLEANUP(kube_lines_free) struct kube_lines lines = KUBE_LINES_INIT(LINE_MAX_BYTES);
    size_t sum = 0;
    bool too_long = false;
    for (size_t at = 0; at < size && !too_long; at += step)
        kube_lines_feed(&lines, text + at, CF_MIN(step, size - at), count_line, &sum, &too_long);
    return too_long ? 0 : sum;
}

static void parse_discovery(const char *text, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_buf_free) struct cf_buf missing = CF_BUF_INIT(256);
    struct kube_resources found = { 0 };
    cf_autojson json_t *list = cf_json_parse(text, size, 0, &err);
    if (list && kube_parse_resource_list(list, "apps/v1", &found, &err) &&
        kube_parse_aggregated(list, &found, &missing, &err)) {
        for (size_t i = 0; i < found.n; i++)
            cf_assert(found.items[i].kind[0] && found.items[i].plural[0]);
    }
    free(found.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    size_t len = size - 1;
    for (int is_write = 0; is_write < 2; is_write++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_assert(!cf_kube_status_error(300 + data[0], text, len, 0, is_write, &err));
        cf_assert(err.kind != CF_ERR_NONE && err.upstream == 300 + data[0]);
    }
    parse_discovery(text, len);
    cf_assert(sum_lines(text, len, 1) == sum_lines(text, len, len + 1));
    struct cf_error err = CF_ERROR_INIT;
    struct kube_exec_result r = { 0 };
    if (kube_exec_parse(text, len, "client.authentication.k8s.io/v1", &r, &err))
        cf_assert(r.token || (r.cert_pem && r.key_pem));
    kube_exec_result_free(&r);
    return 0;
}
