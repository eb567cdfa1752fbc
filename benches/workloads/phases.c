/* Making a request's calls: see phases.h. */
#include "phases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool parse_us(const char *text, size_t length, uint32_t *us) {
    enum { MOST_US = 60000000 };
    char word[24];
    int64_t v;
    if (length >= sizeof word) return false;
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    if (!parse_int(word, &v) || v < 0 || v > MOST_US) return false;
    *us = (uint32_t)v;
    return true;
}

bool phases_parse(struct phases *p, const char *text) {
    *p = (struct phases){.n = 1};
    for (;;) {
        size_t length = strcspn(text, "+/");
        int phase = p->n - 1;
        if (p->phase[phase].n == PHASE_CALLS || p->ncalls == PHASES_CALLS_MAX) return false;
        if (!parse_us(text, length, &p->phase[phase].us[p->phase[phase].n++])) return false;
        p->ncalls++;
        if (text[length] == '\0') return true;
        if (text[length] == '/' && p->n++ == PHASES_MAX) return false;
        text += length + 1;
    }
}

int64_t phases_least_ns(const struct phases *p) {
    int64_t sum_us = 0;
    for (int i = 0; i < p->n; i++) {
        int64_t most = 0, all = 0;
        for (int c = 0; c < p->phase[i].n; c++) {
            all += p->phase[i].us[c];
            if (p->phase[i].us[c] > most) most = p->phase[i].us[c];
        }
        sum_us += p->sequential ? all : most;
    }
    return sum_us * 1000;
}

void phases_begin(struct phases_run *r, const struct phases *phases, struct mux *mux) {
    *r = (struct phases_run){.phases = phases, .mux = mux};
    for (int i = 0; i < PHASES_CALLS_MAX; i++) r->tickets[i] = MUX_NONE;
}

struct call {
    struct phases_run *run;
    struct be_wg *wg;
    int index, status;               /* index: among all calls of the request */
    uint32_t us;
};

static int make_call(struct phases_run *r, int index, uint32_t us) {
    be_mutex_lock(&r->lock);
    mux_ticket t = r->cancelled ? MUX_NONE : mux_begin(r->mux, us);
    bool cancelled = r->cancelled;
    r->tickets[index] = t;
    be_mutex_unlock(&r->lock);
    if (cancelled) return -ECANCELED;
    int status = mux_wait(r->mux, t);
    be_mutex_lock(&r->lock);
    r->tickets[index] = MUX_NONE;
    be_mutex_unlock(&r->lock);
    return status;
}

static void call_task(void *arg) {
    struct call *c = arg;
    c->status = make_call(c->run, c->index, c->us);
    be_wg_done(c->wg);
}

/* Calls that have no task of their own are made by the request's: the first, and any for which none could be made. */
static int side_by_side(struct phases_run *r, const uint32_t *us, int n, int first) {
    struct call calls[PHASE_CALLS];
    struct be_wg wg = {0};
    int status = SERVICE_OK;
    bool own[PHASE_CALLS] = {true};
    for (int i = 1; i < n; i++) {
        calls[i] = (struct call){r, &wg, first + i, SERVICE_OK, us[i]};
        be_wg_add(&wg, 1);
        own[i] = !be_go(call_task, &calls[i]);
        if (own[i]) be_wg_add(&wg, -1);
    }
    for (int i = 0; i < n; i++)
        if (own[i]) {
            int got = make_call(r, first + i, us[i]);
            if (status == SERVICE_OK) status = got;
        }
    be_wg_wait(&wg);
    for (int i = 0; i < n; i++)
        if (!own[i] && status == SERVICE_OK) status = calls[i].status;
    return status;
}

bool phases_need_a_task(const struct phases *p) {
    bool any = false;
    for (int i = 0; i < p->n; i++) any |= p->phase[i].n > 1;
    return any && !p->sequential;
}

int phases_make(struct phases_run *r) {
    int status = SERVICE_OK, made = 0;
    for (int p = 0; p < r->phases->n && status == SERVICE_OK; p++) {
        const uint32_t *us = r->phases->phase[p].us;
        int n = r->phases->phase[p].n;
        if (!r->phases->sequential) status = side_by_side(r, us, n, made);
        else
            for (int i = 0; i < n && status == SERVICE_OK; i++) status = make_call(r, made + i, us[i]);
        made += n;
    }
    return status;
}

void phases_cancel(struct phases_run *r) {
    be_mutex_lock(&r->lock);
    r->cancelled = true;
    for (int i = 0; i < r->phases->ncalls; i++) mux_cancel(r->mux, r->tickets[i]);
    be_mutex_unlock(&r->lock);
}
