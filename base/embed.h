/* SPDX-License-Identifier: Apache-2.0 */
/* A file that was put into the binary at build time (cmake/house.cmake, cf_embed). Arrays end with
 * a row without name. */
#ifndef CF_BASE_EMBED_H
#define CF_BASE_EMBED_H

#include <stddef.h>

struct cf_embedded {
    const char *name; /* base name of the file */
    const char *data; /* NUL-terminated beyond len */
    size_t len;
};

#endif
