/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors: label terms are checked here and matched by federation/objects; field terms are ours.
 */
#include "deploy/sandbox/api/select.h"

#include <ctype.h>
#include <string.h>

#include "federation/objects/selector.h"

/* Beside metadata.name and metadata.namespace. */
static const struct {
    const char *kind, *paths;
} selectable[] = {
    { "Pod", "spec.nodeName,spec.restartPolicy,spec.schedulerName,spec.serviceAccountName,"
             "spec.hostNetwork,status.phase,status.podIP,status.nominatedNodeName" },
    { "Secret", "type" },
    { "Namespace", "status.phase" },
    { "Node", "spec.unschedulable" },
    { "Job", "status.successful" },
    { "Event", "involvedObject.kind,involvedObject.namespace,involvedObject.name,"
               "involvedObject.uid,reason,type" },
    { "Service", "spec.clusterIP,spec.type" },
};

static bool is_value(const char *s, size_t n)
{
    if (n > 63)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !(i && i + 1 < n && strchr("-_.", s[i])))
            return false;
    return true;
}

static bool is_key(const char *s, size_t n)
{
    const char *slash = memchr(s, '/', n);
    const char *name = slash ? slash + 1 : s;
    size_t len = n - (size_t)(name - s);
    return len > 0 && is_value(name, len) &&
           (!slash || (slash > s && is_value(s, CF_MIN((size_t)(slash - s), (size_t)63))));
}

static const char *skip(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

static size_t word(const char *p)
{
    return strcspn(p, " =!,()<>");
}

static bool bad(struct cf_error *err, const char *found, const char *expected)
{
    return cf_error_set(err, CF_ERR_INVALID,
                        "unable to parse requirement: found '%.40s', expected: %s", found,
                        expected);
}

static bool check_set(const char **p, struct cf_error *err)
{
    *p = skip(*p);
    if (**p != '(')
        return bad(err, *p, "'('");
    do {
        *p = skip(*p + 1);
        size_t n = word(*p);
        if (!is_value(*p, n))
            return bad(err, *p, "a label value");
        *p = skip(*p + n);
    } while (**p == ',');
    if (**p != ')')
        return bad(err, *p, "',' or ')'");
    (*p)++;
    return true;
}

static bool check_term(const char **p, struct cf_error *err)
{
    *p = skip(*p);
    bool not = **p == '!';
    *p = skip(*p + not );
    size_t n = word(*p);
    if (!is_key(*p, n))
        return bad(err, n ? *p : "", "a label key");
    *p = skip(*p + n);
    if (not || **p == ',' || **p == '\0')
        return true;
    if (**p == '=' || (**p == '!' && (*p)[1] == '=')) {
        *p += (*p)[1] == '=' ? 2 : 1;
        *p = skip(*p);
        n = word(*p);
        if (!is_value(*p, n))
            return bad(err, *p, "a label value");
        *p = skip(*p + n);
        return true;
    }
    n = word(*p);
    if ((n == 2 && strncmp(*p, "in", 2) == 0) || (n == 5 && strncmp(*p, "notin", 5) == 0)) {
        *p += n;
        return check_set(p, err);
    }
    return bad(err, *p, "in, notin, =, ==, !=, gt, lt");
}

static bool check_labels(const char *p, struct cf_error *err)
{
    for (;;) {
        if (!check_term(&p, err))
            return false;
        p = skip(p);
        if (*p == '\0')
            return true;
        if (*p != ',')
            return bad(err, p, "',' or end of the text");
        p++;
    }
}

static bool field_known(const struct sbx_kind *k, const char *path)
{
    if (strcmp(path, "metadata.name") == 0 || strcmp(path, "metadata.namespace") == 0)
        return true;
    for (size_t i = 0; i < CF_ARRAY_LEN(selectable); i++)
        if (!k->is_crd && strcmp(selectable[i].kind, k->kind) == 0)
            return sbx_word_in(selectable[i].paths, path);
    return false;
}

static bool parse_field(struct sbx_select *s, const struct sbx_kind *k, char *term,
                        struct cf_error *err)
{
    char *eq = strchr(term, '=');
    if (!eq || s->field_count == SBX_FIELD_TERMS_MAX)
        return cf_error_set(err, CF_ERR_INVALID, "invalid selector: '%s'; can't understand '%s'",
                            term, term);
    bool negative = eq > term && eq[-1] == '!';
    char *value = eq + (eq[1] == '=' ? 2 : 1);
    *(negative ? eq - 1 : eq) = '\0';
    if (!field_known(k, term))
        return cf_error_set(
            err, CF_ERR_INVALID,
            "\"%s\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            term);
    s->fields[s->field_count].path = cf_xstrdup(term);
    s->fields[s->field_count].value = cf_xstrdup(value);
    s->fields[s->field_count++].negative = negative;
    return true;
}

bool sbx_select_parse(struct sbx_select *s, const struct sbx_kind *k, const char *labels,
                      const char *fields, struct cf_error *err)
{
    memset(s, 0, sizeof(*s));
    if (labels && *labels) {
        if (!check_labels(labels, err))
            return false;
        s->labels = cf_xstrdup(labels);
    }
    cf_autofree char *copy = cf_xstrdup(fields ? fields : "");
    char *save = NULL;
    for (char *term = strtok_r(copy, ",", &save); term; term = strtok_r(NULL, ",", &save)) {
        if (!parse_field(s, k, term, err)) {
            sbx_select_free(s);
            return false;
        }
    }
    return true;
}

void sbx_select_free(struct sbx_select *s)
{
    free(s->labels);
    for (int i = 0; i < s->field_count; i++) {
        free(s->fields[i].path);
        free(s->fields[i].value);
    }
    memset(s, 0, sizeof(*s));
}

static bool field_is(const json_t *obj, const char *path, const char *value)
{
    cf_autofree char *copy = cf_xstrdup(path);
    char *save = NULL;
    for (char *name = strtok_r(copy, ".", &save); name && obj; name = strtok_r(NULL, ".", &save))
        obj = json_object_get(obj, name);
    if (json_is_boolean(obj))
        return strcmp(json_is_true(obj) ? "true" : "false", value) == 0;
    return strcmp(json_is_string(obj) ? json_string_value(obj) : "", value) == 0;
}

bool sbx_select_matches(const struct sbx_select *s, const json_t *obj)
{
    if (s->labels &&
        !cf_selector_text_matches(s->labels, cf_json_at(obj, "metadata", "labels", NULL)))
        return false;
    for (int i = 0; i < s->field_count; i++)
        if (field_is(obj, s->fields[i].path, s->fields[i].value) == s->fields[i].negative)
            return false;
    return true;
}

bool sbx_select_is_empty(const struct sbx_select *s)
{
    return !s->labels && s->field_count == 0;
}
