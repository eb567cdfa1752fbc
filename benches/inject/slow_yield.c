/* A slowdown of known size in the runtime's yield, for the experiment that tells what the gate sees (docs/gate.md):
 * linked over trine_yield with --wrap where the build is configured with -DTRINE_INJECT_YIELD=N, never otherwise.
 * N instructions that do nothing, in a row: a loop would cost a mispredicted branch, which is more than ten per cent.
 * tools/gate-experiment.sh finds the N that makes ten per cent.
 */
#include <trine.h>

void __real_trine_yield(void);
void __wrap_trine_yield(void);

void __wrap_trine_yield(void) {
    __asm__ volatile(".rept %c0\n\tnop\n\t.endr" : : "i"(TRINE_INJECT_YIELD));
    __real_trine_yield();
}
