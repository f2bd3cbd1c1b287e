/* SPDX-License-Identifier: Apache-2.0 */
/* JSON trees (jansson) with limits: depth, size, duplicate keys; paths; a canonical form and its
 * digest.
 *
 * jansson recurses, so nothing deeper than CF_JSON_DEPTH_MAX gets in. Trees are shared between
 * threads only when nobody changes them any more. */
#ifndef CF_BASE_JSON_H
#define CF_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    CF_JSON_DEPTH_MAX = 64,              /* Kubernetes' own objects stay below 30 */
    CF_JSON_TEXT_MAX = 64 * 1024 * 1024, /* a list page of 500 large objects */
    CF_JSON_POINTER_MAX = 512,           /* characters of a JSON pointer we build */
};

/* `cf_autojson json_t *j = …` drops the reference at the end of the scope. */
static inline void cf_json_decref_p(json_t **j)
{
    json_decref(*j);
}
#define cf_autojson __attribute__((cleanup(cf_json_decref_p)))

/* For jansson's functions that lack const without writing: iteration (json_object_foreach) and
 * taking a reference. */
static inline json_t *cf_json_unconst(const json_t *j)
{
    return (json_t *)(uintptr_t)j;
}

/* Parses one JSON text of at most `max` bytes (0: CF_JSON_TEXT_MAX). Any value at the top. Refuses
 * duplicate keys, depth, NUL in strings, trailing text. INVALID names line and column; LIMIT names
 * the limit. New reference. */
json_t *cf_json_parse(const char *text, size_t len, size_t max, struct cf_error *err) CF_NODISCARD;

/* Compact text in insertion order; reals in the shortest form that reads back the same. Caller
 * frees. */
char *cf_json_dump(const json_t *j) CF_NODISCARD;
/* Two-space indented text for people; caller frees. */
char *cf_json_dump_pretty(const json_t *j) CF_NODISCARD;
/* RFC 8785 form: keys sorted by UTF-16 code units, no white space, shortest numbers. Integers
 * beyond 2^53, which RFC 8785 leaves out, keep all their digits. Caller frees. */
char *cf_json_canonical(const json_t *j) CF_NODISCARD;

/* Appends `s` as a JSON string with its quotes; the bytes must be UTF-8. */
struct cf_buf;
void cf_json_append_string(struct cf_buf *b, const char *s, size_t len);

/* Borrowed value at a path of object keys ended by NULL: cf_json_at(o, "metadata", "name", NULL);
 * NULL if absent. */
const json_t *cf_json_at(const json_t *j, ...) __attribute__((sentinel));
/* The same for strings, integers and booleans; the default when absent or of another type. Strings
 * are borrowed. */
const char *cf_json_str(const json_t *j, const char *dflt, ...) __attribute__((sentinel));
int64_t cf_json_int(const json_t *j, int64_t dflt, ...) __attribute__((sentinel));
bool cf_json_bool(const json_t *j, int dflt, ...) __attribute__((sentinel));
/* The first element of a list whose member `key` is this text (one without it has ""); NULL if there
 * is none, or no list. Borrowed. */
json_t *cf_json_named(const json_t *list, const char *key, const char *text);
/* The member `key` of each element that has it, of a list, which may be NULL. The members are shared; new
 * reference. */
json_t *cf_json_members(const json_t *list, const char *key) CF_NODISCARD;
/* {text at a path of keys ended by NULL: the element that has it}, of all of a list, which may be NULL;
 * elements without it are under "", the last of several stays. The elements are shared; new reference. */
json_t *cf_json_index(const json_t *list, ...) CF_NODISCARD __attribute__((sentinel));

/* Borrowed value at an RFC 6901 pointer ("" is the root; numeric tokens index arrays), or NULL. */
json_t *cf_json_pointer(const json_t *j, const char *pointer);
/* The next token of a pointer, unescaped; *pointer moves behind it. NULL at the end and where it is
 * malformed. Caller frees. */
char *cf_json_pointer_next(const char **pointer) CF_NODISCARD;
/* Whether a token is an array index (digits, no leading zero, below 10^9). */
bool cf_json_pointer_index(const char *token, size_t *out_index);

/* Sets the value at a path of object keys, making the objects on the way. Takes the reference of
 * `value`. */
void cf_json_put_take(json_t *j, json_t *value, ...) __attribute__((sentinel));
/* Removes the member at a path of object keys; true if it was there. */
bool cf_json_del(json_t *j, ...) __attribute__((sentinel));

/* Appends "/token" (escaped per RFC 6901) or "/index" to a pointer in `buf` of CF_JSON_POINTER_MAX
 * bytes; returns the old length, for truncating again. Longer pointers are cut. */
size_t cf_json_pointer_push(char *buf, const char *token);
size_t cf_json_pointer_push_index(char *buf, size_t index);

/* Deep copy; the tree is within CF_JSON_DEPTH_MAX because nothing deeper gets in. New reference. */
json_t *cf_json_copy(const json_t *j) CF_NODISCARD;

/* Equal as JSON values: members in any order, numbers by value (1 equals 1.0). NULL equals only
 * NULL. */
bool cf_json_equal(const json_t *a, const json_t *b);

#endif
