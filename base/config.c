/* SPDX-License-Identifier: Apache-2.0 */
/* Loading configuration: defaults, then the file, then the environment, then flags; each later one
 * wins. A value is text until set_value() has judged it by its row's type. Printing is in
 * config_show.c. See config.h. */
#include "base/config.h"

#include <stdio.h>
#include <string.h>

#include "base/config_values.h"
#include "base/file.h"
#include "base/suggest.h"
#include "base/units.h"
#include "base/yaml.h"

enum {
    KEYS_MAX = 1000, /* rows of a table; for the list of suggestions */
    ENV_NAME_MAX = 256,
};

static size_t count_keys(const struct cf_config_key *table)
{
    size_t n = 0;
    while (table[n].name)
        n++;
    cf_assert(n <= KEYS_MAX);
    return n;
}

/* SIZE_MAX if there is none. */
static size_t find_key(const struct cf_config_key *table, const char *name)
{
    for (size_t i = 0; table[i].name; i++)
        if (strcmp(table[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

char *cf_config_env_name(const char *key, char *buf, size_t size)
{
    size_t len = (size_t)snprintf(buf, size, "CROSSFADE_%s", key);
    cf_assert(len < size);
    for (char *p = buf; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (*p == '.' || *p == '-')
            *p = '_';
    }
    return buf;
}

static bool fail_unknown(const struct cf_config_key *table, const char *name, struct cf_error *err)
{
    const char *names[KEYS_MAX + 1];
    size_t n = count_keys(table);
    for (size_t i = 0; i < n; i++)
        names[i] = table[i].name;
    names[n] = NULL;
    const char *nearest = cf_suggest(name, names);
    cf_error_set(err, CF_ERR_INVALID, "unknown key \"%.100s\"%s%s%s", name,
                 nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    return cf_error_field(err, name);
}

static bool check_range(const struct cf_config_key *key, int64_t value, struct cf_error *err)
{
    if ((key->min == 0 && key->max == 0) || (value >= key->min && value <= key->max))
        return true;
    if (key->type != CF_CFG_DURATION)
        return cf_error_set(err, CF_ERR_INVALID, "must be between %lld and %lld",
                            (long long)key->min, (long long)key->max);
    char low[CF_UNIT_TEXT_MAX], high[CF_UNIT_TEXT_MAX];
    return cf_error_set(err, CF_ERR_INVALID, "must be between %s and %s",
                        cf_duration_format(key->min, low), cf_duration_format(key->max, high));
}

static bool parse_bool(const char *text, int64_t *out, struct cf_error *err)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return cf_error_set(err, CF_ERR_INVALID, "\"%.60s\" is neither true nor false", text);
    *out = yes;
    return true;
}

static bool parse_number(const struct cf_config_key *key, const char *text, int64_t *out,
                         struct cf_error *err)
{
    switch (key->type) {
    case CF_CFG_INT:
        return cf_int_parse(text, INT64_MIN + 1, INT64_MAX, out, err);
    case CF_CFG_BYTES:
        return cf_bytes_parse(text, out, err);
    case CF_CFG_DURATION:
        return cf_duration_parse(text, out, err);
    case CF_CFG_BOOL:
        return parse_bool(text, out, err);
    case CF_CFG_STRING:
    case CF_CFG_PATH:
        break;
    }
    *out = 0;
    return *text || key->type != CF_CFG_PATH ? true
                                             : cf_error_set(err, CF_ERR_INVALID, "a path is empty");
}

/* Judges `text` and makes it the value of key i; `origin` is copied. NULL unsets. */
static bool set_value(struct cf_config *c, size_t i, const char *text, const char *origin,
                      struct cf_error *err)
{
    const struct cf_config_key *key = &c->table[i];
    int64_t number = 0;
    if (text && (!parse_number(key, text, &number, err) || !check_range(key, number, err))) {
        cf_error_field(err, key->name);
        return cf_error_wrap(err, "%s", key->name);
    }
    struct cf_config_value *v = &c->values[i];
    free(v->text);
    free(v->origin);
    v->text = cf_xstrdup(text);
    v->origin = cf_xstrdup(origin);
    v->number = number;
    return true;
}

static bool load_defaults(struct cf_config *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct cf_error err = CF_ERROR_INIT;
        bool ok = set_value(c, i, c->table[i].dflt, "default", &err);
        cf_assert(ok); /* the table's own defaults must fit its types and ranges */
    }
    return true;
}

/* One file being read. */
struct source {
    struct cf_config *c;
    const char *path;
    const struct cf_marks *marks;
    char pointer[CF_JSON_POINTER_MAX];
};

static bool fail_in_file(const struct source *s, struct cf_error *err)
{
    int line = 1, column = 1;
    cf_marks_find(s->marks, s->pointer, &line, &column);
    return cf_error_wrap(err, "%s:%d:%d", s->path, line, column);
}

/* Whether a key of the table lies below this name. */
static bool is_section(const struct cf_config_key *table, const char *name)
{
    size_t len = strlen(name);
    for (; table->name; table++)
        if (strncmp(table->name, name, len) == 0 && table->name[len] == '.')
            return true;
    return false;
}

static bool load_scalar(struct source *s, size_t i, const json_t *value, struct cf_error *err)
{
    cf_autofree char *number = NULL;
    const char *text = json_string_value(value);
    bool is_bool = s->c->table[i].type == CF_CFG_BOOL;
    if (json_is_integer(value) || (json_is_boolean(value) && is_bool))
        text = number = cf_json_dump(value);
    if (!text && !json_is_null(value)) {
        cf_error_set(err, CF_ERR_INVALID, "%s: must be a single value; put text in quotes",
                     s->c->table[i].name);
        return fail_in_file(s, err);
    }
    int line = 0, column;
    cf_marks_find(s->marks, s->pointer, &line, &column);
    cf_autofree char *origin = cf_xasprintf("file %s:%d", s->path, line);
    if (!text) /* null: as if it were not there */
        return true;
    return set_value(s->c, i, text, origin, err) ? true : fail_in_file(s, err);
}

static bool load_section(struct source *s, const char *prefix, const json_t *section,
                         struct cf_error *err)
{
    const char *word;
    json_t *value;
    json_object_foreach(cf_json_unconst(section), word, value)
    {
        cf_autofree char *name = cf_xasprintf("%s%s%s", prefix, *prefix ? "." : "", word);
        size_t up = cf_json_pointer_push(s->pointer, word);
        size_t i = find_key(s->c->table, name);
        bool ok;
        if (i != SIZE_MAX && !json_is_object(value))
            ok = load_scalar(s, i, value, err);
        else if (is_section(s->c->table, name) && (json_is_object(value) || json_is_null(value)))
            ok = load_section(s, name, value, err);
        else if (i != SIZE_MAX || is_section(s->c->table, name))
            ok = cf_error_set(err, CF_ERR_INVALID, "%s: %s", name,
                              i != SIZE_MAX ? "must be a single value" : "must be a mapping") ||
                 fail_in_file(s, err);
        else
            ok = fail_unknown(s->c->table, name, err) || fail_in_file(s, err);
        if (!ok)
            return false;
        s->pointer[up] = '\0';
    }
    return true;
}

static bool load_file(struct cf_config *c, const char *path, struct cf_error *err)
{
    size_t len;
    cf_autofree char *text = cf_file_read(path, CF_YAML_TEXT_MAX, &len, err);
    if (!text)
        return cf_error_wrap(err, "configuration");
    CF_CLEANUP(cf_marks_free_p) struct cf_marks *marks = NULL;
    cf_autojson json_t *tree = cf_yaml_parse(text, len, 0, &marks, err);
    if (!tree && strcmp(err->reason, "Empty") == 0) {
        cf_error_clear(err);
        return true;
    }
    if (!tree)
        return cf_error_wrap(err, "%s", path);
    if (!json_is_object(tree) && !json_is_null(tree))
        return cf_error_set(err, CF_ERR_INVALID, "%s: must be a mapping of keys to values", path);
    struct source s = { .c = c, .path = path, .marks = marks };
    return load_section(&s, "", tree, err);
}

/* CROSSFADE_SERVICE_HOST, CROSSFADE_DB_PORT_5432_TCP_ADDR, CROSSFADE_PORT=tcp://…: made by
 * Kubernetes in every pod for each Service of the namespace whose name begins with crossfade. */
static bool is_service_link(const char *variable, const char *value)
{
    return strstr(variable, "_SERVICE_HOST=") || strstr(variable, "_SERVICE_PORT") ||
           strstr(variable, "_TCP_") || strstr(variable, "_UDP_") ||
           strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
}

static bool load_variable(struct cf_config *c, const char *variable, struct cf_error *err)
{
    const char *equals = strchr(variable, '=');
    if (!equals || strncmp(variable, "CROSSFADE_", 10) != 0)
        return true;
    cf_autofree char *name = cf_xstrndup(variable, (size_t)(equals - variable));
    for (size_t i = 0; i < c->count; i++) {
        char known[ENV_NAME_MAX];
        if (strcmp(cf_config_env_name(c->table[i].name, known, sizeof known), name) != 0)
            continue;
        cf_autofree char *origin = cf_xasprintf("env %s", name);
        return set_value(c, i, equals + 1, origin, err) ? true : cf_error_wrap(err, "%s", origin);
    }
    if (is_service_link(variable, equals + 1))
        return true;
    const char *names[KEYS_MAX + 1] = { NULL };
    char(*texts)[ENV_NAME_MAX] = cf_xcalloc(c->count, sizeof *texts);
    for (size_t i = 0; i < c->count; i++)
        names[i] = cf_config_env_name(c->table[i].name, texts[i], sizeof texts[i]);
    const char *nearest = cf_suggest(name, names);
    cf_error_set(err, CF_ERR_INVALID, "unknown environment variable %.100s%s%s%s", name,
                 nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    free(texts);
    return false;
}

static bool load_flag(struct cf_config *c, const char *flag, struct cf_error *err)
{
    size_t len = strcspn(flag, "=");
    cf_autofree char *name = cf_xstrndup(flag, len);
    cf_autofree char *origin = cf_xasprintf("flag --%s", name);
    size_t i = find_key(c->table, name);
    if (i == SIZE_MAX)
        return fail_unknown(c->table, name, err) || cf_error_wrap(err, "%s", origin);
    if (flag[len] != '=')
        return cf_error_set(err, CF_ERR_INVALID, "%s: has no value; write --%s=…", origin, name);
    return set_value(c, i, flag + len + 1, origin, err) ? true : cf_error_wrap(err, "%s", origin);
}

struct cf_config *cf_config_load(const struct cf_config_key *table, const char *file,
                                 char *const *environ_list, const char *const *flags,
                                 struct cf_error *err)
{
    struct cf_config *c = cf_xcalloc(1, sizeof *c);
    c->table = table;
    c->count = count_keys(table);
    c->values = cf_xcalloc(c->count, sizeof *c->values);
    bool ok = load_defaults(c) && (!file || load_file(c, file, err));
    for (; ok && environ_list && *environ_list; environ_list++)
        ok = load_variable(c, *environ_list, err);
    for (; ok && flags && *flags; flags++)
        ok = load_flag(c, *flags, err);
    if (ok)
        return c;
    cf_config_free(c);
    return NULL;
}

void cf_config_free(struct cf_config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        free(c->values[i].text);
        free(c->values[i].origin);
    }
    free(c->values);
    free(c);
}
