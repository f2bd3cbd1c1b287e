/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of metadata: names by each kind's rule, labels, annotations, finalizers. */
#include <ctype.h>
#include <string.h>

#include "deploy/sandbox/api/rules.h"

enum { NAME_MAX_SUBDOMAIN = 253, NAME_MAX_LABEL = 63, ANNOTATIONS_MAX = 256 * 1024 };

static bool is_label(const char *s, size_t n, bool letter_first)
{
    if (n == 0 || n > NAME_MAX_LABEL || (letter_first && !islower((unsigned char)s[0])))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool alnum = islower((unsigned char)s[i]) || isdigit((unsigned char)s[i]);
        if (!alnum && !(s[i] == '-' && i && i + 1 < n))
            return false;
    }
    return true;
}

bool sbx_rules_is_dns_label(const char *text)
{
    return is_label(text, strlen(text), false);
}

static bool is_subdomain(const char *s)
{
    if (!*s || strlen(s) > NAME_MAX_SUBDOMAIN)
        return false;
    while (*s) {
        size_t n = strcspn(s, ".");
        for (size_t i = 0; i < n; i++) {
            bool alnum = islower((unsigned char)s[i]) || isdigit((unsigned char)s[i]);
            if (!alnum && !(s[i] == '-' && i && i + 1 < n))
                return false;
        }
        if (n == 0 || (s[n] == '.' && s[n + 1] == '\0'))
            return false;
        s += n + (s[n] == '.');
    }
    return true;
}

static bool name_fits(const char *rule, const char *name)
{
    if (strcmp(rule, "label") == 0)
        return is_label(name, strlen(name), false);
    if (strcmp(rule, "label1035") == 0)
        return is_label(name, strlen(name), true);
    if (strcmp(rule, "path") == 0)
        return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strpbrk(name, "/%");
    return is_subdomain(name);
}

static bool is_qualified(const char *key)
{
    const char *slash = strchr(key, '/'), *name = slash ? slash + 1 : key;
    size_t n = strlen(name);
    if (n == 0 || n > NAME_MAX_LABEL || !isalnum((unsigned char)name[0]) ||
        !isalnum((unsigned char)name[n - 1]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
            return false;
    if (!slash)
        return true;
    cf_autofree char *prefix = cf_xstrndup(key, (size_t)(slash - key));
    return is_subdomain(prefix);
}

static bool is_label_value(const char *v)
{
    return *v == '\0' || (is_qualified(v) && !strchr(v, '/'));
}

static void check_name(const struct sbx_kind *k, const json_t *meta, struct sbx_causes *causes)
{
    const char *name = cf_json_str(meta, "", "name", NULL),
               *generate = cf_json_str(meta, "", "generateName", NULL);
    if (*generate) {
        cf_autofree char *probe = cf_xasprintf("%sx", generate);
        if (!name_fits(k->name_rule, probe))
            sbx_cause(causes, "FieldValueInvalid", "not a prefix of a name",
                      "metadata.generateName");
    }
    if (!*name && !*generate)
        sbx_cause(causes, "FieldValueRequired", "name or generateName is required",
                  "metadata.name");
    else if (*name && !name_fits(k->name_rule, name))
        sbx_cause(causes, "FieldValueInvalid",
                  "not a name that this kind may have (RFC 1123, RFC 1035)", "metadata.name");
}

void sbx_rules_check_meta(const struct sbx_kind *k, const json_t *obj, struct sbx_causes *causes)
{
    const json_t *meta = json_object_get(obj, "metadata");
    check_name(k, meta, causes);
    const char *key;
    json_t *v;
    size_t i, total = 0;
    json_object_foreach(json_object_get(meta, "labels"), key, v)
    {
        if (!is_qualified(key))
            sbx_cause(causes, "FieldValueInvalid", "not a label key", "metadata.labels");
        if (!is_label_value(json_is_string(v) ? json_string_value(v) : "/"))
            sbx_cause(causes, "FieldValueInvalid", "not a label value", "metadata.labels");
    }
    json_object_foreach(json_object_get(meta, "annotations"), key, v)
    {
        total += strlen(key) + json_string_length(v);
        if (!is_qualified(key))
            sbx_cause(causes, "FieldValueInvalid", "not an annotation key", "metadata.annotations");
    }
    if (total > ANNOTATIONS_MAX)
        sbx_cause(causes, "FieldValueTooLong", "may not be more than 262144 bytes",
                  "metadata.annotations");
    json_array_foreach(json_object_get(meta, "finalizers"), i, v)
    {
        const char *f = json_is_string(v) ? json_string_value(v) : "";
        if (!is_qualified(f) ||
            (!strchr(f, '/') && !sbx_word_in("foregroundDeletion,orphan,kubernetes", f)))
            sbx_cause(causes, "FieldValueInvalid", "not a qualified name",
                      "metadata.finalizers[%zu]", i);
    }
    json_array_foreach(json_object_get(meta, "ownerReferences"), i, v)
    {
        static const char *const parts[] = { "apiVersion", "kind", "name", "uid" };
        for (size_t n = 0; n < CF_ARRAY_LEN(parts); n++)
            if (!*cf_json_str(v, "", parts[n], NULL))
                sbx_cause(causes, "FieldValueInvalid", "must not be empty",
                          "metadata.ownerReferences.%s",
                          strcmp(parts[n], "apiVersion") == 0 ? "version" : parts[n]);
    }
}
