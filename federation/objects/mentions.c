/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in texts, word by word. */
#include "federation/objects/mentions.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

enum { HOST_MAX = 253 };

static bool is_host_char(char c)
{
    return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '-' || c == '.';
}

static bool begins_host(const char *text, const char *at)
{
    return (at - text >= 3 && strncmp(at - 3, "://", 3) == 0) || (at > text && at[-1] == '@');
}

static bool has_port(const char *end)
{
    return end[0] == ':' && isdigit((unsigned char)end[1]);
}

static bool is_service_name(const char *word, size_t len)
{
    return (len > 4 && strncmp(word + len - 4, ".svc", 4) == 0) ||
           memmem(word, len, ".svc.", 5) != NULL;
}

void cf_mentions(const char *text, bool whole, cf_mention_fn *fn, void *user)
{
    size_t length = strnlen(text, CF_MENTION_TEXT_MAX);
    for (const char *at = text; at < text + length;) {
        size_t len = 0;
        while (len <= HOST_MAX && is_host_char(at[len]))
            len++;
        bool alone = at == text && len == length;
        /* What goes on in other characters is no host name. */
        bool inside = at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
        bool goes_on = isalnum((unsigned char)at[len]) || at[len] == '_';
        if (len > 0 && len <= HOST_MAX && !inside && !goes_on &&
            (begins_host(text, at) || has_port(at + len) || is_service_name(at, len) ||
             (whole && alone))) {
            cf_autofree char *host = cf_xstrndup(at, len);
            fn(user, host);
        }
        at += len + 1;
    }
}

bool cf_is_host_variable(const char *name)
{
    static const char *const words[] = { "HOST", "ADDR", "SERVER", "ENDPOINT", "SERVICE",
                                         "URL",  "URI",  "BROKER", "UPSTREAM", "BACKEND" };
    for (size_t i = 0; i < CF_ARRAY_LEN(words); i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}
