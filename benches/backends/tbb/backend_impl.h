/*
 * The backend of oneTBB, as C sees it: tasks that cannot block. Its fork and join is a task group of each parent;
 * be_go puts tasks into one group, on which the main task waits. See backends/backend.h for the contract.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct be_wg {
    int32_t count;
};

bool be_go(void (*fn)(void *), void *arg);
void be_wg_add(struct be_wg *wg, int n);
void be_wg_done(struct be_wg *wg);
void be_wg_wait(struct be_wg *wg);       /* of the main task only */
int64_t be_threads_made(void);

#define BE_HAS_FORK
struct be_fork {
    unsigned char group[192] __attribute__((aligned(64)));
};
bool be_fork(struct be_fork *f, void (*fn)(void *), void *arg);
static inline void be_fork_done(struct be_fork *f) { (void)f; }
void be_join(struct be_fork *f);

/* What blocks or yields a task does not exist in TBB; its workloads are refused by be_refusal. */
#include "../no_blocking.h"
#include "../no_io.h"
