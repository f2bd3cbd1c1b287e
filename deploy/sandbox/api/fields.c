/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of fields, from objects and from fieldsV1 and back. */
#include "deploy/sandbox/api/fields.h"

#include <string.h>

#include "base/buf.h"

struct walk {
    const struct sbx_kind *kind;
    json_t *set;
    struct cf_buf path, dotted;
};

char *sbx_item_key(const char *keys, const json_t *item)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(SBX_FIELD_PATH_MAX);
    cf_buf_puts(&b, "k:{");
    cf_autofree char *copy = cf_xstrdup(keys);
    char *save = NULL;
    bool first = true;
    for (char *key = strtok_r(copy, ",", &save); key; key = strtok_r(NULL, ",", &save)) {
        const json_t *v = json_object_get(item, key);
        cf_autofree char *text = v ? cf_json_dump(v) : NULL;
        const char *dflt = strcmp(key, "protocol") == 0 ? "\"TCP\"" : NULL;
        if (!text && !dflt)
            continue;
        cf_buf_printf(&b, "%s\"%s\":%s", first ? "" : ",", key, text ? text : dflt);
        first = false;
    }
    cf_buf_puts(&b, "}");
    return cf_buf_take(&b);
}

static void insert(struct walk *w, json_t *value)
{
    if (!w->path.overflow && w->path.len)
        json_object_set(w->set, cf_buf_str(&w->path), value);
}

static void cut(struct cf_buf *b, size_t len)
{
    if (b->data) {
        b->len = len;
        b->data[len] = '\0';
    }
}

static void walk_value(struct walk *w, json_t *value);

static void walk_at(struct walk *w, const char *prefix, const char *element, const char *name,
                    json_t *value)
{
    size_t path = w->path.len, dotted = w->dotted.len;
    cf_buf_printf(&w->path, "%s%s%s", path ? SBX_SEP : "", prefix, element);
    if (name)
        cf_buf_printf(&w->dotted, "%s%s", dotted ? "." : "", name);
    if (value)
        walk_value(w, value);
    else
        insert(w, json_true());
    cut(&w->path, path);
    cut(&w->dotted, dotted);
}

static bool server_owned(const char *dotted, const char *name)
{
    if (!*dotted)
        return strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0;
    return strcmp(dotted, "metadata") == 0 &&
           sbx_word_in("name,namespace,creationTimestamp,selfLink,uid,clusterName,generation,"
                       "managedFields,resourceVersion",
                       name);
}

static void walk_list(struct walk *w, struct sbx_shape shape, json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (shape.kind == SBX_SHAPE_SET) {
            cf_autofree char *text = cf_json_dump(item);
            walk_at(w, "v:", text, NULL, NULL);
            continue;
        }
        cf_autofree char *key = sbx_item_key(shape.keys, item);
        walk_at(w, "", key, NULL, NULL);
        walk_at(w, "", key, NULL, item);
    }
}

static void walk_value(struct walk *w, json_t *value)
{
    struct sbx_shape shape = sbx_shape_of(w->kind, cf_buf_str(&w->dotted), value);
    if (json_is_array(value) && shape.kind != SBX_SHAPE_WHOLE) {
        walk_list(w, shape, value);
        return;
    }
    if (shape.kind == SBX_SHAPE_WHOLE || !json_is_object(value) || json_object_size(value) == 0) {
        insert(w, value);
        return;
    }
    const char *name;
    json_t *member;
    json_object_foreach(value, name, member)
    {
        if (!server_owned(cf_buf_str(&w->dotted), name))
            walk_at(w, "f:", name, name, member);
    }
}

json_t *sbx_fields_of(const struct sbx_kind *k, const json_t *obj)
{
    struct walk w = { .kind = k,
                      .set = json_object(),
                      .path = CF_BUF_INIT(SBX_FIELD_PATH_MAX),
                      .dotted = CF_BUF_INIT(SBX_FIELD_PATH_MAX) };
    walk_value(&w, cf_json_unconst(obj));
    cf_buf_free(&w.path);
    cf_buf_free(&w.dotted);
    json_object_del(w.set, "f:metadata");
    return w.set;
}

static void read_node(json_t *set, struct cf_buf *path, const json_t *node)
{
    if (json_object_size(node) == 0 || json_object_get(node, "."))
        if (path->len)
            json_object_set_new(set, cf_buf_str(path), json_true());
    const char *name;
    json_t *child;
    json_object_foreach(cf_json_unconst(node), name, child)
    {
        if (strcmp(name, ".") == 0)
            continue;
        size_t len = path->len;
        cf_buf_printf(path, "%s%s", len ? SBX_SEP : "", name);
        if (!path->overflow)
            read_node(set, path, child);
        cut(path, len);
    }
}

json_t *sbx_fields_read(const json_t *fields_v1)
{
    json_t *set = json_object();
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(SBX_FIELD_PATH_MAX);
    if (json_is_object(fields_v1))
        read_node(set, &path, fields_v1);
    return set;
}

/* Inner nodes that are members get their "." here: they have children and a mark. */
static void write_path(json_t *root, const char *path)
{
    cf_autofree char *copy = cf_xstrdup(path);
    char *save = NULL;
    json_t *node = root;
    for (char *el = strtok_r(copy, SBX_SEP, &save); el; el = strtok_r(NULL, SBX_SEP, &save)) {
        json_t *child = json_object_get(node, el);
        if (!child) {
            child = json_object();
            json_object_set_new(node, el, child);
        }
        node = child;
    }
    json_object_set_new(node, ".", json_object());
}

static void tidy(json_t *node)
{
    if (json_object_size(node) == 1 && json_object_get(node, "."))
        json_object_clear(node);
    const char *name;
    json_t *child;
    json_object_foreach(node, name, child)
    {
        if (strcmp(name, ".") != 0)
            tidy(child);
    }
}

json_t *sbx_fields_write(const json_t *set)
{
    json_t *root = json_object();
    const char *path;
    json_t *value;
    json_object_foreach(cf_json_unconst(set), path, value)
    {
        write_path(root, path);
    }
    tidy(root);
    return root;
}

char *sbx_field_text(const char *path)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(SBX_FIELD_PATH_MAX);
    cf_autofree char *copy = cf_xstrdup(path);
    char *save = NULL;
    for (char *el = strtok_r(copy, SBX_SEP, &save); el; el = strtok_r(NULL, SBX_SEP, &save)) {
        if (el[0] == 'f') {
            cf_buf_printf(&b, ".%s", el + 2);
            continue;
        }
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *key = cf_json_parse(el + 2, strlen(el + 2), 0, &err);
        const char *name;
        json_t *v;
        bool first = true;
        cf_buf_putc(&b, '[');
        if (json_is_object(key)) {
            json_object_foreach(key, name, v)
            {
                cf_autofree char *text = cf_json_dump(v);
                cf_buf_printf(&b, "%s%s=%s", first ? "" : ",", name, text);
                first = false;
            }
        } else {
            cf_buf_printf(&b, "=%s", el + 2);
        }
        cf_buf_putc(&b, ']');
    }
    return cf_buf_take(&b);
}
