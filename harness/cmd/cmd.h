/*
 * cmd: the verbs. A verb is one line in verbs.c and one function in a file of its own. It gets what stands
 * behind its name, prints data on stdout and one line on stderr when it fails, and returns the exit code.
 */
#ifndef TRINE_HARNESS_CMD_H
#define TRINE_HARNESS_CMD_H

#include "base/err.h"
#include "base/text.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>

struct verb {
    const char *name;
    const char *arguments;             /* for the usage line */
    const char *summary;               /* one line, lower case */
    const char *help;                  /* options and examples */
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
};
extern const struct verb verbs[];
extern const size_t nverbs;

int cmd_run(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_env(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_selftest(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_claims(int argc, char **argv);
int cmd_peers(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_gate(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_export(int argc, char **argv);

/* The manual page in roff: trine --man. */
void print_man(FILE *out);

/* An option of a verb: exactly one of the targets is set. */
struct option_spec {
    const char *name;     /* without the dashes */
    const char **text;    /* takes a value */
    struct strlist *list; /* takes a comma list; may be repeated */
    bool *flag;           /* takes none */
};

/*
 * Reads options and up to max_positional other words. Returns 0, or 2 with the fault printed; an unknown
 * option gets a suggestion. Options may be written --name value or --name=value.
 */
int options_parse(int argc, char **argv, const struct option_spec *specs, size_t nspecs,
                  const char **positional, size_t max_positional, size_t *npositional);

/* Two flags of which each picks the form of the output: 2 and e when both are given. */
int options_one_form(bool json, bool markdown, struct err *e);

/* Prints "trine VERB: …" and returns e->code. */
int cmd_fail(const char *verb, const struct err *e);

/* Prints "trine VERB: …" for each notice: what was read is not all that was measured. */
void cmd_tell(const char *verb, const struct strlist *notices);
/* The same of a run's folder, whose points were read with this damage. */
struct store_damage;
void cmd_tell_run(const char *verb, const char *run_dir, const struct store_damage *d);

/* SIGINT, SIGTERM and SIGHUP set this once installed. */
extern volatile sig_atomic_t cmd_stop;
void cmd_catch_signals(void);
void cmd_release_signals(void); /* they end the program again */
/* A write to a closed pipe or past the limit of a file fails with its errno, and is reported. cmd_catch_signals does it too. */
void cmd_outlive_writes(void);

#endif
