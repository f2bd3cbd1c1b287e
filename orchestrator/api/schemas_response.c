/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of answers. */
#include "orchestrator/api/schemas.h"

#define R CF_FIELD_REQUIRED
#define N (CF_FIELD_REQUIRED | CF_FIELD_NULL)
#define S CF_FIELD_STRING
#define I CF_FIELD_INT
#define B CF_FIELD_BOOL
#define T CF_FIELD_TIME
#define O CF_FIELD_OBJECT
#define L CF_FIELD_LIST
#define LIST(list, row)                                                                            \
    static const struct cf_field list[] = {                                                        \
        { "items", L, R, row, NULL, "the rows" },                                                  \
        { "nextCursor", S, 0, NULL, NULL,                                                          \
          "pass as `cursor` for the next page; absent on the last" },                              \
        { .name = NULL },                                                                          \
    }

/* clang-format off */
static const struct cf_field plan_row[] = {
    { "name", S, R, NULL, NULL, "of the plan" },
    { "revision", I, R, NULL, NULL, "of this row" },
    { "latest", I, R, NULL, NULL, "the plan's current revision; its ETag" },
    { "digest", S, R, NULL, NULL, "SHA-256 of the effective form: what the plan means" },
    { "author", S, R, NULL, NULL, "who made this revision" },
    { "mediaType", S, R, NULL, NULL, "of the document as submitted" },
    { "runs", I, R, NULL, NULL, "how many were ever started" },
    { "lastRun", S, N, NULL, NULL, "id of the newest" },
    { "deleted", B, R, NULL, NULL, "hidden from lists; revisions stay" },
    { "createdAt", T, N, NULL, NULL, "of the plan" },
    { "updatedAt", T, N, NULL, NULL, "of this revision" },
    { .name = NULL },
};
static const struct cf_field plan_view[] = {
    { "name", S, R, NULL, NULL, "of the plan" },
    { "revision", I, R, NULL, NULL, "of this answer" },
    { "latest", I, 0, NULL, NULL, "the plan's current revision; its ETag" },
    { "digest", S, R, NULL, NULL, "SHA-256 of the effective form" },
    { "document", O, 0, NULL, NULL, "as it was submitted" },
    { "effective", O, R, NULL, NULL, "with every default written out" },
    { "warnings", L, 0, "Issue", NULL, "what lint says; only when applied" },
    { "dryRun", B, 0, NULL, NULL, "nothing was changed" },
    { "would", S, 0, NULL, "create|revise|nothing", "what applying would do (dryRun)" },
    { "steps", L, 0, NULL, NULL, "what a run would consist of (dryRun)" },
    { "diff", L, 0, NULL, NULL, "from the current revision (dryRun)" },
    { .name = NULL },
};
static const struct cf_field issue[] = {
    { "pointer", S, R, NULL, NULL, "where: a JSON pointer (RFC 6901)" },
    { "line", I, 0, NULL, NULL, "of the text, from 1" },
    { "column", I, 0, NULL, NULL, "from 1" },
    { "code", S, 0, NULL, NULL, "stable word" },
    { "detail", S, R, NULL, NULL, "what is wrong" },
    { "hint", S, 0, NULL, NULL, "what to do" },
    { .name = NULL },
};
static const struct cf_field plan_diff[] = {
    { "name", S, R, NULL, NULL, "of the plan" },
    { "revision", I, R, NULL, NULL, "what was compared" },
    { "changes", L, 0, NULL, NULL, "between revisions: pointer, from, to" },
    { "steps", L, 0, NULL, NULL, "against live: the run's steps" },
    { "writes", L, 0, NULL, NULL, "against live: step, cluster, verb, ref, patch or body, note; wave (from 1), where there are several" },
    { "notes", L, 0, NULL, NULL, "against live: what is worth knowing" },
    { "digest", S, 0, NULL, NULL, "against live: of all that would be written; a run can be started on it, for a day" },
    { .name = NULL },
};
static const struct cf_field plan_explanation[] = {
    { "name", S, R, NULL, NULL, "of the plan" },
    { "revision", I, N, NULL, NULL, "of the plan; null for a document that is not stored" },
    { "objects", L, R, "ExplainedObject", NULL, "what is copied, in the order of application" },
    { "required", L, R, "RequiredObject", NULL, "what the target must have by itself" },
    { "skipped", L, R, "SkippedObject", NULL, "what is kept out although it was asked for, or by name" },
    { "unrelated", O, R, NULL, NULL, "how many objects of each kind nothing asked for" },
    { "notes", L, R, NULL, NULL, "what is worth knowing: level, code, message, hint" },
    { .name = NULL },
};
#define IDENTITY                                                                                   \
    { "object", S, R, NULL, NULL, "kind and name, for people" },                                   \
        { "apiVersion", S, R, NULL, NULL, "of the object" },                                       \
        { "kind", S, R, NULL, NULL, "of the object" },                                             \
        { "namespace", S, R, NULL, NULL, "in the target; empty for what has none" },               \
    {                                                                                              \
        "name", S, R, NULL, NULL, "of the object"                                                  \
    }
