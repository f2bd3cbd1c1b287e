/* SPDX-License-Identifier: Apache-2.0 */
/* Splits a stream of bytes into lines, however it was cut into chunks. One thread at a time. */
#ifndef CF_FEDERATION_KUBE_LINES_H
#define CF_FEDERATION_KUBE_LINES_H

#include "base/buf.h"

struct kube_lines {
    struct cf_buf rest; /* the beginning of a line whose end has not come */
};

#define KUBE_LINES_INIT(max_line) ((struct kube_lines){ .rest = CF_BUF_INIT(max_line) })

/* Gets each line that is complete, without its end, not NUL-terminated; false stops. Empty lines
 * are left out. */
typedef bool kube_line_fn(void *arg, const char *line, size_t len);

/* False when `fn` said so, or when a line is longer than the maximum (*out_too_long). What is left
 * is kept. */
bool kube_lines_feed(struct kube_lines *l, const char *data, size_t len, kube_line_fn *fn,
                     void *arg, bool *out_too_long);
void kube_lines_reset(struct kube_lines *l);
void kube_lines_free(struct kube_lines *l);

#endif
