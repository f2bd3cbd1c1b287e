/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's table, third part: routers, how the target is reached, steps. */
#include "orchestrator/plan/limits.h"
#include "orchestrator/plan/schema.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define MINUTE_MS  60000.0
#define DAY_MS     86400000.0

/* clang-format off */
/* One destination inside a router object; variant.c says which fields belong to which type. */
#define DESTINATION(at)                                                                            \
    { at "/host", CF_SCHEMA_TEXT, .format = CF_FORMAT_HOST,                                        \
      .help = "virtualService: `destination.host` as it stands in the object" },                   \
    { at "/subset", CF_SCHEMA_TEXT, .format = CF_FORMAT_OBJECT_NAME,                               \
      .help = "virtualService: `destination.subset`" },                                            \
    { at "/service", CF_SCHEMA_TEXT, .format = CF_FORMAT_OBJECT_NAME,                              \
      .help = "httpRoute, ingress: name of the backend" },                                         \
    { at "/namespace", CF_SCHEMA_TEXT, .format = CF_FORMAT_NAME,                                   \
      .help = "httpRoute: the backend's namespace, if it is not the route's" },                    \
    { at "/kind", CF_SCHEMA_WORD, .words = WORDS("Service", "ServiceImport"),                      \
      .help = "httpRoute: kind of the backend; left out: Service" },                               \
    { at "/port", CF_SCHEMA_INT, .min = 1, .max = 65535,                                           \
      .help = "Port, where several destinations differ by nothing else; left out: any" },          \
    { at "/portName", CF_SCHEMA_TEXT, .format = CF_FORMAT_PORT_NAME,                               \
      .help = "ingress: the backend's port by name" }

