/*
 * Fork and join: a task is made over a record that stands on its parent's stack, and the parent waits for that one.
 * Made of be_go and a wait group, unless the backend has its own (BE_HAS_FORK). The record begins as zero; fn calls
 * be_fork_done as its last act, and the parent calls be_join once, which ends the record's life.
 */
#pragma once

#include "backend.h"

#ifndef BE_HAS_FORK
struct be_fork {
    struct be_wg wg;
};

static inline bool be_fork(struct be_fork *f, be_fn fn, void *arg) {
    be_wg_add(&f->wg, 1);
    return be_go(fn, arg);
}

static inline void be_fork_done(struct be_fork *f) { be_wg_done(&f->wg); }
static inline void be_join(struct be_fork *f) { be_wg_wait(&f->wg); }
#endif
