/* SPDX-License-Identifier: Apache-2.0 */
/* Check `gitops` (checks.h): who would put back what the run changes, in routers and in workloads; and
 * whether those who keep the writers of data can be paused for the freeze. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/gitops.h"
#include "federation/objects/kinds.h"
#include "orchestrator/preflight/checks_internal.h"
#include "orchestrator/preflight/gitops.h"

enum { WORDS_MAX = 700 };

/* ---- routers ---- */

static void check_routers(struct cf_checking *c)
{
    for (size_t i = 0; i < c->plan->traffic.n_routers; i++) {
        const struct cf_survey_router *r = &c->routers[i];
        const json_t *object = r->view.main_object ? r->view.main_object : r->view.object;
        if (!c->surveyed[i] || !r->found) {
            (void)cf_checking_needs_route(c, i);
            continue;
        }
        const char *tool = cf_object_gitops_owner(object);
        if (tool)
            cf_found(c, CF_LEVEL_WARNING, r->row->cluster, NULL,
                     "let it ignore differences of the weights and of crossfade.dev annotations",
                     NULL, "%s tracks router %s and may put its weights back in mid-run", tool,
                     r->row->name);
    }
}

/* ---- workloads ---- */

/* What stands still in the freeze; new reference. */
static json_t *frozen(const struct cf_checking *c)
{
    json_t *rows = json_array();
    json_array_extend(rows, cf_json_unconst(cf_json_at(c->inventory, "volumes", "writers", NULL)));
    json_array_extend(rows, cf_json_unconst(cf_json_at(c->plan->effective, "spec", "volumes",
                                                       "finalSync", "quiesce", NULL)));
    return rows;
}

/* The first that is tracked and not a matter of the freeze; one is enough to say it. */
static bool check_tracked(struct cf_checking *c, const char *kind, const json_t *but)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *items = NULL;
    struct cf_kube_list what = { .api_version = "apps/v1",
                                 .kind = kind,
                                 .ns = c->plan->source_namespace };
    size_t i;
    json_t *item;
    if (!cf_kube_list(c->source, NULL, &what, &items, NULL, &err)) {
        cf_skipped(c, c->plan->source_cluster, "the source's %ss could not be read: %s", kind,
                   err.message);
        return true;
    }
    json_array_foreach(items, i, item)
    {
        const char *tool = cf_object_gitops_owner(item);
        if (!tool || cf_row_of(but, kind, cf_object_name(item)))
            continue;
        cf_found(c, CF_LEVEL_WARNING, c->plan->source_cluster, NULL,
                 "stop self-heal for the time of the move, or the source is scaled up again after "
                 "commit",
                 NULL, "%s tracks %s %s of the source", tool, kind, cf_object_name(item));
        return true;
    }
    return false;
}

/* ---- owners of writers ---- */

static bool may_patch(struct cf_checking *c, const json_t *owner)
{
    cf_autofree char *group = cf_group_of(cf_json_str(owner, "", "apiVersion", NULL));
    char plural[CF_LABEL_MAX];
    struct cf_error err = CF_ERROR_INIT;
    bool allowed = false;
    int n = snprintf(plural, sizeof plural, "%ss", cf_json_str(owner, "", "kind", NULL));
    for (int i = 0; i < n; i++)
        plural[i] = (char)tolower((unsigned char)plural[i]);
    struct cf_kube_access what = { .verb = "patch",
                                   .group = group,
                                   .resource = plural,
                                   .ns = cf_json_str(owner, "", "namespace", NULL) };
    return cf_kube_can(c->source, NULL, &what, &allowed, NULL, &err) && allowed;
}

static json_t *evidence(const json_t *owner)
{
    json_t *row = json_copy(cf_json_unconst(owner));
    json_object_del(row, "object");
    return row;
}

static const char *const rights_command = "crossfade cluster rbac --side volumes";

/* The plan pauses it. */
static void check_pause(struct cf_checking *c, const json_t *owner)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf message = CF_BUF_INIT(WORDS_MAX);
    CF_CLEANUP(cf_buf_free) struct cf_buf hint = CF_BUF_INIT(WORDS_MAX);
    const char *source = c->plan->source_cluster, *state = cf_json_str(owner, "", "state", NULL);
    bool on = strcmp(state, "on") == 0, denied = strcmp(state, "denied") == 0;
    if (cf_gitops_blocks(owner, source, &message, &hint)) {
        cf_found(c, CF_LEVEL_BLOCKER, source, evidence(owner), cf_buf_str(&hint),
                 denied ? rights_command : NULL, "%s", cf_buf_str(&message));
        return;
    }
    cf_gitops_say(owner, &message);
    cf_buf_puts(&message, " keeps ");
    cf_gitops_say_kept(owner, &message);
    if (on && !may_patch(c, owner))
        cf_found(c, CF_LEVEL_BLOCKER, source, evidence(owner),
                 "apply the printed roles with an administrator's kubectl; or pause it yourself "
                 "while the run lasts, and write volumes.finalSync.gitops: byHand",
                 rights_command, "%s, and may not be patched: it could not be paused",
                 cf_buf_str(&message));
    else
        cf_found(c, CF_LEVEL_INFO, source, evidence(owner), NULL, NULL, "%s%s",
                 cf_buf_str(&message),
                 on ? ": it is paused in the freeze, let go by a rollback, and stays paused after "
                      "the move"
                    : ", and is paused already");
}

/* A person pauses it. */
static void check_by_hand(struct cf_checking *c, const json_t *owner)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf message = CF_BUF_INIT(WORDS_MAX);
    bool paused = strcmp(cf_json_str(owner, "", "state", NULL), "paused") == 0;
    cf_gitops_say(owner, &message);
    cf_buf_puts(&message, " keeps ");
    cf_gitops_say_kept(owner, &message);
    cf_found(c, paused ? CF_LEVEL_INFO : CF_LEVEL_WARNING, c->plan->source_cluster, evidence(owner),
             paused ? NULL : "pause it before the freeze, and keep it so", NULL, "%s%s",
             cf_buf_str(&message),
             paused ? ", and is paused already" : ": the plan says that a person pauses it");
}

static void check_owners(struct cf_checking *c, const json_t *workloads)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *owners = NULL;
    size_t i;
    json_t *owner;
    if (!cf_gitops_read(c->source, c->plan->source_namespace, workloads, &owners, &err)) {
        cf_skipped(c, c->plan->source_cluster, "who keeps the writers could not be read: %s",
                   err.message);
        return;
    }
    json_array_foreach(owners, i, owner)
    {
        if (c->plan->volumes.gitops_by_hand)
            check_by_hand(c, owner);
        else
            check_pause(c, owner);
    }
}

void cf_preflight_gitops(struct cf_checking *c)
{
    check_routers(c);
    if (!cf_checking_needs(c, c->plan->source_cluster))
        return;
    cf_autojson json_t *workloads = c->plan->volumes.moves ? frozen(c) : json_array();
    if (!check_tracked(c, "Deployment", workloads))
        (void)check_tracked(c, "StatefulSet", workloads);
    if (c->plan->volumes.moves && !c->inventory)
        cf_skipped(c, c->plan->source_cluster, "who writes in the source is not known");
    else
        check_owners(c, workloads);
}
