/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of commands: what there is, what it takes, which function does it. */
#include "orchestrator/cli/handlers.h"

#define C CF_CMD_CLIENT
#define O CF_CMD_OUTPUT
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* clang-format off: tables are read by their columns */
const struct cf_option cf_options_everywhere[] = {
    { "help", 'h', NULL, "help of the command", NULL, false },
    { "no-color", 0, NULL, "no colours, as with NO_COLOR", NULL, false },
    END,
};

const struct cf_option cf_options_client[] = {
    { "server", 's', "URL", "the service", NULL, false },
    { "token-file", 0, "FILE", "file with the access token", NULL, false },
    { "ca-file", 0, "FILE", "certificates (PEM) that sign the service's; default: the system's",
      NULL, false },
    { "context", 0, "NAME", "context of the configuration file", NULL, false },
    { "timeout", 0, "DURATION", "longest wait for one answer; default 30s", NULL, false },
    END,
};

const struct cf_option cf_options_output[] = {
    { "output", 'o', "FORMAT",
      "how to print; json and yaml are the API's objects and stable, tables may change",
      "table|wide|json|yaml|name|tree", false },
    { "no-headers", 0, NULL, "tables without their first line", NULL, false },
    { "quiet", 'q', NULL, "no messages", NULL, false },
    END,
};

#define FILE_OPTION                                                                                \
    {                                                                                              \
        "file", 'f', "FILE", "the plan (YAML or JSON); - is standard input", NULL, false           \
    }
#define REASON_OPTION                                                                              \
    {                                                                                              \
        "reason", 'r', "TEXT", "why; kept in the record", NULL, false                              \
    }

