/*
 * switch/...: what does exchanging one context for another cost, without any scheduler?
 *
 * Method       Two contexts switch to and fro. bare: the runtime's own switch (runtime/arch.h), inlined, which leaves
 *              it to the compiler to spill what is live. saved_registers: a called function that saves the six
 *              callee-saved registers, as most libraries do (x86-64 only).
 * Unit         ns a switch (a round trip is two iterations).
 * Expectation  bare 2.0 to 2.4, saved_registers 2.3 to 3.1.
 * Falsified by bare above saved_registers by more than noise, or below the latency of one indirect jump.
 * Known lies   Both stacks stay in L1 and the jump is always predicted: a scheduler that picks among thousands pays
 *              for both (workload yield). Nothing is live across the switch in this loop, so nothing is spilled.
 */
#include <stdlib.h>

#include "../../runtime/arch.h"
#include "micro.h"

enum { STACK_BYTES = 65536 };

static struct ctx main_ctx, other_ctx;
static uint64_t entered;         /* times the other side ran: checked against the iterations */

static void other_side(void) {
    for (;;) {
        entered++;
        arch_switch(&other_ctx, &main_ctx);
    }
}

static void bare(struct gbench *b, int64_t arg) {
    char *stack = aligned_alloc(64, STACK_BYTES);
    uint64_t made = 0;
    (void)arg;
    if (!stack) {
        gbench_skip(b, "no memory for a stack");
        return;
    }
    /* As after a call: the entry expects the stack 8 below a multiple of 16 on x86-64. */
    other_ctx = (struct ctx){stack + STACK_BYTES - (sizeof(void *) == 8 ? 8 : 0), NULL, (void *)other_side};
#if defined(__aarch64__)
    other_ctx.sp = stack + STACK_BYTES;
#endif
    entered = 0;
    while (gbench_more(b, 2000))
        for (int i = 0; i < 1000; i++, made++) arch_switch(&main_ctx, &other_ctx);
    if (entered != made) gbench_skip(b, "the other side did not run once a round trip");
    free(stack);
}

#if defined(__x86_64__)
/* void micro_swap(void **save_sp, void *load_sp): pushes six registers, exchanges stacks, pops six, jumps. */
void micro_swap(void **save_sp, void *load_sp);
__asm__(".text\n.globl micro_swap\n.type micro_swap, @function\nmicro_swap:\n\t"
        "endbr64\n\t"
        "pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
        "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
        "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\t"
        "popq %rcx\n\tjmpq *%rcx\n"
        ".size micro_swap, .-micro_swap\n");

static void *main_sp, *other_sp;

static void other_side_saved(void) {
    for (;;) {
        entered++;
        micro_swap(&other_sp, main_sp);
    }
}

static void saved_registers(struct gbench *b, int64_t arg) {
    char *stack = aligned_alloc(64, STACK_BYTES);
    uint64_t made = 0;
    (void)arg;
    if (!stack) {
        gbench_skip(b, "no memory for a stack");
        return;
    }
    /* Six registers and the entry; after the jump the stack is 8 below a multiple of 16. */
    void **top = (void **)(stack + STACK_BYTES) - 8;
    for (int i = 0; i < 6; i++) top[i] = NULL;
    top[6] = (void *)other_side_saved;
    other_sp = top;
    entered = 0;
    while (gbench_more(b, 2000))
        for (int i = 0; i < 1000; i++, made++) micro_swap(&main_sp, other_sp);
    if (entered != made) gbench_skip(b, "the other side did not run once a round trip");
    free(stack);
}
#endif

void micro_switch_register(void) {
    gbench_register("switch/bare", bare, 0, 1);
#if defined(__x86_64__)
    gbench_register("switch/saved_registers", saved_registers, 0, 1);
#endif
}
