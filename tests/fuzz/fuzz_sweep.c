/*
 * libFuzzer: the sweep parser and its numbers on any bytes. It must return 0 or leave one line that names the
 * file; and what it accepts must keep its promises.
 */
#include "run/expr.h"
#include "run/sweep.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds) {
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = xstrndup((const char *)data, size);
    struct sweep s;
    struct err e = {0};
    int64_t v;
    if (sweep_parse(&s, "f.ini", text, &e) == 0) {
        demand(s.n > 0);
        for (size_t i = 0; i < s.n; i++) {
            const struct experiment *x = &s.experiments[i];
            demand(x->workload && x->procs.list.n && x->tasks.list.n && x->pins.list.n && x->reps >= 1);
            for (size_t k = 0; k < x->procs.list.n; k++)
                demand(expr_eval(x->procs.list.v[k], 1, &v) && v >= 1 && v <= EXPR_MAX);
        }
        sweep_free(&s);
    } else {
        demand(e.code == TRINE_EXIT_USAGE && strncmp(e.text, "f.ini:", 6) == 0 && !strchr(e.text, '\n'));
    }
    free(text);
    return 0;
}
