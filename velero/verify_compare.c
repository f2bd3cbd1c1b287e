/* SPDX-License-Identifier: Apache-2.0 */
/* What two reading pods have said, held against each other: pure.
 *
 * Rows stand by path in both logs, so one walk over both finds what is missing, extra or different,
 * without a copy of either. Where a log was cut, nothing is said about what lies behind its end. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "velero/verify.h"

enum { MESSAGE_MAX = 8192 }; /* a kubelet keeps 4096 */

/* --- last words --- */

static bool is_digest(const char *text)
{
    return strlen(text) == CF_SHA256_HEX - 1 &&
           strspn(text, "0123456789abcdef") == CF_SHA256_HEX - 1;
}

json_t *cf_verify_summary(const char *message, struct cf_error *err)
{
    static const char *const numbers[] = { "files", "directories", "links",  "others",
                                           "bytes", "unreadable",  "seconds" };
    cf_autojson json_t *summary = cf_json_parse(message, strlen(message), MESSAGE_MAX, err);
    if (!summary) {
        cf_error_wrap(err, "its last words");
        return NULL;
    }
    if (*cf_json_str(summary, "", "error", NULL))
        return cf_steal(&summary);
    bool good = is_digest(cf_json_str(summary, "", "content", NULL)) &&
                is_digest(cf_json_str(summary, "", "all", NULL));
    for (size_t i = 0; i < CF_ARRAY_LEN(numbers); i++)
        good = good && cf_json_int(summary, -1, numbers[i], NULL) >= 0;
    if (!good) {
        cf_error_set(err, CF_ERR_INVALID, "its last words are not those of a reading pod: %.100s",
                     message);
        return NULL;
    }
    return cf_steal(&summary);
}

/* --- lines --- */

struct lines {
    const char *at, *end;
};

static bool next_line(struct lines *l, const char **out, size_t *out_len)
{
    if (l->at >= l->end)
        return false;
    const char *nl = memchr(l->at, '\n', (size_t)(l->end - l->at));
    *out = l->at;
    *out_len = (size_t)((nl ? nl : l->end) - l->at);
    l->at = nl ? nl + 1 : l->end;
    return true;
}

static bool is_line(const char *line, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(line, text, len) == 0;
}

static struct lines lines_of(const struct cf_buf *log)
{
    return (struct lines){ cf_buf_str(log), cf_buf_str(log) + log->len };
}

bool cf_verify_progress(const char *log, size_t len, int64_t *out_files, int64_t *out_bytes)
{
    struct lines l = { log, log + len };
    const char *line;
    size_t n;
    bool found = false;
    while (next_line(&l, &line, &n)) {
        char text[64];
        long long files, bytes;
        if (n < 2 || n >= sizeof text || memcmp(line, "p ", 2) != 0)
            continue;
        memcpy(text, line, n);
        text[n] = '\0';
        if (sscanf(text, "p %lld %lld", &files, &bytes) != 2 || files < 0 || bytes < 0)
            continue;
        *out_files = files;
        *out_bytes = bytes;
        found = true;
    }
    return found;
}

/* Begins with "begin" and ends with "end": nothing was rotated away, and nothing cut by a limit. */
static bool is_whole(const struct cf_buf *log)
{
    struct lines l = lines_of(log);
    const char *line = "";
    size_t len = 0;
    if (!next_line(&l, &line, &len) || !is_line(line, len, "begin"))
        return false;
    while (next_line(&l, &line, &len))
        ;
    return is_line(line, len, "end");
}

bool cf_verify_is_cut(const struct cf_buf *log)
{
    struct lines l = lines_of(log);
    const char *line;
    size_t len;
    while (next_line(&l, &line, &len)) {
        if (is_line(line, len, "cut"))
            return true;
    }
    return false;
}

/* --- buckets --- */

struct bucket {
    const char *digest; /* in the log; NULL: nothing is in it */
};

