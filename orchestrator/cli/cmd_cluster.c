/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters that the service knows. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/kubeconfig_inline.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/engine/engine.h"

#define CLUSTERS "/api/v1/clusters/"

enum { PATH_MAX_BYTES = 8192, TOKEN_MAX = 16384, CA_MAX = 1024 * 1024 };

static const struct cf_column columns[] = {
    { "NAME", "/name", false },
    { "SERVER", "/server", false },
    { "VERSION", "/checked/version /version", false },
    { "METRICS", "/metrics/0/type", false },
    { "METRICS AT", "/metrics/0/url /metrics/0/urls", true },
    { "INSECURE", "/insecureSkipTlsVerify /insecure", false },
    { "CHECKED", "/checkedAt", false },
    { "UID", "/uid", true },
    { .title = NULL },
};

/* The first line of a file, without blanks at its end; caller frees. */
static char *first_line(const char *path, struct cf_error *err)
{
    char *text = cf_file_read(path, TOKEN_MAX, NULL, err);
    if (!text)
        return NULL;
    size_t n = strcspn(text, "\r\n");
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        n--;
    text[n] = '\0';
    return text;
}

static bool put_basic(const char *path, json_t *source, struct cf_error *err)
{
    cf_autofree char *line = first_line(path, err);
    char *colon = line ? strchr(line, ':') : NULL;
    if (!line)
        return false;
    if (!colon || colon == line)
        return cf_error_set(err, CF_ERR_INVALID, "%s: its first line is not USER:PASSWORD", path);
    *colon = '\0';
    json_object_set_new(source, "basic",
                        json_pack("{s:s,s:s}", "user", line, "password", colon + 1));
    cf_zero(colon + 1, strlen(colon + 1));
    return true;
}

/* How we prove who we are to the source of metrics, and how it proves that to us. */
static bool metrics_secrets(const struct cf_cli *cli, json_t *source, struct cf_error *err)
{
    const char *token_file = cf_arg(cli, "metrics-token-file"),
               *basic_file = cf_arg(cli, "metrics-basic-file"),
               *ca_file = cf_arg(cli, "metrics-ca-file");
    if (token_file && basic_file)
        return cf_error_set(err, CF_ERR_INVALID,
                            "--metrics-token-file and --metrics-basic-file exclude each other");
    cf_autofree char *token = token_file ? first_line(token_file, err) : NULL;
    if (token_file && !token)
        return false;
    if (token) {
        json_object_set_new(source, "bearerToken", json_string(token));
        cf_zero(token, strlen(token));
    }
    if (basic_file && !put_basic(basic_file, source, err))
        return false;
    cf_autofree char *ca = ca_file ? cf_file_read(ca_file, CA_MAX, NULL, err) : NULL;
    if (ca_file && !ca)
        return false;
    if (ca)
        json_object_set_new(source, "ca", json_string(ca));
    return true;
}

/* metrics of --prometheus or --scrape; NULL when neither is given. */
static bool metrics_of(const struct cf_cli *cli, json_t **out, struct cf_error *err)
{
    const char *prometheus = cf_arg(cli, "prometheus");
    json_t *urls = json_array();
    for (size_t i = 0; i < cli->n_given; i++)
        if (strcmp(cli->given[i].option->name, "scrape") == 0)
            json_array_append_new(urls, json_string(cli->given[i].value));
    bool scrapes = json_array_size(urls) > 0;
    if (!prometheus && !scrapes) {
        json_decref(urls);
        return true;
    }
    cf_autojson json_t *source = json_pack("{s:s}", "type", prometheus ? "prometheus" : "scrape");
    if (prometheus)
        json_object_set_new(source, "url", json_string(prometheus));
    if (scrapes && !prometheus)
        json_object_set(source, "urls", urls);
    json_decref(urls);
    if (scrapes && prometheus)
        return cf_error_set(err, CF_ERR_INVALID, "--prometheus and --scrape exclude each other");
    if (cf_arg(cli, "preset"))
        json_object_set_new(source, "preset", json_string(cf_arg(cli, "preset")));
    if (cf_arg_given(cli, "metrics-insecure"))
        json_object_set_new(source, "insecureSkipTlsVerify", json_true());
    if (!metrics_secrets(cli, source, err))
        return false;
    *out = json_pack("[O]", source);
    return true;
}