static const struct cf_option init_options[] = {
    { "from", 0, "CLUSTER/NAMESPACE", "where it runs", NULL, false },
    { "to", 0, "CLUSTER[/NAMESPACE]", "where it shall run", NULL, false },
    { "router", 0, "TYPE/NAME",
      "what splits the traffic: virtualService, httpRoute or ingress, and its name", NULL, false },
    END,
};
static const struct cf_option lint_options[] = {
    FILE_OPTION,
    { "effective", 0, NULL, "print the plan with every default written out", NULL, false },
    END
};
static const struct cf_option apply_options[] = {
    FILE_OPTION,
    { "dry-run", 0, NULL, "let the service judge it, write nothing", NULL, false },
    { "if-revision", 0, "NUMBER",
      "only if this is still the latest revision; 0: only if there is none", NULL, false },
    END
};
static const struct cf_option plan_get_options[] = {
    { "revision", 0, "NUMBER", "this revision; default: the latest", NULL, false },
    { "effective", 0, NULL, "with every default written out", NULL, false },
    { "document", 0, NULL, "as it was submitted", NULL, false },
    END
};
static const struct cf_option plan_diff_options[] = {
    { "against", 0, "live|REVISION",
      "live: what a run would write to the clusters now (default); or a revision", NULL, false },
    { "revision", 0, "NUMBER", "the revision to compare; default: the latest", NULL, false },
    END
};
static const struct cf_option plan_explain_options[] = {
    FILE_OPTION,
    { "revision", 0, "NUMBER", "of this revision; default: the latest", NULL, false },
    END
};
static const struct cf_option list_options[] = {
    { "limit", 0, "NUMBER", "at most so many; default: all", NULL, false },
    { "query", 0, "TEXT", "only names that contain this", NULL, false },
    END
};
static const struct cf_option start_options[] = {
    { "revision", 0, "NUMBER", "of this revision; default: the latest", NULL, false },
    { "diff", 0, "DIGEST", "only if plan diff would still show what has this digest", NULL, false },
    REASON_OPTION,
    { "watch", 'w', NULL, "watch it to its end", NULL, false },
    END
};
static const struct cf_option run_list_options[] = {
    { "plan", 0, "PLAN", "only runs of this plan", NULL, false },
    { "state", 0, "STATE,…", "only these states", NULL, false },
    { "cluster", 0, "CLUSTER", "only from or to this cluster", NULL, false },
    { "active", 'a', NULL, "only those that have not ended", NULL, false },
    { "limit", 0, "NUMBER", "at most so many; default 50", NULL, false },
    END
};
static const struct cf_option watch_options[] = {
    { "follow", 0, NULL, "stay when the run has ended", NULL, false }, END
};
static const struct cf_option wait_options[] = {
    { "for", 0, "WHAT",
      "ended (default), completed, committed, paused, hold, phase=NAME or weight=PERCENT", NULL,
      false },
    { "wait-timeout", 't', "DURATION", "give up after this; default: never", NULL, false },
    END
};
static const struct cf_option events_options[] = {
    { "follow", 0, NULL, "go on with new ones until the run ends", NULL, false },
    { "after", 0, "ID", "only those with a greater id", NULL, false },
    END
};
static const struct cf_option action_options[] = {
    REASON_OPTION,
    { "expect", 0, "PHASE", "only if the run is in this phase", NULL, false },
    { "watch", 'w', NULL, "watch the run afterwards", NULL, false },
    END
};
static const struct cf_option rollback_options[] = {
    REASON_OPTION,
    { "expect", 0, "PHASE", "only if the run is in this phase", NULL, false },
    { "discard-target-data", 0, NULL,
      "agree that what the target's writers wrote since the switch is lost", NULL, false },
    { "watch", 'w', NULL, "watch the run afterwards", NULL, false },
    END
};
static const struct cf_option preflight_options[] = {
    FILE_OPTION,
    { "revision", 0, "NUMBER", "of this revision; default: the latest", NULL, false },
    END
};
static const struct cf_option add_options[] = {
    { "kubeconfig", 0, "FILE",
      "who we are there; files that it names are read here and sent as data", NULL, false },
    { "server-side", 0, NULL,
      "who we are there stands in the service's own configuration: NAME.kubeconfig in "
      "clusters.folder, or clusters.in-cluster",
      NULL, false },
    { "kube-context", 0, "NAME", "context of the kubeconfig; default: its current one", NULL,
      false },
    { "prometheus", 0, "URL", "a Prometheus that has the routers' request counters", NULL, false },
    { "scrape", 0, "URL", "a gateway's own metrics page, read directly", NULL, true },
    { "preset", 0, "NAME", "how the metrics are named",
      "auto|istio|envoy|envoy-istio|nginx|traefik", false },
    { "metrics-token-file", 0, "FILE", "bearer token for the metrics", NULL, false },
    { "metrics-basic-file", 0, "FILE", "USER:PASSWORD for the metrics, as one line", NULL, false },
    { "metrics-ca-file", 0, "FILE", "certificates (PEM) to trust at the metrics server", NULL,
      false },
    { "metrics-insecure", 0, NULL, "do not verify the metrics server's certificate", NULL, false },
    { "insecure-skip-tls-verify", 0, NULL,
      "do not verify the cluster's certificate; shown loudly ever after", NULL, false },
    { "replace", 0, NULL, "replace the record of the same cluster", NULL, false },
    { "from-karmada", 0, "CONTEXT",
      "register the Karmada control plane of this context of the kubeconfig, and its members", NULL,
      false },
    { "member", 0, "NAME", "with --from-karmada: only this member", NULL, true },
    { "via-control-plane", 0, NULL,
      "with --from-karmada: reach every member through the control plane's proxy, even where the "
      "kubeconfig has a context of its own for it",
      NULL, false },
    END
};
static const struct cf_option check_options[] = {
    { "namespace", 'n', "NAMESPACE", "check the rights in this namespace", NULL, false }, END
};
static const struct cf_option rbac_options[] = {
    { "namespace", 'n', "NAMESPACE", "a Role there instead of a ClusterRole", NULL, false },
    { "side", 0, "SIDE", "what the cluster is to us; default both",
      "source|target|both|adopted|volumes|velero", false },
    { "method", 0, "METHOD", "instead of a side: what a control plane of this method needs",
      "karmada|clusternet", false },
    END
};
static const struct cf_option bridge_options[] = {
    { "run", 0, "RUN", "only those of this run", NULL, false }, END
};
static const struct cf_option reason_options[] = { REASON_OPTION, END };
static const struct cf_option token_options[] = {
    { "role", 0, "ROLE", "what it may do; default viewer", "viewer|operator|admin", false },
    { "expires", 0, "DURATION", "how long it is valid; default 90d", NULL, false },
    END
};
static const struct cf_option bootstrap_options[] = {
    { "name", 0, "NAME", "of the token; default admin", NULL, false }, END
};
static const struct cf_option migrate_options[] = {
    { "check", 0, NULL, "only look: 0 if the schema is ours, else 1", NULL, false }, END
};
static const struct cf_option rotate_options[] = {
    { "reseal", 0, NULL, "seal everything stored again with the first key", NULL, false }, END
};
static const struct cf_option markdown_options[] = {
    { "markdown", 0, NULL, "all keys as a Markdown table", NULL, false }, END
};
static const struct cf_option fsm_options[] = {
    { "format", 0, "FORMAT", "default mermaid", "mermaid|markdown", false }, END
};
static const struct cf_option help_options[] = {
    { "markdown", 0, NULL, "all commands as one page: docs/cli.md", NULL, false }, END
};

