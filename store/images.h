/* SPDX-License-Identifier: Apache-2.0 */
/* Before-images: objects as they were before an adopt or overwrite changed them, for the undo. They
 * may be Secrets, so they are sealed with "image/RUN/CLUSTER/REF" as associated data. The first
 * image of an object in a run stays: a repeated step cannot replace it with what it wrote itself.
 */
#ifndef CF_STORE_IMAGES_H
#define CF_STORE_IMAGES_H

#include "store/fence.h"
#include "store/store.h"

/* `ref` is the caller's text for the object, one form for one object
 * ("apps/v1/Deployment/web/echo"). STALE: the run is finished or not there. */
bool cf_image_put(struct cf_store *store, const struct cf_fence *fence, const char *run_id,
                  const char *cluster, const char *ref, const json_t *object, enum cf_record *out,
                  struct cf_error *err) CF_NODISCARD;
/* New reference; NOT_FOUND. */
bool cf_image_get(struct cf_store *store, const char *run_id, const char *cluster, const char *ref,
                  json_t **out, struct cf_error *err) CF_NODISCARD;

struct cf_image_ref {
    char *cluster, *ref;
    int64_t at_ms;
};
struct cf_image_list {
    struct cf_image_ref *rows;
    size_t n;
};
void cf_image_list_free(struct cf_image_list *list);
bool cf_image_refs(struct cf_store *store, const char *run_id, struct cf_image_list *out,
                   struct cf_error *err) CF_NODISCARD;

#endif
