/* SPDX-License-Identifier: Apache-2.0 */
/* The controllers of a simulated hub of Clusternet: what `clusternet-hub`, `clusternet-scheduler`,
 * `clusternet-controller-manager` and the members' `clusternet-agent` do with the objects of one API
 * server (the hub), over clusters of the same process (the members).
 *
 * One thread. It is woken by changes in the hub and in the members and by its own timers, looks at
 * everything each time, and writes through the API servers like everybody else. The shadow API
 * answers within the callers' calls. What it does and what it leaves out: README.md beside this
 * file. */
#ifndef DEPLOY_SANDBOX_CLUSTERNET_CLUSTERNET_H
#define DEPLOY_SANDBOX_CLUSTERNET_CLUSTERNET_H

#include "deploy/sandbox/api/api.h"

enum { SBX_CLUSTERNET_MEMBERS_MAX = 16 };

struct sbx_clusternet; /* opaque */

struct sbx_clusternet_options {
    struct sbx_api *hub;            /* of sbx_api_new_hub() */
    struct sbx_api *const *members; /* join as clusters of their names */
    size_t count;
    int listener_slot; /* of sbx_api_on_change, in the hub and the members */
};

/* The API servers outlive it; `members` is copied. */
struct sbx_clusternet *sbx_clusternet_start(const struct sbx_clusternet_options *options,
                                            struct cf_error *err) CF_NODISCARD;
void sbx_clusternet_stop(struct sbx_clusternet *c); /* accepts NULL */
/* Waits until nothing is left to do now. False after `timeout_ms`. */
bool sbx_clusternet_settle(struct sbx_clusternet *c, int64_t timeout_ms);
/* Between the two nothing is looked at: for wiping the API servers. */
void sbx_clusternet_hold(struct sbx_clusternet *c);
void sbx_clusternet_release(struct sbx_clusternet *c);

/* Throws a switch of switches.c; README.md lists them. `member` NULL: one of the hub's. NOT_FOUND
 * for a member that is none; INVALID for a switch that is none or not of that sort. Any thread. */
bool sbx_clusternet_switch(struct sbx_clusternet *c, const char *member, const char *name,
                           int64_t value, struct cf_error *err) CF_NODISCARD;
void sbx_clusternet_heal(struct sbx_clusternet *c); /* all switches as at the start */
/* The switches that are thrown: {name: value, members: {name: {name: value}}}. New reference. */
json_t *sbx_clusternet_switches(struct sbx_clusternet *c);
/* The API server of the hub (`member` NULL) or of a member does not answer its clients: neither do
 * the controllers reach it. */
void sbx_clusternet_away(struct sbx_clusternet *c, const char *member, bool away);

#endif
