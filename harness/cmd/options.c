/* options: see cmd.h. */
#include "cmd/cmd.h"
#include "store/manifest.h"
#include "store/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 64 };

volatile sig_atomic_t cmd_stop;

static void on_signal(int sig) {
    cmd_stop = sig;
}

static void set_ends(void (*handler)(int)) {
    struct sigaction a = {.sa_handler = handler}, was; /* no SA_RESTART: a poll must return */
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN) sigaction(SIGHUP, &a, NULL); /* nohup's stays */
}

void cmd_outlive_writes(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void cmd_catch_signals(void) {
    set_ends(on_signal);
    cmd_outlive_writes();
}

void cmd_release_signals(void) {
    set_ends(SIG_DFL);
}

int cmd_fail(const char *verb, const struct err *e) {
    fprintf(stderr, "trine %s: %s\n", verb, e->text);
    return e->code;
}

void cmd_tell(const char *verb, const struct strlist *notices) {
    for (size_t i = 0; i < notices->n; i++) fprintf(stderr, "trine %s: %s\n", verb, notices->v[i]);
}

void cmd_tell_run(const char *verb, const char *run_dir, const struct store_damage *d) {
    char *lines = store_damage_text(run_dir, d), *machine;
    json_decref(env_read(run_dir, &machine));
    if (lines) fprintf(stderr, "trine %s: %s\n", verb, lines);
    if (machine) fprintf(stderr, "trine %s: %s\n", verb, machine);
    free(lines), free(machine);
}

static int usage(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int usage(const char *verb, const char *fmt, ...) {
    va_list ap;
    fprintf(stderr, "trine %s: ", verb);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, " (trine %s --help)\n", verb);
    return TRINE_EXIT_USAGE;
}

static const struct option_spec *find(const struct option_spec *specs, size_t n, const char *name,
                                      size_t len) {
    for (size_t i = 0; i < n; i++)
        if (strlen(specs[i].name) == len && strncmp(specs[i].name, name, len) == 0) return &specs[i];
    return NULL;
}

static int unknown(const char *verb, const char *word, const struct option_spec *specs, size_t n) {
    const char *names[OPTIONS_MAX];
    char hint[96], bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word, "="), word);
    for (size_t i = 0; i < n && i < OPTIONS_MAX; i++) names[i] = specs[i].name;
    const char *best = nearest_word(bare, names, n < OPTIONS_MAX ? n : OPTIONS_MAX);
    snprintf(hint, sizeof hint, "; did you mean --%s?", best ? best : "");
    return usage(verb, "unknown option --%s%s", bare, best ? hint : "");
}

int options_parse(int argc, char **argv, const struct option_spec *specs, size_t nspecs,
                  const char **positional, size_t max_positional, size_t *npositional) {
    const char *verb = argv[0];
    size_t n = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-' || !word[1]) {
            if (n == max_positional) return usage(verb, "'%s' was not expected", word);
            positional[n++] = word;
            continue;
        }
        if (strncmp(word, "--", 2) != 0) return usage(verb, "unknown option %s", word);
        word += 2;
        const char *equals = strchr(word, '=');
        const struct option_spec *o =
            find(specs, nspecs, word, equals ? (size_t)(equals - word) : strlen(word));
        if (!o) return unknown(verb, word, specs, nspecs);
        if (o->flag) {
            if (equals) return usage(verb, "--%s takes no value", o->name);
            *o->flag = true;
            continue;
        }
        const char *value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (!value || !*value) return usage(verb, "--%s needs a value", o->name);
        if (o->list)
            strlist_split(o->list, value, ",");
        else
            *o->text = value;
    }
    if (npositional) *npositional = n;
    return 0;
}

int options_one_form(bool json, bool markdown, struct err *e) {
    return json && markdown ? err_set(e, TRINE_EXIT_USAGE, "--json and --markdown: one of the two") : 0;
}