static const struct cf_field explained_object[] = {
    IDENTITY,
    { "wave", I, R, NULL, NULL,
      "before anything of it is written, all of the waves before it is healthy; the first is 1" },
    { "order", I, R, NULL, NULL, "smaller ones are applied first" },
    { "start", S, R, NULL, "now|atSwitch", "when a workload's pods run in the target" },
    { "onConflict", S, R, NULL, "fail|adopt|overwrite", "when the target has it already" },
    { "why", S, R, NULL, NULL, "what brought it" },
    { "from", S, R, NULL, NULL, "the object that brought it; empty: the plan itself" },
    { .name = NULL },
};
static const struct cf_field required_object[] = {
    IDENTITY,
    { "level", S, R, NULL, "blocker|warning", "what preflight says where it is missing" },
    { "why", S, R, NULL, NULL, "what needs it" },
    { "expect", O, 0, NULL, NULL, "fields that it must have" },
    { .name = NULL },
};
static const struct cf_field skipped_object[] = {
    { "object", S, R, NULL, NULL, "kind and name, for people" },
    { "kind", S, R, NULL, NULL, "of the object" },
    { "name", S, R, NULL, NULL, "of the object" },
    { "why", S, R, NULL, NULL, "what keeps it out" },
    { .name = NULL },
};
static const struct cf_field weight[] = {
    { "desired", I, N, NULL, NULL, "decided" },
    { "applied", I, N, NULL, NULL, "read back from the routers" },
    { "observed", CF_FIELD_NUMBER, N, NULL, NULL, "measured in the data plane" },
    { .name = NULL },
};
static const struct cf_field hold[] = {
    { "reason", S, R, NULL, NULL, "why it does not move: a stable word" },
    { "message", S, R, NULL, NULL, "in a sentence" },
    { "callToAction", O, 0, "CallToAction", NULL, "what to do" },
    { .name = NULL },
};
static const struct cf_field call_to_action[] = {
    { "text", S, R, NULL, NULL, "one sentence" },
    { "command", S, 0, NULL, NULL, "the command to run" },
    { .name = NULL },
};
static const struct cf_field run[] = {
    { "id", S, R, NULL, NULL, "UUID" },
    { "name", S, R, NULL, NULL, "PLAN/NUMBER" },
    { "plan", S, R, NULL, NULL, "name of the plan" },
    { "number", I, R, NULL, NULL, "of the plan's runs" },
    { "revision", I, R, NULL, NULL, "of the plan" },
    { "digest", S, R, NULL, NULL, "of that revision" },
    { "state", S, R, NULL, "active|rolling-back|completed|rolled-back|failed|canceled",
      "what has become of it" },
    { "phase", S, R, NULL, NULL, "where it is, for people" },
    { "message", S, R, NULL, NULL, "what it does now" },
    { "hold", O, N, "Hold", NULL, "why it does not move, if so" },
    { "source", S, R, NULL, NULL, "name of the cluster" },
    { "target", S, R, NULL, NULL, "name of the cluster" },
    { "weight", O, R, "Weight", NULL, "percent of traffic to the target" },
    { "step", I, N, NULL, NULL, "number of the current one" },
    { "steps", L, 0, "Step", NULL, "in short (one run)" },
    { "gates", L, 0, "Gate", NULL, "as they judge now (one run)" },
    { "routers", L, 0, "Router", NULL, "as last seen (one run)" },
    { "volumes", O, CF_FIELD_NULL, NULL, NULL,
      "claims whose data moves: passes with their evidence, forecast, freeze (one run; null: none)" },
    { "noWayBack", S, CF_FIELD_NULL, NULL, NULL,
      "why no router has a line that sends its traffic back by hand (one run)" },
    { "callToAction", O, CF_FIELD_NULL, "CallToAction", NULL, "what to do now (one run)" },
    { "progress", O, N, NULL, NULL, "done, total, perSecond and etaSeconds (both null where they are not known), step" },
    { "warnings", L, R, NULL, NULL, "what was let through" },
    { "labels", O, R, NULL, NULL, "of the plan" },
    { "startedBy", S, R, NULL, NULL, "name of the token" },
    { "reason", S, R, NULL, NULL, "given at the start" },
    { "openActions", I, R, NULL, NULL, "asked and not answered" },
    { "startedAt", T, R, NULL, NULL, "when it was started" },
    { "updatedAt", T, N, NULL, NULL, "when it last recorded something" },
    { "committedAt", T, N, NULL, NULL, "after which nothing goes back" },
    { "finishedAt", T, N, NULL, NULL, "when it ended" },
    { "seq", I, R, NULL, NULL, "of its last event: counts 1, 2, 3 … without a gap" },
    { "lastEvent", S, R, NULL, NULL, "id of its last event: follow the stream after it" },
    { .name = NULL },
};
static const struct cf_field step[] = {
    { "no", I, R, NULL, NULL, "from 0" },
    { "kind", S, R, NULL, NULL, "what it does: traffic.shift, commit …" },
    { "name", S, R, NULL, NULL, "for people" },
    { "state", S, R, NULL, NULL, "where it is" },
    { "attempt", I, R, NULL, NULL, "how often it was tried" },
    { "message", S, R, NULL, NULL, "the last word about it" },
    { "progress", O, N, NULL, NULL, "done, total, perSecond and etaSeconds (both null where they are not known), step" },
    { "startedAt", T, N, NULL, NULL, "first attempt" },
    { "finishedAt", T, N, NULL, NULL, "done, undone or failed" },
    { "updatedAt", T, CF_FIELD_NULL, NULL, NULL, "last record (steps)" },
    { "params", O, CF_FIELD_NULL, NULL, NULL, "what was decided at the start (steps)" },
    { "intent", O, CF_FIELD_NULL, NULL, NULL, "what it meant to write (steps)" },
    { "observation", O, CF_FIELD_NULL, NULL, NULL, "what it saw (steps)" },
    { .name = NULL },
};
static const struct cf_field gate[] = {
    { "name", S, R, NULL, NULL, "of the gate" },
    { "state", S, R, NULL, "pass|breach|undecided|no-data", "its verdict" },
    { "value", CF_FIELD_NUMBER, N, NULL, NULL, "measured since the last change of weight" },
    { "threshold", CF_FIELD_NUMBER, N, NULL, NULL, "what must hold" },
    { "upper", CF_FIELD_NUMBER, N, NULL, NULL, "99 % upper bound of the failure rate" },
    { "needed", I, R, NULL, NULL, "requests still missing for a proof" },
    { "samples", I, R, NULL, NULL, "requests judged" },
    { "failures", I, R, NULL, NULL, "of them" },
    { "lastAt", T, N, NULL, NULL, "newest sample" },
    { "text", S, R, NULL, NULL, "for people" },
    { .name = NULL },
};
static const struct cf_field router[] = {
    { "name", S, R, NULL, NULL, "the plan's word for it" },
    { "type", S, R, NULL, NULL, "virtualService, httpRoute or ingress" },
    { "cluster", S, R, NULL, NULL, "where it is" },
    { "namespace", S, R, NULL, NULL, "of the object" },
    { "object", S, R, NULL, NULL, "its name" },
    { "weight", I, R, NULL, NULL, "as last read; -1 if never" },
    { "want", I, N, NULL, NULL, "as last decided" },
    { "inSync", B, R, NULL, NULL, "it shows what was decided" },
    { "lastWriteAt", T, N, NULL, NULL, "our last write" },
    { "kubectl", S, 0, NULL, NULL,
      "the line that sends the traffic back by hand; while going back is safe" },
    { .name = NULL },
};
static const struct cf_field series[] = {
    { "streams", O, R, NULL, NULL,
      "by gate and side; each has columns t, desired, applied, n, k, value of equal length" },
    { .name = NULL },
};
static const struct cf_field report[] = {
    { "run", S, R, NULL, NULL, "PLAN/NUMBER" },
    { "id", S, R, NULL, NULL, "of the run" },
    { "state", S, R, NULL, NULL, "of the run" },
    { "steps", L, R, NULL, NULL, "with their times" },
    { "weights", L, R, NULL, NULL, "each change" },
    { "volumes", O, N, NULL, NULL, "claims whose data moved: passes with their evidence, forecast, freeze" },
    { "rollback", O, N, NULL, NULL, "cause and the times of fault, decision, patch, last failure" },
    { "left", L, R, NULL, NULL, "what an undo could not take away" },
    { "kubectl", L, R, NULL, NULL, "lines that send the traffic back by hand" },
    { "noWayBack", S, N, NULL, NULL, "why there is no such line" },
    { "text", S, R, NULL, NULL, "for people" },
    { .name = NULL },
};
static const struct cf_field event[] = {
    { "id", S, R, NULL, NULL, "in commit order; Last-Event-ID and ?after= take it" },
    { "kind", S, R, NULL, NULL, "dotted words: run.weight.changed" },
    { "subject", S, R, NULL, NULL, "what it is about: run/PLAN/3, plan/NAME, cluster/NAME …" },
    { "at", T, R, NULL, NULL, "when" },
    { "actor", S, R, NULL, NULL, "who caused it; empty: the service" },
    { "run", S, 0, NULL, NULL, "PLAN/NUMBER, if it is about a run" },
    { "runId", S, 0, NULL, NULL, "id of that run" },
    { "seq", I, 0, NULL, NULL, "of the run, without a gap" },
    { "step", I, CF_FIELD_NULL, NULL, NULL, "of the run" },
    { "data", O, R, NULL, NULL, "more, by kind" },
    { .name = NULL },
};
static const struct cf_field action[] = {
    { "id", S, R, NULL, NULL, "of the action" },
    { "run", S, R, NULL, NULL, "PLAN/NUMBER" },
    { "runId", S, R, NULL, NULL, "id of the run" },
    { "action", S, R, NULL, NULL, "pause, resume, advance, rollback or commit" },
    { "reason", S, R, NULL, NULL, "why" },
    { "actor", S, R, NULL, NULL, "who" },
    { "state", S, R, NULL, "open|done|refused", "what has become of it" },
    { "message", S, R, NULL, NULL, "the run's answer" },
    { "expect", O, N, NULL, NULL, "what the caller believed" },
    { "createdAt", T, R, NULL, NULL, "asked" },
    { "answeredAt", T, N, NULL, NULL, "answered" },
    { .name = NULL },
};
static const struct cf_field preflight[] = {
    { "id", S, R, NULL, NULL, "of the job" },
    { "plan", S, N, NULL, NULL, "null for a document that is not stored" },
    { "revision", I, N, NULL, NULL, "of the plan" },
    { "state", S, R, NULL, "queued|running|done|failed", "of the job" },
    { "message", S, R, NULL, NULL, "of a failure" },
    { "author", S, R, NULL, NULL, "who asked" },
    { "result", O, N, NULL, NULL, "the findings: blockers, warnings, skipped, infos (counts) and results, each with its check's id and its level: blocker, warning, skipped (not checked, and why), info or ok" },
    { "createdAt", T, R, NULL, NULL, "asked" },
    { "startedAt", T, N, NULL, NULL, "begun" },
    { "finishedAt", T, N, NULL, NULL, "ended" },
    { .name = NULL },
};
static const struct cf_field cluster[] = {
    { "name", S, R, NULL, NULL, "what plans call it" },
    { "uid", S, R, NULL, NULL, "who it is: the uid of its kube-system namespace" },
    { "server", S, R, NULL, NULL, "URL of its API server" },
    { "insecureSkipTlsVerify", B, R, NULL, NULL, "its certificate is not verified" },
    { "context", S, R, NULL, NULL, "of the kubeconfig" },
    { "serverSide", B, R, NULL, NULL, "its kubeconfig stands in the service's configuration" },
    { "metrics", L, R, NULL, NULL, "where gates find their numbers; without secrets" },
    { "warnings", L, R, NULL, NULL, "what everybody should know about it" },
    { "author", S, R, NULL, NULL, "who registered or changed it last" },
    { "revision", I, R, NULL, NULL, "its ETag" },
    { "checked", O, N, "ClusterCheck", NULL, "the last check" },
    { "createdAt", T, R, NULL, NULL, "registered" },
    { "updatedAt", T, N, NULL, NULL, "changed" },
    { "checkedAt", T, N, NULL, NULL, "checked" },
    { .name = NULL },
};
static const struct cf_field cluster_check[] = {
    { "cluster", S, R, NULL, NULL, "name" },
    { "reachable", B, R, NULL, NULL, "its API server answers" },
    { "insecure", B, R, NULL, NULL, "its certificate is not verified" },
    { "version", S, 0, NULL, NULL, "of Kubernetes" },
    { "uid", S, 0, NULL, NULL, "who it is" },
    { "latencyMs", I, 0, NULL, NULL, "of one request" },
    { "skewMs", I, 0, NULL, NULL, "its clock against ours" },
    { "metrics", L, R, NULL, NULL, "its source of metrics: ok, message" },
    { "rights", L, R, NULL, NULL, "verb, resource, namespace, allowed, reason" },
    { "federation", O, 0, "MemberList", NULL, "of a control plane only: its members" },
    { "problems", L, R, NULL, NULL, "in sentences; empty: all is well" },
    { .name = NULL },
};
static const struct cf_field member[] = {
    { "name", S, R, NULL, NULL, "as the control plane calls it" },
    { "namespace", S, R, NULL, NULL, "of its ManagedCluster; empty in Karmada" },
    { "id", S, R, NULL, NULL, "who it is: uid of kube-system (Karmada) or of the agent's Lease" },
    { "server", S, R, NULL, NULL, "its API server, as the control plane reaches it" },
    { "syncMode", S, R, NULL, NULL, "Push, Pull or Dual" },
    { "ready", B, R, NULL, NULL, "the control plane can work with it" },
    { "why", S, R, NULL, NULL, "it is not ready" },
    { "taints", L, R, NULL, NULL, "KEY=VALUE:EFFECT" },
    { "kinds", I, R, NULL, NULL, "kinds that it is known to serve; -1: not counted" },
    { "kindsComplete", B, R, NULL, NULL, "all its kinds are known" },
    { "version", S, R, NULL, NULL, "of Kubernetes" },
    { "registeredAs", S, N, NULL, NULL, "our name of it; null: not registered here" },
    { .name = NULL },
};
static const struct cf_field member_list[] = {
    { "kind", S, R, NULL, NULL, "karmada or clusternet" },
    { "items", L, R, "Member", NULL, "the members" },
    { .name = NULL },
};
static const struct cf_field bridge[] = {
    { "id", S, R, NULL, NULL, "of the bridge" },
    { "cluster", S, R, NULL, NULL, "where it stands" },
    { "namespace", S, R, NULL, NULL, "of its Service" },
    { "service", S, R, NULL, NULL, "its Service" },
    { "byName", B, R, NULL, NULL,
      "the Service's own name leads over it; else that of a Service beside it" },
    { "target", O, R, NULL, NULL, "whose endpoints it carries: cluster, namespace, service" },
    { "run", S, R, NULL, NULL, "that made it" },
    { "runId", S, R, NULL, NULL, "id of that run" },
    { "state", S, R, NULL, NULL, "active, retiring …" },
    { "spec", O, R, NULL, NULL, "ports, reach, addresses, byName" },
    { "status", O, N, NULL, NULL, "what its lane last recorded" },
    { "live", O, N, NULL, NULL, "what its lane knows now; null on another replica" },
    { "createdAt", T, R, NULL, NULL, "made" },
    { "updatedAt", T, N, NULL, NULL, "changed" },
    { .name = NULL },
};
static const struct cf_field token[] = {
    { "id", S, R, NULL, NULL, "public part of the token" },
    { "name", S, R, NULL, NULL, "who uses it" },
    { "role", S, R, NULL, "viewer|operator|admin", "what it may do" },
    { "createdBy", S, R, NULL, NULL, "who made it" },
    { "createdAt", T, R, NULL, NULL, "made" },
    { "expiresAt", T, N, NULL, NULL, "ends by itself" },
    { "lastUsedAt", T, N, NULL, NULL, "to the minute" },
    { "revokedAt", T, N, NULL, NULL, "revoked" },
    { .name = NULL },
};
static const struct cf_field token_made[] = {
    { "id", S, R, NULL, NULL, "public part of the token" },
    { "name", S, R, NULL, NULL, "who uses it" },
    { "role", S, R, NULL, NULL, "what it may do" },
    { "token", S, R, NULL, NULL, "the token itself: shown once" },
    { .name = NULL },
};
static const struct cf_field freeze[] = {
    { "frozen", B, R, NULL, NULL, "no forward move anywhere" },
    { "reason", S, R, NULL, NULL, "why" },
    { "by", S, N, NULL, NULL, "who froze or unfroze" },
    { "at", T, N, NULL, NULL, "when" },
    { .name = NULL },
};
static const struct cf_field me[] = {
    { "tokenId", S, R, NULL, NULL, "public part of the token" },
    { "name", S, R, NULL, NULL, "of the token" },
    { "role", S, R, NULL, "viewer|operator|admin", "its role" },
    { "roles", CF_FIELD_STRINGS, R, NULL, NULL, "all roles that it includes" },
    { "expiresAt", T, N, NULL, NULL, "when it ends" },
    { .name = NULL },
};
static const struct cf_field version[] = {
    { "version", S, R, NULL, NULL, "of the program" },
    { "api", S, R, NULL, NULL, "of the API" },
    { "planApiVersion", S, R, NULL, NULL, "of plan documents" },
    { .name = NULL },
};
static const struct cf_field problem[] = {
    { "type", S, R, NULL, NULL, "/problems/SLUG" },
    { "title", S, R, NULL, NULL, "of the code" },
    { "status", I, R, NULL, NULL, "HTTP status" },
    { "code", S, R, NULL, NULL, "stable word" },
    { "detail", S, R, NULL, NULL, "what happened" },
    { "hint", S, 0, NULL, NULL, "what to do" },
    { "traceId", S, 0, NULL, NULL, "under which the log has more" },
    { "errors", L, 0, "Issue", NULL, "places in the body" },
    { .name = NULL },
};
/* clang-format on */
LIST(plan_list, "PlanRow");
LIST(run_list, "Run");
LIST(step_list, "Step");
LIST(action_list, "Action");
LIST(preflight_list, "Preflight");
LIST(cluster_list, "Cluster");
LIST(bridge_list, "Bridge");
LIST(token_list, "Token");

