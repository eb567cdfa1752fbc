/*
 * form: see form.h. The text goes line by line into the one that sweep_parse reads: lines that are not of this
 * form become empty, so every line keeps its number.
 */
#include "ledger/form.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const struct settings {
    int64_t reps, warmup_ms, measure_ms, timeout_ms;
} quick_form = {5, 40, 80, 60000}, full_form = {10, 200, 1000, 600000};

static bool starts(const char *s, const char *prefix) {
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

struct copier {
    const struct ini *ini;
    char section[96];
    bool full, copying; /* the fate of continuation lines too */
    struct strbuf out;
};

static bool in_experiment(const struct copier *c) {
    return starts(c->section, "experiment ");
}

static void copy_header(struct copier *c, const char *line, size_t n) {
    size_t inside = strcspn(line, "]\n");
    snprintf(c->section, sizeof c->section, "%.*s", (int)(inside - 1), line + 1);
    c->copying = in_experiment(c);
    if (c->copying) strbuf_add(&c->out, line, n);
}

static void copy_key(struct copier *c, const char *line, size_t n) {
    char key[96], other[110];
    size_t k = strcspn(line, "= \t\n");
    c->copying = false;
    if (!in_experiment(c) || k >= sizeof key) return;
    snprintf(key, sizeof key, "%.*s", (int)k, line);
    bool of_full = starts(key, "full.");
    snprintf(other, sizeof other, "full.%s", key);
    c->copying = c->full ? of_full || !ini_find(c->ini, c->section, other) : !of_full;
    size_t prefix = of_full ? strlen("full.") : 0;
    if (c->copying) strbuf_add(&c->out, line + prefix, n - prefix);
}

static char *copy(struct copier *c, const char *text) {
    while (*text) {
        size_t n = strcspn(text, "\n");
        if (*text == '[') copy_header(c, text, n);
        else if (*text == ' ' || *text == '\t') {
            if (c->copying) strbuf_add(&c->out, text, n);
        } else if (*text != '#' && *text != ';' && n) copy_key(c, text, n);
        strbuf_puts(&c->out, "\n");
        text += n + (text[n] == '\n');
    }
    return c->out.s;
}

static bool given(const struct ini *ini, const char *experiment, const char *key, bool full) {
    char section[96], other[64];
    snprintf(section, sizeof section, "experiment %s", experiment);
    snprintf(other, sizeof other, "full.%s", key);
    return ini_find(ini, section, key) || (full && ini_find(ini, section, other));
}

int form_sweep(struct sweep *s, const struct ini *ini, const char *path, const char *text, bool full,
               struct err *e) {
    struct copier c = {.ini = ini, .full = full};
    const struct settings *own = full ? &full_form : &quick_form;
    int rc = sweep_parse(s, path, strbuf_str((copy(&c, text), &c.out)), e);
    strbuf_free(&c.out);
    for (size_t i = 0; !rc && i < s->n; i++) {
        struct experiment *x = &s->experiments[i];
        if (!given(ini, x->name, "reps", full)) x->reps = own->reps;
        if (!given(ini, x->name, "warmup_ms", full)) x->warmup_ms = own->warmup_ms;
        if (!given(ini, x->name, "measure_ms", full)) x->measure_ms = own->measure_ms;
        if (!given(ini, x->name, "timeout_s", full)) x->timeout_ms = own->timeout_ms;
    }
    return rc;
}
