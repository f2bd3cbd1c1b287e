/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the API server in memory share. */
#ifndef TESTS_SUPPORT_FAKE_KUBE_INTERNAL_H
#define TESTS_SUPPORT_FAKE_KUBE_INTERNAL_H

#include <pthread.h>

#include "tests/support/fake_kube.h"

enum { FAKE_KINDS_MAX = 128, FAKE_FAULTS_MAX = 32, FAKE_DENIED_MAX = 32, FAKE_PART_MAX = 256 };

struct fake_kind {
    char group[FAKE_PART_MAX], version[64], kind[64], plural[FAKE_PART_MAX];
    bool namespaced;
};

struct cf_fake_kube {
    pthread_mutex_t lock;
    struct fake_kind kinds[FAKE_KINDS_MAX];
    size_t n_kinds;
    char plain_group[FAKE_PART_MAX]; /* without status subresources; "" none */
    json_t *objects;                 /* "group/plural/namespace/name" -> object */
    int64_t version, uids;
    struct cf_fake_fault faults[FAKE_FAULTS_MAX];
    size_t n_faults;
    json_t *texts; /* path_part -> text */
    char *denied[FAKE_DENIED_MAX];
    size_t n_denied;
    struct cf_buf log;
    int writes;
    void (*hook)(void *arg, const struct cf_kube_request *request);
    void *hook_arg;
};

/* A request's path, taken apart. */
struct fake_path {
    char group[FAKE_PART_MAX], version[64], plural[FAKE_PART_MAX];
    char ns[FAKE_PART_MAX], name[FAKE_PART_MAX], subresource[64];
    char manager[FAKE_PART_MAX], selector[FAKE_PART_MAX], fields[FAKE_PART_MAX],
        token[FAKE_PART_MAX];
    int64_t limit;
    bool dry_run, force;
};
bool fake_path_parse(const char *path, struct fake_path *out);

const struct fake_kind *fake_kind_of(const struct cf_fake_kube *f, const struct fake_path *p);

/* The answer under way: a status and a tree (owned). */
struct fake_answer {
    int status;
    json_t *body;
};
/* Makes the answer a Status of failure; `cause_field` and `cause_message` may be NULL. */
void fake_refuse(struct fake_answer *a, int status, const char *reason, const char *cause_field,
                 const char *message);

/* Objects: all on stored trees, under the lock. */
void fake_key(const struct fake_path *p, char *buf, size_t size);
void fake_write(struct cf_fake_kube *f, const char *method, const char *content_type,
                const struct fake_path *p, const struct fake_kind *kind, const json_t *body,
                struct fake_answer *a);

void fake_read(struct cf_fake_kube *f, const struct fake_path *p, const struct fake_kind *kind,
               struct fake_answer *a);
/* Discovery, /version, reviews; false if the path is an object's. */
bool fake_read_special(struct cf_fake_kube *f, const struct cf_kube_request *r,
                       const struct fake_path *p, const json_t *body, struct fake_answer *a);

/* Rewrites managedFields of `now` as if `manager` had turned `before` (or NULL) into it. */
void fake_manage(const json_t *before, json_t *now, const char *manager, const char *operation,
                 const char *api_version, const char *subresource);
/* The field of `manager`'s apply that another manager owns with another value: path into buf
 * ("spec.replicas") and the other's name into `other`; false if there is none. */
bool fake_conflict(const json_t *before, const json_t *after, const char *manager, char *buf,
                   size_t size, char *other, size_t other_size);

#endif