const struct cf_schema cf_response_schemas[] = {
    { "PlanRow", "A plan in a list", plan_row },
    { "PlanList", "Plans", plan_list },
    { "PlanView", "A plan", plan_view },
    { "Issue", "A place and what is wrong there", issue },
    { "PlanDiff", "What differs", plan_diff },
    { "PlanExplanation", "What a plan copies, and why", plan_explanation },
    { "ExplainedObject", "An object that is copied", explained_object },
    { "RequiredObject", "An object that the target must have", required_object },
    { "SkippedObject", "An object that is kept out", skipped_object },
    { "Weight", "Percent of traffic to the target", weight },
    { "Hold", "Why a run does not move", hold },
    { "CallToAction", "What to do", call_to_action },
    { "Run", "A run", run },
    { "RunList", "Runs", run_list },
    { "Step", "A step of a run", step },
    { "StepList", "Steps", step_list },
    { "Gate", "A gate as it judges now", gate },
    { "Router", "A router as last seen", router },
    { "Series", "Weights and success rates over time", series },
    { "Report", "What happened", report },
    { "Event", "Something decided, done or seen", event },
    { "Action", "What was asked of a run", action },
    { "ActionList", "Actions", action_list },
    { "Preflight", "A check of a plan", preflight },
    { "PreflightList", "Preflights", preflight_list },
    { "Cluster", "A registered cluster", cluster },
    { "ClusterList", "Clusters", cluster_list },
    { "ClusterCheck", "What a cluster says now", cluster_check },
    { "Member", "A cluster under a control plane", member },
    { "MemberList", "The members of a control plane", member_list },
    { "Bridge", "The way from a router's cluster to the target's pods", bridge },
    { "BridgeList", "Bridges", bridge_list },
    { "Token", "An access token, without its text", token },
    { "TokenList", "Tokens", token_list },
    { "TokenMade", "A new token with its text", token_made },
    { "Freeze", "Whether everything is frozen", freeze },
    { "Me", "The caller", me },
    { "Version", "What runs here", version },
    { "Problem", "Every answer that is not 2xx (RFC 9457)", problem },
    { .name = NULL },
};
