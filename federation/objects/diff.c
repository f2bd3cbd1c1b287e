/* SPDX-License-Identifier: Apache-2.0 */
/* Differences, digests, masks. */
#include "federation/objects/diff.h"

#include <string.h>

#include "base/buf.h"
#include "federation/objects/clean.h"

enum { PATH_MAX_BYTES = 1024 };

struct walk {
    json_t *lines;
    struct cf_buf path;
    bool secret;
    bool same;
};

static void show(struct cf_buf *out, const struct walk *w, const json_t *value)
{
    if (!value) {
        cf_buf_puts(out, "(absent)");
        return;
    }
    if (w->secret && (strncmp(cf_buf_str(&w->path), "data", 4) == 0 ||
                      strncmp(cf_buf_str(&w->path), "stringData", 10) == 0)) {
        cf_buf_puts(out, "(secret)");
        return;
    }
    cf_autofree char *text =
        json_is_string(value) ? cf_xstrdup(json_string_value(value)) : cf_json_dump(value);
    bool cut = strlen(text) > CF_DIFF_VALUE_MAX;
    cf_buf_printf(out, "%.*s%s", CF_DIFF_VALUE_MAX, text, cut ? "…" : "");
}

static void differ(struct walk *w, const json_t *wanted, const json_t *live)
{
    w->same = false;
    if (!w->lines || json_array_size(w->lines) >= CF_DIFF_LINES_MAX)
        return;
    CF_CLEANUP(cf_buf_free) struct cf_buf line = CF_BUF_INIT((size_t)4 * PATH_MAX_BYTES);
    cf_buf_printf(&line, "%s: ", cf_buf_str(&w->path));
    show(&line, w, live);
    cf_buf_puts(&line, " → ");
    show(&line, w, wanted);
    json_t *text = json_stringn_nocheck(cf_buf_str(&line), line.len);
    json_array_append_new(w->lines, text ? text : json_string("(unprintable)"));
}

static void compare(struct walk *w, const json_t *wanted, const json_t *live);

static void truncate_path(struct walk *w, size_t len)
{
    w->path.len = len;
    if (w->path.data)
        w->path.data[len] = 0;
    w->path.overflow = false;
}

static void compare_objects(struct walk *w, const json_t *wanted, const json_t *live)
{
    const char *key;
    json_t *value;
    size_t len = w->path.len;
    json_object_foreach(cf_json_unconst(wanted), key, value)
    {
        cf_buf_printf(&w->path, "%s%s", len ? "." : "", key);
        compare(w, value, json_object_get(live, key));
        truncate_path(w, len);
    }
}

static void compare_arrays(struct walk *w, const json_t *wanted, const json_t *live)
{
    size_t len = w->path.len;
    if (json_array_size(wanted) != json_array_size(live)) {
        differ(w, wanted, live);
        return;
    }
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        cf_buf_printf(&w->path, "[%zu]", i);
        compare(w, json_array_get(wanted, i), json_array_get(live, i));
        truncate_path(w, len);
    }
}

/* An absent map or list and an empty one mean the same to the API server. */
static bool is_empty(const json_t *j)
{
    return !j || json_is_null(j) || (json_is_object(j) && json_object_size(j) == 0) ||
           (json_is_array(j) && json_array_size(j) == 0);
}

static void compare(struct walk *w, const json_t *wanted, const json_t *live)
{
    if (is_empty(wanted) && is_empty(live))
        return;
    if (json_is_object(wanted) && json_is_object(live))
        compare_objects(w, wanted, live);
    else if (json_is_array(wanted) && json_is_array(live))
        compare_arrays(w, wanted, live);
    else if (!live || !json_equal(wanted, live))
        differ(w, wanted, live);
}

bool cf_object_same(const json_t *wanted, const json_t *live, json_t *lines)
{
    struct walk w = {
        .lines = lines,
        .path = CF_BUF_INIT(PATH_MAX_BYTES),
        .secret = strcmp(cf_json_str(wanted, "", "kind", NULL), "Secret") == 0,
        .same = true,
    };
    compare(&w, wanted, live);
    cf_buf_free(&w.path);
    return w.same;
}

void cf_object_digest(const json_t *source_object, bool autoscaled, char out[CF_SHA256_HEX])
{
    cf_autojson json_t *clean = cf_object_clean(source_object);
    if (autoscaled)
        cf_json_del(clean, "spec", "replicas", NULL);
    cf_autofree char *text = cf_json_canonical(clean);
    cf_sha256_hex(text, strlen(text), out);
}

json_t *cf_object_mask(const json_t *object)
{
    json_t *copy = cf_json_copy(object);
    if (strcmp(cf_json_str(copy, "", "kind", NULL), "Secret") != 0)
        return copy;
    static const char *const maps[] = { "data", "stringData" };
    for (size_t m = 0; m < CF_ARRAY_LEN(maps); m++) {
        json_t *map = json_object_get(copy, maps[m]);
        const char *key;
        json_t *value;
        void *next;
        json_object_foreach_safe(map, next, key, value)
        {
            char hex[CF_SHA256_HEX];
            const char *text = json_is_string(value) ? json_string_value(value) : "";
            cf_autofree char *masked =
                cf_xasprintf("sha256:%s", cf_sha256_hex(text, strlen(text), hex));
            json_object_set_new(map, key, json_string(masked));
        }
    }
    return copy;
}

char *cf_object_last_writer(const json_t *object, const char *except)
{
    const char *who = NULL, *when = "";
    size_t i;
    json_t *entry;
    json_array_foreach(cf_json_at(object, "metadata", "managedFields", NULL), i, entry)
    {
        const char *manager = cf_json_str(entry, "", "manager", NULL);
        const char *time = cf_json_str(entry, "", "time", NULL);
        if (strcmp(manager, except) == 0 || *cf_json_str(entry, "", "subresource", NULL) ||
            strcmp(time, when) < 0)
            continue;
        who = manager;
        when = time;
    }
    return who ? cf_xasprintf("%s at %s", who, when) : NULL;
}
