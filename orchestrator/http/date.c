/* SPDX-License-Identifier: Apache-2.0 */
/* IMF-fixdate (RFC 9110 5.6.7), made once a second, without regard to locales. */
#include "orchestrator/http/date.h"

#include <stdio.h>
#include <time.h>

const char *http_date(void)
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    static _Thread_local time_t made;
    static _Thread_local char text[64];
    time_t now = time(NULL);
    struct tm tm;
    if (now != made && gmtime_r(&now, &tm)) {
        snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", days[tm.tm_wday],
                 tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                 tm.tm_sec);
        made = now;
    }
    return text;
}
