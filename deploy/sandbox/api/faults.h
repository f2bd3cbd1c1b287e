/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with one cluster's API server. Set from outside (control/), read by every
 * answer. Any thread. */
#ifndef DEPLOY_SANDBOX_API_FAULTS_H
#define DEPLOY_SANDBOX_API_FAULTS_H

#include <stdatomic.h>

/* Zero everywhere: healthy. Refused connections and cut watches are functions of the server
 * (api/server.h). */
struct sbx_api_faults {
    atomic_llong slow_ms;     /* each answer comes so much later */
    atomic_int status;        /* every call is answered so (500, 503, 429); 0: none */
    atomic_bool hang;         /* calls get no answer */
    atomic_int lose_replies;  /* so many writes happen, and nobody hears of it */
    atomic_bool watch_silent; /* watches stay open and say nothing */
};

#endif
