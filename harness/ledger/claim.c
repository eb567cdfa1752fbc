/* claim: see claim.h. Each section of a record is read by one function; the table at the end names them. */
#include "ledger/claim.h"
#include "base/file.h"
#include "ledger/form.h"
#include "ledger/ini.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 14 };
static const struct text_key {
    const char *name;
    size_t offset;
    bool required;
} text_keys[] = {
    {"group", offsetof(struct claim, group), true},         {"statement", offsetof(struct claim, statement), true},
    {"claimed", offsetof(struct claim, claimed), true},     {"source", offsetof(struct claim, source), true},
    {"falsifier", offsetof(struct claim, falsifier), true}, {"meaning", offsetof(struct claim, meaning), true},
    {"tolerance", offsetof(struct claim, tolerance), false}, {"scale", offsetof(struct claim, scale), false},
    {"differs", offsetof(struct claim, differs), false},    {"show", offsetof(struct claim, show), false},
    {"unit", offsetof(struct claim, unit), false},           {"full.scale", offsetof(struct claim, full_scale), false},
};
enum { NTEXT_KEYS = sizeof text_keys / sizeof *text_keys };

static int refuse(const struct claim *c, int line, struct err *e, const char *what, const char *word) {
    return err_set(e, TRINE_EXIT_USAGE, "%s:%d: %s%s", c->path, line, what, word);
}

static char **text_slot(struct claim *c, size_t i) {
    return (char **)((char *)c + text_keys[i].offset);
}

static int claim_key(struct claim *c, const struct ini_entry *i, struct err *e) {
    const char *names[KEYS] = {0};
    char hint[96];
    for (size_t k = 0; k < NTEXT_KEYS; k++) {
        names[k] = text_keys[k].name;
        if (strcmp(i->key, names[k]) != 0) continue;
        *text_slot(c, k) = xstrdup(i->value);
        return 0;
    }
    names[NTEXT_KEYS] = "needs";
    if (strcmp(i->key, "needs") != 0)
        return err_set(e, TRINE_EXIT_USAGE, "%s:%d: unknown key '%s' in [claim]%s", c->path, i->line, i->key,
                       did_you_mean(hint, sizeof hint, i->key, names, NTEXT_KEYS + 1));
    strlist_split(&c->needs, i->value, ", \t");
    return 0;
}

static int add_formula(struct claim *c, struct named_formula **list, size_t *n, const struct ini_entry *i,
                       bool predicate, struct err *e) {
    char why[256];
    struct formula *f = formula_parse(i->value, predicate, why, sizeof why);
    if (!f) return err_set(e, TRINE_EXIT_USAGE, "%s:%d: %s = %s: %s", c->path, i->line, i->key, i->value, why);
    *list = xrealloc(*list, (*n + 1) * sizeof **list);
    (*list)[(*n)++] = (struct named_formula){xstrdup(i->key), xstrdup(i->value), f, i->line};
    return 0;
}

static int quantity_key(struct claim *c, const struct ini_entry *i, struct err *e) {
    return add_formula(c, &c->quantities, &c->nquantities, i, false, e);
}

static int predicate_key(struct claim *c, const struct ini_entry *i, struct err *e) {
    return add_formula(c, &c->predicates, &c->npredicates, i, true, e);
}

static int fixed_key(struct claim *c, const struct ini_entry *i, struct err *e) {
    enum missing kind = strcmp(i->section, "not applicable") == 0 ? MISSING_BY_NATURE : MISSING_HERE;
    if (!*i->value) return refuse(c, i->line, e, "expected the reason behind ", i->key);
    c->fixed = xrealloc(c->fixed, (c->nfixed + 1) * sizeof *c->fixed);
    c->fixed[c->nfixed++] = (struct fixed_verdict){xstrdup(i->key), xstrdup(i->value), kind};
    return 0;
}

