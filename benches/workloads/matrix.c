/*
 * matrix: many short tasks over the rows of a matrix, or one long-lived worker a processor?
 *
 * Method       A matrix of --tasks rows of row_bytes is added up, `passes` times a row. mode=tasks: a task a row;
 *              mode=pool: procs tasks, each over a contiguous share of the rows.
 * Unit         ns from the first task made to the last that has ended.
 * Expectation  The pool wins by what the tasks cost to make and by the order in which rows are visited; the longer a row
 *              takes, the less.
 * Falsified by sums that differ between the modes.
 * Known lies   The rows are read once each, so what is lost by a steal is the prefetcher's stream and the stack's lines, not a
 *              working set: workload `locality` measures that.
 */
#include <string.h>

#include "crowd.h"
#include "workloads.h"

static const char *const matrix_modes[] = {"tasks", "pool", NULL};

static const struct param matrix_params[] = {
    {"mode", PARAM_CHOICE, 0, 0, "tasks", matrix_modes, "a task a row, or procs workers"},
    {"row_bytes", PARAM_INT, 64, 65536, "512", NULL, "of a row"},
    {"passes", PARAM_INT, 1, 1000, "4", NULL, "over each row"},
    {0},
};

struct share {
    struct matrix *all;
    uint64_t from, to;           /* rows */
    uint64_t sum;
};

struct matrix {
    struct point *pt;
    struct be_wg wg;
    struct share *shares;
    uint64_t *cells;
    uint64_t rows, row_cells, passes, nshares, expected;
    int64_t counted;
};

static void share_task(void *arg) {
    struct share *s = arg;
    struct matrix *m = s->all;
    uint64_t sum = 0;
    for (uint64_t row = s->from; row < s->to; row++)
        for (uint64_t pass = 0; pass < m->passes; pass++)
            for (uint64_t i = 0; i < m->row_cells; i++) {
                sum += m->cells[row * m->row_cells + i];
                __asm__ volatile("" : "+r"(sum));
            }
    s->sum = sum;
    be_wg_done(&m->wg);
}

static double matrix_batch(void *state, uint64_t n) {
    struct matrix *m = state;
    uint64_t sum = 0;
    (void)n;
    for (uint64_t i = 0; i < m->nshares; i++) m->shares[i].sum = 0;
    int64_t start = point_now();
    crowd_go(m->pt, &m->wg, share_task, m->shares, sizeof *m->shares, m->nshares);
    be_wg_wait(&m->wg);
    int64_t elapsed_ns = point_now() - start;
    for (uint64_t i = 0; i < m->nshares; i++) sum += m->shares[i].sum;
    m->counted += sum == m->expected ? (int64_t)m->rows : 0;
    return (double)elapsed_ns;
}

static int64_t matrix_counted(const void *state) {
    return ((const struct matrix *)state)->counted;
}

static void fill(struct matrix *m) {
    for (uint64_t i = 0; i < m->rows * m->row_cells; i++) {
        m->cells[i] = i % 251;
        m->expected += m->cells[i] * m->passes;
    }
    for (uint64_t i = 0; i < m->nshares; i++)
        m->shares[i] = (struct share){m, m->rows * i / m->nshares, m->rows * (i + 1) / m->nshares, 0};
}

static void matrix_run(struct point *pt) {
    bool pool = !strcmp(point_text(pt, "mode"), "pool");
    struct matrix m = {.pt = pt, .rows = (uint64_t)pt->tasks, .passes = (uint64_t)point_int(pt, "passes"),
                       .row_cells = (uint64_t)point_int(pt, "row_bytes") / sizeof(uint64_t)};
    m.nshares = pool ? (uint64_t)pt->config.procs : m.rows;
    m.cells = point_alloc(pt, m.rows * m.row_cells, sizeof *m.cells);
    m.shares = point_alloc(pt, m.nshares, sizeof *m.shares);
    if (m.cells && m.shares) {
        struct batch_plan plan = {matrix_batch, &m, 1, true, m.rows, matrix_counted};
        fill(&m);
        point_measure(pt, &plan);
    }
    free(m.shares);
    free(m.cells);
}

const struct workload matrix = {
    .name = "matrix",
    .doc = "the rows of a matrix by a task each, or by one worker a processor",
    .metric = "total_ns", .unit = "ns", .better = "lower",
    .tasks = 50000, .tasks_min = 1, .tasks_max = 1000000,
    .params = matrix_params,
    .run = matrix_run,
};
