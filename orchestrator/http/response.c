/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: filled by a handler. */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "orchestrator/http/chars.h"
#include "orchestrator/http/message.h"

/* How a message ends is the protocol's business: a handler that sets one of these would make two
 * truths. */
static const char *const reserved[] = { "connection", "content-length", "keep-alive",
                                        "transfer-encoding", "upgrade" };

void http_response_reset(struct cf_http_response *res)
{
    free(res->owned);
    *res = (struct cf_http_response){ .arena = res->arena, .status = 200 };
}

bool http_status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

void cf_http_response_status(struct cf_http_response *res, int status)
{
    cf_assert(status >= 200 && status <= 599);
    res->status = status;
}

int cf_http_response_get_status(const struct cf_http_response *res)
{
    return res->status;
}

static char *copy_value(struct cf_arena *a, const char *value)
{
    char *copy = cf_arena_strdup(a, value);
    for (char *c = copy; *c; c++)
        if (!http_char_is(*c, HTTP_FIELD))
            *c = ' ';
    return copy;
}

static void check_name(const char *name)
{
    cf_assert(*name && http_chars_all(name, strlen(name), HTTP_TOKEN));
    for (size_t i = 0; i < CF_ARRAY_LEN(reserved); i++)
        cf_assert(strcasecmp(name, reserved[i]) != 0);
}

void cf_http_response_header(struct cf_http_response *res, const char *name, const char *value)
{
    struct http_pair *found = http_pairs_find(&res->headers, name);
    if (found)
        found->value = copy_value(res->arena, value);
    else
        cf_http_response_header_add(res, name, value);
}

void cf_http_response_header_add(struct cf_http_response *res, const char *name, const char *value)
{
    check_name(name);
    http_pairs_add(&res->headers, res->arena, cf_arena_strdup(res->arena, name),
                   copy_value(res->arena, value));
}

void cf_http_response_headerf(struct cf_http_response *res, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *value = cf_xvasprintf(fmt, ap);
    va_end(ap);
    cf_http_response_header(res, name, value);
}

const char *cf_http_response_get_header(const struct cf_http_response *res, const char *name)
{
    const struct http_pair *found = http_pairs_find(&res->headers, name);
    return found ? found->value : NULL;
}

void cf_http_response_body_static(struct cf_http_response *res, const char *type, const void *data,
                                  size_t len)
{
    free(res->owned);
    res->owned = NULL;
    res->body = data;
    res->body_len = len;
    if (type)
        cf_http_response_header(res, "Content-Type", type);
}

void cf_http_response_body_take(struct cf_http_response *res, const char *type, char *data,
                                size_t len)
{
    cf_http_response_body_static(res, type, data, len);
    res->owned = data;
}

void cf_http_response_body(struct cf_http_response *res, const char *type, const void *data,
                           size_t len)
{
    char *copy = cf_xmalloc(len + 1);
    if (len)
        memcpy(copy, data, len);
    cf_http_response_body_take(res, type, copy, len);
}

void cf_http_response_text(struct cf_http_response *res, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = cf_xvasprintf(fmt, ap);
    va_end(ap);
    cf_http_response_status(res, status);
    cf_http_response_body_take(res, "text/plain; charset=utf-8", text, strlen(text));
}

void cf_http_response_json(struct cf_http_response *res, int status, const json_t *body)
{
    char *text = cf_json_dump(body);
    cf_http_response_status(res, status);
    const char *type = cf_http_response_get_header(res, "Content-Type") ? NULL : "application/json";
    cf_http_response_body_take(res, type, text, strlen(text));
}

void cf_http_response_json_take(struct cf_http_response *res, int status, json_t *body)
{
    cf_http_response_json(res, status, body);
    json_decref(body);
}

void cf_http_response_delay(struct cf_http_response *res, int64_t ms)
{
    res->delay_ms = ms;
}

void cf_http_response_cut(struct cf_http_response *res)
{
    res->outcome = HTTP_CUT;
}
