/* text: see text.h. No state; every function may be called from any thread. */
#include "base/text.h"
#include "base/err.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p) {
    if (!p) {
        fputs("trine: out of memory\n", stderr);
        _Exit(TRINE_EXIT_INFRA);
    }
    return p;
}

void *xmalloc(size_t bytes) {
    return must(malloc(bytes ? bytes : 1));
}
void *xcalloc(size_t n, size_t bytes) {
    return must(calloc(n ? n : 1, bytes ? bytes : 1));
}
void *xrealloc(void *p, size_t bytes) {
    return must(realloc(p, bytes ? bytes : 1));
}
char *xstrdup(const char *s) {
    return must(strdup(s));
}
char *xstrndup(const char *s, size_t n) {
    return must(strndup(s, n));
}

char *xasprintf(const char *fmt, ...) {
    va_list ap;
    char *s = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return must(n < 0 ? NULL : s);
}

void strbuf_add(struct strbuf *b, const void *data, size_t len) {
    if (b->len + len + 1 > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < b->len + len + 1) cap *= 2;
        b->s = xrealloc(b->s, cap);
        b->cap = cap;
    }
    if (len) memcpy(b->s + b->len, data, len);
    b->len += len;
    b->s[b->len] = '\0';
}

void strbuf_puts(struct strbuf *b, const char *s) {
    strbuf_add(b, s, strlen(s));
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...) {
    va_list ap;
    char *s = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    must(n < 0 ? NULL : s);
    strbuf_add(b, s, (size_t)n);
    free(s);
}

const char *strbuf_str(const struct strbuf *b) {
    return b->s ? b->s : "";
}

void strbuf_free(struct strbuf *b) {
    free(b->s);
    *b = (struct strbuf){0};
}

void strlist_add(struct strlist *l, const char *s) {
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 8;
        l->v = xrealloc(l->v, l->cap * sizeof *l->v);
    }
    l->v[l->n++] = xstrdup(s);
}

void strlist_split(struct strlist *l, const char *s, const char *separators) {
    for (s += strspn(s, separators); *s; s += strspn(s, separators)) {
        size_t n = strcspn(s, separators);
        char *field = xstrndup(s, n);
        strlist_add(l, field);
        free(field);
        s += n;
    }
}

bool strlist_has(const struct strlist *l, const char *s) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], s) == 0) return true;
    return false;
}

char *strlist_join(const struct strlist *l, const char *separator) {
    struct strbuf b = {0};
    for (size_t i = 0; i < l->n; i++) {
        if (i) strbuf_puts(&b, separator);
        strbuf_puts(&b, l->v[i]);
    }
    return b.s ? b.s : xstrdup("");
}

void strlist_free(struct strlist *l) {
    for (size_t i = 0; i < l->n; i++) free(l->v[i]);
    free(l->v);
    *l = (struct strlist){0};
}

bool parse_int(const char *s, int64_t min, int64_t max, int64_t *out) {
    const char *p = s + (*s == '-');
    int64_t v = 0;
    if (!*p) return false;
    for (; *p; p++) {
        if (!isdigit((unsigned char)*p)) return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v)) return false;
    }
    if (*s == '-') v = -v;
    if (v < min || v > max) return false;
    *out = v;
    return true;
}

bool parse_duration_ms(const char *s, int64_t *out_ms) {
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"min", 60000}, {"h", 3600000}};
    char *end;
    if (!isdigit((unsigned char)*s)) return false;
    double v = strtod(s, &end);
    while (*end == ' ') end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].unit) != 0) continue;
        if (!(v * units[i].ms < 1e15)) return false;
        *out_ms = (int64_t)(v * units[i].ms + 0.5);
        if (v > 0 && *out_ms == 0) *out_ms = 1; /* 0 often means no limit */
        return true;
    }
    return false;
}

void format_duration(char *out, size_t bytes, int64_t ms) {
    int64_t s = (ms + 999) / 1000;
    if (s < 120)
        snprintf(out, bytes, "%lld s", (long long)s);
    else if (s < 7200)
        snprintf(out, bytes, "%lld min %02lld s", (long long)(s / 60), (long long)(s % 60));
    else
        snprintf(out, bytes, "%lld h %02lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
}

/* Levenshtein's distance, bounded to words of 63 characters. */
static size_t edit_distance(const char *a, const char *b) {
    size_t row[64], na = strlen(a), nb = strlen(b);
    if (na > 63 || nb > 63) return 64;
    for (size_t j = 0; j <= nb; j++) row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

const char *nearest_word(const char *word, const char *const *candidates, size_t n) {
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* one slip in a short word, two from four letters on */
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(word, candidates[i]);
        bool prefix = strlen(word) >= 2 && strncmp(word, candidates[i], strlen(word)) == 0;
        if (prefix && d >= best_distance) d = best_distance - 1;
        if (d >= strlen(candidates[i]) || d >= best_distance) continue;
        best = candidates[i];
        best_distance = d;
    }
    return best;
}

const char *did_you_mean(char *out, size_t bytes, const char *word, const char *const *candidates, size_t n) {
    const char *best = nearest_word(word, candidates, n);
    out[0] = '\0';
    if (best) snprintf(out, bytes, "; did you mean '%s'?", best);
    return out;
}

size_t utf8_bytes(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    size_t n = *s < 0x80                 ? 1
               : *s >= 0xc2 && *s < 0xe0 ? 2
               : *s >= 0xe0 && *s < 0xf0 ? 3
               : *s >= 0xf0 && *s < 0xf5 ? 4
                                         : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool longer = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90); /* than it need be */
    bool none = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);   /* a surrogate; beyond the last */
    return longer || none ? 0 : n;
}

void text_make_utf8(char *s) {
    for (size_t n; *s; s += n ? n : 1)
        if ((n = utf8_bytes(s)) == 0) *s = '?';
}

char *shell_word(const char *s) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+.,:/@%";
    struct strbuf b = {0};
    if (*s && s[strspn(s, plain)] == '\0') return xstrdup(s);
    strbuf_puts(&b, "'");
    for (; *s; s++) *s == '\'' ? strbuf_puts(&b, "'\\''") : strbuf_add(&b, s, 1);
    strbuf_puts(&b, "'");
    return b.s;
}

char *csv_word(const char *s) {
    struct strbuf b = {0};
    if (s[strcspn(s, ",\"\r\n")] == '\0') return xstrdup(s);
    strbuf_puts(&b, "\"");
    for (; *s; s++) strbuf_add(&b, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    strbuf_puts(&b, "\"");
    return b.s;
}

char *slug(const char *s) {
    struct strbuf b = {0};
    for (; *s; s++) {
        char c = (char)tolower((unsigned char)*s);
        if (isalnum((unsigned char)c))
            strbuf_add(&b, &c, 1);
        else if (b.len && b.s[b.len - 1] != '-')
            strbuf_add(&b, "-", 1);
    }
    if (b.len && b.s[b.len - 1] == '-') b.s[--b.len] = '\0';
    return b.s ? b.s : xstrdup("");
}

char *trim(char *s) {
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1])) s[--n] = '\0';
    while (isspace((unsigned char)*s)) s++;
    return s;
}
