/*
 * topo: the machine's shape through hwloc, and the CPU list of each pinning policy. Which CPU a policy gives
 * is a function of (topology, policy, n) alone, so it is tested on topologies that hwloc makes up
 * (HWLOC_SYNTHETIC).
 *
 *   none     the kernel decides
 *   compact  neighbours first: the hardware threads of one core, then the next core, cache and package
 *   scatter  as far apart as the machine allows
 *   cores    one hardware thread a core, neighbouring cores first
 *   smt      as compact, on a machine that has SMT; two at least
 *   llc      inside one last-level cache, one thread a core first
 *   numa     round the NUMA nodes in turn
 *   reverse  as compact, from the last CPU down
 */
#ifndef TRINE_HARNESS_TOPO_H
#define TRINE_HARNESS_TOPO_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

struct topo;

extern const char *const topo_policies[];
extern const size_t topo_npolicies;

struct topo *topo_load(struct err *e); /* NULL and e when hwloc fails */
void topo_free(struct topo *t);
int topo_ncpus(const struct topo *t); /* that this process may use */

/*
 * Fills cpus[0..n) with OS CPU numbers. Returns n, 0 for the policy none, or -1 with the reason in why ("no
 * SMT", "4 procs on 2 CPUs"): the point is then skipped with it.
 */
int topo_pin(const struct topo *t, const char *policy, int n, int *cpus, char *why, size_t why_bytes);

/* {"packages":1,"cores":2,"cpus":2,"numa_nodes":1,"smt":false,"caches":[…]} */
json_t *topo_json(const struct topo *t);

#endif