const struct cf_schema_row cf_schema_traffic[] = {
    { "/spec/traffic", CF_SCHEMA_OBJECT, CF_SCHEMA_REQUIRED,
      .example = "{router: {type: virtualService, name: web}, steps: [5, 25, 50, 100]}",
      .help = "How the traffic moves" },
    { "/spec/traffic/router", CF_SCHEMA_OBJECT, CF_SCHEMA_SHORT,
      .help = "Short for `routers` with one element; its `name` is the name of the router "
              "object too" },
    { "/spec/traffic/routers", CF_SCHEMA_LIST, CF_SCHEMA_REQUIRED, .min = 1,
      .max = CF_PLAN_ROUTERS_MAX,
      .example = "[{name: web, type: virtualService, object: web}]",
      .help = "Objects that split the traffic. Several move together, as one weight" },
    { "/spec/traffic/routers/*", CF_SCHEMA_OBJECT,
      .example = "{name: web, type: virtualService, object: web}",
      .help = "One router" },
    { "/spec/traffic/routers/*/name", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_NAME,
      .example = "web",
      .help = "Name of the router in this plan, in events and metrics" },
    { "/spec/traffic/routers/*/type", CF_SCHEMA_WORD, CF_SCHEMA_REQUIRED,
      .words = WORDS("virtualService", "httpRoute", "ingress"),
      .help = "`virtualService` (Istio), `httpRoute` (Gateway API) or `ingress` (nginx canary "
              "annotations)" },
    { "/spec/traffic/routers/*/cluster", CF_SCHEMA_TEXT, .dflt = "= spec.source.cluster",
      .format = CF_FORMAT_NAME,
      .help = "Registered cluster that holds the object" },
    { "/spec/traffic/routers/*/namespace", CF_SCHEMA_TEXT, .dflt = "= spec.source.namespace",
      .format = CF_FORMAT_NAME,
      .help = "Namespace of the object" },
    { "/spec/traffic/routers/*/object", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_OBJECT_NAME,
      .example = "web",
      .help = "Name of the object (`metadata.name`)" },
    { "/spec/traffic/routers/*/route", CF_SCHEMA_NAME_OR_INDEX, .max = 1000,
      .format = CF_FORMAT_ROUTE_NAME,
      .help = "virtualService: which element of `spec.http`, by name or by position from 0; "
              "left out: the only one with our destinations" },
    { "/spec/traffic/routers/*/rule", CF_SCHEMA_NAME_OR_INDEX, .max = 1000,
      .format = CF_FORMAT_ROUTE_NAME,
      .help = "httpRoute: which element of `spec.rules`, by name or by position from 0; left "
              "out: the only one with our destinations" },
    { "/spec/traffic/routers/*/match", CF_SCHEMA_JSON,
      .example = "{path: {type: PathPrefix, value: /pay}}",
      .help = "httpRoute: the rule that has exactly this element in `matches`" },
    { "/spec/traffic/routers/*/host", CF_SCHEMA_TEXT, .format = CF_FORMAT_HOST,
      .help = "ingress: only rules for this host; left out: all that use the source's backend" },
    { "/spec/traffic/routers/*/path", CF_SCHEMA_TEXT, .format = CF_FORMAT_PATH,
      .help = "ingress: only this path; left out: all that use the source's backend" },
    { "/spec/traffic/routers/*/destinations", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{source: {host: web}, target: {host: web-dc2}}",
      .help = "The two destinations between which the weight moves. Other people's "
              "destinations keep their share" },
    { "/spec/traffic/routers/*/destinations/source", CF_SCHEMA_OBJECT,
      .help = "The destination that has the traffic now; left out: the only one that stands "
              "there" },
    DESTINATION("/spec/traffic/routers/*/destinations/source"),
    { "/spec/traffic/routers/*/destinations/target", CF_SCHEMA_OBJECT,
      .help = "The destination that gets it, if you have made one; left out: a bridge is made" },
    DESTINATION("/spec/traffic/routers/*/destinations/target"),
    { "/spec/traffic/reach", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{mode: endpoints}",
      .help = "How the routers' cluster gets to the target's pods" },
    { "/spec/traffic/reach/mode", CF_SCHEMA_WORD,
      .dflt = "= existing if every router names `destinations.target`, else endpoints",
      .words = WORDS("existing", "endpoints", "address"),
      .help = "`existing`: the destinations are there already. `endpoints`: pods can be "
              "reached directly (flat network); a bridge, a Service without selector, follows "
              "the target's ready endpoints. `address`: a bridge to fixed addresses, such as "
              "the target's gateway" },
    { "/spec/traffic/reach/addresses", CF_SCHEMA_LIST, .dflt = "[]",
      .max = CF_PLAN_ADDRESSES_MAX,
      .example = "[10.20.0.5]",
      .help = "`address`: where the bridge leads" },
    { "/spec/traffic/reach/addresses/*", CF_SCHEMA_TEXT, .format = CF_FORMAT_ADDRESS,
      .help = "IPv4 or IPv6" },
    { "/spec/traffic/reach/ports", CF_SCHEMA_LIST, .dflt = "[]", .max = CF_PLAN_PORTS_MAX,
      .example = "[{name: http, port: 30080}]",
      .help = "`address`: the port at the addresses, where it is not the source Service's own; "
              "one, for now" },
    { "/spec/traffic/reach/ports/*", CF_SCHEMA_OBJECT,
      .example = "{name: http, port: 30080}",
      .help = "One port" },
    { "/spec/traffic/reach/ports/*/name", CF_SCHEMA_TEXT, .format = CF_FORMAT_PORT_NAME,
      .help = "A name for it; the port is taken for each one of the source Service" },
    { "/spec/traffic/reach/ports/*/port", CF_SCHEMA_INT, CF_SCHEMA_REQUIRED, .min = 1,
      .max = 65535,
      .example = "30080",
      .help = "Port at the addresses" },
    { "/spec/traffic/steps", CF_SCHEMA_LIST, CF_SCHEMA_REQUIRED, .min = 1,
      .max = CF_PLAN_STEPS_MAX,
      .example = "[5, 25, 50, 100]",
      .help = "The weights, rising strictly to 100. A bare number is short for `{weight: N}`" },
    { "/spec/traffic/steps/*", CF_SCHEMA_OBJECT,
      .example = "{weight: 5, hold: 10m}",
      .help = "One step" },
    { "/spec/traffic/steps/*/weight", CF_SCHEMA_INT, CF_SCHEMA_REQUIRED, .min = 1, .max = 100,
      .example = "5",
      .help = "Percent of the traffic that goes to the target: of what the two destinations "
              "share, where a route has others too" },
    { "/spec/traffic/steps/*/hold", CF_SCHEMA_DURATION, .dflt = "= spec.traffic.hold",
      .max = 30 * DAY_MS,
      .help = "At least so long; then the step passes as soon as every gate has passed" },
    { "/spec/traffic/steps/*/match", CF_SCHEMA_OBJECT, CF_SCHEMA_LATER,
      .help = "Requests that always reach the target" },
    { "/spec/traffic/steps/*/approval", CF_SCHEMA_TEXT, CF_SCHEMA_LATER,
      .help = "Approval that the step waits for" },
    { "/spec/traffic/hold", CF_SCHEMA_DURATION, .dflt = "5m", .max = 30 * DAY_MS,
      .help = "`hold` of the steps that name none" },
    { "/spec/traffic/deadline", CF_SCHEMA_DURATION, .min = MINUTE_MS, .max = 90 * DAY_MS,
      .help = "From the run's start to commit; holds count, a manual pause does not. Left out: "
              "none" },
    { "/spec/traffic/onDrift", CF_SCHEMA_WORD, .dflt = "pause",
      .words = WORDS("pause", "restore", "rollback"),
      .help = "When somebody else changes weights or destinations during a run: `pause` holds "
              "and names who it was, `restore` writes ours again, `rollback` sends the traffic "
              "back" },
    { "/spec/traffic/writers", CF_SCHEMA_OBJECT, .dflt = "= the only step, if there is one",
      .example = "{mode: single, switch: weight=100}",
      .help = "Which side writes to the data that `spec.volumes` moves; needed for it when the traffic "
              "is split" },
    { "/spec/traffic/writers/mode", CF_SCHEMA_WORD, .dflt = "single",
      .words = WORDS("single", "both"),
      .help = "`single`: one side at a time; until the switch the target's pods reach the writer in "
              "the source by its Service's name, afterwards the other way round. `both`: the "
              "application replicates by itself (`strategy: external`) and takes writes on both "
              "sides" },
    { "/spec/traffic/writers/switch", CF_SCHEMA_TEXT, .dflt = "beforeTraffic",
      .format = CF_FORMAT_SWITCH, .example = "weight=100",
      .help = "When the writer moves: `beforeTraffic`, or just before a step's weight is written. "
              "`single`: the source's writers stop, one more pass, its proof, the target's writers "
              "start, then the weight moves" },
    { "/spec/traffic/mirror", CF_SCHEMA_OBJECT, CF_SCHEMA_LATER,
      .help = "Copies of requests for the target before its first traffic" },
    { 0 },
};
/* clang-format on */