static void read_buckets(const struct cf_buf *log, struct bucket out[CF_VERIFY_BUCKETS])
{
    enum { HEAD = 5, ALL = HEAD + CF_SHA256_HEX - 1 }; /* "b\t3f\t<digest>" */
    struct lines l = lines_of(log);
    const char *line;
    size_t len;
    while (next_line(&l, &line, &len)) {
        unsigned which;
        if (len == ALL && memcmp(line, "b\t", 2) == 0 && sscanf(line + 2, "%2x", &which) == 1)
            out[which].digest = line + HEAD;
    }
}

char *cf_verify_buckets(const struct cf_buf *from, const struct cf_buf *to, char *buf, size_t size,
                        bool *out_more)
{
    struct bucket a[CF_VERIFY_BUCKETS] = { 0 }, b[CF_VERIFY_BUCKETS] = { 0 };
    size_t n = 0, len = 0;
    read_buckets(from, a);
    read_buckets(to, b);
    buf[0] = '\0';
    *out_more = false;
    for (unsigned i = 0; i < CF_VERIFY_BUCKETS; i++) {
        const char *x = a[i].digest, *y = b[i].digest;
        if ((!x && !y) || (x && y && memcmp(x, y, CF_SHA256_HEX - 1) == 0))
            continue;
        if (n++ >= CF_VERIFY_BUCKETS_AGAIN) {
            *out_more = true;
            break;
        }
        len += (size_t)snprintf(buf + len, size - len, "%s%02x", len ? " " : "", i);
        cf_assert(len < size);
    }
    return buf;
}

/* --- rows --- */

enum { PATH, TYPE, SIZE, SUM, ATTRIBUTES, FIELDS };

struct row {
    const char *field[FIELDS];
    size_t len[FIELDS];
};

struct side {
    struct lines lines;
    struct row row;
    bool has, cut;
};

static bool take_row(const char *line, size_t len, struct row *out)
{
    const char *end = line + len;
    if (len < 2 || memcmp(line, "f\t", 2) != 0)
        return false;
    line += 2;
    for (int i = 0; i < FIELDS; i++) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        if ((tab == NULL) != (i == FIELDS - 1))
            return false;
        out->field[i] = line;
        out->len[i] = (size_t)((tab ? tab : end) - line);
        line = tab ? tab + 1 : end;
    }
    return true;
}

static void advance(struct side *s)
{
    const char *line;
    size_t len;
    s->has = false;
    while (!s->has && next_line(&s->lines, &line, &len)) {
        if (take_row(line, len, &s->row))
            s->has = true;
        else
            s->cut = s->cut || is_line(line, len, "cut");
    }
}

static int compare_field(const struct row *a, const struct row *b, int field)
{
    size_t n = CF_MIN(a->len[field], b->len[field]);
    int order = memcmp(a->field[field], b->field[field], n);
    return order ? order : (a->len[field] > b->len[field]) - (a->len[field] < b->len[field]);
}

static bool is_field(const struct row *r, int field, const char *text)
{
    return is_line(r->field[field], r->len[field], text);
}

/* NULL: nothing. */
static const char *what_differs(const struct row *a, const struct row *b)
{
    if (is_field(a, SUM, "unreadable") || is_field(b, SUM, "unreadable"))
        return "unreadable";
    if (compare_field(a, b, TYPE) != 0)
        return "type";
    if (compare_field(a, b, SIZE) != 0)
        return "size";
    if (compare_field(a, b, SUM) != 0)
        return is_field(a, TYPE, "l") ? "link" : "content";
    return compare_field(a, b, ATTRIBUTES) != 0 ? "attributes" : NULL;
}

/* --- the difference --- */

/* What is no character as \ooo, as the rows have control characters: two names that differ in such a byte
 * alone must not look the same (Velero's kopia replaces it, so they do occur). */
static void put_bytes(struct cf_buf *b, const char *text, size_t len)
{
    for (size_t i = 0, n; i < len; i += n) {
        for (n = 1; n <= 4 && i + n <= len && !cf_utf8_valid(text + i, n); n++)
            ;
        if (n <= 4 && i + n <= len) {
            cf_buf_append(b, text + i, n);
        } else {
            cf_buf_printf(b, "\\%03o", (unsigned char)text[i]);
            n = 1;
        }
    }
}

