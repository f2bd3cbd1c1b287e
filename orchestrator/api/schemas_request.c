/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of bodies. */
#include "orchestrator/api/schemas.h"

#define R CF_FIELD_REQUIRED

/* clang-format off */
static const struct cf_field run_start[] = {
    { "plan", CF_FIELD_STRING, 0, NULL, NULL,
      "name of the plan; not needed when the path names it" },
    { "revision", CF_FIELD_INT, 0, NULL, NULL, "of the plan; the latest if left out" },
    { "diff", CF_FIELD_STRING, 0, NULL, NULL,
      "digest of a diff against live: the run is refused (409 STALE_DIFF) when other things would be written by now" },
    { "reason", CF_FIELD_NOTE, 0, NULL, NULL, "why, for the record; at most 1000 bytes" },
    { .name = NULL },
};
static const struct cf_field expect[] = {
    { "phase", CF_FIELD_STRING, 0, NULL, NULL, "refuse unless the run is in this phase" },
    { "seq", CF_FIELD_INT, 0, NULL, NULL, "refuse unless this is the run's last event" },
    { "targetData", CF_FIELD_STRING, 0, NULL, "discard", "of rollback, once the writers have moved: what the target wrote may be lost" },
    { .name = NULL },
};
static const struct cf_field action_new[] = {
    { "action", CF_FIELD_STRING, R, NULL, "pause|resume|advance|rollback|commit", "what to do" },
    { "reason", CF_FIELD_NOTE, 0, NULL, NULL, "why, for the record; at most 1000 bytes" },
    { "expect", CF_FIELD_OBJECT, 0, "Expect", NULL, "what the caller believes about the run" },
    { .name = NULL },
};
static const struct cf_field preflight_new[] = {
    { "plan", CF_FIELD_STRING, 0, NULL, NULL, "name of a stored plan" },
    { "revision", CF_FIELD_INT, 0, NULL, NULL, "of it; the latest if left out" },
    { "document", CF_FIELD_TEXT_OR_OBJECT, 0, NULL, NULL, "or a plan document that is not stored" },
    { .name = NULL },
};
static const struct cf_field basic_auth[] = {
    { "user", CF_FIELD_STRING, R, NULL, NULL, "user name" },
    { "password", CF_FIELD_STRING, R, NULL, NULL, "password; sealed, never returned" },
    { .name = NULL },
};
static const struct cf_field metrics_new[] = {
    { "type", CF_FIELD_STRING, R, NULL, "prometheus|scrape",
      "a Prometheus server, or gateways read directly" },
    { "url", CF_FIELD_STRING, 0, NULL, NULL, "where it is; one of url and urls" },
    { "urls", CF_FIELD_STRINGS, 0, NULL, NULL, "several gateways to read (scrape)" },
    { "preset", CF_FIELD_STRING, 0, NULL, "auto|istio|envoy|envoy-istio|nginx|traefik",
      "how its metrics are named; auto" },
    { "ca", CF_FIELD_STRING, 0, NULL, NULL, "PEM of the authority that signed its certificate" },
    { "bearerToken", CF_FIELD_STRING, 0, NULL, NULL, "sealed, never returned" },
    { "basic", CF_FIELD_OBJECT, 0, "BasicAuth", NULL, "instead of a bearer token" },
    { "insecureSkipTlsVerify", CF_FIELD_BOOL, 0, NULL, NULL, "do not check its certificate" },
    { .name = NULL },
};
static const struct cf_field cluster_new[] = {
    { "name", CF_FIELD_STRING, 0, NULL, NULL,
      "what plans call it; not needed when the path names it" },
    { "kubeconfig", CF_FIELD_TEXT_OR_OBJECT, 0, NULL, NULL,
      "a kubeconfig with inline data only: no file paths, no exec; needed when the cluster is "
      "new" },
    { "serverSide", CF_FIELD_BOOL, 0, NULL, NULL,
      "instead of a kubeconfig: who we are there stands in the service's own configuration, as "
      "NAME.kubeconfig in clusters.folder or by clusters.in-cluster" },
    { "context", CF_FIELD_STRING, 0, NULL, NULL, "of the kubeconfig; its current one if left out" },
    { "insecureSkipTlsVerify", CF_FIELD_BOOL, 0, NULL, NULL,
      "do not check the API server's certificate" },
    { "metrics", CF_FIELD_LIST, 0, "MetricsSourceNew", NULL,
      "where gates find their numbers; at most one" },
    { .name = NULL },
};
static const struct cf_field token_new[] = {
    { "name", CF_FIELD_STRING, R, NULL, NULL, "who uses it: stands in events and actions" },
    { "role", CF_FIELD_STRING, R, NULL, "viewer|operator|admin", "what it may do" },
    { "expiresIn", CF_FIELD_STRING, 0, NULL, NULL,
      "a duration such as 90d; 90d if left out, at most 365d" },
    { .name = NULL },
};
static const struct cf_field freeze_new[] = {
    { "reason", CF_FIELD_NOTE, R, NULL, NULL, "why; shown in every hold; at most 1000 bytes" },
    { .name = NULL },
};

const struct cf_schema cf_request_schemas[] = {
    { "RunStart", "What to start", run_start },
    { "Expect", "What the caller believes about the run", expect },
    { "ActionNew", "What to ask of a run", action_new },
    { "PreflightNew", "What to check", preflight_new },
    { "BasicAuth", "User name and password", basic_auth },
    { "MetricsSourceNew", "A source of metrics", metrics_new },
    { "ClusterNew", "A cluster to register", cluster_new },
    { "TokenNew", "A token to make", token_new },
    { "FreezeNew", "Why everything is to be frozen", freeze_new },
    { .name = NULL },
};
