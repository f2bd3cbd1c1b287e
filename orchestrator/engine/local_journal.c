/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines with fsync (local_journal.h). */
#include "orchestrator/engine/local_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

struct cf_local_journal {
    int fd;
    char *path;
    size_t bytes;
};

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, struct cf_buf *out, struct cf_error *err)
{
    char chunk[16384];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cf_error_errno(err, errno, "read");
        cf_buf_append(out, chunk, (size_t)n);
    }
    if (out->overflow)
        return cf_error_set(err, CF_ERR_LIMIT, "larger than %d bytes", CF_LOCAL_JOURNAL_MAX);
    return true;
}

/* The whole lines of a text; *out_len is where the last of them ends. */
static json_t *parse_lines(const char *text, size_t len, size_t *out_len)
{
    json_t *lines = json_array();
    size_t at = 0;
    for (const char *end; at < len && (end = memchr(text + at, '\n', len - at));
         at = (size_t)(end - text) + 1) {
        struct cf_error broken = CF_ERROR_INIT;
        json_t *line = cf_json_parse(text + at, (size_t)(end - text) - at, 0, &broken);
        if (!line)
            break;
        json_array_append_new(lines, line);
    }
    *out_len = at;
    return lines;
}

struct cf_local_journal *cf_local_journal_open(const char *path, json_t **out_lines,
                                               struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_LOCAL_JOURNAL_MAX);
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        cf_error_errno(err, errno, path);
        return NULL;
    }
    if (!read_all(fd, &text, err)) {
        cf_error_wrap(err, "%s", path);
        close(fd);
        return NULL;
    }
    size_t whole = 0;
    json_t *lines = parse_lines(cf_buf_str(&text), text.len, &whole);
    if (whole < text.len && ftruncate(fd, (off_t)whole) != 0) {
        cf_error_errno(err, errno, path);
        json_decref(lines);
        close(fd);
        return NULL;
    }
    struct cf_local_journal *j = cf_xcalloc(1, sizeof *j);
    j->fd = fd;
    j->path = cf_xstrdup(path);
    j->bytes = whole;
    *out_lines = lines;
    return j;
}

void cf_local_journal_close(struct cf_local_journal *j)
{
    if (!j)
        return;
    close(j->fd);
    free(j->path);
    free(j);
}

size_t cf_local_journal_bytes(const struct cf_local_journal *j)
{
    return j->bytes;
}

bool cf_local_journal_append(struct cf_local_journal *j, const json_t *line, struct cf_error *err)
{
    cf_autofree char *text = cf_json_dump(line);
    size_t len = strlen(text);
    if (j->bytes + len + 1 > CF_LOCAL_JOURNAL_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "%s is larger than %d bytes", j->path,
                            CF_LOCAL_JOURNAL_MAX);
    text[len] = '\n'; /* in place of the NUL: a line is one write */
    if (!write_all(j->fd, text, len + 1) || fdatasync(j->fd) != 0) {
        int why = errno;
        if (ftruncate(j->fd, (off_t)j->bytes) != 0)
            return cf_error_errno(err, errno, j->path);
        return cf_error_errno(err, why, j->path);
    }
    j->bytes += len + 1;
    return true;
}

/* The rename itself is durable once the folder is. */
static bool sync_folder(const char *path)
{
    cf_autofree char *copy = cf_xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool cf_local_journal_rewrite(struct cf_local_journal *j, const json_t *lines, struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_LOCAL_JOURNAL_MAX);
    cf_autofree char *beside = cf_xasprintf("%s.new", j->path);
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line)
    {
        cf_autofree char *one = cf_json_dump(line);
        cf_buf_puts(&text, one);
        cf_buf_putc(&text, '\n');
    }
    int fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return cf_error_errno(err, errno, beside);
    if (!write_all(fd, cf_buf_str(&text), text.len) || fsync(fd) != 0 ||
        rename(beside, j->path) != 0 || !sync_folder(j->path)) {
        cf_error_errno(err, errno, beside);
        close(fd);
        return false;
    }
    close(j->fd);
    j->fd = fd;
    j->bytes = text.len;
    return true;
}
