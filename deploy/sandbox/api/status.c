/* SPDX-License-Identifier: Apache-2.0 */
/* Status bodies, with the words of a real API server where clients switch on them. */
#include "deploy/sandbox/api/status.h"

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"

enum { MESSAGE_MAX = 8192 }; /* of a Status: causes are cut there */

void sbx_causes_free(struct sbx_causes *c)
{
    json_decref(c->list);
    c->list = NULL;
}

void sbx_cause_raw(struct sbx_causes *c, const char *reason, const char *message, const char *field)
{
    if (!c->list)
        c->list = json_array();
    if (json_array_size(c->list) < SBX_CAUSES_MAX)
        json_array_append_new(c->list, json_pack("{s:s,s:s,s:s}", "reason", reason, "message",
                                                 message, "field", field));
}

static const char *prefix_of(const char *reason)
{
    static const struct {
        const char *reason, *prefix;
    } words[] = {
        { "FieldValueRequired", "Required value" },
        { "FieldValueInvalid", "Invalid value" },
        { "FieldValueDuplicate", "Duplicate value" },
        { "FieldValueForbidden", "Forbidden" },
        { "FieldValueNotSupported", "Unsupported value" },
        { "FieldValueNotFound", "Not found" },
        { "FieldValueTooLong", "Too long" },
        { "FieldValueTypeInvalid", "Invalid value" },
        { "FieldValueTooMany", "Too many" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(words); i++)
        if (strcmp(words[i].reason, reason) == 0)
            return words[i].prefix;
    return reason;
}

void sbx_cause(struct sbx_causes *c, const char *reason, const char *message, const char *field_fmt,
               ...)
{
    va_list ap;
    va_start(ap, field_fmt);
    cf_autofree char *field = cf_xvasprintf(field_fmt, ap);
    va_end(ap);
    cf_autofree char *text = *message ? cf_xasprintf("%s: %s", prefix_of(reason), message)
                                      : cf_xstrdup(prefix_of(reason));
    sbx_cause_raw(c, reason, text, field);
}

static void set_status(struct sbx_answer *out, int code, const char *reason, const char *message,
                       json_t *details_take)
{
    json_decref(out->body);
    free(out->text);
    out->text = NULL;
    out->status = code;
    out->body = json_pack("{s:s,s:s,s:{},s:s,s:s}", "kind", "Status", "apiVersion", "v1",
                          "metadata", "status", "Failure", "message", message);
    if (reason)
        json_object_set_new(out->body, "reason", json_string(reason));
    if (details_take)
        json_object_set_new(out->body, "details", details_take);
    json_object_set_new(out->body, "code", json_integer(code));
}

bool sbx_fail(struct sbx_answer *out, int code, const char *reason, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *message = cf_xvasprintf(fmt, ap);
    va_end(ap);
    CF_CLEANUP(cf_buf_free) struct cf_buf clean = CF_BUF_INIT(MESSAGE_MAX);
    for (const char *p = message; *p; p++)
        cf_buf_putc(&clean, *p);
    set_status(out, code, reason, cf_buf_str(&clean), NULL);
    return false;
}

void sbx_detail(struct sbx_answer *out, const char *key, json_t *value_take)
{
    json_t *details = json_object_get(out->body, "details");
    if (!details) {
        details = json_object();
        json_object_set_new(out->body, "details", details);
        json_t *code = json_incref(json_object_get(out->body, "code"));
        json_object_del(out->body, "code");
        json_object_set_new(out->body, "code", code);
    }
    json_object_set_new(details, key, value_take);
}

static json_t *details_of(const char *name, const char *group, const char *kind)
{
    json_t *d = json_object();
    if (name && *name)
        json_object_set_new(d, "name", json_string(name));
    if (*group)
        json_object_set_new(d, "group", json_string(group));
    json_object_set_new(d, "kind", json_string(kind));
    return d;
}

/* "deployments.apps" as messages name a resource. */
static char *qualified(const char *plural, const char *group)
{
    return *group ? cf_xasprintf("%s.%s", plural, group) : cf_xstrdup(plural);
}

bool sbx_fail_not_found(struct sbx_answer *out, const struct sbx_kind *k, const char *name)
{
    cf_autofree char *what = qualified(k->plural, k->group);
    cf_autofree char *message = cf_xasprintf("%s \"%s\" not found", what, name);
    set_status(out, 404, "NotFound", message, details_of(name, k->group, k->plural));
    return false;
}

bool sbx_fail_exists(struct sbx_answer *out, const struct sbx_kind *k, const char *name)
{
    cf_autofree char *what = qualified(k->plural, k->group);
    cf_autofree char *message = cf_xasprintf("%s \"%s\" already exists", what, name);
    set_status(out, 409, "AlreadyExists", message, details_of(name, k->group, k->plural));
    return false;
}

bool sbx_fail_conflict(struct sbx_answer *out, const struct sbx_kind *k, const char *name,
                       const char *why)
{
    cf_autofree char *what = qualified(k->plural, k->group);
    cf_autofree char *message =
        cf_xasprintf("Operation cannot be fulfilled on %s \"%s\": %s", what, name, why);
    set_status(out, 409, "Conflict", message, details_of(name, k->group, k->plural));
    return false;
}

bool sbx_fail_invalid(struct sbx_answer *out, const char *group, const char *kind, const char *name,
                      const struct sbx_causes *causes)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(MESSAGE_MAX);
    cf_autofree char *what = qualified(kind, group);
    cf_buf_printf(&b, "%s \"%s\" is invalid: ", what, name);
    bool many = json_array_size(causes->list) > 1;
    size_t i;
    json_t *c;
    cf_buf_puts(&b, many ? "[" : "");
    json_array_foreach(causes->list, i, c)
    {
        cf_buf_printf(&b, "%s%s: %s", i ? ", " : "", cf_json_str(c, "", "field", NULL),
                      cf_json_str(c, "", "message", NULL));
    }
    cf_buf_puts(&b, many ? "]" : "");
    json_t *details = details_of(name, group, kind);
    json_object_set(details, "causes", causes->list);
    set_status(out, 422, "Invalid", cf_buf_str(&b), details);
    return false;
}

json_t *sbx_success(const struct sbx_kind *k, const char *name, const char *uid)
{
    json_t *details = details_of(name, k->group, k->plural);
    json_object_set_new(details, "uid", json_string(uid));
    return json_pack("{s:s,s:s,s:{},s:s,s:o}", "kind", "Status", "apiVersion", "v1", "metadata",
                     "status", "Success", "details", details);
}
