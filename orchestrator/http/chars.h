/* SPDX-License-Identifier: Apache-2.0 */
/* Character classes of RFC 9110 and RFC 3986, as one table filled before main(). Any thread. */
#ifndef ORCHESTRATOR_HTTP_CHARS_H
#define ORCHESTRATOR_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    HTTP_TOKEN = 1,  /* names: letters, digits, !#$%&'*+-.^_`|~ */
    HTTP_FIELD = 2,  /* header values: visible, space, tab, bytes above 127 */
    HTTP_TARGET = 4, /* path and query, '%' included */
    HTTP_HOST = 8,   /* host and port, brackets included */
    HTTP_HEX = 16,
    HTTP_DIGIT = 32,
};

/* Whether every byte is in the class. */
bool http_chars_all(const char *s, size_t len, unsigned class_mask);
bool http_char_is(char c, unsigned class_mask);
/* 0 to 15; -1 if it is no hex digit. */
int http_hex_value(char c);
/* Compares without regard to case (ASCII); `lit` is NUL-terminated. */
bool http_equals_nocase(const char *s, size_t len, const char *lit);
/* The next element of a comma-separated list, without white space around it: advances *p; false at
 * the end. Empty elements are left out. */
bool http_list_next(const char **p, const char *end, const char **out, size_t *out_len);

#endif
