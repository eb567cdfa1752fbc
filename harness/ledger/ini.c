/* ini: see ini.h. */
#include "ledger/ini.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct ini *ini;
    const char *path;
    char *section;
    int line, section_line;
    struct err *e;
};

static int refuse(const struct reader *r, const char *what, const char *word) {
    return err_set(r->e, TRINE_EXIT_USAGE, "%s:%d: %s%s", r->path, r->line, what, word);
}

static int header(struct reader *r, char *line) {
    char *end = strchr(line, ']');
    if (!end || *trim(end + 1)) return refuse(r, "expected [section] and nothing behind it", "");
    *end = '\0';
    free(r->section);
    r->section = xstrdup(trim(line + 1));
    r->section_line = r->line;
    for (size_t i = 0; i < r->ini->n; i++)
        if (strcmp(r->ini->v[i].section, r->section) == 0) return refuse(r, "a second section ", r->section);
    return 0;
}

static int go_on(struct reader *r, const char *more) {
    struct ini_entry *last = r->ini->n ? &r->ini->v[r->ini->n - 1] : NULL;
    if (!last || !r->section || strcmp(last->section, r->section) != 0)
        return refuse(r, "this line begins with a blank, but no value stands above it", "");
    char *joined = *last->value ? xasprintf("%s %s", last->value, more) : xstrdup(more);
    free(last->value);
    last->value = joined;
    return 0;
}

static int entry(struct reader *r, char *line) {
    char *equals = strchr(line, '=');
    if (!equals || equals == line) return refuse(r, "expected [section], 'key = value' or a comment", "");
    *equals = '\0';
    const char *key = trim(line), *value = trim(equals + 1);
    if (!r->section) return refuse(r, "this stands before the first section: ", key);
    if (ini_find(r->ini, r->section, key)) return refuse(r, "given twice in this section: ", key);
    r->ini->v = xrealloc(r->ini->v, (r->ini->n + 1) * sizeof *r->ini->v);
    r->ini->v[r->ini->n++] = (struct ini_entry){xstrdup(r->section), xstrdup(key), xstrdup(value), r->line,
                                                r->section_line};
    return 0;
}

int ini_read(struct ini *ini, const char *path, const char *text, struct err *e) {
    struct reader r = {.ini = ini, .path = path, .e = e};
    char *copy = xstrdup(text), *next = copy;
    int rc = 0;
    *ini = (struct ini){0};
    while (!rc && next && *next) {
        char *line = next, *newline = strchr(line, '\n');
        if (newline) *newline = '\0';
        next = newline ? newline + 1 : NULL;
        r.line++;
        bool indented = *line == ' ' || *line == '\t';
        char *words = trim(line);
        if (!*words || *words == '#' || *words == ';') continue;
        rc = indented ? go_on(&r, words) : *words == '[' ? header(&r, words) : entry(&r, words);
    }
    free(copy);
    free(r.section);
    if (rc) ini_free(ini);
    return rc;
}

void ini_free(struct ini *ini) {
    for (size_t i = 0; i < ini->n; i++) {
        free(ini->v[i].section);
        free(ini->v[i].key);
        free(ini->v[i].value);
    }
    free(ini->v);
    *ini = (struct ini){0};
}

const struct ini_entry *ini_find(const struct ini *ini, const char *section, const char *key) {
    for (size_t i = 0; i < ini->n; i++)
        if (strcmp(ini->v[i].section, section) == 0 && strcmp(ini->v[i].key, key) == 0) return &ini->v[i];
    return NULL;
}
