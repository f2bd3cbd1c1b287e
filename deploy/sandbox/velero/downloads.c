/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of downloads, and gzip without compression (RFC 1951 stored blocks, RFC 1952). */
#include "deploy/sandbox/velero/downloads.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "deploy/sandbox/velero/round.h"

enum {
    STORED_MAX = 65535, /* bytes of one block */
    HEAD = 10,
    TAIL = 8,
    GZIP_MAX = 256 * 1024 * 1024, /* thousands of volumes' infos are some MB */
};

/* Which member of a record a kind is, and what there is when the record has none. */
static const struct {
    const char *kind, *sort, *member, *empty;
} table[] = {
    { "BackupLog", "backups", "log", "" },
    { "BackupResults", "backups", "results", "{\"errors\":{},\"warnings\":{}}" },
    { "BackupVolumeInfos", "backups", "volumeInfos", NULL },
    { "BackupResourceList", "backups", "resources", "{}" },
    { "BackupItemOperations", "backups", "operations", "[]" },
    { "BackupVolumeSnapshots", "backups", "none", "[]" },
    { "CSIBackupVolumeSnapshots", "backups", "none", "[]" },
    { "CSIBackupVolumeSnapshotContents", "backups", "none", "[]" },
    { "RestoreLog", "restores", "log", "" },
    { "RestoreResults", "restores", "results", "{\"errors\":{},\"warnings\":{}}" },
    { "RestoreResourceList", "restores", "resources", "{}" },
    { "RestoreItemOperations", "restores", "operations", "[]" },
    { "RestoreVolumeInfo", "restores", "volumeInfos", "[]" },
};

char *vl_download_token(const char *location, const char *kind, const char *name)
{
    cf_autofree char *text = cf_xasprintf("%s\n%s\n%s", location, kind, name);
    return cf_base64url_encode(text, strlen(text));
}

/* ---- gzip ---- */

static uint32_t crc32_of(const unsigned char *data, size_t len)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

static void put_le(struct cf_buf *b, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        cf_buf_putc(b, (char)(value >> 8 * i & 0xff));
}

char *vl_gzip(const void *data, size_t len, size_t *out_len)
{
    static const char head[HEAD] = { 0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, (char)255 };
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(GZIP_MAX);
    const unsigned char *bytes = data;
    size_t at = 0;
    cf_buf_append(&b, head, sizeof(head));
    do {
        size_t n = CF_MIN(len - at, (size_t)STORED_MAX);
        cf_buf_putc(&b, at + n == len); /* the last block, stored */
        put_le(&b, (uint32_t)n, 2);
        put_le(&b, (uint32_t)~n, 2);
        cf_buf_append(&b, bytes + at, n);
        at += n;
    } while (at < len);
    put_le(&b, crc32_of(bytes, len), 4);
    put_le(&b, (uint32_t)len, 4);
    *out_len = b.len;
    return cf_buf_take(&b);
}

/* ---- answers ---- */

/* The text behind a kind, in new memory; NULL: nothing of the sort. */
static char *text_of(struct vl_bucket *bucket, const char *location, const char *kind,
                     const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        if (strcmp(table[i].kind, kind) != 0)
            continue;
        cf_autojson json_t *record = vl_bucket_get(bucket, location, table[i].sort, name);
        const json_t *part = json_object_get(record, table[i].member);
        if (!record || (!part && !table[i].empty))
            return NULL;
        return !part                  ? cf_xstrdup(table[i].empty)
               : json_is_string(part) ? cf_xstrdup(json_string_value(part))
                                      : cf_json_dump(part);
    }
    return NULL;
}

bool vl_download(struct vl_bucket *bucket, const char *token, char **out_data, size_t *out_len)
{
    size_t n = strlen(token), len = 0;
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *padded = cf_xasprintf("%s%.*s", token, (int)((4 - n % 4) % 4), "===");
    cf_autofree unsigned char *plain = NULL;
    for (char *p = padded; *p; p++)
        *p = (char)(*p == '-' ? '+' : *p == '_' ? '/' : *p);
    if (!cf_base64_decode(padded, strlen(padded), &plain, &len, &err))
        return false;
    char *location = (char *)plain, *kind = strchr(location, '\n'),
         *name = kind ? strchr(kind + 1, '\n') : NULL;
    if (!name)
        return false;
    *kind++ = '\0';
    *name++ = '\0';
    cf_autofree char *text = text_of(bucket, location, kind, name);
    if (text)
        *out_data = vl_gzip(text, strlen(text), out_len);
    return text != NULL;
}

bool sbx_velero_download(struct sbx_velero *v, const char *token, char **out_data, size_t *out_len)
{
    return vl_download(vl_common(v)->bucket, token, out_data, out_len);
}
