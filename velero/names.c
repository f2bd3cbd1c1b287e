/* SPDX-License-Identifier: Apache-2.0 */
/* Names and labels of what the room makes. A run's id is sortable by time, so two runs of one minute
 * begin alike: names carry a digest of it instead. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "velero/room.h"

enum { RUN_HEX = 10, CLAIM_HEX = 10, CLAIM_TEXT_MAX = 36 };

static char *run_hex(const struct cf_volumes *v, char buf[CF_SHA256_HEX])
{
    cf_sha256_hex(v->run_id, strlen(v->run_id), buf);
    buf[RUN_HEX] = '\0';
    return buf;
}

char *cf_velero_backup_name(const struct cf_volumes *v, int n, int attempt, char *buf)
{
    char hex[CF_SHA256_HEX];
    int len = snprintf(buf, CF_VELERO_NAME_MAX, "crossfade-%s-%s-p%d-a%d", run_hex(v, hex), v->way,
                       n, attempt);
    cf_assert(len > 0 && len < CF_VELERO_NAME_MAX);
    return buf;
}

char *cf_velero_restore_name(const struct cf_volumes *v, int n, int attempt, int restore,
                             bool rehearsal, char *buf)
{
    char backup[CF_VELERO_NAME_MAX];
    int len =
        snprintf(buf, CF_VELERO_NAME_MAX, "%s-%c%d", cf_velero_backup_name(v, n, attempt, backup),
                 rehearsal ? 't' : 'r', restore);
    cf_assert(len > 0 && len < CF_VELERO_NAME_MAX);
    return buf;
}

/* A claim's name may have dots, and 253 characters: what of it is legible, then a digest of all. */
char *cf_velero_stage_name(const struct cf_volumes *v, const char *claim, char *buf)
{
    char text[CLAIM_TEXT_MAX + 1], hex[CF_SHA256_HEX];
    size_t n = 0;
    for (const char *c = claim; *c && n < CLAIM_TEXT_MAX; c++)
        text[n++] = isalnum((unsigned char)*c) ? *c : '-';
    text[n] = '\0';
    cf_autofree char *whole = cf_xasprintf("%s/%s", v->run_id, claim);
    cf_sha256_hex(whole, strlen(whole), hex);
    hex[CLAIM_HEX] = '\0';
    int len = snprintf(buf, CF_VELERO_NAME_MAX, "crossfade-%s-%s", text, hex);
    cf_assert(len > 0 && len < CF_VELERO_NAME_MAX);
    return buf;
}

char *cf_velero_rehearsal_namespace(const struct cf_volumes *v, char *buf)
{
    char hex[CF_SHA256_HEX];
    int len = snprintf(buf, CF_VELERO_NAME_MAX, "crossfade-%s-rehearsal", run_hex(v, hex));
    cf_assert(len > 0 && len < CF_VELERO_NAME_MAX);
    return buf;
}

json_t *cf_velero_labels(const struct cf_volumes *v, int n, int attempt)
{
    char pass[16], number[16];
    snprintf(pass, sizeof pass, "%d", n);
    snprintf(number, sizeof number, "%d", attempt);
    return json_pack("{s:s, s:s, s:s, s:s}", CF_VELERO_LABEL_RUN, v->run_id, CF_VELERO_LABEL_WAY,
                     v->way, CF_VELERO_LABEL_PASS, pass, CF_VELERO_LABEL_ATTEMPT, number);
}

char *cf_velero_selector(const struct cf_volumes *v, const char *key, const char *value)
{
    return key ? cf_xasprintf(CF_VELERO_LABEL_RUN "=%s,%s=%s", v->run_id, key, value)
               : cf_xasprintf(CF_VELERO_LABEL_RUN "=%s", v->run_id);
}

bool cf_velero_is_ours(const struct cf_volumes *v, const json_t *object)
{
    return strcmp(cf_json_str(object, "", "metadata", "labels", CF_VELERO_LABEL_RUN, NULL),
                  v->run_id) == 0;
}

bool cf_velero_is_files(const json_t *claim)
{
    return strcmp(cf_json_str(claim, "", "strategy", NULL), "veleroFsBackup") == 0;
}

struct cf_object_ref cf_velero_ref(const struct cf_volumes *v, const char *kind, const char *name)
{
    bool is_v2 = strcmp(kind, "DataUpload") == 0 || strcmp(kind, "DataDownload") == 0;
    return cf_ref(is_v2 ? CF_VELERO_V2ALPHA1 : CF_VELERO_V1, kind, v->velero_namespace, name);
}
