/* SPDX-License-Identifier: Apache-2.0 */
/* Status objects to errors. The table of status.h is the array below. */
#include "federation/kube/status.h"

#include <ctype.h>
#include <string.h>

enum {
    STATUS_BODY_MAX = 256 * 1024, /* a Status with hundreds of causes */
    FOREIGN_TEXT_MAX = 160, /* of a body that is no Status: enough to recognise a proxy's page */
    CAUSES_MAX = 8,         /* in the message; the rest is counted */
};

static const struct {
    int status;
    enum cf_err_kind read, write;
    const char *reason; /* when the body has none */
} kinds[] = {
    { 400, CF_ERR_INVALID, CF_ERR_INVALID, "BadRequest" },
    { 401, CF_ERR_DENIED, CF_ERR_DENIED, "Unauthorized" },
    { 403, CF_ERR_DENIED, CF_ERR_DENIED, "Forbidden" },
    { 404, CF_ERR_NOT_FOUND, CF_ERR_NOT_FOUND, "NotFound" },
    { 409, CF_ERR_CONFLICT, CF_ERR_CONFLICT, "Conflict" },
    { 410, CF_ERR_NOT_FOUND, CF_ERR_NOT_FOUND, "Expired" },
    { 422, CF_ERR_INVALID, CF_ERR_INVALID, "Invalid" },
    { 429, CF_ERR_TRANSIENT, CF_ERR_TRANSIENT, "TooManyRequests" },
    { 502, CF_ERR_TRANSIENT, CF_ERR_UNKNOWN, "BadGateway" },
    { 503, CF_ERR_TRANSIENT, CF_ERR_TRANSIENT, "ServiceUnavailable" },
    { 504, CF_ERR_TRANSIENT, CF_ERR_UNKNOWN, "Timeout" },
};

static enum cf_err_kind kind_of(int status, const char *reason, bool is_write,
                                const char **out_reason)
{
    *out_reason = "";
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++) {
        if (kinds[i].status == status) {
            *out_reason = kinds[i].reason;
            if (status < 500)
                return kinds[i].read;
        }
    }
    if (status < 500)
        return CF_ERR_INVALID;
    bool may_have_happened = status == 502 || status == 504 || strcmp(reason, "Timeout") == 0 ||
                             strcmp(reason, "ServerTimeout") == 0;
    return is_write && may_have_happened ? CF_ERR_UNKNOWN : CF_ERR_TRANSIENT;
}

/* Applying an object that does not fit its schema (an unknown field, a wrong type) is answered 500,
 * with no reason: it will be wrong for ever, so nothing is gained by trying again. */
static bool is_refused_apply(int status, const char *message)
{
    return status == 500 && strncmp(message, "failed to create typed patch object", 35) == 0;
}

/* Appends the server's words without whole objects in them: a refused patch quotes the object it
 * would have made, with the data of a Secret, as "{\"apiVersion\":…}". */
static void append_words(struct cf_buf *out, const char *words)
{
    static const char object[] = "\"{\\\"";
    const char *at;
    while ((at = strstr(words, object)) != NULL) {
        cf_buf_append(out, words, (size_t)(at - words));
        cf_buf_puts(out, "(the object)");
        words = at + 1;
        while (*words && *words != '"')
            words += 1 + (words[0] == '\\' && words[1]);
        words += *words == '"';
    }
    cf_buf_puts(out, words);
}

/* Appends the causes that the message does not say already. */
static void append_causes(struct cf_buf *text, const char *message, const json_t *causes)
{
    size_t said = 0;
    for (size_t i = 0; i < json_array_size(causes); i++) {
        const json_t *cause = json_array_get(causes, i);
        const char *words = cf_json_str(cause, "", "message", NULL);
        const char *field = cf_json_str(cause, "", "field", NULL);
        if (words[0] == '\0' || strstr(message, words))
            continue;
        if (++said > CAUSES_MAX) {
            cf_buf_printf(text, "; and %zu more", json_array_size(causes) - i);
            return;
        }
        cf_buf_printf(text, "; %s%s", field, field[0] ? ": " : "");
        append_words(text, words);
    }
}

bool cf_kube_status_error_json(int http_status, const json_t *status, int64_t retry_after_ms,
                               bool is_write, struct cf_error *err)
{
    int code = http_status >= 300 ? http_status : (int)cf_json_int(status, 500, "code", NULL);
    const char *reason = cf_json_str(status, "", "reason", NULL);
    const char *message = cf_json_str(status, "", "message", NULL);
    const json_t *causes = cf_json_at(status, "details", "causes", NULL);
    const char *usual = "";
    enum cf_err_kind kind = kind_of(code, reason, is_write, &usual);
    if (is_refused_apply(code, message))
        kind = CF_ERR_INVALID;

    CF_CLEANUP(cf_buf_free)
    struct cf_buf text = CF_BUF_INIT(STATUS_BODY_MAX); /* the error cuts it */
    if (message[0])
        append_words(&text, message);
    else
        cf_buf_printf(&text, "the API server answered %d", code);
    append_causes(&text, message, causes);

    cf_error_set(err, kind, "%s", cf_buf_str(&text));
    cf_error_reason(err, code != 410 && reason[0] ? reason : usual);
    cf_error_field(err, cf_json_str(json_array_get(causes, 0), "", "field", NULL));
    err->upstream = code;
    err->retry_after_ms = retry_after_ms;
    if (retry_after_ms == 0)
        err->retry_after_ms = 1000 * cf_json_int(status, 0, "details", "retryAfterSeconds", NULL);
    return false;
}

/* An answer of something that is not an API server, or of a handler that speaks text. */
static bool foreign_error(int http_status, const char *body, size_t len, int64_t retry_after_ms,
                          bool is_write, struct cf_error *err)
{
    char text[FOREIGN_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < sizeof text; i++)
        text[n++] = isprint((unsigned char)body[i]) ? body[i] : ' ';
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
    const char *usual = "";
    enum cf_err_kind kind = kind_of(http_status, "", is_write, &usual);
    cf_error_set(err, kind, "the server answered %d%s%s", http_status, n ? ": " : "", text);
    cf_error_reason(err, usual);
    err->upstream = http_status;
    err->retry_after_ms = retry_after_ms;
    return false;
}

bool cf_kube_status_error(int http_status, const char *body, size_t len, int64_t retry_after_ms,
                          bool is_write, struct cf_error *err)
{
    struct cf_error unreadable = CF_ERROR_INIT;
    cf_autojson json_t *status = NULL;
    if (len > 0)
        status = cf_json_parse(body, len, STATUS_BODY_MAX, &unreadable);
    if (!status || strcmp(cf_json_str(status, "", "kind", NULL), "Status") != 0)
        return foreign_error(http_status, body, len, retry_after_ms, is_write, err);
    return cf_kube_status_error_json(http_status, status, retry_after_ms, is_write, err);
}
