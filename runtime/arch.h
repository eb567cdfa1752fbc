/*
 * arch.h: the context of a goroutine and the switch between two of them. Floor 1.
 *
 * A switch saves three words: stack pointer, frame pointer, and where to go on. Everything else is declared as
 * clobbered, so the compiler spills what is live at that very place and nothing more (six saved registers, as a
 * called function needs them, cost 1 ns more here). Two traps are avoided: nothing is pushed, so a leaf's red zone
 * is never overwritten, and the jump is an indirect jump, not a `ret` whose return address the predictor does not know.
 * MXCSR and the x87 control word are the thread's, not the goroutine's (docs/decisions/0004-control-words.md).
 */
#ifndef RT_ARCH_H
#define RT_ARCH_H

#include <stddef.h>
#include <stdint.h>

struct ctx {
    void *sp, *fp, *pc;
};

/* Where a goroutine begins: goes to rt_goroutine_main (handed down by the scheduler) with an undefined return address,
 * so that unwinders stop. In switch_*.S. */
void rt_arch_entry(void);
extern void (*rt_goroutine_main)(void) __attribute__((visibility("hidden")));

/* Prepares ctx to start at rt_arch_entry on the stack that ends below `top` (16-byte aligned). */
static inline void arch_ctx_make(struct ctx *c, void *top)
{
    c->sp = top;
    c->fp = NULL;
    c->pc = (void *)rt_arch_entry;
}

/* Where the stack stands now. (__builtin_frame_address would have its caller make a frame: a push and a pop in each call.) */
static inline __attribute__((always_inline)) uintptr_t arch_sp(void)
{
    uintptr_t sp;
#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#else
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#endif
    return sp;
}

#if defined(__x86_64__)
static inline __attribute__((always_inline)) void arch_switch(struct ctx *from, struct ctx *to)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rsp, 0(%%rdi)\n\t"
                     "movq %%rbp, 8(%%rdi)\n\t"
                     "movq %%rax, 16(%%rdi)\n\t"
                     "movq 0(%%rsi), %%rsp\n\t"
                     "movq 8(%%rsi), %%rbp\n\t"
                     "notrack jmpq *16(%%rsi)\n" /* so that no endbr64 need stand where it lands */
                     "1:"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                       "xmm13", "xmm14", "xmm15", "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7", "memory", "cc");
}
/* Calls fn(arg) on the stack that ends below `top` and comes back: for work too deep for a goroutine's stack. */
static inline void arch_call_on(void *top, void (*fn)(void *), void *arg)
{
    register void *saved __asm__("rbx");
    (void)__builtin_frame_address(0); /* so that the caller has a frame, by which unwinders find back from the other stack */
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %[top], %%rsp\n\t"
                     "call *%[fn]\n\t"
                     "movq %%rbx, %%rsp"
                     : "=&r"(saved), "+D"(arg)
                     : [top] "r"((void *)((uintptr_t)top & ~(uintptr_t)15)), [fn] "r"(fn)
                     : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
                       "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
                       "memory", "cc");
}
#elif defined(__aarch64__)
void rt_arch_call_on(void *top, void (*fn)(void *), void *arg);
static inline void arch_call_on(void *top, void (*fn)(void *), void *arg) { rt_arch_call_on(top, fn, arg); }
/* In switch_aarch64.S: a call, so the callee-saved registers x19-x28 and d8-d15 go to the stack that is left. */
void rt_arch_switch(struct ctx *from, struct ctx *to);
static inline void arch_switch(struct ctx *from, struct ctx *to) { rt_arch_switch(from, to); }
#else
#error "trine knows x86-64 and AArch64"
#endif
#endif
