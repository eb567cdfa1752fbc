/* topo: see topo.h. Owns one hwloc topology, restricted to the CPUs that this process may use. Read-only
 * after load. */
#include "probe/topo.h"
#include "base/text.h"

#include <hwloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct topo {
    hwloc_topology_t hw;
};

const char *const topo_policies[] = {"none", "compact", "scatter", "cores", "smt", "llc", "numa", "reverse"};
const size_t topo_npolicies = sizeof topo_policies / sizeof *topo_policies;

struct topo *topo_load(struct err *e) {
    struct topo *t = xcalloc(1, sizeof *t);
    if (hwloc_topology_init(&t->hw) == 0) {
        /* keeps only the CPUs that affinity (taskset, a cpuset) allows; a made-up machine has nothing to
         * restrict */
        if (!getenv("HWLOC_SYNTHETIC"))
            hwloc_topology_set_flags(t->hw, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM |
                                                HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING);
        if (hwloc_topology_load(t->hw) == 0) return t;
        hwloc_topology_destroy(t->hw);
    }
    free(t);
    err_set(e, TRINE_EXIT_INFRA, "hwloc cannot read this machine's topology");
    return NULL;
}

void topo_free(struct topo *t) {
    if (!t) return;
    hwloc_topology_destroy(t->hw);
    free(t);
}

static int count(const struct topo *t, hwloc_obj_type_t type) {
    return hwloc_get_nbobjs_by_type(t->hw, type);
}

int topo_ncpus(const struct topo *t) {
    return count(t, HWLOC_OBJ_PU);
}

static bool has_smt(const struct topo *t) {
    return count(t, HWLOC_OBJ_CORE) > 0 && topo_ncpus(t) > count(t, HWLOC_OBJ_CORE);
}

static int fail(char *why, size_t bytes, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int fail(char *why, size_t bytes, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, bytes, fmt, ap);
    va_end(ap);
    return -1;
}

static int logical_pu(const struct topo *t, int i) {
    return (int)hwloc_get_obj_by_type(t->hw, HWLOC_OBJ_PU, (unsigned)i)->os_index;
}

/* The k-th hardware thread of each core inside `set`, cores in order, k rising: one thread a core first. */
static int cores_first(const struct topo *t, hwloc_const_cpuset_t set, int n, int *cpus, int per_core_max) {
    int got = 0;
    for (int k = 0; k < per_core_max && got < n; k++) {
        bool any = false;
        hwloc_obj_t core = NULL;
        while (got < n &&
               (core = hwloc_get_next_obj_covering_cpuset_by_type(t->hw, set, HWLOC_OBJ_CORE, core))) {
            hwloc_obj_t pu =
                hwloc_get_obj_inside_cpuset_by_type(t->hw, core->cpuset, HWLOC_OBJ_PU, (unsigned)k);
            if (!pu) continue;
            cpus[got++] = (int)pu->os_index;
            any = true;
        }
        if (!any) break;
    }
    return got;
}

/* Walks the tree by turns: the i-th CPU goes to child i mod arity, its (i / arity)-th. */
static int spread(hwloc_obj_t o, int i) {
    while (o->type != HWLOC_OBJ_PU) {
        if (o->arity == 0) return -1;
        int child = i % (int)o->arity;
        i /= (int)o->arity;
        o = o->children[child];
    }
    return i == 0 ? (int)o->os_index : -1;
}

static int pin_scatter(const struct topo *t, int n, int *cpus) {
    int got = 0;
    /* an uneven tree leaves gaps in the numbering: those are skipped, and i goes on until every CPU had its
     * turn */
    for (int i = 0; got < n && i < 1 << 20; i++) {
        int cpu = spread(hwloc_get_root_obj(t->hw), i);
        bool seen = cpu < 0;
        for (int k = 0; k < got && !seen; k++) seen = cpus[k] == cpu;
        if (!seen) cpus[got++] = cpu;
    }
    return got;
}

static int pin_numa(const struct topo *t, int n, int *cpus) {
    int nodes = count(t, HWLOC_OBJ_NUMANODE), got = 0;
    for (unsigned round = 0; got < n; round++) {
        int before = got;
        for (int i = 0; i < nodes && got < n; i++) {
            hwloc_obj_t node = hwloc_get_obj_by_type(t->hw, HWLOC_OBJ_NUMANODE, (unsigned)i);
            hwloc_obj_t pu = hwloc_get_obj_inside_cpuset_by_type(t->hw, node->cpuset, HWLOC_OBJ_PU, round);
            if (pu) cpus[got++] = (int)pu->os_index;
        }
        if (got == before) break;
    }
    return got;
}

