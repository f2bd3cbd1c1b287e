/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the API server in memory:
 * "/apis/apps/v1/namespaces/web/deployments/echo/scale?dryRun=All". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/url.h"
#include "tests/support/fake_kube_internal.h"

static void copy(char *to, size_t size, const char *from)
{
    struct cf_error err = CF_ERROR_INIT;
    snprintf(to, size, "%s", from ? from : "");
    if (!cf_url_unescape(to, false, &err))
        to[0] = '\0';
}

static void take_parameter(const char *name, const char *value, struct fake_path *out)
{
    if (strcmp(name, "fieldManager") == 0)
        copy(out->manager, sizeof out->manager, value);
    else if (strcmp(name, "labelSelector") == 0)
        copy(out->selector, sizeof out->selector, value);
    else if (strcmp(name, "fieldSelector") == 0)
        copy(out->fields, sizeof out->fields, value);
    else if (strcmp(name, "continue") == 0)
        copy(out->token, sizeof out->token, value);
    else if (strcmp(name, "limit") == 0)
        out->limit = atoll(value);
    else if (strcmp(name, "dryRun") == 0)
        out->dry_run = true;
    else if (strcmp(name, "force") == 0)
        out->force = strcmp(value, "true") == 0;
}

static void take_query(char *query, struct fake_path *out)
{
    char *rest = NULL;
    for (char *pair = strtok_r(query, "&", &rest); pair; pair = strtok_r(NULL, "&", &rest)) {
        char *equals = strchr(pair, '=');
        if (equals)
            *equals = '\0';
        take_parameter(pair, equals ? equals + 1 : "", out);
    }
}

bool fake_path_parse(const char *path, struct fake_path *out)
{
    *out = (struct fake_path){ 0 };
    cf_autofree char *text = cf_xstrdup(path);
    char *query = strchr(text, '?');
    if (query) {
        *query++ = '\0';
        take_query(query, out);
    }
    char *rest = NULL;
    char *parts[9] = { 0 };
    size_t n = 0, at = 0;
    for (char *s = strtok_r(text, "/", &rest); s && n < 8; s = strtok_r(NULL, "/", &rest))
        parts[n++] = s;
    if (n < 2)
        return false;
    bool is_group = strcmp(parts[at++], "apis") == 0;
    if (is_group)
        copy(out->group, sizeof out->group, parts[at++]);
    if (at < n)
        copy(out->version, sizeof out->version, parts[at++]);
    /* "namespaces/web" with nothing after it is the Namespace itself */
    if (n - at >= 3 && strcmp(parts[at], "namespaces") == 0 &&
        strcmp(parts[at + 2], "status") != 0 && strcmp(parts[at + 2], "finalize") != 0) {
        copy(out->ns, sizeof out->ns, parts[at + 1]);
        at += 2;
    }
    copy(out->plural, sizeof out->plural, parts[at] ? parts[at++] : "");
    copy(out->name, sizeof out->name, at < n ? parts[at++] : "");
    copy(out->subresource, sizeof out->subresource, at < n ? parts[at] : "");
    return true;
}

void fake_key(const struct fake_path *p, char *buf, size_t size)
{
    snprintf(buf, size, "%s/%s/%s/%s", p->group, p->plural, p->ns, p->name);
}

const struct fake_kind *fake_kind_of(const struct cf_fake_kube *f, const struct fake_path *p)
{
    for (size_t i = 0; i < f->n_kinds; i++) {
        const struct fake_kind *k = &f->kinds[i];
        if (strcmp(k->group, p->group) == 0 && strcmp(k->version, p->version) == 0 &&
            strcmp(k->plural, p->plural) == 0)
            return k;
    }
    return NULL;
}
