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
        call    *rt_goroutine_main(%rip) /* rsp is 16-byte aligned before the call, as the ABI wants */
        ud2                             /* it never returns */
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