static json_t *body_of_add(const struct cf_cli *cli, struct cf_error *err)
{
    bool insecure = cf_arg_given(cli, "insecure-skip-tls-verify");
    const char *file = cf_arg(cli, "kubeconfig");
    json_t *metrics = NULL;
    cf_autojson json_t *body = json_pack("{s:s}", "name", cli->operands[0]);
    if (file) {
        json_t *kubeconfig = cf_kubeconfig_inline(file, cf_arg(cli, "kube-context"), insecure, err);
        if (!kubeconfig)
            return NULL;
        json_object_set_new(body, "kubeconfig", kubeconfig);
    }
    if (cf_arg_given(cli, "server-side")) {
        json_object_set_new(body, "serverSide", json_true());
        if (cf_arg(cli, "kube-context"))
            json_object_set_new(body, "context", json_string(cf_arg(cli, "kube-context")));
    }
    if (!metrics_of(cli, &metrics, err))
        return NULL;
    if (metrics)
        json_object_set_new(body, "metrics", metrics);
    if (insecure)
        json_object_set_new(body, "insecureSkipTlsVerify", json_true());
    return cf_steal(&body);
}

int cf_cmd_cluster_add(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    if (cf_arg(cli, "from-karmada"))
        return cf_cluster_import(cli);
    if (!cf_operand(cli, 0))
        return cf_usage_error(cli, "NAME is needed: what plans will call the cluster");
    bool server_side = cf_arg_given(cli, "server-side"),
         is_known = cf_arg(cli, "kubeconfig") || server_side;
    /* Without who we are there only a record that is there can be meant. */
    bool replace = cf_arg_given(cli, "replace") || !is_known;
    if (cf_arg(cli, "kubeconfig") && server_side)
        return cf_usage_error(cli, "--kubeconfig and --server-side exclude each other");
    if (!is_known && !cf_arg(cli, "prometheus") && !cf_arg(cli, "scrape"))
        return cf_usage_error(cli, "--kubeconfig FILE is needed, or --server-side");
    cf_autojson json_t *body = body_of_add(cli, &err);
    if (!body)
        return cf_fail(&err);
    cf_autofree char *path = cf_path(CLUSTERS, cli->operands[0], NULL);
    struct cf_ask add = { .method = "POST", .path = "/api/v1/clusters", .json = body };
    struct cf_ask put = { .method = "PUT", .path = path, .json = body, .if_match = "*" };
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, replace ? &put : &add, &a);
    if (code)
        return code;
    if (cf_arg_given(cli, "output"))
        return cf_print_one(cli, a.json, columns, "/name");
    printf("cluster %s %s: %s\n", cli->operands[0], replace ? "replaced" : "registered",
           cf_json_str(a.json, "", "server", NULL));
    if (cf_arg_given(cli, "insecure-skip-tls-verify"))
        cf_note(cli, "WARNING: its certificate is not verified: anybody on the way can read the "
                     "credentials.");
    if (!cf_json_at(body, "metrics", NULL) && !replace)
        cf_note(cli,
                "It has no source of metrics. If routers stand there, gates need one: crossfade "
                "cluster add %s --replace --prometheus URL",
                cli->operands[0]);
    cf_note(cli, "Next: crossfade cluster check %s", cli->operands[0]);
    return CF_EXIT_OK;
}

int cf_cmd_cluster_list(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    cf_autojson json_t *items = NULL;
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask_list(&client, "/api/v1/clusters", 0, &items);
    return code ? code : cf_print_list(cli, items, columns, "/name");
}

int cf_cmd_cluster_get(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autofree char *path = cf_path(CLUSTERS, cli->operands[0], NULL);
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, &(struct cf_ask){ .path = path }, &a);
    if (code)
        return code;
    if (cf_json_bool(a.json, false, "insecureSkipTlsVerify", NULL))
        cf_note(cli, "WARNING: the certificate of %s is not verified.", cli->operands[0]);
    return cf_print_one(cli, a.json, columns, "/name");
}

static const struct cf_column check_columns[] = {
    { "reachable", "/reachable", false },
    { "version", "/version", false },
    { "uid", "/uid", false },
    { "clock skew ms", "/skewMs", false },
    { "latency ms", "/latencyMs", false },
    { "insecure", "/insecure", false },
    { .title = NULL },
};

