/* The list of figures, and gnuplot. Each figure is left in run_dir/figures as NAME.dat, NAME.gp (gnuplot
 * NAME.gp draws it again) and NAME.svg. Without gnuplot everything but the SVG is still there, and the note
 * says so. */
#include "report/figures.h"

#include "base/file.h"
#include "base/json.h"
#include "report/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GNUPLOT_LIMIT_S 20

/* In the report's order: scaling, latency against load, its percentiles and its course, the switch, blocking, noise. */
static const struct figure_spec specs[] = {
    {"procs", "Throughput against GOMAXPROCS",
     "Rises until every CPU has work; past that, nothing is left to gain.", FIGURE_PLACES, "cpu", "", "procs",
     1, "GOMAXPROCS", "operations a second"},
    {"procs-panels", "Cost of an operation against goroutines, for each GOMAXPROCS",
     "The same line in every panel: neither costs. One that lifts with GOMAXPROCS pays for other processors, "
     "one that rises to the "
     "right pays for the number of tasks.",
     FIGURE_PROCS, "yield,pingpong,spawn", "", "tasks", 1, "tasks", "ns an operation"},
    {"mix-throughput", "Throughput against the CPU and I/O mix",
     "The more a task waits, the more of them share a CPU.", FIGURE_PLACES, "mix", "", "p:io_percent", 1,
     "share of waiting, %", "cycles a second"},
    {"creation", "Cost of creating a task against how many there are",
     "Threads pay the kernel for each; tasks of a runtime reuse stacks.", FIGURE_PLACES, "spawn", "", "tasks",
     1, "tasks", "ns a task"},
    {"memory", "Memory of a task against how many there are",
     "A flat line is a fixed price for each; a rise at the left is the fixed cost, shared by few.",
     FIGURE_PLACES, "memory", "", "tasks", 1024, "tasks", "KiB a task"},
    {"load", "p99 against offered load",
     "Where a line turns upwards, requests begin to queue: the load that a scheduler carries is left of it.",
     FIGURE_PLACES, "latency", "h:latency:99", "p:load", 1e3, "offered load, share of the capacity",
     "p99, µs"},
    {FIGURE_OF_HOGS, "p99 against offered load, beside computing tasks",
     "Above the same line without them by the slices that a request waits: a scheduler that preempts late "
     "steps up at once.",
     FIGURE_PLACES, "latency", "h:latency:99", "p:load", 1e3, "offered load, share of the capacity",
     "p99, µs"},
    {"mix-p99", "p99 against the CPU and I/O mix",
     "Where the tail leaves the median's course, waiting tasks queue behind computing ones.", FIGURE_PLACES,
     "mix", "h:latency:99", "p:io_percent", 1e3, "share of waiting, %", "p99, µs"},
    {"percentiles", "Latency by percentile",
     "Each further nine takes the same room; a line that turns upwards is a tail that the median hides. It "
     "ends where "
     "fewer than ten samples lie beyond.",
     FIGURE_PERCENTILES, "latency,wake,net", "h:latency:50", "tasks", 1e3, "percentile", "latency, µs"},
    {"heatmap", "Latency over time",
     "The strongest row is the usual latency; a column that reaches up is a moment when requests stood "
     "still.",
     FIGURE_HEATMAP, "*", "", "tasks", 1, "s since the first request", "latency, µs"},
    {"switch", "Cost of a switch, by layer",
     "A gap between backends on this log axis is a factor.", FIGURE_PLACES, "switch,yield,pingpong,wake", "",
     "workload", 1, "layer", "ns a switch"},
    {"working-set", "Cost of a switch against the working set",
     "Steps stand where the set leaves a cache: that is refill, not the switch.", FIGURE_PLACES, "yield", "",
     "p:ws_kib", 1, "working set of each task, KiB", "ns a switch"},
    {"steal-cost", "What does a steal cost a goroutine with a working set of X?",
     "Every line of the set has to come from another core: the cost grows with the set until that no longer "
     "fits the caches that it "
     "left. The control on the same P lies at 0.",
     FIGURE_STEAL, "locality", "", "p:payload_kib", 1, "working set, KiB", ""},
    {"pinning", "Latency by pinning",
     "Where tasks meet on one cache, the figure is lower; across sockets it is higher.", FIGURE_PLACES, "*",
     "h:latency:99", "pin", 1e3, "pinning", "p99, µs"},
    {"blocked", "Threads against blocked calls",
     "On the dotted line every blocked task holds a thread; below it, threads are shared.", FIGURE_PLACES,
     "block", "o:threads.peak", "tasks", 1, "tasks in a blocking call", "threads at the peak"},
    {"threads-time", "Threads over time",
     "Thread-per-task climbs to its tasks; a runtime adds threads only for calls that block.", FIGURE_THREADS,
     "*", "", "tasks", 1e6, "ms since the start", "threads"},
    {"noise", "Noise floor",
     "Below the dotted line repetitions agree within 3 %; an effect smaller than a series' own spread cannot "
     "be seen "
     "in it.",
     FIGURE_NOISE, "*", "", "tasks", 1, "share of the series, %", "half the interval, % of the median"},
    {FIGURE_OF_HISTORY, "History of this machine and profile",
     "A level that holds is no news; a mark is a change of level, and what changed it stands at that run's "
     "commit.",
     FIGURE_HISTORY, "*", "", "tasks", 1, "run", ""},
    {"peers", "What an operation costs beside the peers",
     "Left of 1 trine costs less. What ends left of the upright stroke of its colour has met its target.", FIGURE_PEERS, "*", "",
     "tasks", 1, "trine over the peer; the peer over trine where more is better", ""},
};

