/* Parameters: parsing, range checks, and the nearest name for a misspelt one. See params.h. */
#include "params.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void params_init(struct param_set *set, const struct param *defs) {
    set->defs = defs;
    set->n = 0;
    while (defs[set->n].name) {
        assert(set->n < PARAM_MAX);
        snprintf(set->values[set->n], PARAM_TEXT_MAX, "%s", defs[set->n].value);
        set->n++;
    }
}

bool parse_int(const char *text, int64_t *out) {
    char *end;
    if (*text == '\0' || *text == ' ') return false;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || *end != '\0') return false;
    *out = v;
    return true;
}

static size_t edit_distance(const char *a, const char *b) {
    enum { MAX = 48 };
    size_t row[MAX + 1], la = strlen(a), lb = strlen(b);
    if (la > MAX || lb > MAX) return MAX;
    for (size_t j = 0; j <= lb; j++) row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]), best = row[j] + 1;
            diagonal = row[j];
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = replace < best ? replace : best;
        }
    }
    return row[lb];
}

const char *nearest_word(const char *word, const char *(*next)(const void *ctx, size_t i), const void *ctx) {
    const char *best = NULL, *candidate;
    size_t least = strlen(word) / 3 + 2;
    for (size_t i = 0; (candidate = next(ctx, i)); i++) {
        size_t d = edit_distance(word, candidate);
        if (d < least) {
            least = d;
            best = candidate;
        }
    }
    return best;
}

static const char *next_name(const void *ctx, size_t i) {
    const struct param_set *set = ctx;
    return i < set->n ? set->defs[i].name : NULL;
}

static size_t find(const struct param_set *set, const char *name) {
    size_t i = 0;
    while (i < set->n && strcmp(set->defs[i].name, name)) i++;
    return i;
}

static bool is_choice(const char *const *choices, const char *word, size_t length) {
    for (; *choices; choices++)
        if (strlen(*choices) == length && !strncmp(*choices, word, length)) return true;
    return false;
}

/* TEXT with a word list: words joined by `+`, the empty text included. */
static bool is_word_list(const char *const *words, const char *text) {
    while (*text) {
        size_t length = strcspn(text, "+");
        if (!is_choice(words, text, length)) return false;
        text += length;
        if (*text == '+' && *++text == '\0') return false;
    }
    return true;
}

static void list_choices(const char *const *choices, char *out, size_t size) {
    size_t at = 0;
    out[0] = '\0';
    for (; *choices && at < size; choices++) {
        int n = snprintf(out + at, size - at, "%s%s", at ? ", " : "", *choices);
        at += n > 0 ? (size_t)n : 0;
    }
}

static bool in_range(const struct param *p, const char *value, char *why, size_t why_size) {
    char *end;
    int64_t as_int = 0;
    double v;
    if (p->type == PARAM_INT) {
        if (!parse_int(value, &as_int)) {
            snprintf(why, why_size, "parameter %s: '%s' is not a whole number", p->name, value);
            return false;
        }
        v = (double)as_int;
    } else {
        v = strtod(value, &end);
        if (end == value || *end || !isfinite(v)) {
            snprintf(why, why_size, "parameter %s: '%s' is not a number", p->name, value);
            return false;
        }
    }
    if (v >= p->min && v <= p->max) return true;
    snprintf(why, why_size, "parameter %s: %s is out of range: expected %.15g to %.15g", p->name, value, p->min,
             p->max);
    return false;
}

static bool acceptable(const struct param *p, const char *value, char *why, size_t why_size) {
    char list[256];
    switch (p->type) {
    case PARAM_INT:
    case PARAM_REAL:
        return in_range(p, value, why, why_size);
    case PARAM_CHOICE:
        if (is_choice(p->choices, value, strlen(value))) return true;
        list_choices(p->choices, list, sizeof list);
        snprintf(why, why_size, "parameter %s: '%s' is none of %s", p->name, value, list);
        return false;
    case PARAM_TEXT:
        if (!p->choices || is_word_list(p->choices, value)) return true;
        list_choices(p->choices, list, sizeof list);
        snprintf(why, why_size, "parameter %s: '%s' is not a list, joined by +, of %s", p->name, value, list);
        return false;
    }
    return false;
}

bool params_set(struct param_set *set, const char *name, const char *value, char *why, size_t why_size) {
    size_t i = find(set, name);
    if (i == set->n) {
        const char *near = nearest_word(name, next_name, set);
        snprintf(why, why_size, "unknown parameter '%s'%s%s%s (see --describe)", name, near ? ": did you mean " : "",
                 near ? near : "", near ? "?" : "");
        return false;
    }
    if (strlen(value) >= PARAM_TEXT_MAX) {
        snprintf(why, why_size, "parameter %s: the value is longer than %d bytes", name, PARAM_TEXT_MAX - 1);
        return false;
    }
    if (!acceptable(&set->defs[i], value, why, why_size)) return false;
    memcpy(set->values[i], value, strlen(value) + 1);
    return true;
}

const char *params_text(const struct param_set *set, const char *name) {
    size_t i = find(set, name);
    if (i == set->n) {
        fprintf(stderr, "driver: bug: parameter %s was never declared\n", name);
        abort();
    }
    return set->values[i];
}

int64_t params_int(const struct param_set *set, const char *name) {
    int64_t v = 0;
    parse_int(params_text(set, name), &v);
    return v;
}

double params_real(const struct param_set *set, const char *name) {
    return strtod(params_text(set, name), NULL);
}
