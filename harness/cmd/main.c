/* main: finds the verb, and sees to it that what it printed arrived. */
#include "base/version.h"
#include "cmd/cmd.h"
#include "cmd/output.h"

#include <stdio.h>
#include <string.h>

static void print_usage(FILE *out) {
    fputs("usage: trine VERB [options]\n\n", out);
    for (size_t i = 0; i < nverbs; i++) fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\ntrine VERB --help tells more; trine --version says what this is.\n"
          "Exit: 0 pass, 1 regression, 2 usage, 3 inconclusive or invalid, 4 infrastructure, 130 "
          "interrupted.\n",
          out);
}

static const struct verb *find(const char *name) {
    for (size_t i = 0; i < nverbs; i++)
        if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
    return NULL;
}

static bool asks_help(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

static void print_help(const struct verb *v) {
    printf("usage: trine %s %s\n\n%s.\n\n%s", v->name, v->arguments, v->summary, v->help);
}

static int unknown(const char *word) {
    const char *names[64];
    char hint[96];
    for (size_t i = 0; i < nverbs && i < 64; i++) names[i] = verbs[i].name;
    fprintf(stderr, "trine: unknown verb '%s'%s (trine --help)\n", word,
            did_you_mean(hint, sizeof hint, word, names, nverbs));
    return TRINE_EXIT_USAGE;
}

static int help(const char *word) {
    const struct verb *v = word ? find(word) : NULL;
    if (word && !v) return unknown(word);
    if (v)
        print_help(v);
    else
        print_usage(stdout);
    return 0;
}

/* What stands in the place of a verb. -1: it is none of these. */
static int without_verb(const char *word, const char *next) {
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) return help(next);
    if (strcmp(word, "--version") == 0)
        printf("trine %s (%s, %s, %s)\n", trine_version, trine_commit, trine_build_type, trine_compiler);
    else if (strcmp(word, "--man") == 0)
        print_man(stdout);
    else
        return -1;
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_usage(stderr);
        return TRINE_EXIT_USAGE;
    }
    int rc = without_verb(argv[1], argv[2]);
    if (rc >= 0) return output_end(NULL, rc);
    const struct verb *v = find(argv[1]);
    if (!v) return unknown(argv[1]);
    return output_end(v->name, asks_help(argc - 1, argv + 1) ? help(v->name) : v->run(argc - 1, argv + 1));
}
