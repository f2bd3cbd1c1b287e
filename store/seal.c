/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening of single columns, and what each is bound to. */
#include "store/seal.h"

#include "store/private.h"

static const struct cf_keyring *keyring_of(const struct cf_store *store, struct cf_error *err)
{
    if (!store->config.keyring)
        cf_error_set(err, CF_ERR_INVALID, "no sealing key is configured (crossfade key generate)");
    return store->config.keyring;
}

bool cf_seal_args(struct cf_store *store, struct cf_args *a, const char *associated,
                  const void *plain, size_t len, struct cf_error *err)
{
    const struct cf_keyring *keyring = keyring_of(store, err);
    cf_autofree unsigned char *sealed = NULL;
    size_t sealed_len = 0;
    char key_id[CF_SEAL_KEY_ID_HEX];
    if (!keyring || !cf_seal(keyring, associated, plain, len, &sealed, &sealed_len, err) ||
        !cf_sealed_key_id(sealed, sealed_len, key_id, err))
        return false;
    cf_arg_take(a, cf_xstrdup(key_id));
    cf_arg_bytes(a, sealed, sealed_len);
    return true;
}

struct cf_secret *cf_unseal_column(struct cf_store *store, struct cf_column *c,
                                   const char *associated, struct cf_error *err)
{
    const struct cf_keyring *keyring = keyring_of(store, err);
    if (!keyring)
        return NULL;
    size_t len = 0;
    cf_autofree unsigned char *sealed = cf_col_bytes(c, &len);
    return cf_unseal(keyring, associated, sealed, len, err);
}

char *cf_cluster_associated(const char *name, const char *uid)
{
    return cf_xasprintf("cluster/%s/%s", name, uid);
}

char *cf_image_associated(const char *run_id, const char *cluster, const char *ref)
{
    return cf_xasprintf("image/%s/%s/%s", run_id, cluster, ref);
}
