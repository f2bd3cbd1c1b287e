/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing in place: cursor up, each line cleared to its end, what is left below cleared; one write
 * per frame. */
#include "orchestrator/cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FRAME_MAX = 1024 * 1024, ROWS_DEFAULT = 24, COLUMNS_DEFAULT = 80 };

void cf_terminal_size(int fd, int *out_rows, int *out_columns)
{
    struct winsize w = { 0 };
    bool known = ioctl(fd, TIOCGWINSZ, &w) == 0;
    *out_rows = known && w.ws_row > 0 ? w.ws_row : ROWS_DEFAULT;
    *out_columns = known && w.ws_col > 0 ? w.ws_col : COLUMNS_DEFAULT;
}

/* Lines of the screen that the text's first line takes; escape sequences take no room. */
static int height_of(const char *text, int columns)
{
    int used = 0;
    for (; *text && *text != '\n'; text++) {
        if (*text == '\033')
            text += strcspn(text, "m\n") - (text[strcspn(text, "m\n")] != 'm');
        else
            used += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return CF_MAX(1, (used + columns - 1) / columns);
}

static const char *next_line(const char *text)
{
    size_t n = strcspn(text, "\n");
    return text + n + (text[n] == '\n');
}

void cf_terminal_frame(int old_lines, const char *text, int rows, int columns, struct cf_buf *out,
                       int *out_lines)
{
    int lines = 0;
    for (const char *p = text; *p; p = next_line(p))
        lines += height_of(p, columns);
    for (; lines > rows - 1 && *next_line(text); text = next_line(text))
        lines -= height_of(text, columns);
    if (old_lines > 0)
        cf_buf_printf(out, "\033[%dA", old_lines);
    cf_buf_puts(out, "\r");
    while (*text) {
        size_t n = strcspn(text, "\n");
        cf_buf_append(out, text, n);
        cf_buf_puts(out, "\033[K\n");
        text += n + (text[n] == '\n');
    }
    cf_buf_puts(out, "\033[J");
    *out_lines = lines;
}

static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

void cf_terminal_draw(struct cf_terminal *t, const char *text)
{
    if (t->shown && strcmp(t->shown, text) == 0)
        return;
    int rows, columns;
    CF_CLEANUP(cf_buf_free) struct cf_buf frame = CF_BUF_INIT(FRAME_MAX);
    cf_terminal_size(t->fd, &rows, &columns);
    cf_terminal_frame(CF_MIN(t->lines, rows - 1), text, rows, columns, &frame, &t->lines);
    write_all(t->fd, cf_buf_str(&frame), frame.len);
    free(t->shown);
    t->shown = cf_xstrdup(text);
}

void cf_terminal_leave(struct cf_terminal *t)
{
    free(t->shown);
    t->shown = NULL;
    t->lines = 0;
}

bool cf_terminal_is_utf8(void)
{
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}
