/* man: the manual page, made from the table of verbs, so that it cannot lag behind it. `trine --man` prints
 * it; the build installs what it printed. */
#include "base/version.h"
#include "cmd/cmd.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Text in roff: a backslash, a hyphen that is a minus, and a line that would be taken for a request. */
static void roff(FILE *out, const char *s) {
    bool start = true;
    for (; *s; s++) {
        if (start && (*s == '.' || *s == '\'')) fputs("\\&", out);
        start = *s == '\n';
        if (*s == '\\')
            fputs("\\e", out);
        else if (*s == '-')
            fputs("\\-", out);
        else
            fputc(*s, out);
    }
}

static void section(FILE *out, const char *name) {
    fprintf(out, ".SH %s\n", name);
}

/* A term and what it means. */
static void term(FILE *out, const char *word, const char *meaning) {
    fputs(".TP\n.B ", out);
    roff(out, word);
    fputc('\n', out);
    roff(out, meaning);
    fputc('\n', out);
}

static void verb(FILE *out, const struct verb *v) {
    fputs(".SS ", out);
    roff(out, v->name);
    fputs("\n.B trine ", out);
    roff(out, v->name);
    fputs("\n", out);
    roff(out, v->arguments);
    fputs("\n.PP\n", out);
    fputc(toupper((unsigned char)v->summary[0]), out);
    roff(out, v->summary + 1);
    fputs(".\n.PP\n.nf\n", out);
    roff(out, v->help);
    fputs(".fi\n", out);
}

void print_man(FILE *out) {
    fprintf(out, ".TH TRINE 1 \"\" \"trine %s\" \"User Commands\"\n", trine_version);
    section(out, "NAME");
    fputs("trine \\- measures goroutine\\-style scheduling\n", out);
    section(out, "SYNOPSIS");
    fputs(".B trine\n.I VERB\n.RI [ options ]\n", out);
    section(out, "DESCRIPTION");
    roff(out, "trine drives a reference GMP runtime, threads, a bounded pool of threads and Go itself "
              "through the same workloads.\n"
              "Each point runs in a process of its own (a driver) and is measured from inside and from "
              "outside. What was\n"
              "measured stands in a folder, one a run; every other verb reads those.\n");
    section(out, "VERBS");
    for (size_t i = 0; i < nverbs; i++) verb(out, &verbs[i]);
    section(out, "EXIT STATUS");
    term(out, "0", "pass");
    term(out, "1", "a regression");
    term(out, "2", "usage, or input that is refused");
    term(out, "3", "inconclusive, or the instrument is not valid");
    term(out, "4", "infrastructure: a disk, a permission, a driver that does not do its part");
    term(out, "130", "interrupted; what was measured is kept");
    section(out, "ENVIRONMENT");
    term(out, "TRINE_DRIVERS",
         "a folder of drivers (trine-driver-NAME) that is looked into before the usual ones; it must be there");
    term(out, "TRINE_REFERENCE", "a folder of reference results for compare and gate");
    term(out, "TRINE_CLOCK", "monotonic: time by the kernel's clock where the processor's counter would be used");
    term(out, "TRINE_PLOTS", "a folder of gnuplot scripts instead of the ones beside the command");
    term(out, "NO_COLOR", "no colour in the progress on a terminal");
    section(out, "FILES");
    term(out, "results/MACHINE/UTC-SHA-PROFILE/",
         "a run: manifest.json, env.json, points.jsonl, figures/, report.html");
    term(out, "results/history.sqlite", "the history; it can be deleted and is made again from the runs");
}