static const struct cf_command plan_commands[] = {
    { "init", "", 0, 0, "Write a first plan to standard output",
      "crossfade plan init --from dc1/web --to dc2 > plan.yaml", init_options, 0, cf_cmd_plan_init,
      NULL },
    { "lint", "[FILE]", 0, 1,
      "Check a plan without the service: every mistake with its line and what to do",
      "crossfade plan lint plan.yaml", lint_options, 0, cf_cmd_plan_lint, NULL },
    { "apply", "[FILE]", 0, 1, "Create a plan or its next revision",
      "crossfade plan apply -f plan.yaml", apply_options, C | O, cf_cmd_plan_apply, NULL },
    { "get", "PLAN", 1, 1, "Show a plan", NULL, plan_get_options, C | O, cf_cmd_plan_get, NULL },
    { "list", "", 0, 0, "List the plans", NULL, list_options, C | O, cf_cmd_plan_list, NULL },
    { "delete", "PLAN", 1, 1, "Delete a plan that has no active run", NULL, NULL, C | O,
      cf_cmd_plan_delete, NULL },
    { "diff", "PLAN", 1, 1,
      "What a run would write now, or how revisions differ; exit 1 if anything", NULL,
      plan_diff_options, C | O, cf_cmd_plan_diff, NULL },
    { "explain", "[PLAN]", 0, 1,
      "Why each object is copied, what the target must have, what is kept out; of a stored plan or "
      "a file",
      NULL, plan_explain_options, C | O, cf_cmd_plan_explain, NULL },
    { "schema", "", 0, 0, "Print the plan document's JSON Schema", NULL, NULL, 0,
      cf_cmd_plan_schema, NULL },
    { "reference", "", 0, 0, "Print the plan document's reference as Markdown", NULL, NULL, 0,
      cf_cmd_plan_reference, NULL },
    END,
};

static const struct cf_command run_commands[] = {
    { "start", "PLAN", 1, 1, "Start a run of a plan", "crossfade run start web-dc1-to-dc2 --watch",
      start_options, C | O, cf_cmd_run_start, NULL },
    { "list", "", 0, 0, "List runs, newest first", NULL, run_list_options, C | O, cf_cmd_run_list,
      NULL },
    { "get", "RUN", 1, 1, "Show a run", NULL, NULL, C | O, cf_cmd_run_get, NULL },
    { "watch", "RUN", 1, 1,
      "Watch a run to its end: a live tree on a terminal, else one line per transition",
      "Ctrl-C detaches; the run goes on. The exit code tells how it ended.", watch_options, C | O,
      cf_cmd_run_watch, NULL },
    { "wait", "RUN", 1, 1, "Wait until a run has come somewhere",
      "crossfade run wait web/3 --for weight=50 --wait-timeout 10m", wait_options, C | O,
      cf_cmd_run_wait, NULL },
    { "events", "RUN", 1, 1, "Everything that was decided, done and seen in a run", NULL,
      events_options, C | O, cf_cmd_run_events, NULL },
    { "report", "RUN", 1, 1,
      "What happened, with the times of fault, decision, patch and last failure", NULL, NULL, C | O,
      cf_cmd_run_report, NULL },
    END,
};

