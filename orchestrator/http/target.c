/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of paths, queries and hosts. */
#include "orchestrator/http/target.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "orchestrator/http/chars.h"

static const char *check_escapes(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] != '%')
            continue;
        if (i + 2 >= len || http_hex_value(s[i + 1]) < 0 || http_hex_value(s[i + 2]) < 0)
            return "the request target has a broken percent escape";
        if (s[i + 1] == '0' && s[i + 2] == '0')
            return "the request target has an escaped NUL";
    }
    return NULL;
}

/* What the escapes stand for is text: it goes into names, queries and logs. */
static bool is_text(const char *s, size_t len)
{
    char *plain = cf_xmalloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        bool escaped = s[i] == '%';
        plain[n++] =
            escaped ? (char)(http_hex_value(s[i + 1]) * 16 + http_hex_value(s[i + 2])) : s[i];
        i += escaped ? 2 : 0;
    }
    bool ok = cf_utf8_valid(plain, n);
    free(plain);
    return ok;
}

/* Whether a segment means "." or "..", dots perhaps escaped. */
static bool is_dots(const char *s, size_t len)
{
    size_t dots = 0;
    for (size_t i = 0; i < len; dots++) {
        if (s[i] == '.')
            i++;
        else if (i + 2 < len && s[i] == '%' && s[i + 1] == '2' && (s[i + 2] | 0x20) == 'e')
            i += 3;
        else
            return false;
    }
    return dots == 1 || dots == 2;
}

const char *http_target_check(const char *target, size_t len)
{
    if (len == 0 || target[0] != '/')
        return "the request target must begin with \"/\"";
    if (!http_chars_all(target, len, HTTP_TARGET))
        return "the request target has a character that must be percent-encoded";
    const char *wrong = check_escapes(target, len);
    if (wrong)
        return wrong;
    if (!is_text(target, len))
        return "the request target is not UTF-8";
    const char *query = memchr(target, '?', len);
    const char *end = query ? query : target + len;
    for (const char *s = target + 1; s <= end;) {
        const char *slash = memchr(s, '/', (size_t)(end - s));
        const char *stop = slash ? slash : end;
        if (is_dots(s, (size_t)(stop - s)))
            return "the request target has a dot segment";
        s = stop + 1;
    }
    return NULL;
}

const char *http_host_check(const char *host, size_t len)
{
    const char *wrong = "Host is not host[:port]";
    if (len == 0 || !http_chars_all(host, len, HTTP_HOST))
        return wrong;
    const char *port = NULL;
    if (host[0] == '[') {
        const char *close = memchr(host, ']', len);
        if (!close || close == host + 1 || memchr(host + 1, '[', len - 1))
            return wrong;
        port = close + 1;
    } else {
        if (memchr(host, '[', len) || memchr(host, ']', len))
            return wrong;
        const char *colon = memchr(host, ':', len);
        port = colon ? colon : host + len;
        if (port == host)
            return wrong;
    }
    if (port == host + len)
        return NULL;
    size_t digits = (size_t)(host + len - port) - 1;
    return *port == ':' && digits <= 5 && http_chars_all(port + 1, digits, HTTP_DIGIT) ? NULL
                                                                                       : wrong;
}

bool http_target_absolute(const char *target, size_t len, const char **out_host,
                          size_t *out_host_len, const char **out_path, size_t *out_path_len)
{
    size_t scheme = 0;
    if (len > 7 && strncasecmp(target, "http://", 7) == 0)
        scheme = 7;
    else if (len > 8 && strncasecmp(target, "https://", 8) == 0)
        scheme = 8;
    else
        return false;
    size_t at = scheme;
    while (at < len && target[at] != '/' && target[at] != '?')
        at++;
    if (at < len && target[at] == '?')
        return false;
    *out_host = target + scheme;
    *out_host_len = at - scheme;
    *out_path = at < len ? target + at : target + scheme - 1;
    *out_path_len = at < len ? len - at : 1;
    return true;
}