static void print_check(const json_t *check)
{
    static const struct cf_column metrics[] = {
        { "METRICS", "/type", false },    { "URL", "/url", false }, { "OK", "/ok", false },
        { "MESSAGE", "/message", false }, { .title = NULL },
    };
    static const struct cf_column rights[] = {
        { "RESOURCE", "/resource", false },   { "VERB", "/verb", false },
        { "NAMESPACE", "/namespace", false }, { "ALLOWED", "/allowed", false },
        { "WHY", "/reason", false },          { .title = NULL },
    };
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_OUTPUT_MAX);
    cf_fields(check, check_columns, &out);
    if (json_array_size(cf_json_at(check, "metrics", NULL)) > 0) {
        cf_buf_putc(&out, '\n');
        cf_table(cf_json_at(check, "metrics", NULL), metrics, true, true, &out);
    }
    if (json_array_size(cf_json_at(check, "rights", NULL)) > 0) {
        cf_buf_putc(&out, '\n');
        cf_table(cf_json_at(check, "rights", NULL), rights, true, true, &out);
    }
    const json_t *members = cf_json_at(check, "federation", "items", NULL);
    if (json_array_size(members) > 0) {
        cf_buf_putc(&out, '\n');
        cf_table(members, cf_member_columns, true, true, &out);
    }
    size_t i;
    json_t *p;
    json_array_foreach(cf_json_at(check, "problems", NULL), i, p)
    {
        cf_buf_puts(&out, i ? "problem: " : "\nproblem: ");
        cf_cell(p, &out);
        cf_buf_putc(&out, '\n');
    }
    fputs(cf_buf_str(&out), stdout);
}

int cf_cmd_cluster_check(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf rest = CF_BUF_INIT(PATH_MAX_BYTES);
    cf_buf_puts(&rest, "/check");
    cf_path_query(&rest, "namespace", cf_arg(cli, "namespace"));
    cf_autofree char *path = cf_path(CLUSTERS, cli->operands[0], cf_buf_str(&rest));
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, &(struct cf_ask){ .method = "POST", .path = path }, &a);
    if (code)
        return code;
    if (!cf_print_data(cli, a.json))
        print_check(a.json);
    bool ok = cf_json_bool(a.json, false, "reachable", NULL) &&
              json_array_size(cf_json_at(a.json, "problems", NULL)) == 0;
    return ok ? CF_EXIT_OK : CF_EXIT_FAILURE;
}

static const char *rbac_side(const struct cf_cli *cli)
{
    const char *method = cf_arg(cli, "method");
    return method ? method : cf_arg(cli, "side");
}

/* Before there is a cluster to ask about: the same text, from the same table. */
static int rbac_offline(const struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *side = rbac_side(cli);
    cf_autofree char *text =
        cf_engine_rbac_yaml(side ? side : "both", cf_arg(cli, "namespace"), &err);
    if (!text)
        return cf_fail(&err);
    fputs(text, stdout);
    return CF_EXIT_OK;
}

int cf_cmd_cluster_rbac(struct cf_cli *cli)
{
    if (cf_arg(cli, "method") && cf_arg(cli, "side"))
        return cf_usage_error(cli, "--method and --side exclude each other");
    if (!cf_operand(cli, 0))
        return rbac_offline(cli);
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf rest = CF_BUF_INIT(PATH_MAX_BYTES);
    cf_buf_puts(&rest, "/rbac");
    cf_path_query(&rest, "namespace", cf_arg(cli, "namespace"));
    cf_path_query(&rest, "side", rbac_side(cli));
    cf_autofree char *path = cf_path(CLUSTERS, cli->operands[0], cf_buf_str(&rest));
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, &(struct cf_ask){ .path = path, .accept = "*/*" }, &a);
    if (!code)
        fputs(a.text, stdout);
    return code;
}

int cf_cmd_cluster_remove(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autofree char *path = cf_path(CLUSTERS, cli->operands[0], NULL);
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client,
                      &(struct cf_ask){ .method = "DELETE", .path = path, .if_match = "*" }, &a);
    if (!code)
        cf_note(cli, "cluster %s removed", cli->operands[0]);
    return code;
}