/* "one:two three:four@pthread" */
static int add_replacements(struct claim *c, const struct ini_entry *i, struct err *e) {
    struct strlist words = {0};
    int rc = 0;
    strlist_split(&words, i->value, ", \t");
    for (size_t k = 0; k < words.n && !rc; k++) {
        char *colon = strchr(words.v[k], ':');
        if (!colon || colon == words.v[k] || !colon[1]) {
            rc = refuse(c, i->line, e, "expected EXPERIMENT:OTHER instead of ", words.v[k]);
            continue;
        }
        *colon = '\0';
        strlist_add(&c->control.from, words.v[k]);
        strlist_add(&c->control.to, colon + 1);
    }
    strlist_free(&words);
    return rc;
}

static int control_key(struct claim *c, const struct ini_entry *i, struct err *e) {
    c->control.given = true;
    if (strcmp(i->key, "none") == 0) c->control.none = xstrdup(i->value);
    else if (strcmp(i->key, "backend") == 0) c->control.backend = xstrdup(i->value);
    else if (strcmp(i->key, "on") == 0) strlist_split(&c->control.on, i->value, ", \t");
    else if (strcmp(i->key, "expect") == 0) strlist_split(&c->control.expect, i->value, ", \t");
    else if (strcmp(i->key, "replace") == 0) return add_replacements(c, i, e);
    else return refuse(c, i->line, e, "[control] takes on, replace, backend, expect or none, not ", i->key);
    return 0;
}

static int beside_key(struct claim *c, const struct ini_entry *i, struct err *e) {
    if (!*i->value) return refuse(c, i->line, e, "[beside] expected QUANTITY = UNIT, or note = SENTENCE, not ", i->key);
    if (strcmp(i->key, "note") == 0) {
        free(c->beside_note);
        c->beside_note = xstrdup(i->value);
        return 0;
    }
    strlist_add(&c->beside, i->key);
    strlist_add(&c->beside_units, i->value);
    return 0;
}

static const struct section {
    const char *name;
    int (*read)(struct claim *c, const struct ini_entry *i, struct err *e);
} sections[] = {{"claim", claim_key},           {"quantities", quantity_key},    {"predicates", predicate_key},
                {"not applicable", fixed_key}, {"not measurable", fixed_key}, {"control", control_key},
                {"beside", beside_key}};

static int read_entry(struct claim *c, const struct ini_entry *i, struct err *e) {
    for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
        if (strcmp(i->section, sections[k].name) == 0) return sections[k].read(c, i, e);
    if (strncmp(i->section, "experiment ", 11) == 0) return 0;
    return err_set(e, TRINE_EXIT_USAGE,
                   "%s:%d: unknown section [%s]; expected claim, quantities, predicates, not applicable, not "
                   "measurable, control, beside or experiment NAME",
                   c->path, i->section_line, i->section);
}

static const struct experiment *experiment(const struct claim *c, const char *name) {
    for (size_t i = 0; i < c->sweep.n; i++)
        if (strcmp(c->sweep.experiments[i].name, name) == 0) return &c->sweep.experiments[i];
    return NULL;
}

struct checker {
    const struct claim *c;
    const struct named_formula *of;
    struct err *e;
    int rc;
};

/* A quantity may use those above it, so there is no circle; a predicate all. */
static void check_leaf(const struct formula *f, void *arg) {
    struct checker *k = arg;
    if (k->rc || (f->op == F_NAME && strcmp(f->name, "ncpu") == 0)) return;
    if (f->op == F_FIGURE && !experiment(k->c, f->name))
        k->rc = refuse(k->c, k->of->line, k->e, "there is no [experiment NAME] of the name ", f->name);
    if (f->op != F_NAME) return;
    const struct named_formula *q = claim_quantity(k->c, f->name);
    if (!q || q->line >= k->of->line)
        k->rc = refuse(k->c, k->of->line, k->e, "there is no quantity above this line of the name ", f->name);
}

static int check_formulas(const struct claim *c, const struct named_formula *v, size_t n, struct err *e) {
    struct checker k = {.c = c, .e = e};
    for (size_t i = 0; i < n && !k.rc; i++) {
        k.of = &v[i];
        formula_visit(v[i].formula, check_leaf, &k);
    }
    return k.rc;
}

