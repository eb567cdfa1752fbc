/*
 * sites.c: weakens one memory order at a time and asks whether a scenario notices. See sites.h.
 *
 * A weakening that survives an exhausted search is not needed by these scenarios; one that survives a search that
 * was cut short is only "not caught", and the table says which.
 */
#include "sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct model_site *site[SITES];
static int nsites;

void site_seen(struct model_site *s, const char *func) {
    if (s->known) return;
    if (nsites == SITES) abort();
    s->known = true;
    s->func = func;
    s->id = nsites;
    site[nsites++] = s;
}

struct weakening {
    const char *name;
    unsigned keep;
    bool drop;
};

/* The weakenings of one site, mildest first. */
static int weakenings(const struct model_site *s, struct weakening *w) {
    bool load = strstr(s->op, "load"), store = strstr(s->op, "store");
    int n = 0;

    if (strstr(s->op, "fence")) {
        w[n++] = (struct weakening){"no fence", MO_SC, true};
        return n;
    }
    if (s->order == MO_RLX) return 0;
    if (s->order == MO_SC && load) w[n++] = (struct weakening){"acquire", MO_ACQ, false};
    if (s->order == MO_SC && store) w[n++] = (struct weakening){"release", MO_REL, false};
    if (s->order == MO_SC && !load && !store) w[n++] = (struct weakening){"acquire-release", MO_AR, false};
    if (!load && !store && (s->order & MO_AR) == MO_AR) {
        w[n++] = (struct weakening){"acquire", MO_ACQ, false};
        w[n++] = (struct weakening){"release", MO_REL, false};
    }
    w[n++] = (struct weakening){"relaxed", MO_RLX, false};
    return n;
}

static const char *base(const char *path) {
    const char *b = strrchr(path, '/');

    return b ? b + 1 : path;
}

/* The how-manieth use of its operation in its function is site[i]? (The sites are in the order of the text.) */
static int nth(int i) {
    int n = 0;

    for (int k = 0; k <= i; k++) n += !strcmp(site[k]->func, site[i]->func) && !strcmp(site[k]->op, site[i]->op);
    return n;
}

static int find_waiver(int at, const char *weaker, const struct site_waiver *v, int n) {
    const struct model_site *s = site[at];

    for (int i = 0; i < n; i++) {
        if (v[i].nth != nth(at)) continue;
        if (!strcmp(v[i].func, s->func) && !strcmp(v[i].op, s->op) && !strcmp(v[i].weaker, weaker)) return i;
    }
    return -1;
}

/* Returns the violation that some scenario shows, or "" when none does. */
static const char *noticed(const struct model *scenario, int n, uint64_t max_runs, bool *exhausted) {
    static struct model_result r;

    *exhausted = true;
    for (int i = 0; i < n; i++) {
        r = model_explore(&scenario[i], max_runs, false);
        if (r.violation[0]) return r.violation;
        if (!r.exhausted) *exhausted = false;
    }
    return "";
}

static int by_place(const void *a, const void *b) {
    const struct model_site *x = *(struct model_site *const *)a, *y = *(struct model_site *const *)b;
    int c = strcmp(x->file, y->file);

    if (c == 0) c = (x->line > y->line) - (x->line < y->line);
    return c ? c : x->id - y->id;
}

/* Why a weakening of site[at] may go unnoticed; NULL: it may not. *declared: for this one in particular. */
static const char *excuse(int at, const char *weaker, const struct site_rules *rules, bool *used, bool *declared) {
    int v = find_waiver(at, weaker, rules->waiver, rules->nwaivers);

    *declared = v >= 0;
    if (v >= 0) {
        used[v] = true;
        return rules->waiver[v].why;
    }
    for (int i = 0; i < rules->nguests && !strstr(site[at]->op, "fence"); i++) {
        if (!strcmp(base(site[at]->file), rules->guest[i].file)) return rules->guest[i].why;
    }
    return NULL;
}

static int mutate_site(int at, const struct model *scenario, int n, const struct site_rules *rules,
                       uint64_t max_runs, bool *used) {
    struct model_site *s = site[at];
    struct weakening w[4];
    int count = weakenings(s, w), missed = 0;

    for (int i = 0; i < count; i++) {
        bool exhausted, declared;
        const char *found, *why = excuse(at, w[i].name, rules, used, &declared);

        s->keep = w[i].keep;
        s->dropped = w[i].drop;
        found = noticed(scenario, n, max_runs, &exhausted);
        s->keep = MO_SC;
        s->dropped = false;
        printf("  %s:%d %s %s -> %s: ", base(s->file), s->line, s->func, s->op, w[i].name);
        if (found[0]) {
            printf("caught: %s%s\n", found, declared ? ": YET DECLARED as not needed" : "");
            missed += declared;
        } else if (why) {
            printf("%s: %s\n", exhausted ? "not needed" : "not caught within the bound", why);
        } else {
            printf("%s\n", exhausted ? "NOT NEEDED by these scenarios" : "NOT CAUGHT within the bound");
            missed++;
        }
    }
    return missed;
}

int sites_mutate(const struct model *scenario, int n, const struct site_rules *rules, uint64_t max_runs) {
    bool used[64] = {false};
    int missed = 0;

    if (rules->nwaivers > 64) abort();
    qsort(site, (size_t)nsites, sizeof(site[0]), by_place);
    for (int i = 0; i < nsites; i++) {
        missed += mutate_site(i, scenario, n, rules, max_runs, used);
        fflush(stdout);
    }
    for (int v = 0; v < rules->nwaivers; v++) {
        const struct site_waiver *w = &rules->waiver[v];

        if (used[v]) continue;
        printf("  no such site any more: %s %s -> %s\n", w->func, w->op, w->weaker);
        missed++;
    }
    return missed;
}