static const struct cf_command cluster_commands[] = {
    { "add", "[NAME]", 0, 1, "Register a cluster, or a Karmada control plane and its members",
      "crossfade cluster add dc1 --kubeconfig dc1.yaml --prometheus http://prometheus.dc1:9090\n"
      "crossfade cluster add --from-karmada karmada-apiserver --kubeconfig karmada.yaml\n"
      "The kubeconfig's certificate, key and token files are read here and sent as data. With "
      "--from-karmada the control plane is registered as NAME (left out: the context's name) and "
      "each member under its own name: with the credentials of the kubeconfig's context for its "
      "address, if there is one, else through the control plane's proxy. What is registered "
      "already is left as it is.",
      add_options, C | O, cf_cmd_cluster_add, NULL },
    { "list", "", 0, 0, "List the clusters", NULL, NULL, C | O, cf_cmd_cluster_list, NULL },
    { "get", "CLUSTER", 1, 1, "Show a cluster's record", NULL, NULL, C | O, cf_cmd_cluster_get,
      NULL },
    { "check", "CLUSTER", 1, 1, "Ask a cluster now: version, clock, rights, metrics, members", NULL,
      check_options, C | O, cf_cmd_cluster_check, NULL },
    { "members", "CLUSTER", 1, 1, "List the members of a control plane", NULL, NULL, C | O,
      cf_cmd_cluster_members, NULL },
    { "rbac", "[NAME]", 0, 1, "Print the least rights that we need in a cluster, for kubectl apply",
      "crossfade cluster rbac --side source | kubectl apply -f -\nWithout a NAME it asks nobody: "
      "the cluster need not be registered yet.",
      rbac_options, C, cf_cmd_cluster_rbac, NULL },
    { "remove", "CLUSTER", 1, 1, "Forget a cluster", NULL, NULL, C | O, cf_cmd_cluster_remove,
      NULL },
    END,
};

static const struct cf_command bridge_commands[] = {
    { "list", "", 0, 0, "List the bridges over which traffic still flows", NULL, bridge_options,
      C | O, cf_cmd_bridge_list, NULL },
    { "remove", "BRIDGE", 1, 1, "Remove a bridge that no router names and nobody uses", NULL, NULL,
      C | O, cf_cmd_bridge_remove, NULL },
    END,
};

static const struct cf_command token_commands[] = {
    { "bootstrap", "", 0, 0, "Print the first admin token; works only while there is none",
      "Talks to the database, on the service's own host:\ncrossfade token bootstrap --database … > "
      "token; chmod 600 token",
      bootstrap_options, CF_CMD_CONFIG, cf_cmd_token_bootstrap, NULL },
    { "create", "NAME", 1, 1, "Make a token; its text is printed once", NULL, token_options, C | O,
      cf_cmd_token_create, NULL },
    { "list", "", 0, 0, "List the tokens, never their texts", NULL, NULL, C | O, cf_cmd_token_list,
      NULL },
    { "revoke", "ID", 1, 1, "Revoke a token at once", NULL, NULL, C | O, cf_cmd_token_revoke,
      NULL },
    END,
};

static const struct cf_command key_commands[] = {
    { "generate", "FILE", 1, 1, "Make a file with a new sealing key", NULL, NULL, 0,
      cf_cmd_key_generate, NULL },
    { "rotate", "", 0, 0,
      "Put a new key first in the key file, or seal everything stored with it again",
      "1. crossfade key rotate            a new first key; the older ones still open\n"
      "2. restart every replica of the service with this file\n"
      "3. crossfade key rotate --reseal   everything stored is sealed with the new key",
      rotate_options, CF_CMD_CONFIG, cf_cmd_key_rotate, NULL },
    END,
};

static const struct cf_command config_commands[] = {
    { "show", "", 0, 0, "Print every key's value and where it comes from", NULL, markdown_options,
      CF_CMD_CONFIG, cf_cmd_config_show, NULL },
    { "check", "", 0, 0, "Whether the service would start with this configuration", NULL, NULL,
      CF_CMD_CONFIG, cf_cmd_config_check, NULL },
    END,
};

