/* SPDX-License-Identifier: Apache-2.0 */
/* Reading whole files with a limit. Any thread; blocks on the disk. */
#ifndef CF_BASE_FILE_H
#define CF_BASE_FILE_H

#include <stddef.h>

#include "base/error.h"

/* The file's bytes, NUL-terminated beyond *out_len (which may be NULL). Pipes and devices are read
 * to their end. LIMIT above `max` bytes; errors name the path. "-" is not special. Caller frees. */
char *cf_file_read(const char *path, size_t max, size_t *out_len,
                   struct cf_error *err) CF_NODISCARD;

/* The same from an open descriptor, which stays open; `name` is for messages. */
char *cf_file_read_fd(int fd, const char *name, size_t max, size_t *out_len,
                      struct cf_error *err) CF_NODISCARD;

#endif
