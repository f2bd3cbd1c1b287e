/* SPDX-License-Identifier: Apache-2.0 */
/* The two clusters in memory, and what a Velero in them may do wrong. */
#ifndef TESTS_UNIT_VELERO_WORLD_OBJECTS_H
#define TESTS_UNIT_VELERO_WORLD_OBJECTS_H

#include "tests/unit/velero/room.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fake_kube.h"

enum fault {
    NO_FAULT,
    SKIPS_A_VOLUME,   /* Completed, and one claim has no operation */
    FAILS_A_VOLUME,   /* PartiallyFailed */
    LOSES_THE_SERVER, /* Failed by a restart */
    REFUSES_FOR_NOW,  /* FailedValidation: location Unavailable */
    REFUSES,          /* FailedValidation: for good */
    HANGS,            /* no phase beyond InProgress */
    NEW_PHASE,        /* a phase that nobody knows, for some turns, then it goes on */
    TAKES_NOTHING,    /* no status at all */
    COLLIDES,         /* the bucket knows the name */
    SHORT_OF_BYTES,
    FALLS_BACK, /* a volume is Prepared again after it had begun, until it is canceled */
};

struct world;

struct side {
    struct world *world;
    struct cf_fake_kube *api;
    struct cf_kube *kube;
    const char *name;
};

struct world {
    struct side east, west;
    struct cf_volumes v;
    json_t *stored; /* the state as the caller has recorded it */
    enum fault backup_fault, restore_fault;
    int fault_times;         /* attempts that it hits */
    int finalizing;          /* turns, of all Restores together */
    bool keeps_pods_pending; /* nothing schedules or starts */
    int cut, calls;          /* the call that is lost, and those so far; -1: none */
    bool cut_after, counting, was_cut;
};

/* --- objects --- */

static inline json_t *all(struct world *w, struct side *s, const char *api_version,
                          const char *kind, const char *ns)
{
    struct cf_kube_list list = { .api_version = api_version, .kind = kind, .ns = ns };
    struct cf_error err = CF_ERROR_INIT;
    json_t *items = NULL;
    bool was = w->counting;
    w->counting = false;
    if (!cf_kube_list(s->kube, NULL, &list, &items, NULL, &err))
        fail_msg("list %s: %s", kind, err.message);
    w->counting = was;
    return items;
}

static inline void put(struct side *s, const json_t *object)
{
    cf_fake_kube_put_json(s->api, object);
}

static inline void set_phase(struct side *s, json_t *object, const char *phase)
{
    cf_json_put_take(object, json_string(phase), "status", "phase", NULL);
    put(s, object);
}

static inline const char *phase_of(const json_t *o)
{
    return cf_json_str(o, "", "status", "phase", NULL);
}

static inline const char *name_of(const json_t *o)
{
    return cf_json_str(o, "", "metadata", "name", NULL);
}

static inline const char *label_of(const json_t *o, const char *key)
{
    return cf_json_str(o, "", "metadata", "labels", key, NULL);
}

static inline size_t count(struct world *w, struct side *s, const char *api_version,
                           const char *kind, const char *ns)
{
    cf_autojson json_t *items = all(w, s, api_version, kind, ns);
    return json_array_size(items);
}

#endif
