/* SPDX-License-Identifier: Apache-2.0 */
/* A Velero in each simulated cluster: what its server and its node agents do with the objects of
 * the group velero.io, with volumes' contents, and with one bucket that all clusters share.
 *
 * One thread. It is woken by changes in the clusters and by its own timers, looks at everything each
 * time, and writes through the API servers like everybody else; objects are pruned to what the
 * installed version knows within the callers' writes. What it does and what it leaves out: README.md
 * beside this file. */
#ifndef DEPLOY_SANDBOX_VELERO_VELERO_H
#define DEPLOY_SANDBOX_VELERO_VELERO_H

#include "deploy/sandbox/api/api.h"

struct sbx_volumes;
struct sbx_velero; /* opaque */

enum { SBX_VELERO_CLUSTERS_MAX = 8 };
#define SBX_VELERO_VERSION "1.18.3"

struct sbx_velero_options {
    struct sbx_api *const *apis; /* copied; they outlive it */
    size_t count;
    struct sbx_volumes *volumes; /* borrowed */
    int listener_slot;           /* of sbx_api_on_change */
    /* "1.18.3", or by cluster "east=1.16.2,west=1.18.3"; NULL: SBX_VELERO_VERSION in all. */
    const char *versions;
    int wait_percent;       /* how long everything takes, in percent of a real one; 0: 2 */
    int64_t sync_ms;        /* between two looks at the bucket, of a real one; 0: 60 s */
    int64_t upload_per_s;   /* bytes; 0: 30 MB, as measured */
    int64_t download_per_s; /* bytes; 0: 60 MB */
    int movers;             /* of one kind that move bytes at a time on a node; 0: 1, as a real one
                                 that nobody has told otherwise */
    const char *download_url; /* "http://127.0.0.1:18080/velero/download": in front of what
                                 sbx_velero_download() takes; NULL: results cannot be fetched */
};

/* INVALID for a version that is none. */
struct sbx_velero *sbx_velero_start(const struct sbx_velero_options *options,
                                    struct cf_error *err) CF_NODISCARD;
void sbx_velero_stop(struct sbx_velero *v); /* accepts NULL */
/* Where results are fetched from; before the first DownloadRequest. */
void sbx_velero_set_download_url(struct sbx_velero *v, const char *url);
/* Waits until nothing is left to do but what comes again and again. False after `timeout_ms`. */
bool sbx_velero_settle(struct sbx_velero *v, int64_t timeout_ms);
/* Between the two nothing is looked at: for wiping the API servers. Afterwards bucket and clusters
 * are as at the start. */
void sbx_velero_hold(struct sbx_velero *v);
void sbx_velero_release(struct sbx_velero *v);

/* What is at the end of a DownloadRequest's URL: a gzip file in new memory. False: no longer, or
 * never was. Any thread. */
bool sbx_velero_download(struct sbx_velero *v, const char *token, char **out_data, size_t *out_len);

/* Throws a fault (README.md lists them): {"fault", "cluster"?, "name"?: a pattern with *, "attempt"?:
 * only the so-manieth object that meets it, and what it wants to know}. INVALID, NOT_FOUND. Any
 * thread. */
bool sbx_velero_fault(struct sbx_velero *v, const json_t *fault, struct cf_error *err) CF_NODISCARD;
/* Ends those of that name ("": all), of that cluster (NULL: all). */
void sbx_velero_heal(struct sbx_velero *v, const char *fault, const char *cluster);
json_t *sbx_velero_faults(struct sbx_velero *v); /* those that are thrown; new reference */
/* The cluster's API server does not answer its clients: neither does it answer its Velero. */
void sbx_velero_away(struct sbx_velero *v, const char *cluster, bool away);

#endif
