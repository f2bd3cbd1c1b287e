/* SPDX-License-Identifier: Apache-2.0 */
/* The controllers of a simulated Karmada control plane: what `karmada-webhook`, `karmada-scheduler`,
 * `karmada-controller-manager` and the aggregated API server do with the objects of one API server
 * (the hub), over clusters of the same process (the members).
 *
 * One thread. It is woken by changes in the hub and in the members and by its own timers, looks at
 * everything each time, and writes through the API servers like everybody else. The webhooks' part
 * runs inside the hub's writes. What it does and what it leaves out: README.md beside this file. */
#ifndef DEPLOY_SANDBOX_KARMADA_KARMADA_H
#define DEPLOY_SANDBOX_KARMADA_KARMADA_H

#include "deploy/sandbox/api/api.h"

enum { SBX_KARMADA_MEMBERS_MAX = 16 };

struct sbx_karmada; /* opaque */

struct sbx_karmada_options {
    struct sbx_api *hub;            /* of sbx_api_new_control_plane() */
    struct sbx_api *const *members; /* join as clusters of their names */
    const char *const *urls;        /* their API endpoints, or NULL */
    size_t count;
    int listener_slot;    /* of sbx_api_on_change, in the hub and the members */
    int64_t wait_percent; /* how long it waits, in percent of a real one; 0: 100 */
};

/* The API servers outlive it; `members` and `urls` are copied. The members' Cluster objects are
 * there, and Ready, when the first look is over (sbx_karmada_settle). */
struct sbx_karmada *sbx_karmada_start(const struct sbx_karmada_options *options,
                                      struct cf_error *err) CF_NODISCARD;
void sbx_karmada_stop(struct sbx_karmada *k); /* accepts NULL */
/* Waits until nothing is left to do now and no short wait runs. False after `timeout_ms`. */
bool sbx_karmada_settle(struct sbx_karmada *k, int64_t timeout_ms);
/* Between the two nothing is looked at: for wiping the API servers. What was remembered is
 * forgotten. */
void sbx_karmada_hold(struct sbx_karmada *k);
void sbx_karmada_release(struct sbx_karmada *k);

/* Throws a switch of switches.c; README.md lists them. `member` NULL: one of the control plane's.
 * NOT_FOUND for a member that is none; INVALID for a switch that is none or not of that sort. Any
 * thread. */
bool sbx_karmada_switch(struct sbx_karmada *k, const char *member, const char *name, int64_t value,
                        struct cf_error *err) CF_NODISCARD;
void sbx_karmada_heal(struct sbx_karmada *k); /* all switches as at the start */
/* The switches that are thrown: {name: value, members: {name: {name: value}}}. New reference. */
json_t *sbx_karmada_switches(struct sbx_karmada *k);
/* The API server of the hub (`member` NULL) or of a member does not answer its clients: neither do
 * the controllers reach it. */
void sbx_karmada_away(struct sbx_karmada *k, const char *member, bool away);

#endif
