/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's table, first part: the document, its metadata, the two ends. */
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/schema.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* clang-format off */
const struct cf_schema_row cf_schema_head[] = {
    { "", CF_SCHEMA_OBJECT, CF_SCHEMA_REQUIRED,
      .example = "{apiVersion: ..., kind: MigrationPlan, metadata: {...}, spec: {...}}",
      .help = "A plan: what to move, how, under which gates" },
    { "/apiVersion", CF_SCHEMA_WORD, CF_SCHEMA_REQUIRED, .words = WORDS(CF_PLAN_API_VERSION),
      .example = "crossfade.dev/v1alpha1",
      .help = "Version of the document's form" },
    { "/kind", CF_SCHEMA_WORD, CF_SCHEMA_REQUIRED, .words = WORDS(CF_PLAN_KIND),
      .example = "MigrationPlan",
      .help = "What the document is" },
    { "/metadata", CF_SCHEMA_OBJECT, CF_SCHEMA_REQUIRED,
      .example = "{name: web-dc1-to-dc2}",
      .help = "The plan's name and labels" },
    { "/metadata/name", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED, .format = CF_FORMAT_NAME,
      .example = "web-dc1-to-dc2",
      .help = "Name of the plan, unique in the service. Applying a document with the same name "
              "makes a new revision" },
    { "/metadata/project", CF_SCHEMA_TEXT, CF_SCHEMA_LATER,
      .help = "Project that the plan belongs to" },
    { "/metadata/labels", CF_SCHEMA_MAP, .dflt = "{}", .max = CF_PLAN_LABELS_MAX,
      .format = CF_FORMAT_LABEL_VALUE,
      .example = "{team: web}",
      .help = "Labels of your own, for lists and searches. Values are texts: write `\"4711\"`" },
    { "/metadata/namespace", CF_SCHEMA_TEXT, CF_SCHEMA_NOTE,
      .help = "a plan lives in no namespace: the ends are spec.source and spec.target" },
    { "/metadata/annotations", CF_SCHEMA_MAP, CF_SCHEMA_NOTE,
      .help = "a plan has labels (metadata.labels) and a description (spec.description)" },
    { "/spec", CF_SCHEMA_OBJECT, CF_SCHEMA_REQUIRED,
      .example = "{source: {...}, target: {...}, traffic: {...}}",
      .help = "What is to be done" },
    { "/spec/description", CF_SCHEMA_TEXT,
      .help = "Why this plan exists, for people" },
    { "/spec/source", CF_SCHEMA_OBJECT, CF_SCHEMA_REQUIRED,
      .example = "{cluster: dc1, namespace: web}",
      .help = "Where the workloads run now. Before commit nothing here is deleted or scaled down, "
              "but by the freeze of `spec.volumes`, which a rollback undoes" },
    { "/spec/source/cluster", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED, .format = CF_FORMAT_NAME,
      .example = "dc1",
      .help = "Name of a registered cluster (`crossfade cluster list`)" },
    { "/spec/source/namespace", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED, .format = CF_FORMAT_NAME,
      .example = "web",
      .help = "Namespace of the workloads" },
    { "/spec/target", CF_SCHEMA_OBJECT, CF_SCHEMA_REQUIRED,
      .example = "{cluster: dc2}",
      .help = "Where they shall run" },
    { "/spec/target/cluster", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED, .format = CF_FORMAT_NAME,
      .example = "dc2",
      .help = "Name of a registered cluster" },
    { "/spec/target/namespace", CF_SCHEMA_TEXT, .dflt = "= spec.source.namespace",
      .format = CF_FORMAT_NAME,
      .help = "Namespace of the copies" },
    { "/spec/target/createNamespace", CF_SCHEMA_BOOL, .dflt = "true",
      .help = "Whether the namespace is made, with the source's quota and limits, when the "
              "target has none" },
    { 0 },
};
/* clang-format on */
