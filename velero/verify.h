/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `verify: checksum` share: the pods that read, what they say, and holding two
 * sides against each other. */
#ifndef CF_VELERO_VERIFY_H
#define CF_VELERO_VERIFY_H

#include "base/buf.h"
#include "base/embed.h"
#include "velero/room.h"

/* A pod's last words, and what it has written into its log so far; velero/verify.sh is the other
 * side of both. */
#define CF_VERIFY_STAGE "verify" /* value of CF_VELERO_LABEL_STAGE */

extern const struct cf_embedded cf_verify_script[];

enum {
    /* Claims that are read at once, at both ends: their disks are often the same few. */
    CF_VERIFY_AT_ONCE = 16,
    /* Of rows in a pod's log. A kubelet rotates logs at 10 MiB and gives out the last piece only;
     * two of these are all that a comparison holds in memory. */
    CF_VERIFY_LOG_MAX = 4 * 1024 * 1024,
    CF_VERIFY_LOG_READ_MAX = 6 * 1024 * 1024, /* with a day's lines of progress */
    CF_VERIFY_BUCKETS = 256,
    /* Parts of a large claim whose files are read a second time to name those that differ. */
    CF_VERIFY_BUCKETS_AGAIN = 8,
    CF_VERIFY_LISTED = 50,    /* differences of a claim in the record; the rest is counted */
    CF_VERIFY_PATH_MAX = 200, /* bytes of a path in the record */
};

/* --- verify_compare.c: pure --- */

/* A pod's last words as an object {"files", "directories", "links", "others", "bytes", "unreadable",
 * "content", "all", "seconds"}, or {"error"}; INVALID when they are neither. */
json_t *cf_verify_summary(const char *message, struct cf_error *err) CF_NODISCARD;
/* The newest "p FILES BYTES" of a log's end; false: there is none. */
bool cf_verify_progress(const char *log, size_t len, int64_t *out_files, int64_t *out_bytes);
/* Holds the rows of two whole logs against each other: {"total", "atLeast": bool (rows were left
 * out), "attributes": entries whose owner or mode alone differs, "listed": [{"path", "what":
 * "missing|extra|type|size|content|link|unreadable|attributes", "from", "to"}]}; "total" counts
 * all but attributes. INVALID when a log is not whole. New reference. */
json_t *cf_verify_diff(const struct cf_buf *from, const struct cf_buf *to,
                       struct cf_error *err) CF_NODISCARD;
/* The first buckets whose digests differ, as CF_BUCKETS has them, into buf; *out_more: there are
 * others. "" when none does. */
char *cf_verify_buckets(const struct cf_buf *from, const struct cf_buf *to, char *buf, size_t size,
                        bool *out_more);
/* Whether the log leaves rows out. */
bool cf_verify_is_cut(const struct cf_buf *log);

/* --- verify_pods.c --- */

/* One end of one claim. */
struct cf_verify_end {
    const struct cf_volumes *v;
    int n;
    const json_t *claim;
    bool at_from;
    json_t *row;         /* of this end: {"attempt", "made", "anywhere", "restricted", …} */
    const char *buckets; /* "" : all of it */
};

struct cf_kube *cf_verify_kube(const struct cf_verify_end *e);
const char *cf_verify_namespace(const struct cf_verify_end *e);
char *cf_verify_pod_name(const struct cf_verify_end *e, char *buf);
/* Makes it; where the namespace does not admit a root that may read everything, as the workload's own
 * user. */
bool cf_verify_pod_make(const struct cf_verify_end *e, struct cf_error *err) CF_NODISCARD;
bool cf_verify_pod_drop(const struct cf_verify_end *e, const json_t *pod,
                        struct cf_error *err) CF_NODISCARD;
/* Why it does not run, or how it ended, in its kubelet's words; `events`: ask for them too. */
void cf_verify_pod_say(const struct cf_verify_end *e, const json_t *pod, bool events, char *buf,
                       size_t size);
/* Its log, whole or the last line; `out` has its maximum set. */
bool cf_verify_pod_log(const struct cf_verify_end *e, bool last_line, struct cf_buf *out,
                       struct cf_error *err) CF_NODISCARD;

#endif
