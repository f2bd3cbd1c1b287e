/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed columns: (key_id, sealed) pairs, bound to their row by the associated data. Internal to
 * store/. */
#ifndef CF_STORE_SEAL_H
#define CF_STORE_SEAL_H

#include "base/secret.h"
#include "store/args.h"
#include "store/column.h"
#include "store/store.h"

/* Appends two parameters, key_id and sealed. INVALID without a keyring. */
bool cf_seal_args(struct cf_store *store, struct cf_args *a, const char *associated,
                  const void *plain, size_t len, struct cf_error *err) CF_NODISCARD;
/* Opens the next column; new secret. */
struct cf_secret *cf_unseal_column(struct cf_store *store, struct cf_column *c,
                                   const char *associated, struct cf_error *err) CF_NODISCARD;

/* What a row's blob is bound to; callers free. */
char *cf_cluster_associated(const char *name, const char *uid) CF_NODISCARD;
char *cf_image_associated(const char *run_id, const char *cluster, const char *ref) CF_NODISCARD;

#endif
