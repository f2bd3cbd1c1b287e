/* SPDX-License-Identifier: Apache-2.0 */
/* Media types: Accept (RFC 9110 12.5.1) and Content-Type. Pure. */
#include <string.h>
#include <strings.h>

#include "orchestrator/http/chars.h"
#include "orchestrator/http/http.h"

/* q in thousandths out of the parameters of one range; 1000 without. A q that is no number counts
 * as 0. */
static int quality(const char *params, const char *end)
{
    for (const char *p = params; p < end; p++) {
        if (*p != ';')
            continue;
        const char *q = p + 1;
        while (q < end && (*q == ' ' || *q == '\t'))
            q++;
        if (end - q < 3 || (*q | 0x20) != 'q' || q[1] != '=')
            continue;
        int value = q[2] == '1' ? 1000 : 0;
        if (q[2] == '0' && end - q > 4 && q[3] == '.')
            for (int i = 0, unit = 100;
                 i < 3 && q + 4 + i < end && http_char_is(q[4 + i], HTTP_DIGIT); i++, unit /= 10)
                value += unit * (q[4 + i] - '0');
        return value;
    }
    return 1000;
}

/* How exactly a range fits an offer: 3 the type itself, 2 any of its kind, 1 anything, 0 not. */
static int exactness(const char *range, size_t len, const char *offer)
{
    if (http_equals_nocase(range, len, offer))
        return 3;
    if (len == 3 && memcmp(range, "*/*", 3) == 0)
        return 1;
    return len > 2 && range[len - 1] == '*' && range[len - 2] == '/' &&
                   strncasecmp(range, offer, len - 1) == 0
               ? 2
               : 0;
}

static size_t type_length(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && s[n] != ';' && s[n] != ' ' && s[n] != '\t')
        n++;
    return n;
}

/* The most exact range that fits decides about an offer. */
static int offer_quality(const char *accept, const char *offer)
{
    int best = 0, q = 0;
    const char *end = accept + strlen(accept), *item;
    size_t len;
    while (http_list_next(&accept, end, &item, &len)) {
        size_t type_len = type_length(item, len);
        int fit = exactness(item, type_len, offer);
        if (fit > best) {
            best = fit;
            q = quality(item + type_len, item + len);
        }
    }
    return q;
}

const char *cf_http_negotiate(const char *accept, const char *const *offers)
{
    if (!accept || !*accept)
        return offers[0];
    const char *best = NULL;
    int best_q = 0;
    for (size_t i = 0; offers[i]; i++) {
        int q = offer_quality(accept, offers[i]);
        if (q > best_q) {
            best_q = q;
            best = offers[i];
        }
    }
    return best;
}

bool cf_http_media_type_is(const char *content_type, const char *media_type)
{
    return content_type &&
           http_equals_nocase(content_type, type_length(content_type, strlen(content_type)),
                              media_type);
}
