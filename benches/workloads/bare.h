/*
 * The bare hand-off between two kernel threads, without a channel: the limit that thread channels are judged by.
 * Futex: one shared turn word; a thread sets it to the other and wakes, then sleeps until it is its own again.
 * Pipe: one byte each way. Only meaningful where a task is a kernel thread.
 */
#pragma once

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct bare_link {
    _Atomic uint32_t turn;
    int fds[2][2];               /* [side]: the pipe that this side reads */
};

static inline bool bare_open(struct bare_link *l, bool pipes) {
    atomic_init(&l->turn, 0);
    l->fds[0][0] = l->fds[0][1] = l->fds[1][0] = l->fds[1][1] = -1;
    return !pipes || (pipe(l->fds[0]) == 0 && pipe(l->fds[1]) == 0);
}

static inline void bare_close(struct bare_link *l) {
    for (int side = 0; side < 2; side++)
        for (int end = 0; end < 2; end++)
            if (l->fds[side][end] >= 0) close(l->fds[side][end]);
}

/* Side 0 serves first. Returns how often this side got the turn back from the other. */
static inline uint64_t bare_futex_run(struct bare_link *l, uint32_t side, uint64_t rounds) {
    uint64_t got = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        if (side == 0) {
            atomic_store(&l->turn, 1);
            syscall(SYS_futex, &l->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        }
        while (atomic_load(&l->turn) != side) syscall(SYS_futex, &l->turn, FUTEX_WAIT_PRIVATE, 1 - side, NULL, NULL, 0);
        got++;
        if (side == 1) {
            atomic_store(&l->turn, 0);
            syscall(SYS_futex, &l->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        }
    }
    return got;
}

static inline uint64_t bare_pipe_run(struct bare_link *l, int side, uint64_t rounds) {
    uint64_t got = 0;
    char byte = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        if (side == 0 && write(l->fds[1][1], &byte, 1) != 1) break;
        if (read(l->fds[side][0], &byte, 1) != 1) break;
        got++;
        if (side == 1 && write(l->fds[0][1], &byte, 1) != 1) break;
    }
    return got;
}
