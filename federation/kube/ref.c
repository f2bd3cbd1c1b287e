/* SPDX-License-Identifier: Apache-2.0 */
/* Object names as values: making, comparing, printing. Promises that nothing is ever cut. */
#include "federation/kube/ref.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Copies a part if it fits into `size` with its NUL; NULL counts as "". */
static bool put(char *to, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return false;
    if (len > 0)
        memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

static bool put_text(char *to, size_t size, const char *from)
{
    return put(to, size, from, from ? strlen(from) : 0);
}

static bool put_api_version(struct cf_object_ref *r, const char *api_version)
{
    const char *slash = strchr(api_version, '/');
    if (!slash)
        return put_text(r->group, sizeof r->group, "") &&
               put_text(r->version, sizeof r->version, api_version);
    return put(r->group, sizeof r->group, api_version, (size_t)(slash - api_version)) &&
           put_text(r->version, sizeof r->version, slash + 1);
}

struct cf_object_ref cf_ref(const char *api_version, const char *kind, const char *ns,
                            const char *name)
{
    struct cf_object_ref r = { 0 };
    bool fits = api_version && put_api_version(&r, api_version) &&
                put_text(r.ns, sizeof r.ns, ns) && put_text(r.name, sizeof r.name, name) &&
                put_text(r.kind, sizeof r.kind, kind);
    return fits ? r : (struct cf_object_ref){ 0 };
}

bool cf_ref_is_valid(const struct cf_object_ref *r)
{
    return r->kind[0] != '\0' && r->version[0] != '\0';
}

bool cf_ref_of(const json_t *object, struct cf_object_ref *out, struct cf_error *err)
{
    struct {
        const char *field, *text;
    } parts[] = {
        { "/apiVersion", cf_json_str(object, NULL, "apiVersion", NULL) },
        { "/kind", cf_json_str(object, NULL, "kind", NULL) },
        { "/metadata/name", cf_json_str(object, NULL, "metadata", "name", NULL) },
        { "/metadata/namespace", cf_json_str(object, "", "metadata", "namespace", NULL) },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++) {
        if (!parts[i].text || (i < 3 && parts[i].text[0] == '\0')) {
            cf_error_set(err, CF_ERR_INVALID, "the object has no %s", parts[i].field + 1);
            return cf_error_field(err, parts[i].field);
        }
    }
    struct cf_object_ref r = cf_ref(parts[0].text, parts[1].text, parts[3].text, parts[2].text);
    if (!cf_ref_is_valid(&r))
        return cf_error_set(err, CF_ERR_INVALID,
                            "the object's apiVersion, kind, namespace or name is too long");
    *out = r;
    return true;
}

int cf_ref_compare(const struct cf_object_ref *a, const struct cf_object_ref *b)
{
    int c = strcmp(a->cluster, b->cluster);
    if (c == 0)
        c = strcmp(a->group, b->group);
    if (c == 0)
        c = strcmp(a->kind, b->kind);
    if (c == 0)
        c = strcmp(a->ns, b->ns);
    return c != 0 ? c : strcmp(a->name, b->name);
}

bool cf_ref_equal(const struct cf_object_ref *a, const struct cf_object_ref *b)
{
    return cf_ref_compare(a, b) == 0;
}

char *cf_ref_api_version(const struct cf_object_ref *r, char *buf)
{
    snprintf(buf, CF_API_VERSION_MAX, "%s%s%s", r->group, r->group[0] ? "/" : "", r->version);
    return buf;
}

char *cf_ref_text(const struct cf_object_ref *r, char *buf)
{
    snprintf(buf, CF_REF_TEXT_MAX, "%s %s%s%s%s%s", r->kind, r->ns, r->ns[0] ? "/" : "", r->name,
             r->cluster[0] ? " on " : "", r->cluster);
    return buf;
}

char *cf_ref_kubectl(const struct cf_object_ref *r, char *buf)
{
    char kind[CF_LABEL_MAX];
    for (size_t i = 0; i < sizeof kind; i++)
        kind[i] = (char)(r->kind[i] >= 'A' && r->kind[i] <= 'Z' ? r->kind[i] + 32 : r->kind[i]);
    snprintf(buf, CF_REF_TEXT_MAX, "%s%s%s/%s", kind, r->group[0] ? "." : "", r->group, r->name);
    return buf;
}
