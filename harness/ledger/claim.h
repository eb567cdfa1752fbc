/*
 * claim: one record of the ledger, read from harness/claims/ID.ini (docs/claims-format.md). A record is checked
 * whole when it is read: every formula is parsed, every name in one exists. Read-only afterwards.
 */
#ifndef TRINE_HARNESS_CLAIM_H
#define TRINE_HARNESS_CLAIM_H

#include "base/err.h"
#include "base/text.h"
#include "ledger/formula.h"
#include "run/sweep.h"

struct named_formula {
    char *name, *text;
    struct formula *formula;
    int line;
};

/* A verdict that needs no measurement: on one backend, or on "all". */
struct fixed_verdict {
    char *backend, *reason;
    enum missing kind;
};

/* The same predicates on other data, where they must come out otherwise. */
struct control {
    bool given;
    char *none;            /* why there is none */
    struct strlist on;     /* backends on which it is judged */
    struct strlist from;   /* "experiment" ... */
    struct strlist to;     /* ... is replaced by this one, or by "experiment@backend" */
    char *backend;         /* data of this backend instead; NULL: the same */
    struct strlist expect; /* verdicts that prove it; default: contradicted */
};

struct claim {
    char *id, *path;
    char *group, *statement, *claimed, *source, *tolerance, *falsifier, *meaning, *differs, *show, *unit;
    char *scale, *full_scale; /* by how much the quick form, and the full one, are smaller than the claim */
    struct strlist needs;
    struct strlist beside, beside_units; /* quantities that the ledger shows beside the one of `show`; no verdict reads them */
    char *beside_note;
    struct fixed_verdict *fixed;
    size_t nfixed;
    struct named_formula *quantities, *predicates;
    size_t nquantities, npredicates;
    struct control control;
    bool full;          /* the form that was read */
    bool controlled;    /* its control is run and judged: set by claim_parse in the full form, else by whoever asks */
    struct sweep sweep; /* its experiments in that form; n 0: none */
};

/* full: `full.KEY` of an experiment stands in for KEY. */
int claim_parse(struct claim *c, const char *path, const char *text, bool full, struct err *e);
int claim_load(struct claim *c, const char *path, bool full, struct err *e);
void claim_free(struct claim *c);

const struct named_formula *claim_quantity(const struct claim *c, const char *name);
const struct fixed_verdict *claim_fixed(const struct claim *c, const char *backend);

/* Experiments that the predicates, the quantities or (controls) the control need. */
void claim_experiments(const struct claim *c, bool controls, struct strlist *out);
/* A figure of the claim, or where that is asked of its control, is read from this backend by name (@). */
bool claim_reads(const struct claim *c, const char *experiment, const char *backend);

#endif
