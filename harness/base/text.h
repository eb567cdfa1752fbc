/*
 * text: growing strings, lists of strings, and the few string functions that several floors need.
 * Out of memory ends the program (exit 4): the harness keeps nothing in memory that it could save by going
 * on.
 */
#ifndef TRINE_HARNESS_TEXT_H
#define TRINE_HARNESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *xmalloc(size_t bytes);
void *xcalloc(size_t n, size_t bytes);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A growing string; {0} is empty. `s` is NUL-terminated once anything was added. */
struct strbuf {
    char *s;
    size_t len, cap;
};
void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *strbuf_str(const struct strbuf *b); /* "" when nothing was added */
void strbuf_free(struct strbuf *b);

size_t utf8_bytes(const char *s); /* of the character at s; 0: there is none, but what no UTF-8 holds */
char *shell_word(const char *s);   /* as a shell takes it back: quoted where it has to be. Caller frees */
char *csv_word(const char *s);     /* as RFC 4180 has it: quoted where it has to be. Caller frees */
void text_make_utf8(char *s);     /* each byte that is of no character becomes '?' */

/* A list of owned strings; {0} is empty. */
struct strlist {
    char **v;
    size_t n, cap;
};
void strlist_add(struct strlist *l, const char *s);
void strlist_split(struct strlist *l, const char *s, const char *separators); /* empty fields are left out */
bool strlist_has(const struct strlist *l, const char *s);
char *strlist_join(const struct strlist *l, const char *separator); /* caller frees */
void strlist_free(struct strlist *l);

/* Strict decimal: the whole of s, no sign but '-', in [min, max]. False leaves *out alone. */
bool parse_int(const char *s, int64_t min, int64_t max, int64_t *out);
/* Seconds as "90", "1.5s", "5m", "2h" or "250ms" to milliseconds, at least one of what is above 0. */
bool parse_duration_ms(const char *s, int64_t *out_ms);
/* "48 s", "3 min 20 s", "2 h 05 min". */
void format_duration(char *out, size_t bytes, int64_t ms);

/* The candidate that a mistyped word most likely meant, or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *candidates, size_t n);
/* "" or "; did you mean 'x'?", in a buffer that the caller gives. */
const char *did_you_mean(char *out, size_t bytes, const char *word, const char *const *candidates, size_t n);

/* Lower case letters, digits and single dashes: fit for a folder's name. Caller frees. */
char *slug(const char *s);
/* Cuts trailing white space in place and returns the first character that is not white space. */
char *trim(char *s);

#endif
