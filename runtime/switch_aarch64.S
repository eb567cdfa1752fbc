/* The first frame of every goroutine, and the switch. Floor 1: see arch.h. */
#if defined(__aarch64__)
        .text
        .globl  rt_arch_entry
        .hidden rt_arch_entry
        .type   rt_arch_entry, %function
        .p2align 4
rt_arch_entry:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36                     /* bti j: reached by an indirect jump */
        mov     x29, xzr
        adr     x30, 1f                 /* a return address, and no call: see switch_x86_64.S */
        adrp    x16, rt_goroutine_main
        ldr     x16, [x16, :lo12:rt_goroutine_main]
        br      x16
1:      brk     #1
        .cfi_endproc
        .size   rt_arch_entry, . - rt_arch_entry

/* void rt_arch_switch(struct ctx *from, struct ctx *to): struct ctx is sp, fp, pc. */
        .globl  rt_arch_switch
        .hidden rt_arch_switch
        .type   rt_arch_switch, %function
        .p2align 4
rt_arch_switch:
        .cfi_startproc
        hint    #34                     /* bti c */
        stp     x19, x20, [sp, #-144]!
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     d8, d9, [sp, #80]
        stp     d10, d11, [sp, #96]
        stp     d12, d13, [sp, #112]
        stp     d14, d15, [sp, #128]
        mov     x9, sp
        adr     x10, 1f
        stp     x9, x29, [x0]
        str     x10, [x0, #16]
        str     x30, [sp, #-16]!        /* below the saved area: popped again at 1 */
        mov     x9, sp
        str     x9, [x0]
        ldp     x9, x29, [x1]
        ldr     x10, [x1, #16]
        mov     sp, x9
        br      x10
1:      hint    #36
        ldr     x30, [sp], #16
        ldp     d14, d15, [sp, #128]
        ldp     d12, d13, [sp, #112]
        ldp     d10, d11, [sp, #96]
        ldp     d8, d9, [sp, #80]
        ldp     x27, x28, [sp, #64]
        ldp     x25, x26, [sp, #48]
        ldp     x23, x24, [sp, #32]
        ldp     x21, x22, [sp, #16]
        ldp     x19, x20, [sp], #144
        ret
        .cfi_endproc
        .size   rt_arch_switch, . - rt_arch_switch

/* void rt_arch_call_on(void *top, void (*fn)(void *), void *arg) */
        .globl  rt_arch_call_on
        .hidden rt_arch_call_on
        .type   rt_arch_call_on, %function
        .p2align 4
rt_arch_call_on:
        .cfi_startproc
        hint    #34
        stp     x29, x30, [sp, #-32]!
        str     x19, [sp, #16]
        mov     x29, sp
        mov     x19, sp
        and     x0, x0, #-16
        mov     sp, x0
        mov     x9, x1
        mov     x0, x2
        blr     x9
        mov     sp, x19
        ldr     x19, [sp, #16]
        ldp     x29, x30, [sp], #32
        ret
        .cfi_endproc
        .size   rt_arch_call_on, . - rt_arch_call_on

        .bss
        .globl  rt_goroutine_main
        .hidden rt_goroutine_main
        .type   rt_goroutine_main, %object
        .size   rt_goroutine_main, 8
        .p2align 3
rt_goroutine_main:                      /* handed down by the scheduler */
        .zero   8
#endif
        .section .note.GNU-stack, "", %progbits
