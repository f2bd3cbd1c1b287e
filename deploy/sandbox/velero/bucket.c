/* SPDX-License-Identifier: Apache-2.0 */
/* Records by key. */
#include "deploy/sandbox/velero/bucket.h"

#include <string.h>

#include "base/thread.h"

struct vl_bucket {
    pthread_mutex_t lock;
    json_t *records; /* "LOCATION/SORT" → {name: record} */
    json_t *parents; /* "LOCATION" → {source: id} */
};

struct vl_bucket *vl_bucket_new(void)
{
    struct vl_bucket *b = cf_xcalloc(1, sizeof(*b));
    pthread_mutex_init(&b->lock, NULL);
    b->records = json_object();
    b->parents = json_object();
    return b;
}

void vl_bucket_free(struct vl_bucket *b)
{
    if (!b)
        return;
    json_decref(b->records);
    json_decref(b->parents);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

void vl_bucket_wipe(struct vl_bucket *b)
{
    CF_LOCKED(&b->lock);
    json_object_clear(b->records);
    json_object_clear(b->parents);
}

static char *folder(const char *location, const char *sort)
{
    return cf_xasprintf("%s/%s", location, sort);
}

void vl_bucket_put_take(struct vl_bucket *b, const char *location, const char *sort,
                        const char *name, json_t *record)
{
    cf_autofree char *key = folder(location, sort);
    CF_LOCKED(&b->lock);
    cf_json_put_take(b->records, record, key, name, NULL);
}

json_t *vl_bucket_get(struct vl_bucket *b, const char *location, const char *sort, const char *name)
{
    cf_autofree char *key = folder(location, sort);
    CF_LOCKED(&b->lock);
    return json_incref(cf_json_unconst(cf_json_at(b->records, key, name, NULL)));
}

void vl_bucket_drop(struct vl_bucket *b, const char *location, const char *sort, const char *name)
{
    cf_autofree char *key = folder(location, sort);
    CF_LOCKED(&b->lock);
    (void)cf_json_del(b->records, key, name, NULL);
}

json_t *vl_bucket_names(struct vl_bucket *b, const char *location, const char *sort)
{
    cf_autofree char *key = folder(location, sort);
    json_t *names = json_array();
    const char *name;
    json_t *record;
    CF_LOCKED(&b->lock);
    json_object_foreach(json_object_get(b->records, key), name, record)
    {
        json_array_append_new(names, json_string(name));
    }
    return names;
}

char *vl_snapshot_key(const char *location, const char *id)
{
    return cf_xasprintf("s3:%s/kopia/%s", location, id);
}

char *vl_bucket_parent(struct vl_bucket *b, const char *location, const char *source)
{
    CF_LOCKED(&b->lock);
    return cf_xstrdup(cf_json_str(b->parents, "", location, source, NULL));
}

void vl_bucket_set_parent(struct vl_bucket *b, const char *location, const char *source,
                          const char *id)
{
    CF_LOCKED(&b->lock);
    cf_json_put_take(b->parents, json_string(id), location, source, NULL);
}