/* Where the scripts stand: TRINE_PLOTS, beside the installed command, or the source tree. Caller frees. */
static char *plots_dir(void) {
    const char *asked = getenv("TRINE_PLOTS");
    char *own = own_dir(), *installed = xasprintf("%s/../share/trine/plots", own),
         *style = path_join(installed, "style.gp");
    bool there = file_exists(style);

    free(own), free(style);
    if (asked != NULL || !there) {
        free(installed);
        return xstrdup(asked != NULL ? asked : TRINE_PLOTS_SOURCE);
    }
    return installed;
}

/* Runs gnuplot on a script, its words into figures/gnuplot.log. NULL when it drew, else why not. */
static const char *run_gnuplot(const char *dir, const char *script) {
    pid_t pid = fork();
    int status = 0;

    if (pid < 0) return "gnuplot could not be started";
    if (pid == 0) {
        int log = chdir(dir) == 0 ? open("gnuplot.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

        if (log >= 0) dup2(log, STDOUT_FILENO), dup2(log, STDERR_FILENO);
        alarm(GNUPLOT_LIMIT_S); /* survives exec: a script that hangs is ended by SIGALRM */
        execlp("gnuplot", "gnuplot", script, (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return NULL;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return "gnuplot is not installed";
    return "gnuplot failed (figures/gnuplot.log says why)";
}

static void list_var(struct strbuf *b, const char *name, const struct strlist *l) {
    char *all = strlist_join(l, " ");

    strbuf_printf(b, "%s = \"%s\"\n", name, all);
    free(all);
}

/* Names that come from files go into a script: nothing in them may end a string or be run. */
static void plain_text(struct strbuf *b, const char *text) {
    for (; *text; text++) strbuf_add(b, strchr("\"'`\\\n\r", *text) ? " " : text, 1);
}

static void array(struct strbuf *b, const char *name, const struct strlist *l) {
    strbuf_printf(b, "array %s[%zu]\n", name, l->n ? l->n : 1);
    for (size_t i = 0; i < l->n; i++) {
        strbuf_printf(b, "%s[%zu] = \"", name, i + 1), plain_text(b, l->v[i]);
        strbuf_puts(b, "\"\n");
    }
}

/* The workload `switch` is the one without a scheduler. */
static const char *tick_text(const struct figure_spec *s, const char *label) {
    return strcmp(s->x, "workload") == 0 && strcmp(label, "switch") == 0 ? "bare switch" : label;
}

/* Whether the figure compares the backends of the run's points; the others are drawn from what was made of them. */
static bool of_backends(enum figure_kind kind) {
    return kind != FIGURE_HISTORY && kind != FIGURE_PEERS;
}

bool figure_beside_table(const struct figure *f) {
    return !of_backends(f->kind);
}

static int write_script(const char *dir, const struct figure_spec *s, const struct figure_data *d,
                        const char *plots) {
    struct strbuf b = {0};
    char *file = xasprintf("%s/%s.gp", dir, s->name), *dat = xasprintf("%s/%s.dat", dir, s->name);
    struct err e;

    strbuf_printf(&b, "data = \"%s.dat\"\nout = \"%s.svg\"\nplots = \"%s\"\nsvgname = \"", s->name, s->name,
                  plots);
    for (const char *c = s->name; *c; c++) strbuf_printf(&b, "%c", *c == '-' ? '_' : *c);
    strbuf_puts(&b, "\"\n");
    strbuf_printf(&b, "xname = \"%s\"\nyname = \"%s\"\nstyle = plots.\"/style.gp\"\n", s->xname, s->yname);
    if (s->kind == FIGURE_HISTORY)
        strbuf_puts(&b, "present = \"\"\n");
    else
        list_var(&b, "present", &d->present);
    list_var(&b, "raw", &d->raw), list_var(&b, "invalid", &d->invalid);
    strbuf_puts(&b, "ticks = '");
    for (size_t i = 0; i < d->labels.n; i++) {
        strbuf_puts(&b, i ? ", \"" : "\""), plain_text(&b, tick_text(s, d->labels.v[i]));
        strbuf_printf(&b, "\" %zu", i);
    }
    strbuf_printf(&b, "'\nnpanels = %zu\n", d->panels.n);
    array(&b, "Panel", &d->panels), array(&b, "Marks", &d->marks);
    strbuf_printf(&b, "nticks = %zu\nload plots.\"/%s.gp\"\n", d->labels.n, s->name);
    int rc = file_write(file, b.s, b.len, &e);

    if (rc == 0) rc = file_write(dat, strbuf_str(&d->dat), d->dat.len, &e);
    strbuf_free(&b), free(file), free(dat);
    return rc;
}

static void replace_all(struct strbuf *out, const char *text, const char *const (*pairs)[2], size_t n) {
    while (*text) {
        size_t k = 0;

        while (k < n && strncmp(text, pairs[k][0], strlen(pairs[k][0])) != 0) k++;
        if (k < n) {
            strbuf_puts(out, pairs[k][1]);
            text += strlen(pairs[k][0]);
        } else {
            strbuf_add(out, text++, 1);
        }
    }
}

/* gnuplot's SVG made fit to stand inside a page: from its <svg> on, black becomes the page's own colour, and
 * ids get the figure's name, so that two figures never share one. */
static char *embed(const char *dir, const struct figure_spec *s) {
    char *path = xasprintf("%s/%s.svg", dir, s->name), *text = file_read(path, NULL);
    char *svg = text ? strstr(text, "<svg") : NULL, *name = xasprintf("%s_gp", s->name), *root;
    char *box = xasprintf("%s_textbox", s->name), *grey = xasprintf("%s_greybox", s->name);
    char *canvas = xasprintf("%s_canvas", s->name);
    struct strbuf b = {0};

    root = xasprintf("<svg role=\"img\" aria-label=\"%s\"", s->title);
    const char *const pairs[][2] = {{"<svg", root},
                                    {"'black'", "'currentColor'"},
                                    {"\"black\"", "\"currentColor\""},
                                    {"gpPt", name},
                                    {"gpDot", name},
                                    {"textbox", box},
                                    {"greybox", grey},
                                    {"gnuplot_canvas", canvas},
                                    {"<title>Gnuplot</title>", ""}};

    if (svg != NULL) replace_all(&b, svg, pairs, sizeof pairs / sizeof pairs[0]);
    free(path), free(text), free(name), free(box), free(grey), free(canvas), free(root);
    return b.s;
}

/* Whether the run has a point of the figure's workloads on that backend: what was never asked is not missed. */
static bool was_planned(const struct rep_run *run, const struct figure_spec *s, const char *backend) {
    for (size_t i = 0; i < run->nseries; i++)
        if (strcmp(json_str(run->series[i].first, "backend", ""), backend) == 0 &&
            (strcmp(s->x, "pin") != 0 || strcmp(json_str(run->series[i].first, "experiment", ""), "pinning") == 0) &&
            figure_lists(s->workloads, json_str(run->series[i].first, "workload", "")))
            return true;
    return false;
}

static bool has_medians(enum figure_kind kind) {
    return kind == FIGURE_PLACES || kind == FIGURE_PROCS || kind == FIGURE_STEAL;
}

static char *note_of(const struct rep_run *run, const struct figure_spec *s, const struct figure_data *d,
                     const char *why) {
    struct strbuf b = {0};
    struct strlist all, absent = {0};

    run_backends(run, &all);
    for (size_t i = 0; i < all.n; i++)
        if (of_backends(s->kind) && was_planned(run, s, all.v[i]) && !strlist_has(&d->present, all.v[i]))
            strlist_add(&absent, all.v[i]);
    if (has_medians(s->kind) && d->most_n > 1) {
        strbuf_puts(&b, "Medians of ");
        if (d->least_n != d->most_n) strbuf_printf(&b, "%zu to ", d->least_n);
        strbuf_printf(&b, "%zu processes; bars: %s. ", d->most_n,
                      d->ninterval == d->ndrawn ? "95 % interval of the median (order statistics)"
                      : d->ninterval == 0
                          ? "their range, too few for an interval at 95 %"
                          : "95 % interval of the median from six processes on, else their range");
    } else if (has_medians(s->kind) && d->most_n == 1)
        strbuf_puts(&b, "One process a point: no interval, nothing here can be compared. ");
    if (d->nhidden > 0)
        strbuf_puts(&b, "Where several series have one place, that with the fewest tasks stands there, then that with the most Ps "
                        "the machine has CPUs for, then the first of the profile (of runs without its order: the first that ran); all are in the list of points below. ");
    strbuf_puts(&b, strbuf_str(&d->note));
    if (d->raw.n > 0) strbuf_puts(&b, "Hollow marks: each process. ");
    if (d->invalid.n > 0) strbuf_puts(&b, "Crosses: measured, not to be trusted. ");
    if (absent.n > 0 && absent.n < all.n) {
        char *names = strlist_join(&absent, ", ");

        strbuf_printf(&b, "Absent: %s (no valid point with this figure; see the list of points below). ",
                      names);
        free(names);
    }
    if (why != NULL) strbuf_printf(&b, "Not drawn: %s.", why);
    strlist_free(&all), strlist_free(&absent);
    return b.s ? b.s : xstrdup("");
}

/* What to look for; of the layers of a switch those are explained that are there. */
static char *see_of(const struct figure_spec *s, const struct figure_data *d) {
    static const char *const layers[][2] = {{"switch", "the bare switch has no scheduler"},
                                            {"yield", "yield goes through a run queue"},
                                            {"pingpong", "ping-pong parks and readies through a channel"},
                                            {"wake", "wake readies a task on another processor"}};
    struct strbuf b = {0};
    size_t told = 0;

    strbuf_puts(&b, s->see);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0] && strcmp(s->x, "workload") == 0; i++) {
        if (!strlist_has(&d->labels, layers[i][0])) continue;
        strbuf_puts(&b, told++ ? "; " : " ");
        strbuf_printf(&b, "%c%s", told == 1 ? layers[i][1][0] - 'a' + 'A' : layers[i][1][0], layers[i][1] + 1);
    }
    strbuf_puts(&b, told ? "." : "");
    return b.s;
}

static struct figure make_one(const struct rep_run *run, const struct figure_spec *spec, const char *dir,
                              const char *plots, const char **broken) {
    struct figure_spec s = *spec;
    struct figure f = {.name = s.name, .title = s.title, .kind = s.kind};
    struct figure_data d;
    const char *why = NULL;

    figure_collect(run, &s, &d);
    if (d.present.n + d.invalid.n == 0 &&
        strcmp(s.name, "pinning") == 0) { /* no histograms: the typical value instead */
        figure_data_free(&d);
        s.metric = "", s.scale = 1, s.yname = "ns a switch, median (no p99)";
        figure_collect(run, &s, &d);
    }
    if (d.present.n + d.invalid.n == 0)
        why = s.kind == FIGURE_HISTORY ? "fewer than two runs of this machine and profile are known"
              : s.kind == FIGURE_PEERS ? "no row has a ratio"
              : s.kind == FIGURE_PROCS ? "no experiment swept both GOMAXPROCS and the number of tasks"
                                       : "the run holds no such measurement";
    else if (write_script(dir, &s, &d, plots) != 0)
        why = "its data could not be written";
    else if (*broken == NULL || strcmp(*broken, "gnuplot is not installed") != 0) {
        char *script = xasprintf("%s.gp", s.name);

        why = *broken = run_gnuplot(dir, script);
        if (why == NULL && (f.svg = embed(dir, &s)) == NULL) why = "gnuplot wrote no SVG";
        free(script);
    } else {
        why = *broken;
    }
    f.note = note_of(run, &s, &d, why);
    f.see = see_of(&s, &d);
    if (d.present.n + d.invalid.n > 0) f.csv = xstrdup(strbuf_str(&d.csv));
    figure_data_free(&d);
    return f;
}

struct figure *figures_make(const struct rep_run *run, const char *run_dir, size_t *n, FILE *log) {
    char *dir = path_join(run_dir, "figures"), *plots = plots_dir();
    const char *broken = NULL;
    struct err e;

    *n = sizeof specs / sizeof specs[0];
    struct figure *f = xcalloc(*n, sizeof *f);

    if (make_dirs(dir, &e) != 0) fprintf(log, "report: %s\n", e.text);
    for (size_t i = 0; i < *n; i++) f[i] = make_one(run, &specs[i], dir, plots, &broken);
    if (broken != NULL)
        fprintf(log, "report: %s: the report has its tables, but figures are missing\n", broken);
    free(dir), free(plots);
    return f;
}

void figures_free(struct figure *f, size_t n) {
    for (size_t i = 0; i < n; i++) free(f[i].see), free(f[i].note), free(f[i].svg), free(f[i].csv);
    free(f);
}
