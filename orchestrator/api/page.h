/* SPDX-License-Identifier: Apache-2.0 */
/* Lists in pages: `limit` and an opaque `cursor` in, {"items", "nextCursor"} and a Link header out.
 *
 * A cursor holds the place after which the next page begins, bound to the path it was made for: one
 * of another list, or a tampered one, is refused. Handler threads. */
#ifndef CF_API_PAGE_H
#define CF_API_PAGE_H

#include <stdbool.h>

#include "base/json.h"
#include "orchestrator/http/http.h"

enum { CF_PAGE_DEFAULT = 50 };

struct cf_page {
    int limit;
    const char *after; /* the last key of the page before; "" on the first; the request's arena */
    int64_t after_int; /* the same as a number; 0 on the first */
};

/* False: answered. `is_int`: keys of this list are numbers. */
bool cf_page_of(struct cf_http_request *req, struct cf_http_response *res, bool is_int,
                struct cf_page *out);

/* Answers with a list (reference taken). `last` is the key of its last row; only used when more
 * follow. */
void cf_page_send(struct cf_http_request *req, struct cf_http_response *res, json_t *items_take,
                  bool more, const char *last);

#endif
