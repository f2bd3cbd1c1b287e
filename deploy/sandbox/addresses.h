/* SPDX-License-Identifier: Apache-2.0 */
/* Where this sandbox's pods live, so that those of another sandbox on the machine live elsewhere: a
 * pod is reached at its own address and port, as a real one. Main thread. */
#ifndef DEPLOY_SANDBOX_ADDRESSES_H
#define DEPLOY_SANDBOX_ADDRESSES_H

/* Takes a free third octet for as long as the returned descriptor stays open: pods then begin at
 * 127.x.OCTET.1. Below 0 when all are taken: *out_third is 0, and pods whose port another sandbox
 * has answer at another one (dataplane/pods.c). */
int sbx_addresses_take(int *out_third);

#endif
