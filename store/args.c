/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters as text: numbers, JSON, bytes in hex, array literals with every element quoted. */
#include "store/args.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"

void cf_args_free(struct cf_args *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->owned[i]);
    a->n = 0;
}

static void push(struct cf_args *a, const char *value, char *owned)
{
    cf_assert(a->n < CF_ARGS_MAX);
    a->value[a->n] = value;
    a->owned[a->n] = owned;
    a->n++;
}

void cf_arg_text(struct cf_args *a, const char *s)
{
    push(a, s, NULL);
}

void cf_arg_nonempty(struct cf_args *a, const char *s)
{
    push(a, s && *s ? s : NULL, NULL);
}

void cf_arg_take(struct cf_args *a, char *malloced)
{
    push(a, malloced, malloced);
}

void cf_arg_int(struct cf_args *a, int64_t v)
{
    cf_arg_take(a, cf_xasprintf("%" PRId64, v));
}

void cf_arg_bool(struct cf_args *a, bool v)
{
    cf_arg_text(a, v ? "t" : "f");
}

void cf_arg_double(struct cf_args *a, double v)
{
    if (isnan(v))
        cf_arg_text(a, NULL);
    else
        cf_arg_take(a, cf_xasprintf("%.17g", v));
}

void cf_arg_json(struct cf_args *a, const json_t *j)
{
    if (j)
        cf_arg_take(a, cf_json_dump(j));
    else
        cf_arg_text(a, NULL);
}

void cf_arg_json_or(struct cf_args *a, const json_t *j, const char *dflt)
{
    if (j)
        cf_arg_json(a, j);
    else
        cf_arg_text(a, dflt);
}

void cf_arg_bytes(struct cf_args *a, const void *data, size_t len)
{
    char *text = cf_xmalloc(len * 2 + 3);
    memcpy(text, "\\x", 2);
    cf_hex(data, len, text + 2);
    cf_arg_take(a, text);
}

void cf_arg_ints(struct cf_args *a, const int *v, size_t n)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(n * 12 + 3);
    cf_buf_putc(&b, '{');
    for (size_t i = 0; i < n; i++)
        cf_buf_printf(&b, "%s%d", i ? "," : "", v[i]);
    cf_buf_putc(&b, '}');
    cf_assert(!b.overflow);
    cf_arg_take(a, cf_buf_take(&b));
}

void cf_arg_texts(struct cf_args *a, const char *const *v, size_t n)
{
    size_t max = 3;
    for (size_t i = 0; i < n; i++)
        max += strlen(v[i]) * 2 + 3;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(max);
    cf_buf_putc(&b, '{');
    for (size_t i = 0; i < n; i++) {
        cf_buf_puts(&b, i ? ",\"" : "\"");
        for (const char *p = v[i]; *p; p++) {
            if (*p == '"' || *p == '\\')
                cf_buf_putc(&b, '\\');
            cf_buf_putc(&b, *p);
        }
        cf_buf_putc(&b, '"');
    }
    cf_buf_putc(&b, '}');
    cf_assert(!b.overflow);
    cf_arg_take(a, cf_buf_take(&b));
}
