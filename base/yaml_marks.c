/* SPDX-License-Identifier: Apache-2.0 */
/* Where nodes of a YAML document stood: an array in document order, in which each node knows where
 * its subtree ends. 16 bytes a node and each key once; looking up walks over siblings, which is for
 * error messages only. */
#include "base/yaml_marks.h"

#include <string.h>

#include "base/buf.h"

struct mark {
    uint32_t key; /* offset in `keys`; NO_KEY for the root and items */
    uint32_t end; /* index behind the last node of the subtree */
    int line, column;
};

static const uint32_t NO_KEY = UINT32_MAX;

struct cf_marks {
    struct mark *nodes;
    size_t count, cap;
    struct cf_buf keys; /* each with its NUL */
};

struct cf_marks *cf_marks_new(void)
{
    struct cf_marks *m = cf_xcalloc(1, sizeof *m);
    m->keys = CF_BUF_INIT(UINT32_MAX - 1); /* documents are far smaller */
    return m;
}

void cf_marks_free(struct cf_marks *m)
{
    if (!m)
        return;
    cf_buf_free(&m->keys);
    free(m->nodes);
    free(m);
}

void cf_marks_free_p(struct cf_marks **m)
{
    cf_marks_free(*m);
    *m = NULL;
}

size_t cf_marks_open(struct cf_marks *m, const char *key, int line, int column)
{
    if (!m)
        return 0;
    if (m->count == m->cap) {
        m->cap = CF_MAX(m->cap * 2, (size_t)64);
        m->nodes = cf_xrealloc(m->nodes, m->cap * sizeof *m->nodes);
    }
    uint32_t at = key ? (uint32_t)m->keys.len : NO_KEY;
    if (key)
        cf_buf_append(&m->keys, key, strlen(key) + 1);
    cf_assert(!m->keys.overflow);
    m->nodes[m->count] = (struct mark){ .key = at, .line = line, .column = column };
    return m->count++;
}

void cf_marks_close(struct cf_marks *m, size_t node)
{
    if (m)
        m->nodes[node].end = (uint32_t)m->count;
}

/* The child of `node` that a pointer's token names, or SIZE_MAX. */
static size_t find_child(const struct cf_marks *m, size_t node, const char *token)
{
    size_t index = SIZE_MAX, item = 0;
    bool is_index = cf_json_pointer_index(token, &index);
    for (size_t i = node + 1; i < m->nodes[node].end; i = m->nodes[i].end, item++) {
        uint32_t key = m->nodes[i].key;
        if (key == NO_KEY ? is_index && item == index : strcmp(m->keys.data + key, token) == 0)
            return i;
    }
    return SIZE_MAX;
}

bool cf_marks_find(const struct cf_marks *m, const char *pointer, int *out_line, int *out_column)
{
    if (!m || m->count == 0)
        return false;
    size_t node = 0;
    for (;;) {
        cf_autofree char *token = cf_json_pointer_next(&pointer);
        size_t next = token ? find_child(m, node, token) : SIZE_MAX;
        if (next == SIZE_MAX)
            break;
        node = next;
    }
    *out_line = m->nodes[node].line;
    *out_column = m->nodes[node].column;
    return true;
}
