/* doctor/memory: page sizes, addresses, swap, and how many stacks there may be. No state. */
#include "base/text.h"
#include "doctor/parts.h"

#include <stdlib.h>
#include <string.h>

static void look_huge_pages(const struct doctor_input *in, struct doctor_finding *f) {
    char *s = probe_line(in->root, "/sys/kernel/mm/transparent_hugepage/enabled");
    if (!s)
        doctor_say(f, DOCTOR_OK, "the kernel has no transparent huge pages");
    else
        doctor_say(f, strstr(s, "[always]") ? DOCTOR_WARNING : DOCTOR_OK, "transparent huge pages: %s", s);
    free(s);
}

const struct doctor_check doctor_huge_pages = {
    "huge-pages", "memory arrives 2 MiB at a time: bytes a task and first-touch costs jump with alignment",
    "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", look_huge_pages};

static void look_address_randomization(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t v = doctor_number(in, "/proc/sys/kernel/randomize_va_space", -1);
    if (v < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "randomize_va_space cannot be read");
    else
        doctor_say(f, v ? DOCTOR_WARNING : DOCTOR_OK, "randomize_va_space is %lld", (long long)v);
}

const struct doctor_check doctor_address_randomization = {
    "address-randomization",
    "each process has other addresses, so other cache conflicts: a few per cent of scatter",
    "keep it: repetitions in new processes average over it, which one fixed layout never would",
    look_address_randomization};

static void look_swap(const struct doctor_input *in, struct doctor_finding *f) {
    char *s = probe_read(in->root, "/proc/meminfo");
    int64_t total = s ? probe_keyed(s, "SwapTotal", -1) : -1,
            unused = s ? probe_keyed(s, "SwapFree", -1) : -1;
    int64_t available = s ? probe_keyed(s, "MemAvailable", -1) : -1;
    free(s);
    if (total < 0 || unused < 0 || available < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "/proc/meminfo cannot be read");
    else
        doctor_say(f, total - unused > 0 || available < 512 * 1024 ? DOCTOR_WARNING : DOCTOR_OK,
                   "%lld MiB are available, %lld MiB swapped out", (long long)available / 1024,
                   (long long)(total - unused) / 1024);
}

const struct doctor_check doctor_swap = {
    "swap", "a page that comes back from the disk costs milliseconds in the middle of a point",
    "free memory (512 MiB and more available), then swapoff -a", look_swap};

static void look_overcommit(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t v = doctor_number(in, "/proc/sys/vm/overcommit_memory", -1);
    if (v < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "overcommit_memory cannot be read");
    else
        doctor_say(f, v == 2 ? DOCTOR_WARNING : DOCTOR_OK, "overcommit_memory is %lld", (long long)v);
}

const struct doctor_check doctor_overcommit = {
    "overcommit", "reserved stacks count as used memory, so many tasks fail long before memory is full",
    "sysctl vm.overcommit_memory=0", look_overcommit};

/* A stack and the guard page below it are two mappings. */
static void look_guard_pages(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t v = doctor_number(in, "/proc/sys/vm/max_map_count", -1);
    if (v < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "max_map_count cannot be read");
    else
        doctor_say(f, v < 250000 ? DOCTOR_WARNING : DOCTOR_OK,
                   "max_map_count is %lld: room for some %lld threads, or before Linux 6.13 %lld goroutines with a guard page",
                   (long long)v, (long long)v / 2, (long long)v / 4);
}

const struct doctor_check doctor_guard_pages = {
    "guard-pages",
    "beyond that many, stacks of goroutines stand without a guard page or threads cannot be made",
    "sysctl vm.max_map_count=1000000", look_guard_pages};

static void look_numa_balancing(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t on = doctor_number(in, "/proc/sys/kernel/numa_balancing", 0);
    doctor_say(f, on ? DOCTOR_WARNING : DOCTOR_OK, "NUMA balancing is %s", on ? "on" : "off");
}

const struct doctor_check doctor_numa_balancing = {
    "numa-balancing", "the kernel unmaps pages to see who uses them: page faults in the middle of a point",
    "sysctl kernel.numa_balancing=0", look_numa_balancing};
