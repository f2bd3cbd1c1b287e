/* SPDX-License-Identifier: Apache-2.0 */
/* The table of marks and how an object's are read. */
#include "lb/annotations.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/units.h"
#include "base/uuid.h"

#define MARK_PREFIX "crossfade.dev/"

static const char *const mark_names[CF_MARKS] = {
    [CF_MARK_RUN] = "run",
    [CF_MARK_EPOCH] = "epoch",
    [CF_MARK_INCARNATION] = "incarnation",
    [CF_MARK_ARM] = "arm",
    [CF_MARK_SEQ] = "seq",
    [CF_MARK_WANT] = "want",
    [CF_MARK_RESTORE] = "restore",
    [CF_MARK_EMERGENCY] = "emergency",
};

char *cf_mark_key(enum cf_mark mark, const char *slot, char *buf)
{
    cf_assert(mark >= 0 && mark < CF_MARKS && strlen(slot) < CF_SLOT_MAX);
    snprintf(buf, CF_MARK_KEY_MAX, MARK_PREFIX "%s%s%s", mark_names[mark], *slot ? "." : "", slot);
    return buf;
}

/* What an annotation's name part may hold, with room for our own words in front. */
static bool fits_key(const char *name)
{
    size_t len = strlen(name);
    if (len >= CF_SLOT_MAX || len == 0 || !isalnum((unsigned char)name[len - 1]))
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
            return false;
    return true;
}

char *cf_mark_slot(const char *route_name, char buf[CF_SLOT_MAX])
{
    if (!*route_name || fits_key(route_name)) {
        snprintf(buf, CF_SLOT_MAX, "%s", route_name);
        return buf;
    }
    char hex[CF_SHA256_HEX];
    cf_sha256_hex(route_name, strlen(route_name), hex);
    snprintf(buf, CF_SLOT_MAX, "x-%.8s", hex);
    return buf;
}

/* Copies a mark's text; one that does not fit is none of ours. */
static void read_text(const json_t *annotations, enum cf_mark mark, const char *slot, char *out,
                      size_t size)
{
    char key[CF_MARK_KEY_MAX];
    const char *text =
        json_string_value(json_object_get(annotations, cf_mark_key(mark, slot, key)));
    out[0] = '\0';
    if (text && strlen(text) < size)
        snprintf(out, size, "%s", text);
}

void cf_marks_read(const json_t *object, const char *slot, struct cf_marks *out)
{
    *out = (struct cf_marks){ .want = -1 };
    const json_t *annotations = cf_json_at(object, "metadata", "annotations", NULL);
    char number[24];
    struct cf_error ignored = CF_ERROR_INIT;
    int64_t value;

    read_text(annotations, CF_MARK_RUN, slot, out->run, sizeof out->run);
    read_text(annotations, CF_MARK_INCARNATION, slot, out->incarnation, sizeof out->incarnation);
    read_text(annotations, CF_MARK_ARM, slot, out->arm, sizeof out->arm);
    read_text(annotations, CF_MARK_SEQ, slot, out->seq, sizeof out->seq);
    read_text(annotations, CF_MARK_EMERGENCY, slot, out->emergency, sizeof out->emergency);
    out->present = *out->run != '\0';
    read_text(annotations, CF_MARK_EPOCH, slot, number, sizeof number);
    if (cf_int_parse(number, 0, INT64_MAX, &value, &ignored))
        out->epoch = value;
    cf_error_clear(&ignored);
    read_text(annotations, CF_MARK_WANT, slot, number, sizeof number);
    if (cf_int_parse(number, 0, 100, &value, &ignored))
        out->want = (int)value;
    cf_error_clear(&ignored);
}

bool cf_marks_other_run(const json_t *object, const char *slot, const char *run, char *out_run,
                        size_t size)
{
    static const char bare[] = MARK_PREFIX "run";
    const json_t *annotations = cf_json_at(object, "metadata", "annotations", NULL);
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(annotations), key, value)
    {
        bool is_bare = strcmp(key, bare) == 0;
        bool is_scoped = strncmp(key, bare, sizeof bare - 1) == 0 && key[sizeof bare - 1] == '.';
        const char *holder = json_string_value(value);
        if ((!is_bare && !is_scoped) || !holder || !*holder || strcmp(holder, run) == 0)
            continue;
        bool same_slot = is_bare ? !*slot : strcmp(key + sizeof bare, slot) == 0;
        /* A bare mark speaks for the whole object: it and any other exclude each other. */
        if (!same_slot && *slot && is_scoped)
            continue;
        snprintf(out_run, size, "%s", holder);
        return true;
    }
    return false;
}

char *cf_nonce(char buf[CF_NONCE_TEXT])
{
    return cf_random_hex(buf, CF_NONCE_TEXT - 1);
}
