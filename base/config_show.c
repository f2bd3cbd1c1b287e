/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a loaded configuration: values by name, the list for people, the table for the manual. See
 * config.h. */
#include <string.h>

#include "base/config_values.h"

static const struct cf_config_value *value_of(const struct cf_config *c, const char *name,
                                              unsigned types)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->table[i].name, name) != 0)
            continue;
        cf_assert(types & 1u << c->table[i].type);
        return &c->values[i];
    }
    cf_assert_failed("the key is in the table", __FILE__, __LINE__);
}

const char *cf_config_str(const struct cf_config *c, const char *name)
{
    return value_of(c, name, 1u << CF_CFG_STRING | 1u << CF_CFG_PATH)->text;
}

int64_t cf_config_int(const struct cf_config *c, const char *name)
{
    return value_of(c, name, 1u << CF_CFG_INT | 1u << CF_CFG_BYTES | 1u << CF_CFG_DURATION)->number;
}

bool cf_config_bool(const struct cf_config *c, const char *name)
{
    return value_of(c, name, 1u << CF_CFG_BOOL)->number != 0;
}

const char *cf_config_origin(const struct cf_config *c, const char *name)
{
    return value_of(c, name, ~0u)->origin;
}

static const char *shown(const struct cf_config *c, size_t i)
{
    const char *text = c->values[i].text;
    if (!text || (c->table[i].secret && !*text))
        return "(unset)";
    return c->table[i].secret ? "(set)" : text;
}

void cf_config_show(const struct cf_config *c, struct cf_buf *out)
{
    size_t name_width = 0, value_width = 0;
    for (size_t i = 0; i < c->count; i++) {
        name_width = CF_MAX(name_width, strlen(c->table[i].name));
        value_width = CF_MAX(value_width, strlen(shown(c, i)));
    }
    for (size_t i = 0; i < c->count; i++)
        cf_buf_printf(out, "%-*s  %-*s  %s\n", (int)name_width, c->table[i].name, (int)value_width,
                      shown(c, i), c->values[i].origin);
}

void cf_config_markdown(const struct cf_config_key *table, struct cf_buf *out)
{
    static const char *const types[] = {
        [CF_CFG_STRING] = "text",       [CF_CFG_INT] = "integer", [CF_CFG_BOOL] = "true or false",
        [CF_CFG_DURATION] = "duration", [CF_CFG_BYTES] = "size",  [CF_CFG_PATH] = "path",
    };
    cf_buf_puts(out, "| Key | Environment | Type | Default | Meaning |\n|---|---|---|---|---|\n");
    for (; table->name; table++) {
        char env[256];
        const char *quote = table->dflt ? "`" : "";
        cf_buf_printf(out, "| `%s` | `%s` | %s | %s%s%s | %s |\n", table->name,
                      cf_config_env_name(table->name, env, sizeof env), types[table->type], quote,
                      table->dflt ? table->dflt : "", quote, table->help);
    }
}
