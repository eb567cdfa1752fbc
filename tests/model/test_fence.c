/*
 * test_fence.c: the barrier between submitters and idlers, while the side that pays for it changes: runtime/fence.c.
 *
 * Invariant: a submitter that writes work, passes rt_fence_submit and reads `idle`, and an idler that writes `idle`,
 * passes rt_fence_idle and reads work, never miss both. Sides: those two, and one that turns the mode meanwhile.
 * Bound: one submitter, one idler, one turner that turns once or there and back.
 */
#include "suite.h"

#include "fence.h"

static at_u32 work, idle;
static uint32_t saw_idle, saw_work;

static void begin(uint32_t full) {
    at32_store_rlx(&work, 0);
    at32_store_rlx(&idle, 0);
    at32_store_rlx(&rt_fence.submit_full, full);
    at32_store_rlx(&rt_fence.idle_full, full);
    saw_idle = saw_work = 0;
    model_name(&work, "work");
    model_name(&idle, "idle");
    model_name(&rt_fence.submit_full, "submit_full");
    model_name(&rt_fence.idle_full, "idle_full");
}
static void setup_light(void) { begin(0); }
static void setup_full(void) { begin(1); }

static void submit(void) {
    at32_store_rlx(&work, 1);
    rt_fence_submit();
    saw_idle = at32_load_rlx(&idle);
}
static void go_idle(void) {
    at32_store_rlx(&idle, 1);
    rt_fence_idle();
    saw_work = at32_load_rlx(&work);
}
static void to_full(void) { rt_fence_turn(true); }
static void to_light(void) { rt_fence_turn(false); }
static void there_and_back(void) { rt_fence_turn(true); rt_fence_turn(false); }
static void back_and_there(void) { rt_fence_turn(false); rt_fence_turn(true); }

static void one_saw_the_other(void) { model_assert(saw_idle || saw_work); }

static const struct model scenario[] = {
    {"the idler pays", setup_light, {submit, go_idle}, one_saw_the_other, NULL},
    {"both pay a little", setup_full, {submit, go_idle}, one_saw_the_other, NULL},
    {"to the submitters meanwhile", setup_light, {submit, go_idle, to_full}, one_saw_the_other, NULL},
    {"to the idlers meanwhile", setup_full, {submit, go_idle, to_light}, one_saw_the_other, NULL},
    {"to the submitters and back", setup_light, {submit, go_idle, there_and_back}, one_saw_the_other, NULL},
    {"to the idlers and back", setup_full, {submit, go_idle, back_and_there}, one_saw_the_other, NULL},
};

static const struct suite suite = {"fence", scenario, sizeof(scenario) / sizeof(scenario[0]), 300000, {NULL, 0, NULL, 0}, false};

int main(void) { return suite_main(&suite); }
