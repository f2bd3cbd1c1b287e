/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfig text as it may come from the network: never a file, a program or an unverified server.
 */
/* libs: cf_kube */
#include "federation/kube/credentials.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_credentials *c = cf_kubeconfig_parse((const char *)data, size, NULL, &err);
    cf_assert(!c == (err.kind != CF_ERR_NONE));
    if (c) {
        cf_assert(c->server && !c->insecure && !c->token_file && !c->exec.command);
        cf_assert(!c->cert_pem == !c->key_pem);
    } else {
        cf_assert(err.kind == CF_ERR_INVALID || err.kind == CF_ERR_NOT_FOUND ||
                  err.kind == CF_ERR_LIMIT);
    }
    cf_kube_credentials_unref(c);
    return 0;
}
