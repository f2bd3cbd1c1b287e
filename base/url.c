/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding and a strict look at http(s) URLs. See url.h. */
#include "base/url.h"

#include <string.h>
#include <strings.h>

enum { PORT_MAX = 65535 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 3986 section 2.3 */
static bool is_unreserved(char c)
{
    return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void cf_url_escape(struct cf_buf *b, const char *s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (is_unreserved(*s))
            cf_buf_putc(b, *s);
        else
            cf_buf_append(b, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool cf_url_unescape(char *s, bool is_query, struct cf_error *err)
{
    for (const char *in = s; *in; in++) {
        if (*in != '%')
            continue;
        int high = hex_value(in[1]);
        int low = high < 0 ? -1 : hex_value(in[2]);
        if (low < 0)
            return cf_error_set(err, CF_ERR_INVALID, "'%%' without two hex digits in \"%.100s\"",
                                s);
        if (high == 0 && low == 0)
            return cf_error_set(err, CF_ERR_INVALID, "encoded NUL in \"%.100s\"", s);
    }
    char *out = s;
    for (const char *in = s; *in; in++) {
        if (*in == '%') {
            *out++ = (char)(hex_value(in[1]) * 16 + hex_value(in[2]));
            in += 2;
        } else {
            *out++ = is_query && *in == '+' ? ' ' : *in;
        }
    }
    *out = '\0';
    return true;
}

/* "" or ":1" to ":65535" */
static bool port_ok(const char *s, size_t len)
{
    if (len == 0)
        return true;
    if (s[0] != ':' || len < 2 || len > 6)
        return false;
    int port = 0;
    for (size_t i = 1; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        port = port * 10 + (s[i] - '0');
    }
    return port >= 1 && port <= PORT_MAX;
}

/* host, host:port, [IPv6] or [IPv6]:port; no user info because '@' is no host character */
static bool authority_ok(const char *s, size_t len)
{
    size_t host = 0;
    if (len > 0 && s[0] == '[') {
        const char *end = memchr(s, ']', len);
        if (!end || end == s + 1)
            return false;
        for (const char *p = s + 1; p < end; p++)
            if (hex_value(*p) < 0 && *p != ':' && *p != '.')
                return false;
        host = (size_t)(end - s) + 1;
    } else {
        while (host < len && (is_alnum(s[host]) || strchr("-._", s[host])))
            host++;
    }
    return host > 0 && port_ok(s + host, len - host);
}

bool cf_url_check(const char *text, bool https_only, struct cf_error *err)
{
    const char *want = https_only ? "https://" : "http:// or https://";
    const char *rest = NULL;
    if (strncasecmp(text, "https://", 8) == 0)
        rest = text + 8;
    else if (!https_only && strncasecmp(text, "http://", 7) == 0)
        rest = text + 7;
    if (!rest)
        return cf_error_set(err, CF_ERR_INVALID, "\"%.100s\" is not a URL that begins with %s",
                            text, want);
    for (const char *p = rest; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c <= 0x20 || c >= 0x7F)
            return cf_error_set(err, CF_ERR_INVALID,
                                "a URL has printable ASCII characters without spaces only");
        if (c == '#')
            return cf_error_set(err, CF_ERR_INVALID, "\"%.100s\" has a fragment (#)", text);
    }
    size_t len = strcspn(rest, "/?");
    if (memchr(rest, '@', len))
        return cf_error_set(err, CF_ERR_INVALID, "a URL must not hold a user name or password");
    if (!authority_ok(rest, len))
        return cf_error_set(err, CF_ERR_INVALID, "\"%.100s\" has no valid host and port", text);
    return true;
}
