/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that a claim's bytes are where they should be: what Velero reports per volume, held
 * against what the plan expects. Pure; any thread.
 *
 * A Backup is Completed also when it has skipped a volume, a Restore also when it has filled none. So
 * each expected claim needs an operation of its own that ended Completed: a PodVolumeBackup with a
 * snapshot or a DataUpload for a pass; a PodVolumeRestore or a DataDownload, and a Bound claim, for a
 * restore. No operation is no evidence, whatever else is green.
 *
 * Bytes: kopia, which moves both sorts, counts a symbolic link by its target's length when it reads
 * one that it knows, and not when it is new, nor when it writes. So the numbers of a pass and of its
 * restore may differ by a little: by CF_BYTES_SLACK or one percent, whichever is more. Beyond that it
 * is another volume. What is in the files only a checksum tells. */
#ifndef CF_VELERO_EVIDENCE_H
#define CF_VELERO_EVIDENCE_H

#include "velero/room.h"

enum { CF_BYTES_SLACK = 1024 * 1024 };

/* [{"name", "bytes", "total", "incrementalBytes" or null, "source": "PodVolumeBackup/…" or "", "phase",
 * "empty": bool, "ok": bool, "why"}], in the order of the claims; new reference. */
json_t *cf_evidence_backup(const struct cf_volumes *v, const json_t *operations) CF_NODISCARD;
/* [{"name", "bytes", "source", "phase", "ok", "why"}]; `backed` is the evidence of the pass, `claims`
 * those of the namespace as they are now. */
json_t *cf_evidence_restore(const struct cf_volumes *v, const char *ns, const json_t *backed,
                            const json_t *operations, const json_t *claims) CF_NODISCARD;
bool cf_evidence_is_whole(const json_t *rows);
/* "2 of 5 claims lack evidence: data-0: …; data-1: …" into why. */
/* Everything is there, but claims are yet to be bound to the volumes that a restore has filled: the
 * binder comes after Velero. */
bool cf_evidence_only_unbound(const json_t *rows);

void cf_evidence_lacks(const json_t *rows, char *why, size_t size);
/* The sums of what has been moved, and of what there is. */
void cf_evidence_bytes(const json_t *rows, int64_t *out_bytes, int64_t *out_total);
/* The same, and how many claims have all, into what is said of a call; the volumes that nobody has looked
 * into yet count as large as the others are. */
void cf_evidence_progress(const struct cf_volumes *v, const json_t *rows, struct cf_moving *out);

/* The name of a claim that an object (claim, operation, pod) is about: {"name of stage pod": "claim"}
 * for all claims; new reference. */
json_t *cf_stage_index(const struct cf_volumes *v) CF_NODISCARD;

#endif
