/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the velero room share: a way of one run, with claims. */
#ifndef TESTS_UNIT_VELERO_ROOM_H
#define TESTS_UNIT_VELERO_ROOM_H

#include "tests/support/test.h"

#include "tests/support/quick_json.h"
#include "velero/evidence.h"

#define RUN_ID "01920000-0000-7000-8000-000000000001"

#define TWO_CLAIMS                                                                                 \
    "[{'name':'data-db-0','strategy':'veleroFsBackup','storageClass':'','size':''},"               \
    "{'name':'pictures','strategy':'veleroSnapshot','storageClass':'','size':''}]"

/* Without clusters: for the pure functions. Free claims and state. */
static inline struct cf_volumes pure_way(const char *claims)
{
    return (struct cf_volumes){
        .from_namespace = "shop",
        .to_namespace = "store",
        .velero_namespace = "velero",
        .from_location = "there",
        .to_location = "there-too",
        .run_id = RUN_ID,
        .way = "there",
        .claims = cf_test_json(claims),
        .state = json_object(),
        .now_ms = 1000,
    };
}

static inline void way_free(struct cf_volumes *v)
{
    json_decref(cf_json_unconst(v->claims));
    json_decref(v->state);
}

/* What a call leaves in the state, as the engine records it (orchestrator/engine/moves.h). */
static inline void keep_state(json_t **stored, const json_t *state)
{
    if (!cf_volumes_state_differs(*stored, state))
        return;
    json_decref(*stored);
    *stored = cf_json_copy(state);
}

#endif
