/*
 * watch: what each probe of a point is here: by what it sees, what one look costs, what it is blind to; or
 * why it cannot be had on this machine. Tried for real, on this process.
 */
#ifndef TRINE_HARNESS_WATCH_H
#define TRINE_HARNESS_WATCH_H

#include "base/perf_event.h"
#include "probe/root.h"

#include <jansson.h>

/* {"steal":{"by":"/proc/stat","cost_us":9.1,"blind_to":"…"},"pressure":{"by":…,"unavailable":"…"},…}. Caller
 * frees. */
json_t *watch_describe(const struct probe_root *r, const struct pmu_seam *pmu);

#endif
