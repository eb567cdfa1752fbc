/*
 * plain.c: data races of plain accesses, by happens-before.
 *
 * The sources under test are compiled with -fsanitize=thread, and this file defines the functions that the compiler
 * then calls at each plain access: the explorer is their runtime, libtsan is not linked. An access races when an
 * earlier one to the same byte, by another thread, at least one of them a write, does not happen before it.
 */
#include "machine.h"
#include "memory.h"

#include <stdint.h>
#include <string.h>

#define CELLS 8192 /* bytes that the threads touch in one execution; a power of two */

struct cell {
    uintptr_t address;
    unsigned run;
    uint16_t wrote_at, read_at[MODEL_MAX_THREADS];
    uint8_t writer;
};

static struct cell cell[CELLS];
static unsigned run;
static int used;

void plain_reset(void) {
    run++;
    used = 0;
}

static struct cell *find(uintptr_t address) {
    for (unsigned i = (unsigned)(address * 0x9e3779b97f4a7c15ull >> 40);; i++) {
        struct cell *c = &cell[i & (CELLS - 1)];

        if (c->run != run) {
            if (++used > CELLS / 2) return NULL;
            *c = (struct cell){.address = address, .run = run};
            return c;
        }
        if (c->address == address) return c;
    }
}

static bool ordered(int t, int u, uint16_t at) { return u == t || at <= mem_thread[t].now.clock[u]; }

static void touch_byte(uintptr_t address, bool write) {
    int t = model_self();
    struct cell *c = find(address);

    if (!c) {
        machine_violation("too many plain bytes: raise CELLS", "plain.c", 0);
        return;
    }
    if (c->wrote_at && !ordered(t, c->writer, c->wrote_at)) model_fail("data race: a plain access after a write", "plain", 0);
    if (!write) {
        c->read_at[t] = mem_thread[t].now.clock[t];
        return;
    }
    for (int u = 0; u < MODEL_MAX_THREADS; u++) {
        if (c->read_at[u] && !ordered(t, u, c->read_at[u])) model_fail("data race: a plain write after a read", "plain", 0);
    }
    c->writer = (uint8_t)t;
    c->wrote_at = mem_thread[t].now.clock[t];
}

static void touch(const void *p, size_t bytes, bool write) {
    if (model_self() < 0) return;
    for (size_t i = 0; i < bytes; i++) touch_byte((uintptr_t)p + i, write);
}

/* What the compiler calls. */
#define PLAIN(name, bytes, write)                                                                              \
    void name(void *p);                                                                                        \
    void name(void *p) { touch(p, bytes, write); }
PLAIN(__tsan_read1, 1, false)
PLAIN(__tsan_read2, 2, false)
PLAIN(__tsan_read4, 4, false)
PLAIN(__tsan_read8, 8, false)
PLAIN(__tsan_read16, 16, false)
PLAIN(__tsan_write1, 1, true)
PLAIN(__tsan_write2, 2, true)
PLAIN(__tsan_write4, 4, true)
PLAIN(__tsan_write8, 8, true)
PLAIN(__tsan_write16, 16, true)
PLAIN(__tsan_unaligned_read2, 2, false)
PLAIN(__tsan_unaligned_read4, 4, false)
PLAIN(__tsan_unaligned_read8, 8, false)
PLAIN(__tsan_unaligned_read16, 16, false)
PLAIN(__tsan_unaligned_write2, 2, true)
PLAIN(__tsan_unaligned_write4, 4, true)
PLAIN(__tsan_unaligned_write8, 8, true)
PLAIN(__tsan_unaligned_write16, 16, true)

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_read_range(void *p, unsigned long bytes);
void __tsan_write_range(void *p, unsigned long bytes);
void *__tsan_memset(void *p, int c, unsigned long n);
void *__tsan_memcpy(void *to, const void *from, unsigned long n);

void __tsan_init(void) {}
void __tsan_func_entry(void *pc) { (void)pc; }
void __tsan_func_exit(void) {}
void __tsan_read_range(void *p, unsigned long bytes) { touch(p, bytes, false); }
void __tsan_write_range(void *p, unsigned long bytes) { touch(p, bytes, true); }

void *__tsan_memset(void *p, int c, unsigned long n) {
    touch(p, n, true);
    return memset(p, c, n);
}

void *__tsan_memcpy(void *to, const void *from, unsigned long n) {
    touch(from, n, false);
    touch(to, n, true);
    return memcpy(to, from, n);
}
