/* SPDX-License-Identifier: Apache-2.0 */
/* Control planes and their members: listing, and registering all at once. */
#include <string.h>

#include "orchestrator/cli/client.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/kubeconfig_inline.h"
#include "orchestrator/cli/output.h"

#define CLUSTERS "/api/v1/clusters"
/* Below the control plane's address: the member's API, asked in the caller's name. */
#define PROXY "/apis/cluster.karmada.io/v1alpha1/clusters/%s/proxy"

const struct cf_column cf_member_columns[] = {
    { "MEMBER", "/name", false },
    { "READY", "/ready", false },
    { "SYNC", "/syncMode", false },
    { "VERSION", "/version", false },
    { "KINDS", "/kinds", false },
    { "TAINTS", "/taints", false },
    { "REGISTERED AS", "/registeredAs", false },
    { "WHY", "/why", false },
    { "SERVER", "/server", true },
    { "ID", "/id", true },
    { .title = NULL },
};

/* The members as the service sees them; 0 and a new reference. */
static int ask_members(struct cf_client *client, const char *plane, json_t **out)
{
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autofree char *path = cf_path(CLUSTERS "/", plane, "/members");
    int code = cf_ask(client, &(struct cf_ask){ .path = path }, &a);
    if (!code)
        *out = cf_json_copy(cf_json_at(a.json, "items", NULL));
    return code;
}

int cf_cmd_cluster_members(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    cf_autojson json_t *members = NULL;
    int code = cf_client_of(cli, &client);
    if (!code)
        code = ask_members(&client, cli->operands[0], &members);
    return code ? code : cf_print_list(cli, members, cf_member_columns, "/name");
}

/* ---- import ---- */

struct import {
    struct cf_cli *cli;
    struct cf_client client;
    const char *file, *context, *plane;
    int failed;
};

/* Whether the service knows a cluster of that name. */
static int is_registered(struct import *in, const char *name, bool *out)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autofree char *path = cf_path(CLUSTERS "/", name, NULL);
    if (!cf_client_call(&in->client, &(struct cf_ask){ .path = path }, &a, &err))
        return cf_fail(&err);
    *out = a.status == 200;
    return CF_EXIT_OK;
}

/* Registers it with a kubeconfig; *out_uid says who it turned out to be; caller frees. */
static int add(struct import *in, const char *name, const json_t *kubeconfig, char **out_uid)
{
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autojson json_t *body = json_pack("{s:s,s:O}", "name", name, "kubeconfig", kubeconfig);
    if (cf_arg_given(in->cli, "insecure-skip-tls-verify"))
        json_object_set_new(body, "insecureSkipTlsVerify", json_true());
    int code = cf_ask(&in->client,
                      &(struct cf_ask){ .method = "POST", .path = CLUSTERS, .json = body }, &a);
    if (!code)
        *out_uid = cf_xstrdup(cf_json_str(a.json, "", "uid", NULL));
    return code;
}

static int add_plane(struct import *in)
{
    struct cf_error err = CF_ERROR_INIT;
    bool known = false;
    int code = is_registered(in, in->plane, &known);
    if (code || known) {
        if (!code)
            printf("control plane %s: registered already\n", in->plane);
        return code;
    }
    cf_autojson json_t *kubeconfig = cf_kubeconfig_inline(
        in->file, in->context, cf_arg_given(in->cli, "insecure-skip-tls-verify"), &err);
    if (!kubeconfig)
        return cf_fail(&err);
    cf_autofree char *uid = NULL;
    code = add(in, in->plane, kubeconfig, &uid);
    if (!code)
        printf("control plane %s: registered\n", in->plane);
    return code;
}

/* Who we are in the member: the kubeconfig's own context for its address, else ourselves through
 * the control plane's proxy. *out_how is for people; caller frees. */
static json_t *member_kubeconfig(struct import *in, const json_t *member, char **out_how,
                                 struct cf_error *err)
{
    bool insecure = cf_arg_given(in->cli, "insecure-skip-tls-verify");
    cf_autofree char *context =
        cf_arg_given(in->cli, "via-control-plane")
            ? cf_xstrdup("")
            : cf_kubeconfig_context_for(in->file, cf_json_str(member, "", "server", NULL), err);
    if (!context)
        return NULL;
    json_t *kubeconfig = cf_kubeconfig_inline(in->file, *context ? context : in->context,
                                              insecure && !*context, err);
    if (!kubeconfig)
        return NULL;
    if (*context) {
        *out_how = cf_xasprintf("with the credentials of context %s", context);
        return kubeconfig;
    }
    json_t *cluster =
        json_object_get(json_array_get(json_object_get(kubeconfig, "clusters"), 0), "cluster");
    const char *server = cf_json_str(cluster, "", "server", NULL);
    size_t n = strlen(server);
    cf_autofree char *proxied =
        cf_xasprintf("%.*s" PROXY, (int)(n - (n > 0 && server[n - 1] == '/')), server,
                     cf_json_str(member, "", "name", NULL));
    json_object_set_new(cluster, "server", json_string(proxied));
    *out_how = cf_xasprintf("through %s", in->plane);
    return kubeconfig;
}