/* A figure must be one figure: an experiment of a claim is a single cell. */
static int check_experiments(const struct claim *c, struct err *e) {
    for (size_t i = 0; i < c->sweep.n; i++) {
        const struct experiment *x = &c->sweep.experiments[i];
        bool one = x->procs.list.n == 1 && x->tasks.list.n == 1 && x->pins.list.n == 1;
        for (size_t k = 0; k < x->nparams; k++) one &= x->params[k].values.list.n == 1;
        if (!one) return refuse(c, x->line, e, "one value a key: make further experiments, not lists, of ", x->name);
        if (strspn(x->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(x->name))
            return refuse(c, x->line, e, "expected lower case letters, digits and '_' as the name of experiment ",
                          x->name);
    }
    return 0;
}

static int check_control(const struct claim *c, struct err *e) {
    const struct control *k = &c->control;
    if (c->npredicates && !k->given)
        return refuse(c, 1, e, "no [control]: say what must contradict the predicates, or 'none = why'", "");
    if (k->given && !k->none && !k->backend && !k->from.n)
        return refuse(c, 1, e, "[control] needs replace, backend or none", "");
    for (size_t i = 0; i < k->from.n; i++) {
        char *to = xstrndup(k->to.v[i], strcspn(k->to.v[i], "@"));
        bool there = experiment(c, k->from.v[i]) && experiment(c, to);
        free(to);
        if (!there) return refuse(c, 1, e, "[control] replace: there is no such experiment: ", k->to.v[i]);
    }
    return 0;
}

static int check_beside(const struct claim *c, struct err *e) {
    for (size_t i = 0; i < c->beside.n; i++)
        if (!claim_quantity(c, c->beside.v[i]))
            return refuse(c, 1, e, "[beside] there is no quantity of the name ", c->beside.v[i]);
    if (c->beside.n && !c->beside_note)
        return refuse(c, 1, e, "[beside] lacks the key note: how these figures are to be read", "");
    return 0;
}

static bool whole_fixed(const struct claim *c) {
    return claim_fixed(c, "all") != NULL;
}

static int check(struct claim *c, struct err *e) {
    for (size_t k = 0; k < NTEXT_KEYS; k++)
        if (text_keys[k].required && (!*text_slot(c, k) || !**text_slot(c, k)))
            return refuse(c, 1, e, "[claim] lacks the key ", text_keys[k].name);
    if (!c->npredicates && !whole_fixed(c))
        return refuse(c, 1, e, "no [predicates], and no 'all = reason' under [not measurable]", "");
    if (c->show && !claim_quantity(c, c->show))
        return refuse(c, 1, e, "show: there is no quantity of the name ", c->show);
    if (c->npredicates && !c->show) return refuse(c, 1, e, "[claim] lacks the key show", "");
    int rc = check_formulas(c, c->quantities, c->nquantities, e);
    if (!rc) rc = check_formulas(c, c->predicates, c->npredicates, e);
    if (!rc) rc = check_experiments(c, e);
    if (!rc) rc = check_beside(c, e);
    return rc ? rc : check_control(c, e);
}

static char *id_of(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return xstrndup(name, dot && dot != name ? (size_t)(dot - name) : strlen(name));
}

int claim_parse(struct claim *c, const char *path, const char *text, bool full, struct err *e) {
    struct ini ini;
    bool experiments = false;
    *c = (struct claim){.id = id_of(path), .path = xstrdup(path), .full = full, .controlled = full};
    int rc = ini_read(&ini, path, text, e);
    for (size_t i = 0; !rc && i < ini.n; i++) {
        rc = read_entry(c, &ini.v[i], e);
        experiments |= strncmp(ini.v[i].section, "experiment ", 11) == 0;
    }
    if (!rc && experiments) rc = form_sweep(&c->sweep, &ini, path, text, full, e);
    if (!rc) rc = check(c, e);
    ini_free(&ini);
    if (rc) claim_free(c);
    return rc;
}

int claim_load(struct claim *c, const char *path, bool full, struct err *e) {
    char *text = file_read(path, NULL);
    int rc = text ? claim_parse(c, path, text, full, e)
                  : err_set(e, TRINE_EXIT_INFRA, "cannot read the claim %s: %s", path, strerror(errno));
    free(text);
    return rc;
}

static void free_formulas(struct named_formula *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(v[i].name);
        free(v[i].text);
        formula_free(v[i].formula);
    }
    free(v);
}

