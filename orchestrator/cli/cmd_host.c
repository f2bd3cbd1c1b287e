/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on the service's own host: they read its configuration and talk to its database. */
#include <string.h>

#include "orchestrator/cli/config_table.h"
#include "orchestrator/cli/handlers.h"
#include "store/migrate.h"
#include "store/store.h"

enum { SHOW_MAX = 256 * 1024 };

static void free_config(struct cf_config **c)
{
    cf_config_free(*c);
}

int cf_cmd_config_show(struct cf_cli *cli)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(SHOW_MAX);
    struct cf_error err = CF_ERROR_INIT;
    if (cf_arg_given(cli, "markdown")) {
        cf_config_markdown(cf_config_table, &out);
        fputs(cf_buf_str(&out), stdout);
        return CF_EXIT_OK;
    }
    CF_CLEANUP(free_config) struct cf_config *config = cf_config_of_cli(cli, &err);
    if (!config)
        return cf_fail(&err);
    cf_config_show(config, &out);
    fputs(cf_buf_str(&out), stdout);
    return CF_EXIT_OK;
}

int cf_cmd_config_check(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(free_config) struct cf_config *config = cf_config_of_cli(cli, &err);
    if (!config || !cf_config_judge(config, &err))
        return cf_fail(&err);
    cf_note(cli, "The configuration is in order.");
    return CF_EXIT_OK;
}

/* For one command: few connections, no sealing. */
static struct cf_store *open_store(const struct cf_config *config, struct cf_error *err)
{
    struct cf_store_config store_config = { .conninfo = cf_config_str(config, "database"),
                                            .pool_size = 2 };
    return cf_store_open(&store_config, err);
}

static int print_migration(const struct cf_cli *cli, const struct cf_migrate_report *r)
{
    cf_note(cli, r->applied ? "The schema is at %d now (it was at %d)." : "The schema is at %d.",
            r->want, r->have);
    return CF_EXIT_OK;
}

int cf_cmd_migrate(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report = { 0 };
    CF_CLEANUP(free_config) struct cf_config *config = cf_config_of_cli(cli, &err);
    CF_CLEANUP(cf_store_close_p) struct cf_store *store = config ? open_store(config, &err) : NULL;
    if (!store)
        return cf_fail(&err);
    bool check_only = cf_arg_given(cli, "check");
    bool ok = check_only ? cf_store_migrate_check(store, &report, &err)
                         : cf_store_migrate(store, &report, &err);
    if (ok)
        return print_migration(cli, &report);
    int code = cf_fail(&err);
    if (strcmp(err.reason, CF_STORE_SCHEMA_OLDER) == 0)
        fprintf(stderr, "hint: crossfade migrate brings it from %d to %d\n", report.have,
                report.want);
    return err.kind == CF_ERR_INVALID ? CF_EXIT_FAILURE : code;
}

/* Until an id is free; the text of the token made, or NULL. */
static struct cf_secret *bootstrap(const struct cf_cli *cli, struct cf_store *store,
                                   struct cf_error *err)
{
    const char *name = cf_arg(cli, "name");
    struct cf_token_new row = { .name = name ? name : "admin",
                                .role = "admin",
                                .created_by = "bootstrap" };
    struct cf_secret *text = cli->parts->token_draw(&row);
    if (cf_token_bootstrap(store, &row, err))
        return text;
    cf_secret_free(text);
    return NULL;
}

int cf_cmd_token_bootstrap(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    CF_CLEANUP(free_config) struct cf_config *config = cf_config_of_cli(cli, &err);
    CF_CLEANUP(cf_store_close_p) struct cf_store *store = config ? open_store(config, &err) : NULL;
    if (!store || !cf_store_migrate(store, &report, &err))
        return cf_fail(&err);
    CF_CLEANUP(cf_secret_free_p) struct cf_secret *text = bootstrap(cli, store, &err);
    if (text) {
        printf("%s\n", cf_secret_data(text));
        return CF_EXIT_OK;
    }
    int code = cf_fail(&err);
    if (err.kind == CF_ERR_CONFLICT)
        fprintf(stderr, "hint: an admin makes more: crossfade token create NAME --role admin\n");
    return code;
}