/* In a bounded number of bytes: the end of a path says more than its beginning. */
static json_t *shown(const char *text, size_t len)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(4 * CF_VERIFY_PATH_MAX);
    if (len > 2 && memcmp(text, "./", 2) == 0) {
        text += 2;
        len -= 2;
    }
    if (len > CF_VERIFY_PATH_MAX) {
        cf_buf_puts(&b, "…");
        text += len - CF_VERIFY_PATH_MAX;
        len = CF_VERIFY_PATH_MAX;
    }
    put_bytes(&b, text, len);
    return json_string(cf_buf_str(&b));
}

/* What of a row tells the difference. */
static json_t *told(const struct row *r, const char *what)
{
    static const struct {
        const char *what;
        int field;
    } fields[] = {
        { "type", TYPE },    { "size", SIZE },      { "content", SUM },
        { "link", SUM },     { "unreadable", SUM }, { "attributes", ATTRIBUTES },
        { "missing", SIZE }, { "extra", SIZE },
    };
    for (size_t i = 0; r && i < CF_ARRAY_LEN(fields); i++) {
        int f = fields[i].field;
        if (strcmp(fields[i].what, what) == 0)
            return f == SUM && !is_field(r, SUM, "unreadable") && is_field(r, TYPE, "f")
                       ? shown(r->field[f], CF_MIN(r->len[f], (size_t)12))
                       : shown(r->field[f], r->len[f]);
    }
    return json_null();
}

struct differing {
    json_t *listed;
    int64_t total, attributes;
};

static void differ(struct differing *d, const struct row *a, const struct row *b, const char *what)
{
    bool light = strcmp(what, "attributes") == 0;
    const struct row *any = a ? a : b;
    d->total += !light;
    d->attributes += light;
    /* Contents before owners: those are what the verdict rests on. */
    if (light && json_array_size(d->listed) >= CF_VERIFY_LISTED / 2)
        return;
    if (json_array_size(d->listed) >= CF_VERIFY_LISTED)
        return;
    json_array_append_new(d->listed, json_pack("{s:o, s:s, s:o, s:o}", "path",
                                               shown(any->field[PATH], any->len[PATH]), "what",
                                               what, "from", told(a, what), "to", told(b, what)));
}

static void walk(struct side *a, struct side *b, struct differing *d)
{
    advance(a);
    advance(b);
    while (a->has || b->has) {
        /* Behind the end of a log that was cut, the other's rows mean nothing. */
        if ((!a->has && a->cut) || (!b->has && b->cut))
            return;
        int order = !b->has ? -1 : !a->has ? 1 : compare_field(&a->row, &b->row, PATH);
        if (order < 0) {
            differ(d, &a->row, NULL, "missing");
            advance(a);
            continue;
        }
        if (order > 0) {
            differ(d, NULL, &b->row, "extra");
            advance(b);
            continue;
        }
        const char *what = what_differs(&a->row, &b->row);
        if (what)
            differ(d, &a->row, &b->row, what);
        advance(a);
        advance(b);
    }
}

json_t *cf_verify_diff(const struct cf_buf *from, const struct cf_buf *to, struct cf_error *err)
{
    struct side a = { .lines = lines_of(from) }, b = { .lines = lines_of(to) };
    if (!is_whole(from) || !is_whole(to)) {
        cf_error_set(err, CF_ERR_INVALID,
                     "the log of the reading pod at the data's %s is not whole",
                     is_whole(from) ? "destination" : "origin");
        return NULL;
    }
    struct differing d = { .listed = json_array() };
    walk(&a, &b, &d);
    return json_pack("{s:I, s:b, s:I, s:o}", "total", (json_int_t)d.total, "atLeast",
                     a.cut || b.cut, "attributes", (json_int_t)d.attributes, "listed", d.listed);
}
