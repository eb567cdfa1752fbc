/*
 * test_note.c: the one-shot sleep of a thread, runtime/note.h itself.
 *
 * Invariant: a sleeper whose note is woken wakes up, whatever the order of the two, and sees what its waker did before;
 * waking twice is harmless; a note that was cleared by its sleeper can be used again.
 * Sides: notesleep (load, futex wait while 0) against notewakeup (exchange, futex wake).
 * Bound: one sleeper, one or two wakers, two rounds. The futex gives no order of its own here (explore.h).
 */
#include "note.h"
#include "suite.h"

static struct note note, back;
static int word; /* plain: handed over by the note */

void rt_futexsleep(at_u32 *addr, uint32_t val, int64_t ns) { (void)ns; model_futex_wait(addr, val); }
void rt_futexwakeup(at_u32 *addr, int n) { model_futex_wake(addr, n); }

static void setup(void) {
    at32_store_rlx(&note.word, 0);
    at32_store_rlx(&back.word, 0);
    word = 0;
    model_name(&note.word, "note");
    model_name(&back.word, "back");
}

static void sleeper(void) {
    rt_notesleep(&note);
    model_assert(word == 1);
}
static void waker(void) {
    word = 1;
    rt_notewakeup(&note);
}

/* Two wakers: the second has nothing to hand over. */
static void either(void) { rt_notesleep(&note); }
static void bare_waker(void) { rt_notewakeup(&note); }

/* Two rounds: the sleeper clears its note and tells so, then the waker goes again. */
static void sleeper_twice(void) {
    for (int round = 1; round <= 2; round++) {
        rt_notesleep(&note);
        rt_noteclear(&note);
        model_assert(word == round);
        rt_notewakeup(&back);
    }
}
static void waker_twice(void) {
    for (int round = 1; round <= 2; round++) {
        word = round;
        rt_notewakeup(&note);
        rt_notesleep(&back);
        rt_noteclear(&back);
    }
}

static const struct model scenario[] = {
    {"sleep against wake", setup, {sleeper, waker}, NULL, NULL},
    {"two wakers", setup, {either, bare_waker, bare_waker}, NULL, NULL},
    {"two rounds", setup, {sleeper_twice, waker_twice}, NULL, NULL},
};

static const struct site_waiver waiver[] = {
    {"rt_noteclear", "at32_store_rel", 1, "relaxed", "the sleeper's own; whoever wakes it next was told by other means"},
    {"rt_notewakeup", "at32_xchg_ar", 1, "release", "the waker takes nothing from the note"},
};

static const struct suite suite = {"note", scenario, sizeof(scenario) / sizeof(scenario[0]), 200000,
                                   {waiver, sizeof(waiver) / sizeof(waiver[0]), NULL, 0}, false};

int main(void) { return suite_main(&suite); }