static const struct cf_command commands[] = {
    { "plan", "", 0, 0, "Plans: what to move, how, under which gates", NULL, NULL, 0, NULL,
      plan_commands },
    { "run", "", 0, 0, "Runs: a plan being carried out", NULL, NULL, 0, NULL, run_commands },
    { "pause", "RUN", 1, 1, "Hold a run; its gates go on watching", NULL, action_options, C | O,
      cf_cmd_pause, NULL },
    { "resume", "RUN", 1, 1, "Let a run that holds go on", NULL, action_options, C | O,
      cf_cmd_resume, NULL },
    { "advance", "RUN", 1, 1, "End the present step's waiting", NULL, action_options, C | O,
      cf_cmd_advance, NULL },
    { "rollback", "RUN", 1, 1, "Send the traffic back now, then undo everything", NULL,
      rollback_options, C | O, cf_cmd_rollback, NULL },
    { "commit", "RUN", 1, 1, "Accept the target: the source is retired, no way back", NULL,
      action_options, C | O, cf_cmd_commit, NULL },
    { "preflight", "[PLAN]", 0, 1,
      "Check a plan against both clusters now; exit 6 if anything blocks", NULL, preflight_options,
      C | O, cf_cmd_preflight, NULL },
    { "freeze", "", 0, 0, "No forward move anywhere until unfreeze; rollbacks go on", NULL,
      reason_options, C | O, cf_cmd_freeze, NULL },
    { "unfreeze", "", 0, 0, "Lift the freeze", NULL, NULL, C | O, cf_cmd_unfreeze, NULL },
    { "bridge", "", 0, 0, "Bridges: the way from a router's cluster to the target's pods", NULL,
      NULL, 0, NULL, bridge_commands },
    { "cluster", "", 0, 0, "Clusters that the service knows", NULL, NULL, 0, NULL,
      cluster_commands },
    { "token", "", 0, 0, "Access tokens", NULL, NULL, 0, NULL, token_commands },
    { "key", "", 0, 0, "Sealing keys", NULL, NULL, 0, NULL, key_commands },
    { "serve", "", 0, 0, "Run the service",
      "SIGTERM drains and ends it within 10 s; SIGHUP reads the certificate again.", NULL,
      CF_CMD_CONFIG, cf_cmd_serve, NULL },
    { "migrate", "", 0, 0, "Bring the database's schema to this version (serve does it too)", NULL,
      migrate_options, CF_CMD_CONFIG, cf_cmd_migrate, NULL },
    { "config", "", 0, 0, "The service's configuration", NULL, NULL, 0, NULL, config_commands },
    { "sandbox", "", 0, 99, "A simulated world to try and to rehearse in: crossfade sandbox --help",
      NULL, NULL, CF_CMD_RAW, cf_cmd_sandbox, NULL },
    { "fsm", "[run|step]", 0, 1,
      "Print the states of runs and steps and what leads from one to another", NULL, fsm_options, 0,
      cf_cmd_fsm, NULL },
    { "version", "", 0, 0, "Print the version", NULL, NULL, 0, cf_cmd_version, NULL },
    { "help", "[COMMAND]…", 0, 3, "Help of a command", NULL, help_options, 0, cf_cmd_help, NULL },
    { "completion", "bash|zsh|fish", 1, 1, "Print a completion script",
      "bash:  source <(crossfade completion bash)\nzsh:   source <(crossfade completion "
      "zsh)\nfish:  crossfade completion fish | source",
      NULL, 0, cf_cmd_completion, NULL },
    END,
};

const struct cf_command cf_command_root = {
    "crossfade",
    "",
    0,
    0,
    "Moves running workloads from one Kubernetes cluster to another without downtime",
    "First steps:  crossfade plan init --from dc1/web --to dc2 > plan.yaml\n"
    "              crossfade plan apply -f plan.yaml && crossfade run start web-dc1-to-dc2 --watch",
    NULL,
    0,
    NULL,
    commands,
};
/* clang-format on */
