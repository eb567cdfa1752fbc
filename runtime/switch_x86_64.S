/* The first frame of every goroutine. Floor 1: see arch.h. */
#if defined(__x86_64__)
        .text
        .globl  rt_arch_entry
        .hidden rt_arch_entry
        .type   rt_arch_entry, @function
        .p2align 4
rt_arch_entry:
        .cfi_startproc
        .cfi_undefined rip              /* nothing called us: backtraces end here */
        endbr64
        xorl    %ebp, %ebp              /* and so do frame-pointer walks */
        leaq    1f(%rip), %rax          /* a return address for backtraces, and no call: it never returns, so the */
        pushq   %rax                    /* processor's own stack of return addresses would have one that nobody takes, */
        jmp     *rt_goroutine_main(%rip) /* and foresee wrongly where the goroutine after this one returns to */
1:      ud2
        .cfi_endproc
        .size   rt_arch_entry, . - rt_arch_entry

        .bss
        .globl  rt_goroutine_main
        .hidden rt_goroutine_main
        .type   rt_goroutine_main, @object
        .size   rt_goroutine_main, 8
        .p2align 3
rt_goroutine_main:                      /* handed down by the scheduler */
        .zero   8
#endif
        .section .note.GNU-stack, "", @progbits
