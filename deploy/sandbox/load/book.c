/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and writing of finished requests, under one lock: a line is one write. */
#include "deploy/sandbox/load/book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/thread.h"
#include "deploy/sandbox/load/load.h"

enum { NAME_LEN = 256, LINE_MAX_LEN = 4096, FAILED_FROM = 500 };

struct sbx_book {
    pthread_mutex_t lock;
    int log; /* -1: none */
    int64_t sent, failed, first_failure, last_failure, begin, end, max_us;
    json_t *by_cluster, *errors;
    int32_t *us; /* a ring of the newest */
    size_t kept;
};

struct sbx_book *sbx_book_open(const char *log_path, struct cf_error *err)
{
    int log = -1;
    if (log_path && (log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0) {
        cf_error_set(err, CF_ERR_UNAVAILABLE, "open the log %s: %s", log_path,
                     strerrordesc_np(errno));
        return NULL;
    }
    struct sbx_book *b = cf_xcalloc(1, sizeof(*b));
    pthread_mutex_init(&b->lock, NULL);
    b->log = log;
    b->by_cluster = json_object();
    b->errors = json_object();
    b->us = cf_xcalloc(SBX_LOAD_SAMPLES, sizeof(*b->us));
    return b;
}

void sbx_book_free(struct sbx_book *b)
{
    if (!b)
        return;
    if (b->log >= 0)
        close(b->log);
    json_decref(b->by_cluster);
    json_decref(b->errors);
    free(b->us);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void count(json_t *table, const char *key)
{
    json_object_set_new(table, key,
                        json_integer(json_integer_value(json_object_get(table, key)) + 1));
}

struct entry {
    int64_t n, begin_ns, us;
    int status;
    char cluster[NAME_LEN], pod[NAME_LEN], version[NAME_LEN], error[NAME_LEN];
};

static void read_answer(const struct sbx_wire_answer *a, struct entry *e)
{
    e->us = a->elapsed_us;
    if (a->error) {
        snprintf(e->error, sizeof(e->error), "%s", a->error);
        return;
    }
    e->status = a->status;
    sbx_wire_header(a->head, a->head_len, "Lab-Cluster", e->cluster, sizeof(e->cluster));
    sbx_wire_header(a->head, a->head_len, "Lab-Pod", e->pod, sizeof(e->pod));
    sbx_wire_header(a->head, a->head_len, "Lab-Version", e->version, sizeof(e->version));
    if (a->status >= FAILED_FROM)
        snprintf(e->error, sizeof(e->error), "status %d", a->status);
}

static void text_member(struct cf_buf *line, const char *name, const char *value)
{
    if (!*value)
        return;
    cf_buf_printf(line, ",\"%s\":", name);
    cf_json_append_string(line, value, strlen(value));
}

static void write_line(const struct sbx_book *b, const struct entry *e)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf line = CF_BUF_INIT(LINE_MAX_LEN);
    cf_buf_printf(&line, "{\"n\":%lld,\"t\":%lld,\"us\":%lld,\"status\":%d", (long long)e->n,
                  (long long)e->begin_ns, (long long)e->us, e->status);
    text_member(&line, "cluster", e->cluster);
    text_member(&line, "pod", e->pod);
    text_member(&line, "version", e->version);
    text_member(&line, "error", e->error);
    cf_buf_puts(&line, "}\n");
    (void)!write(b->log, line.data, line.len);
}

void sbx_book_add(struct sbx_book *b, int64_t n, int64_t begin_ns,
                  const struct sbx_wire_answer *answer)
{
    struct entry e = { .n = n, .begin_ns = begin_ns };
    if (answer)
        read_answer(answer, &e);
    else
        snprintf(e.error, sizeof(e.error), "unsent: too many in flight");
    CF_LOCKED(&b->lock);
    if (b->sent == 0 || begin_ns < b->begin)
        b->begin = begin_ns;
    b->end = CF_MAX(b->end, begin_ns + e.us * 1000);
    b->us[(size_t)b->sent % SBX_LOAD_SAMPLES] = (int32_t)CF_MIN(e.us, INT32_MAX);
    b->sent++;
    b->kept = CF_MIN((size_t)b->sent, SBX_LOAD_SAMPLES);
    b->max_us = CF_MAX(b->max_us, e.us);
    count(b->by_cluster, e.cluster);
    if (*e.error) {
        b->failed++;
        count(b->errors, e.error);
        b->first_failure = b->first_failure ? CF_MIN(b->first_failure, begin_ns) : begin_ns;
        b->last_failure = CF_MAX(b->last_failure, begin_ns);
    }
    if (b->log >= 0)
        write_line(b, &e);
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

json_t *sbx_book_summary(struct sbx_book *b)
{
    CF_LOCKED(&b->lock);
    int64_t p50 = 0;
    int64_t p99 = 0;
    if (b->kept) {
        int32_t *us = cf_xmalloc(b->kept * sizeof(*us));
        memcpy(us, b->us, b->kept * sizeof(*us));
        qsort(us, b->kept, sizeof(*us), ascending);
        p50 = us[b->kept / 2];
        p99 = us[b->kept * 99 / 100];
        free(us);
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "sent",
                     (json_int_t)b->sent, "failed", (json_int_t)b->failed, "first_failure",
                     (json_int_t)b->first_failure, "last_failure", (json_int_t)b->last_failure,
                     "begin", (json_int_t)b->begin, "end", (json_int_t)b->end, "p50_us",
                     (json_int_t)p50, "p99_us", (json_int_t)p99, "max_us", (json_int_t)b->max_us,
                     "by_cluster", cf_json_copy(b->by_cluster), "errors", cf_json_copy(b->errors));
}
