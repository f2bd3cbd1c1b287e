/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns and checks of each form. See format.h. */
#include "orchestrator/plan/format.h"

#include <netinet/in.h>
#include <regex.h>
#include <string.h>

#include "base/address.h"
#include "base/mem.h"
#include "orchestrator/plan/limits.h"
#include "orchestrator/plan/selector.h"

#define LABEL     "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define QUALIFIED "[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"

static const struct cf_format_row rows[CF_FORMATS] = {
    [CF_FORMAT_ANY] = { "text that is not empty", NULL, CF_PLAN_TEXT_FIELD_MAX, "text" },
    [CF_FORMAT_NAME] = { "a name of lower-case letters, digits and '-', at most 63 characters",
                         "^" LABEL "$", CF_PLAN_NAME_MAX, "web" },
    [CF_FORMAT_OBJECT_NAME] = { "the name of an object: lower-case letters, digits, '-' and '.'",
                                "^" LABEL "(\\." LABEL ")*$", CF_PLAN_OBJECT_NAME_MAX, "web" },
    [CF_FORMAT_NAME_PATTERN] = { "the name of an object, in which '*' stands for any characters",
                                 "^[-a-z0-9.*]+$", CF_PLAN_OBJECT_NAME_MAX, "tls-*" },
    [CF_FORMAT_KIND] = { "a kind such as Deployment", "^[A-Z][A-Za-z0-9]*$", CF_PLAN_NAME_MAX,
                         "Deployment" },
    [CF_FORMAT_API_VERSION] = { "an API version such as v1 or apps/v1",
                                "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9][a-z0-9]*$",
                                CF_PLAN_OBJECT_NAME_MAX, "apps/v1" },
    [CF_FORMAT_ROW] = { "a kind and a name such as StatefulSet/db",
                        "^[A-Z][A-Za-z0-9]*(/[-a-z0-9.*]+)?$",
                        CF_PLAN_NAME_MAX + 1 + CF_PLAN_OBJECT_NAME_MAX, "StatefulSet/db" },
    [CF_FORMAT_SELECTOR] = { "a label selector", NULL, CF_PLAN_TEXT_FIELD_MAX,
                             "app=web,tier!=cache" },
    [CF_FORMAT_LABEL_KEY] = { "a label key", "^(" LABEL "(\\." LABEL ")*/)?" QUALIFIED "$",
                              CF_PLAN_OBJECT_NAME_MAX + 1 + CF_PLAN_NAME_MAX, "team" },
    [CF_FORMAT_LABEL_VALUE] = { "a label value: at most 63 letters, digits, '-', '_' and '.'",
                                "^(" QUALIFIED ")?$", CF_PLAN_NAME_MAX, "payments" },
    [CF_FORMAT_HOST] = { "a host name", "^(\\*\\.)?[a-z0-9]([-a-z0-9_]*[a-z0-9])?(\\." LABEL ")*$",
                         CF_PLAN_OBJECT_NAME_MAX, "web.shop.svc.cluster.local" },
    [CF_FORMAT_PATH] = { "a path that begins with '/'", "^/[^ ?#]*$", CF_PLAN_TEXT_FIELD_MAX,
                         "/checkout" },
    [CF_FORMAT_PORT_NAME] = { "the name of a port: at most 15 lower-case letters, digits and '-'",
                              "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", 15, "http" },
    [CF_FORMAT_ADDRESS] = { "an IPv4 or IPv6 address", NULL, INET6_ADDRSTRLEN, "10.20.0.5" },
    [CF_FORMAT_IMAGE_PREFIX] = { "a registry, with or without the beginning of a path",
                                 "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?"
                                 "(/[a-z0-9]+([-._]+[a-z0-9]+)*)*$",
                                 CF_PLAN_TEXT_FIELD_MAX, "registry.dc1:5000/shop" },
    [CF_FORMAT_QUERY] = { "a PromQL expression", NULL, CF_PLAN_QUERY_MAX,
                          "sum(http_requests_total)" },
    [CF_FORMAT_ROUTE_NAME] = { "the name of a route or rule", "^[A-Za-z0-9]([-A-Za-z0-9_.]*)$",
                               CF_PLAN_OBJECT_NAME_MAX, "primary" },
    [CF_FORMAT_QUANTITY] = { "an amount of bytes such as 200Gi",
                             "^[1-9][0-9]{0,14}(\\.[0-9]{1,3})?(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$", 24,
                             "200Gi" },
    [CF_FORMAT_SWITCH] = { "beforeTraffic, or weight=N with the weight of a step",
                           "^(beforeTraffic|weight=[1-9][0-9]{0,2})$", 16, "weight=100" },
    [CF_FORMAT_POINTER] = { "a JSON pointer such as /status/phase", "^(/([^~/]|~0|~1)*)+$",
                            CF_PLAN_TEXT_FIELD_MAX, "/status/phase" },
    [CF_FORMAT_IMAGE] = { "an image reference",
                          "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?"
                          "(/[a-z0-9]+([-._]+[a-z0-9]+)*)*(:[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?"
                          "(@sha256:[0-9a-f]{64})?$",
                          CF_PLAN_TEXT_FIELD_MAX, "busybox:stable" },
};

const struct cf_format_row *cf_format_row(enum cf_format f)
{
    cf_assert(f < CF_FORMATS);
    return &rows[f];
}

static bool matches(const char *pattern, const char *text)
{
    regex_t re;
    cf_assert(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0);
    bool ok = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return ok;
}

/* Every bracket and quote that opens closes again. The rest of PromQL is for the source to judge in
 * preflight. */
static bool is_balanced(const char *text)
{
    char open[64];
    size_t depth = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\'' || *p == '`') {
            char quote = *p++;
            for (; *p && *p != quote; p++)
                if (*p == '\\' && quote != '`' && p[1])
                    p++;
            if (!*p)
                return false;
        } else if (strchr("([{", *p)) {
            if (depth == sizeof open)
                return false;
            open[depth++] = *p == '(' ? ')' : *p == '[' ? ']' : '}';
        } else if (strchr(")]}", *p)) {
            if (depth == 0 || open[--depth] != *p)
                return false;
        }
    }
    return depth == 0;
}

/* What a pattern cannot say. */
static bool passes_check(enum cf_format f, const char *text)
{
    switch (f) {
    case CF_FORMAT_ADDRESS:
        return cf_address_type(text) != NULL;
    case CF_FORMAT_SELECTOR:
        return cf_selector_ok(text);
    case CF_FORMAT_QUERY:
        return is_balanced(text);
    default:
        return true;
    }
}

bool cf_format_ok(enum cf_format f, const char *text)
{
    const struct cf_format_row *row = cf_format_row(f);
    if (strlen(text) > row->max || (!*text && f != CF_FORMAT_LABEL_VALUE))
        return false;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' && (f != CF_FORMAT_ANY && f != CF_FORMAT_QUERY))
            return false;
    return (!row->pattern || matches(row->pattern, text)) && passes_check(f, text);
}
