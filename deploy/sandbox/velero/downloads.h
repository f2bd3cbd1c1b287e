/* SPDX-License-Identifier: Apache-2.0 */
/* What a DownloadRequest leads to: a part of a record of the bucket, as a gzip file. Any thread. */
#ifndef DEPLOY_SANDBOX_VELERO_DOWNLOADS_H
#define DEPLOY_SANDBOX_VELERO_DOWNLOADS_H

#include "deploy/sandbox/velero/bucket.h"

/* The last part of a URL; caller frees. */
char *vl_download_token(const char *location, const char *kind, const char *name) CF_NODISCARD;
/* False: no such token, record or kind. */
bool vl_download(struct vl_bucket *b, const char *token, char **out_data, size_t *out_len);
/* A gzip file that holds the bytes as they are; caller frees. */
char *vl_gzip(const void *data, size_t len, size_t *out_len) CF_NODISCARD;

#endif
