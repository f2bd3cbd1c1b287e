/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns which field: sets of paths, their text form (fieldsV1), and the shapes that lists and
 * maps have. Pure.
 *
 * A set is a JSON object: path → the value there (true where only the place counts: an item of a
 * keyed list). A path is its elements in the words of fieldsV1 ("f:spec", "k:{…}", "v:…"), joined
 * by SBX_SEP. */
#ifndef DEPLOY_SANDBOX_API_FIELDS_H
#define DEPLOY_SANDBOX_API_FIELDS_H

#include "deploy/sandbox/api/kinds.h"

#define SBX_SEP "\x1f"
enum { SBX_FIELD_PATH_MAX = 4096 };

enum sbx_shape_kind { SBX_SHAPE_PARTS, SBX_SHAPE_WHOLE, SBX_SHAPE_KEYED, SBX_SHAPE_SET };
struct sbx_shape {
    enum sbx_shape_kind kind;
    const char *keys; /* of SBX_SHAPE_KEYED: "containerPort,protocol" in order of the alphabet */
};
/* `dotted` names the field without items: "spec.template.spec.containers". */
struct sbx_shape sbx_shape_of(const struct sbx_kind *k, const char *dotted, const json_t *value);

/* "k:{\"name\":\"c\"}" for an item of a keyed list; caller frees. */
char *sbx_item_key(const char *keys, const json_t *item) CF_NODISCARD;

/* All fields that an object states, but for those that the server owns. New reference. */
json_t *sbx_fields_of(const struct sbx_kind *k, const json_t *obj);
json_t *sbx_fields_read(const json_t *fields_v1); /* new reference; values are true */
json_t *sbx_fields_write(const json_t *set);      /* fieldsV1; new reference */
/* ".spec.containers[name=\"c\"].image", for causes; caller frees. */
char *sbx_field_text(const char *path) CF_NODISCARD;

/* The object with another merged in, field by field, as an apply does. New reference. */
json_t *sbx_fields_merge(const struct sbx_kind *k, const json_t *live, const json_t *applied);
/* Takes the field at `path` out of the object (in place), and what becomes empty by that. */
void sbx_fields_drop(json_t *obj, const char *path);

#endif
