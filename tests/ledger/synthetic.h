/* synthetic: measurements that never were, in the form in which the store keeps points, for the judge to judge. */
#ifndef TRINE_TESTS_LEDGER_SYNTHETIC_H
#define TRINE_TESTS_LEDGER_SYNTHETIC_H

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "ledger/claim.h"
#include "ledger/ledger.h"

/* cmocka.h needs these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/*
 * figures: "EXPERIMENT.PATH@BACKEND=VALUE~SPREAD" separated by blanks. VALUE takes no unit. SPREAD is the whole
 * width over the processes in percent of VALUE, 1 when it is left out; ~0 gives processes that agree exactly.
 * PATH ok: the processes ended well (1) or failed (0). Returns the points of `processes` processes of each cell.
 */
json_t *synthetic_points(const struct claim *c, const char *figures, int processes);

/* The verdict of one claim on one backend, in claims.json's form: {"verdict","reason","measured",…}. Caller owns. */
json_t *synthetic_verdict(struct claim *c, const json_t *points, const char *backend);

#endif