/* The address led somewhere else than the control plane's: what was just registered goes again. */
static void take_back(struct import *in, const char *name, const char *id)
{
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *path = cf_path(CLUSTERS "/", name, NULL);
    (void)fprintf(stderr,
                  "member %s: its address leads to another cluster than the control plane's (which "
                  "has id %s): not registered. Give its own: crossfade cluster add %s --kubeconfig "
                  "FILE\n",
                  name, id, name);
    if (!cf_client_call(&in->client,
                        &(struct cf_ask){ .method = "DELETE", .path = path, .if_match = "*" }, &a,
                        &err))
        (void)cf_fail(&err);
}

static void add_member(struct import *in, const json_t *member)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *name = cf_json_str(member, "", "name", NULL);
    const char *id = cf_json_str(member, "", "id", NULL);
    const char *known = cf_json_str(member, "", "registeredAs", NULL);
    if (*known) {
        printf("member %s: registered already, as %s\n", name, known);
        return;
    }
    cf_autofree char *how = NULL, *uid = NULL;
    cf_autojson json_t *kubeconfig = member_kubeconfig(in, member, &how, &err);
    if (!kubeconfig) {
        (void)cf_fail(&err);
        in->failed++;
    } else if (add(in, name, kubeconfig, &uid)) {
        (void)fprintf(stderr,
                      "member %s: not registered (tried %s). Give its own credentials: crossfade "
                      "cluster add %s --kubeconfig FILE\n",
                      name, how, name);
        in->failed++;
    } else if (strcmp(uid, id) != 0) {
        take_back(in, name, id);
        in->failed++;
    } else {
        printf("member %s: registered %s\n", name, how);
    }
}

/* Whether --member names it, or nothing is named. */
static bool is_wanted(const struct cf_cli *cli, const char *name)
{
    bool any = false;
    for (size_t i = 0; i < cli->n_given; i++) {
        if (strcmp(cli->given[i].option->name, "member") != 0)
            continue;
        if (strcmp(cli->given[i].value, name) == 0)
            return true;
        any = true;
    }
    return !any;
}

/* A name that --member gives and no member has; NULL: none. */
static const char *stranger(const struct cf_cli *cli, const json_t *members)
{
    for (size_t i = 0; i < cli->n_given; i++) {
        bool found = strcmp(cli->given[i].option->name, "member") != 0;
        for (size_t k = 0; !found && k < json_array_size(members); k++)
            found = strcmp(cf_json_str(json_array_get(members, k), "", "name", NULL),
                           cli->given[i].value) == 0;
        if (!found)
            return cli->given[i].value;
    }
    return NULL;
}

int cf_cluster_import(struct cf_cli *cli)
{
    struct import in = { .cli = cli,
                         .file = cf_arg(cli, "kubeconfig"),
                         .context = cf_arg(cli, "from-karmada") };
    in.plane = cf_operand(cli, 0) ? cf_operand(cli, 0) : in.context;
    if (!in.file)
        return cf_usage_error(cli, "--kubeconfig FILE is needed: the file that has the context %s",
                              in.context);
    cf_autojson json_t *members = NULL;
    int code = cf_client_of(cli, &in.client);
    if (!code)
        code = add_plane(&in);
    if (!code)
        code = ask_members(&in.client, in.plane, &members);
    if (!code && stranger(cli, members)) {
        (void)fprintf(stderr, "%s has no member %s; it has: crossfade cluster members %s\n",
                      in.plane, stranger(cli, members), in.plane);
        code = CF_EXIT_FAILURE;
    }
    size_t i;
    json_t *member;
    json_array_foreach(members, i, member)
    {
        if (!code && is_wanted(cli, cf_json_str(member, "", "name", NULL)))
            add_member(&in, member);
    }
    cf_client_close(&in.client);
    if (code || in.failed > 0)
        return code ? code : CF_EXIT_FAILURE;
    cf_note(cli, "Next: crossfade cluster check %s", in.plane);
    return CF_EXIT_OK;
}
