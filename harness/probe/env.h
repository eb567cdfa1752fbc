/*
 * env: the fingerprint of the machine that a run's figures belong to: processor, kernel, limits, what of the
 * measuring instruments it has. What cannot be read is absent or says why.
 */
#ifndef TRINE_HARNESS_ENV_H
#define TRINE_HARNESS_ENV_H

#include "probe/root.h"
#include "probe/topo.h"

#include <jansson.h>

json_t *env_collect(const struct probe_root *r, const struct topo *t);

/*
 * The machine's name for the results folder: the processor's model, its CPU count and a hash of what does not
 * change between boots ("amd-epyc-2c-1a2b3c4d"). Caller frees.
 */
char *env_machine_name(const json_t *env);

#endif
