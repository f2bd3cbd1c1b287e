/* SPDX-License-Identifier: Apache-2.0 */
/* Reads in steps, so that the limit holds for files that grow and for pipes. See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/buf.h"

char *cf_file_read_fd(int fd, const char *name, size_t max, size_t *out_len, struct cf_error *err)
{
    cf_assert(max < SIZE_MAX);
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(max);
    char piece[16 * 1024];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            cf_error_errno(err, errno, name);
            return NULL;
        }
        cf_buf_append(&b, piece, (size_t)n);
        if (b.overflow) {
            cf_error_set(err, CF_ERR_LIMIT, "%s: larger than the limit of %zu bytes", name, max);
            return NULL;
        }
    }
    if (out_len)
        *out_len = b.len;
    return cf_buf_take(&b);
}

char *cf_file_read(const char *path, size_t max, size_t *out_len, struct cf_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        cf_error_errno(err, errno, path);
        return NULL;
    }
    char *text = cf_file_read_fd(fd, path, max, out_len, err);
    close(fd);
    return text;
}
