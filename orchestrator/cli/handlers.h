/* SPDX-License-Identifier: Apache-2.0 */
/* The commands' functions, by the file that has them. Each returns the process's exit code. */
#ifndef CF_CLI_HANDLERS_H
#define CF_CLI_HANDLERS_H

#include "orchestrator/cli/command.h"

typedef int cf_cli_handler(struct cf_cli *cli);

/* cmd_plan_local.c: without the service */
cf_cli_handler cf_cmd_plan_init, cf_cmd_plan_lint, cf_cmd_plan_schema, cf_cmd_plan_reference;
/* cmd_plan.c */
cf_cli_handler cf_cmd_plan_apply, cf_cmd_plan_get, cf_cmd_plan_list, cf_cmd_plan_delete,
    cf_cmd_plan_diff;
/* cmd_explain.c */
cf_cli_handler cf_cmd_plan_explain;
/* cmd_run.c */
cf_cli_handler cf_cmd_run_start, cf_cmd_run_list, cf_cmd_run_get, cf_cmd_run_report;
/* cmd_watch.c */
cf_cli_handler cf_cmd_run_watch, cf_cmd_run_wait, cf_cmd_run_events;
/* cmd_action.c */
cf_cli_handler cf_cmd_pause, cf_cmd_resume, cf_cmd_advance, cf_cmd_rollback, cf_cmd_commit;
/* cmd_preflight.c */
cf_cli_handler cf_cmd_preflight;
/* cmd_cluster.c */
cf_cli_handler cf_cmd_cluster_add, cf_cmd_cluster_list, cf_cmd_cluster_get, cf_cmd_cluster_check,
    cf_cmd_cluster_rbac, cf_cmd_cluster_remove;
/* cmd_members.c */
cf_cli_handler cf_cmd_cluster_members, cf_cluster_import;
/* cmd_service.c: small things of the service */
cf_cli_handler cf_cmd_freeze, cf_cmd_unfreeze, cf_cmd_bridge_list, cf_cmd_bridge_remove,
    cf_cmd_token_create, cf_cmd_token_list, cf_cmd_token_revoke;
/* cmd_host.c: on the service's own host, with its configuration */
cf_cli_handler cf_cmd_serve, cf_cmd_migrate, cf_cmd_config_show, cf_cmd_config_check,
    cf_cmd_token_bootstrap;
/* cmd_key.c */
cf_cli_handler cf_cmd_key_generate, cf_cmd_key_rotate;
/* cmd_meta.c */
cf_cli_handler cf_cmd_fsm, cf_cmd_version, cf_cmd_help, cf_cmd_completion, cf_cmd_sandbox;

#endif