/* The first object of the last cache level, and how many there are. */
static hwloc_obj_t last_level_cache(const struct topo *t, int *n) {
    static const hwloc_obj_type_t levels[] = {HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        *n = count(t, levels[i]);
        if (*n > 0) return hwloc_get_obj_by_type(t->hw, levels[i], 0);
    }
    *n = 0;
    return NULL;
}

static int pin_llc(const struct topo *t, int n, int *cpus, char *why, size_t bytes) {
    int caches;
    hwloc_obj_t llc = last_level_cache(t, &caches);
    if (caches == 0) return fail(why, bytes, "no cache is known to hwloc");
    if (caches == 1) return fail(why, bytes, "one last-level cache for all CPUs");
    int got = cores_first(t, llc->cpuset, n, cpus, 1 << 10);
    return got < n ? fail(why, bytes, "%d procs on %d CPUs of one last-level cache", n, got) : got;
}

int topo_pin(const struct topo *t, const char *policy, int n, int *cpus, char *why, size_t bytes) {
    int all = topo_ncpus(t), got = 0;
    if (strcmp(policy, "none") == 0) return 0;
    if (n > all) return fail(why, bytes, "%d procs on %d CPUs", n, all);
    if (strcmp(policy, "llc") == 0) return pin_llc(t, n, cpus, why, bytes);
    if (strcmp(policy, "smt") == 0 && !has_smt(t)) return fail(why, bytes, "no SMT");
    if (strcmp(policy, "smt") == 0 && n < 2) return fail(why, bytes, "one proc shares no core");
    if (strcmp(policy, "numa") == 0 && count(t, HWLOC_OBJ_NUMANODE) < 2)
        return fail(why, bytes, "one NUMA node");
    if (strcmp(policy, "compact") == 0 || strcmp(policy, "smt") == 0) {
        for (; got < n; got++) cpus[got] = logical_pu(t, got);
    } else if (strcmp(policy, "reverse") == 0) {
        for (; got < n; got++) cpus[got] = logical_pu(t, all - 1 - got);
    } else if (strcmp(policy, "scatter") == 0) {
        got = pin_scatter(t, n, cpus);
    } else if (strcmp(policy, "numa") == 0) {
        got = pin_numa(t, n, cpus);
    } else if (strcmp(policy, "cores") == 0) {
        got = cores_first(t, hwloc_get_root_obj(t->hw)->cpuset, n, cpus, 1);
        if (got < n) return fail(why, bytes, "%d procs on %d cores", n, got);
    }
    return got == n ? n : fail(why, bytes, "no list of %d CPUs for this policy (%d found)", n, got);
}

static void add_caches(const struct topo *t, json_t *o) {
    static const struct {
        hwloc_obj_type_t type;
        const char *name;
    } levels[] = {{HWLOC_OBJ_L1CACHE, "L1d"},
                  {HWLOC_OBJ_L2CACHE, "L2"},
                  {HWLOC_OBJ_L3CACHE, "L3"},
                  {HWLOC_OBJ_L4CACHE, "L4"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        int n = count(t, levels[i].type);
        if (n <= 0) continue;
        hwloc_obj_t c = hwloc_get_obj_by_type(t->hw, levels[i].type, 0);
        json_array_append_new(list, json_pack("{s:s,s:i,s:I,s:i,s:i}", "level", levels[i].name, "count", n,
                                              "bytes", (json_int_t)c->attr->cache.size, "line_bytes",
                                              (int)c->attr->cache.linesize, "cpus_each",
                                              hwloc_bitmap_weight(c->cpuset)));
    }
    json_object_set_new(o, "caches", list);
}

json_t *topo_json(const struct topo *t) {
    json_t *o = json_pack("{s:i,s:i,s:i,s:i,s:b}", "packages", count(t, HWLOC_OBJ_PACKAGE), "cores",
                          count(t, HWLOC_OBJ_CORE), "cpus", topo_ncpus(t), "numa_nodes",
                          count(t, HWLOC_OBJ_NUMANODE), "smt", has_smt(t));
    add_caches(t, o);
    json_t *tree = json_array(); /* [core, CPU] pairs: what a drawing needs */
    for (int i = 0; i < topo_ncpus(t); i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(t->hw, HWLOC_OBJ_PU, (unsigned)i);
        hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(t->hw, HWLOC_OBJ_CORE, pu);
        hwloc_obj_t pack = hwloc_get_ancestor_obj_by_type(t->hw, HWLOC_OBJ_PACKAGE, pu);
        json_array_append_new(tree, json_pack("{s:i,s:i,s:i}", "cpu", (int)pu->os_index, "core",
                                              core ? (int)core->logical_index : -1, "package",
                                              pack ? (int)pack->logical_index : -1));
    }
    json_object_set_new(o, "cpu_map", tree);
    return o;
}
