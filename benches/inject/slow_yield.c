/* A slowdown of known size in the runtime's yield, for the experiment that tells what the gate sees (docs/gate.md):
 * linked over trine_yield with --wrap where the build is configured with -DTRINE_INJECT_YIELD=N, never otherwise.
 * N turns of an empty loop, a cycle or two each; tools/gate-experiment.sh finds the N that makes ten per cent. */
#include <trine.h>

void __real_trine_yield(void);
void __wrap_trine_yield(void);

void __wrap_trine_yield(void) {
    for (int i = 0; i < TRINE_INJECT_YIELD; i++) __asm__ volatile("" : : : "memory");
    __real_trine_yield();
}