void claim_free(struct claim *c) {
    for (size_t k = 0; k < NTEXT_KEYS; k++) free(*text_slot(c, k));
    free_formulas(c->quantities, c->nquantities);
    free_formulas(c->predicates, c->npredicates);
    for (size_t i = 0; i < c->nfixed; i++) {
        free(c->fixed[i].backend);
        free(c->fixed[i].reason);
    }
    free(c->fixed);
    strlist_free(&c->needs);
    strlist_free(&c->beside);
    strlist_free(&c->beside_units);
    free(c->beside_note);
    free(c->control.none);
    free(c->control.backend);
    strlist_free(&c->control.on);
    strlist_free(&c->control.from);
    strlist_free(&c->control.to);
    strlist_free(&c->control.expect);
    if (c->sweep.n) sweep_free(&c->sweep);
    free(c->id);
    free(c->path);
    *c = (struct claim){0};
}

const struct named_formula *claim_quantity(const struct claim *c, const char *name) {
    for (size_t i = 0; i < c->nquantities; i++)
        if (strcmp(c->quantities[i].name, name) == 0) return &c->quantities[i];
    return NULL;
}

const struct fixed_verdict *claim_fixed(const struct claim *c, const char *backend) {
    for (size_t i = 0; i < c->nfixed; i++)
        if (strcmp(c->fixed[i].backend, backend) == 0) return &c->fixed[i];
    return NULL;
}

static void add_once(struct strlist *l, const char *word) {
    if (!strlist_has(l, word)) strlist_add(l, word);
}

static void note_experiment(const struct formula *f, void *arg) {
    if (f->op == F_FIGURE) add_once(arg, f->name);
}

static void visit_all(const struct claim *c, void (*visit)(const struct formula *, void *), void *arg) {
    for (size_t i = 0; i < c->nquantities; i++) formula_visit(c->quantities[i].formula, visit, arg);
    for (size_t i = 0; i < c->npredicates; i++) formula_visit(c->predicates[i].formula, visit, arg);
}

void claim_experiments(const struct claim *c, bool controls, struct strlist *out) {
    visit_all(c, note_experiment, out);
    for (size_t i = 0; controls && i < c->control.to.n; i++) {
        char *to = xstrndup(c->control.to.v[i], strcspn(c->control.to.v[i], "@"));
        add_once(out, to);
        free(to);
    }
}

struct reader {
    const char *experiment, *backend;
    bool found;
};

static void note_reader(const struct formula *f, void *arg) {
    struct reader *r = arg;
    r->found |= f->op == F_FIGURE && f->backend && strcmp(f->name, r->experiment) == 0 &&
                strcmp(f->backend, r->backend) == 0;
}

bool claim_reads(const struct claim *c, const char *experiment, const char *backend) {
    const struct control *k = &c->control;
    struct reader r = {experiment, backend, false};
    visit_all(c, note_reader, &r);
    if (!c->controlled) return r.found;
    if (k->backend && strcmp(k->backend, backend) == 0) return true;
    for (size_t i = 0; i < k->to.n; i++) {
        size_t n = strcspn(k->to.v[i], "@");
        r.found |= k->to.v[i][n] && strlen(experiment) == n && strncmp(k->to.v[i], experiment, n) == 0 &&
                   strcmp(k->to.v[i] + n + 1, backend) == 0;
    }
    return r.found;
}
