/* form: from a claim's record to the sweep of its experiments in the quick or the full form. */
#ifndef TRINE_HARNESS_LEDGER_FORM_H
#define TRINE_HARNESS_LEDGER_FORM_H

#include "ledger/ini.h"
#include "run/sweep.h"

#include <stdbool.h>

/*
 * The experiments of the record as a sweep that keeps the record's line numbers, so that whatever is wrong in
 * it is told by file and line. Fills in the ledger's own settings where the record gives none.
 */
int form_sweep(struct sweep *s, const struct ini *ini, const char *path, const char *text, bool full,
               struct err *e);

#endif
