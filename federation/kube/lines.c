/* SPDX-License-Identifier: Apache-2.0 */
/* Lines out of chunks: whole lines are handed on where they lie, only a line cut by the chunk's end
 * is copied. */
#include "federation/kube/lines.h"

#include <string.h>

static bool hand_on(const char *line, size_t len, kube_line_fn *fn, void *arg)
{
    if (len > 0 && line[len - 1] == '\r')
        len--;
    return len == 0 || fn(arg, line, len);
}

/* The first line, which may have begun in an earlier chunk. */
static bool end_rest(struct kube_lines *l, const char *data, size_t len, kube_line_fn *fn,
                     void *arg, bool *out_too_long)
{
    if (l->rest.len == 0 && len <= l->rest.max)
        return hand_on(data, len, fn, arg);
    cf_buf_append(&l->rest, data, len);
    *out_too_long = l->rest.overflow;
    bool go_on = !l->rest.overflow && hand_on(l->rest.data, l->rest.len, fn, arg);
    cf_buf_reset(&l->rest);
    return go_on;
}

bool kube_lines_feed(struct kube_lines *l, const char *data, size_t len, kube_line_fn *fn,
                     void *arg, bool *out_too_long)
{
    *out_too_long = false;
    const char *end;
    while (len > 0 && (end = memchr(data, '\n', len)) != NULL) {
        size_t n = (size_t)(end - data);
        if (!end_rest(l, data, n, fn, arg, out_too_long))
            return false;
        data = end + 1;
        len -= n + 1;
    }
    if (len > 0)
        cf_buf_append(&l->rest, data, len);
    *out_too_long = l->rest.overflow;
    return !l->rest.overflow;
}

void kube_lines_reset(struct kube_lines *l)
{
    cf_buf_reset(&l->rest);
}

void kube_lines_free(struct kube_lines *l)
{
    cf_buf_free(&l->rest);
}
