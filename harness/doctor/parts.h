/* parts: the checks, grouped by where they look; doctor.c puts them in order. Private to doctor/. */
#ifndef TRINE_HARNESS_DOCTOR_PARTS_H
#define TRINE_HARNESS_DOCTOR_PARTS_H

#include "doctor/doctor.h"

extern const struct doctor_check doctor_governor, doctor_turbo, doctor_smt, doctor_idle_states,
    doctor_virtual_machine, doctor_few_cpus, doctor_affinity, doctor_mitigations, doctor_clock_source,
    doctor_clock_resolution; /* processor.c */
extern const struct doctor_check doctor_steal, doctor_quota, doctor_load, doctor_pressure, doctor_autogroup,
    doctor_timer_slack, doctor_tickless; /* sharing.c */
extern const struct doctor_check doctor_huge_pages, doctor_address_randomization, doctor_swap,
    doctor_overcommit, doctor_guard_pages, doctor_numa_balancing; /* memory.c */
extern const struct doctor_check doctor_proc, doctor_counters, doctor_thread_limit, doctor_file_limit,
    doctor_build, doctor_benchmark_library; /* tools.c */

#endif
