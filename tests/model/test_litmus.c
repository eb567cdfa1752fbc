/*
 * test_litmus.c: the explorer against the litmus tests: exactly the outcomes that RC11 permits, each of them seen.
 *
 * An outcome is the registers r0, r1, ... as digits, then, where a line says so, the last values of x and y.
 * LB: RC11 forbids it, and so does this explorer (C11 as written does not, and AArch64's relaxed accesses show it): a
 * fault that needs a load to be satisfied after a later store of its own thread is out of its reach.
 * x86's TSO permits a subset of what is permitted here.
 */
#include "explore.h"
#include "atomic.h"

#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static at_u32 x, y, z;
static uint32_t r[4];
static uint32_t plain;
static int nregs;
static bool with_memory;
static char seen[64][8];
static int nseen;

static void zero(void) {
    at32_store_rlx(&x, 0);
    at32_store_rlx(&y, 0);
    at32_store_rlx(&z, 0);
    memset(r, 0, sizeof(r));
    plain = 0;
}

static void record(void) {
    char text[8] = "";
    int n = 0;

    for (int i = 0; i < nregs; i++) text[n++] = (char)('0' + r[i]);
    if (with_memory) {
        text[n++] = (char)('0' + at32_load_rlx(&x));
        text[n++] = (char)('0' + at32_load_rlx(&y));
    }
    for (int i = 0; i < nseen; i++) {
        if (!strcmp(seen[i], text)) return;
    }
    memcpy(seen[nseen++], text, sizeof(text));
}

static bool listed(const char *list, const char *word) {
    size_t n = strlen(word);

    for (const char *p = list; (p = strstr(p, word)); p++) {
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0)) return true;
    }
    return false;
}

struct shape {
    const char *name;
    void (*thread[MODEL_MAX_THREADS])(void);
    int nregs;
    bool with_memory;
    const char *permitted; /* every one must be seen, and no other */
};

static void run(const struct shape *s) {
    struct model m = {.name = s->name, .setup = zero, .check = record};
    struct model_result res;
    char copy[256], *save, *word;
    int n = 0;

    memcpy(m.thread, s->thread, sizeof(m.thread));
    nregs = s->nregs;
    with_memory = s->with_memory;
    nseen = 0;
    res = model_explore(&m, 1000000, true);
    printf("  %-28s %6ju executions, %6ju pruned, outcomes:", s->name, (uintmax_t)res.executions, (uintmax_t)res.pruned);
    for (int i = 0; i < nseen; i++) printf(" %s", seen[i]);
    printf("\n");
    assert_string_equal(res.violation, "");
    assert_true(res.exhausted);
    for (int i = 0; i < nseen; i++) {
        if (!listed(s->permitted, seen[i])) fail_msg("%s: %s is forbidden and was seen", s->name, seen[i]);
    }
    snprintf(copy, sizeof(copy), "%s", s->permitted);
    for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save), n++) {
        bool found = false;

        for (int i = 0; i < nseen; i++) found |= !strcmp(seen[i], word);
        if (!found) fail_msg("%s: %s is permitted and was never seen", s->name, word);
    }
    assert_int_equal(n, nseen);
}

/* SB: store x, load y | store y, load x. */
static void sb0(void) { at32_store_rlx(&x, 1); r[0] = at32_load_rlx(&y); }
static void sb1(void) { at32_store_rlx(&y, 1); r[1] = at32_load_rlx(&x); }
static void sb_ra0(void) { at32_store_rel(&x, 1); r[0] = at32_load_acq(&y); }
static void sb_ra1(void) { at32_store_rel(&y, 1); r[1] = at32_load_acq(&x); }
static void sb_f0(void) { at32_store_rlx(&x, 1); at_fence_sc(); r[0] = at32_load_rlx(&y); }
static void sb_f1(void) { at32_store_rlx(&y, 1); at_fence_sc(); r[1] = at32_load_rlx(&x); }
static void sb_sc0(void) { at32_store_sc(&x, 1); r[0] = at32_load_sc(&y); }
static void sb_sc1(void) { at32_store_sc(&y, 1); r[1] = at32_load_sc(&x); }
static void sb_rmw0(void) { at32_xchg_ar(&x, 1); r[0] = at32_load_acq(&y); }
static void sb_rmw1(void) { at32_xchg_ar(&y, 1); r[1] = at32_load_acq(&x); }

static void sb_l0(void) { at32_store_rlx(&x, 1); at_fence_light(); r[0] = at32_load_rlx(&y); }
static void sb_l1(void) { at32_store_rlx(&y, 1); at_fence_light(); r[1] = at32_load_rlx(&x); }
static void sb_h1(void) { at32_store_rlx(&y, 1); at_fence_heavy(); r[1] = at32_load_rlx(&x); }

static void sb(void **state) {
    (void)state;
    run(&(struct shape){"SB relaxed", {sb0, sb1}, 2, false, "00 01 10 11"});
    run(&(struct shape){"SB release/acquire", {sb_ra0, sb_ra1}, 2, false, "00 01 10 11"});
    run(&(struct shape){"SB one fence", {sb_f0, sb1}, 2, false, "00 01 10 11"});
    run(&(struct shape){"SB fences", {sb_f0, sb_f1}, 2, false, "01 10 11"});
    run(&(struct shape){"SB sc", {sb_sc0, sb_sc1}, 2, false, "01 10 11"});
    run(&(struct shape){"SB sc against fence", {sb_sc0, sb_f1}, 2, false, "01 10 11"});
    run(&(struct shape){"SB acq-rel exchanges", {sb_rmw0, sb_rmw1}, 2, false, "00 01 10 11"});
    run(&(struct shape){"SB light against heavy", {sb_l0, sb_h1}, 2, false, "01 10 11"});
    run(&(struct shape){"SB heavy against fence", {sb_f0, sb_h1}, 2, false, "01 10 11"});
    run(&(struct shape){"SB light against light", {sb_l0, sb_l1}, 2, false, "00 01 10 11"});
    run(&(struct shape){"SB light against fence", {sb_l0, sb_f1}, 2, false, "00 01 10 11"});
}

/* MP: store x, store y | load y, load x. */
static void mp_rel(void) { at32_store_rlx(&x, 1); at32_store_rel(&y, 1); }
static void mp_rlx(void) { at32_store_rlx(&x, 1); at32_store_rlx(&y, 1); }
static void mp_f(void) { at32_store_rlx(&x, 1); at_fence_sc(); at32_store_rlx(&y, 1); }
static void mp_racq(void) { r[0] = at32_load_acq(&y); r[1] = at32_load_rlx(&x); }
static void mp_rrlx(void) { r[0] = at32_load_rlx(&y); r[1] = at32_load_rlx(&x); }
static void mp_rf(void) { r[0] = at32_load_rlx(&y); at_fence_sc(); r[1] = at32_load_rlx(&x); }

static void mp(void **state) {
    (void)state;
    run(&(struct shape){"MP release/acquire", {mp_rel, mp_racq}, 2, false, "00 01 11"});
    run(&(struct shape){"MP relaxed", {mp_rlx, mp_rrlx}, 2, false, "00 01 10 11"});
    run(&(struct shape){"MP release/relaxed", {mp_rel, mp_rrlx}, 2, false, "00 01 10 11"});
    run(&(struct shape){"MP relaxed/acquire", {mp_rlx, mp_racq}, 2, false, "00 01 10 11"});
    run(&(struct shape){"MP fences", {mp_f, mp_rf}, 2, false, "00 01 11"});
    run(&(struct shape){"MP release/fence", {mp_rel, mp_rf}, 2, false, "00 01 11"});
    run(&(struct shape){"MP fence/acquire", {mp_f, mp_racq}, 2, false, "00 01 11"});
}

/* LB: load y, store x | load x, store y. */
static void lb0(void) { r[0] = at32_load_rlx(&y); at32_store_rlx(&x, 1); }
static void lb1(void) { r[1] = at32_load_rlx(&x); at32_store_rlx(&y, 1); }

static void lb(void **state) {
    (void)state;
    run(&(struct shape){"LB relaxed (RC11)", {lb0, lb1}, 2, false, "00 01 10"});
}

/* IRIW: store x | store y | load x, load y | load y, load x. */
static void w_x(void) { at32_store_rel(&x, 1); }
static void w_y(void) { at32_store_rel(&y, 1); }
static void w_xsc(void) { at32_store_sc(&x, 1); }
static void w_ysc(void) { at32_store_sc(&y, 1); }
static void iriw_a2(void) { r[0] = at32_load_acq(&x); r[1] = at32_load_acq(&y); }
static void iriw_a3(void) { r[2] = at32_load_acq(&y); r[3] = at32_load_acq(&x); }
static void iriw_f2(void) { r[0] = at32_load_rlx(&x); at_fence_sc(); r[1] = at32_load_rlx(&y); }
static void iriw_f3(void) { r[2] = at32_load_rlx(&y); at_fence_sc(); r[3] = at32_load_rlx(&x); }
static void iriw_s2(void) { r[0] = at32_load_sc(&x); r[1] = at32_load_sc(&y); }
static void iriw_s3(void) { r[2] = at32_load_sc(&y); r[3] = at32_load_sc(&x); }

#define IRIW_STRONG "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111"
static void iriw(void **state) {
    (void)state;
    run(&(struct shape){"IRIW acquire", {w_x, w_y, iriw_a2, iriw_a3}, 4, false, IRIW_STRONG " 1010"});
    run(&(struct shape){"IRIW fences", {w_x, w_y, iriw_f2, iriw_f3}, 4, false, IRIW_STRONG});
    run(&(struct shape){"IRIW sc", {w_xsc, w_ysc, iriw_s2, iriw_s3}, 4, false, IRIW_STRONG});
}

/* Coherence: two stores to x, read twice; and each thread's own order. */
static void co_w1(void) { at32_store_rlx(&x, 1); }
static void co_w2(void) { at32_store_rlx(&x, 2); }
static void co_w12(void) { at32_store_rlx(&x, 1); at32_store_rlx(&x, 2); }
static void co_r01(void) { r[0] = at32_load_rlx(&x); r[1] = at32_load_rlx(&x); }
static void co_r23(void) { r[2] = at32_load_rlx(&x); r[3] = at32_load_rlx(&x); }
static void co_wr(void) { at32_store_rlx(&x, 1); r[0] = at32_load_rlx(&x); }
static void co_rw(void) { r[0] = at32_load_rlx(&x); at32_store_rlx(&x, 1); }

static void corr(void **state) {
    (void)state;
    run(&(struct shape){"CoRR", {co_w12, co_r01}, 2, false, "00 01 02 11 12 22"});
    run(&(struct shape){"CoRR two writers", {co_w1, co_w2, co_r01}, 2, false, "00 01 02 11 12 21 22"});
    run(&(struct shape){"CoRR two readers", {co_w12, co_r01, co_r23}, 4, false,
        "0000 0001 0002 0011 0012 0022 0100 0101 0102 0111 0112 0122 0200 0201 0202 0211 0212 0222 "
        "1100 1101 1102 1111 1112 1122 1200 1201 1202 1211 1212 1222 2200 2201 2202 2211 2212 2222"});
    run(&(struct shape){"CoWR", {co_wr, co_w2}, 1, true, "110 120 220"});
    run(&(struct shape){"CoRW", {co_rw, co_w2}, 1, true, "010 020 210"});
}

/* CoRR of four threads: two readers may not disagree on the order of two stores. */
static void corr4(void **state) {
    (void)state;
    run(&(struct shape){"CoRR order agreed", {co_w1, co_w2, co_r01, co_r23}, 4, false,
        "0000 0001 0002 0011 0012 0021 0022 0100 0101 0102 0111 0112 0121 0122 0200 0201 0202 0211 0212 0221 0222 "
        "1100 1101 1102 1111 1112 1121 1122 1200 1201 1202 1211 1212 1222 2100 2101 2102 2111 2121 2122 "
        "2200 2201 2202 2211 2212 2221 2222"});
}

/* 2+2W: x = 1, y = 2 | y = 1, x = 2; last values. */
static void ww0(void) { at32_store_rlx(&x, 1); at32_store_rlx(&y, 2); }
static void ww1(void) { at32_store_rlx(&y, 1); at32_store_rlx(&x, 2); }
static void ww0r(void) { at32_store_rel(&x, 1); at32_store_rel(&y, 2); }
static void ww1r(void) { at32_store_rel(&y, 1); at32_store_rel(&x, 2); }
static void ww0f(void) { at32_store_rlx(&x, 1); at_fence_sc(); at32_store_rlx(&y, 2); }
static void ww1f(void) { at32_store_rlx(&y, 1); at_fence_sc(); at32_store_rlx(&x, 2); }
static void ww0s(void) { at32_store_sc(&x, 1); at32_store_sc(&y, 2); }
static void ww1s(void) { at32_store_sc(&y, 1); at32_store_sc(&x, 2); }

static void two_plus_two_w(void **state) {
    (void)state;
    run(&(struct shape){"2+2W relaxed", {ww0, ww1}, 0, true, "11 12 21 22"});
    run(&(struct shape){"2+2W release", {ww0r, ww1r}, 0, true, "11 12 21 22"});
    run(&(struct shape){"2+2W fences", {ww0f, ww1f}, 0, true, "12 21 22"});
    run(&(struct shape){"2+2W sc", {ww0s, ww1s}, 0, true, "12 21 22"});
}

/* WRC: x = 1 | r0 = x, y = 1 | r1 = y, r2 = x. */
static void wrc1(void) { r[0] = at32_load_acq(&x); at32_store_rel(&y, 1); }
static void wrc1x(void) { r[0] = at32_load_rlx(&x); at32_store_rel(&y, 1); }
static void wrc2(void) { r[1] = at32_load_acq(&y); r[2] = at32_load_rlx(&x); }
static void wrc2x(void) { r[1] = at32_load_rlx(&y); r[2] = at32_load_rlx(&x); }

#define WRC "000 001 010 011 100 101 111"
static void wrc(void **state) {
    (void)state;
    run(&(struct shape){"WRC release/acquire", {co_w1, wrc1, wrc2}, 3, false, WRC});
    run(&(struct shape){"WRC relaxed store, read twice", {co_w1, wrc1x, wrc2}, 3, false, WRC});
    run(&(struct shape){"WRC last load relaxed", {co_w1, wrc1, wrc2x}, 3, false, WRC " 110"});
}

/* ISA2: x = 1, y = 1 | r0 = y, z = 1 | r1 = z, r2 = x. */
static void isa0(void) { at32_store_rlx(&x, 1); at32_store_rel(&y, 1); }
static void isa1(void) { r[0] = at32_load_acq(&y); at32_store_rel(&z, 1); }
static void isa1x(void) { r[0] = at32_load_acq(&y); at32_store_rlx(&z, 1); }
static void isa2(void) { r[1] = at32_load_acq(&z); r[2] = at32_load_rlx(&x); }

static void isa2_test(void **state) {
    (void)state;
    run(&(struct shape){"ISA2 release/acquire", {isa0, isa1, isa2}, 3, false, "000 001 010 011 100 101 111"});
    run(&(struct shape){"ISA2 relaxed", {isa0, isa1x, isa2}, 3, false, "000 001 010 011 100 101 110 111"});
}

/* Release sequence: x = 1, y = 1 (release) | y += 1 (relaxed) | r0 = y (acquire), r1 = x. */
static void rs1(void) { at32_add_rlx(&y, 1); }
static void rs1_store(void) { at32_store_rlx(&y, 3); }
static void rs0_own(void) { at32_store_rlx(&x, 1); at32_store_rel(&y, 1); at32_store_rlx(&y, 2); }

static void release_sequence(void **state) {
    (void)state;
    /* y: 1 by the store, 1 by the addition before it, 2 by the addition chained to it. A 1 may be the addition's. */
    run(&(struct shape){"release sequence by RMW", {isa0, rs1, mp_racq}, 2, false, "00 01 10 11 21"});
    run(&(struct shape){"release sequence broken", {isa0, rs1_store, mp_racq}, 2, false, "00 01 11 30 31"});
    /* C++20: a later relaxed store of the same thread is not part of it. */
    run(&(struct shape){"release sequence, own store", {rs0_own, mp_racq}, 2, false, "00 01 11 20 21"});
}

/* Read-modify-writes: each reads the store right before its own. */
static void add0(void) { r[0] = at32_add_rlx(&x, 1); }
static void add1(void) { r[1] = at32_add_rlx(&x, 1); }
static void cas0(void) { r[0] = at32_cas_rlx(&x, 0, 1); }
static void cas1(void) { r[1] = at32_cas_rlx(&x, 0, 2); }
static void store5(void) { at32_store_rlx(&x, 5); }

static void rmw(void **state) {
    (void)state;
    run(&(struct shape){"RMW additions", {add0, add1}, 2, true, "0120 1020"});
    run(&(struct shape){"RMW one swap wins", {cas0, cas1}, 2, true, "0120 1010"});
    run(&(struct shape){"RMW against a store", {add0, store5}, 1, true, "050 560"});
    run(&(struct shape){"RMW three", {add0, add1, store5}, 2, true, "0150 0560 1050 5060 5670 6570"});
}

/* A race of plain accesses is found, and a release and acquire pair removes it. */
static void race_w(void) { plain = 1; at32_store_rel(&y, 1); }
static void race_wx(void) { plain = 1; at32_store_rlx(&y, 1); }
static void race_r(void) { if (at32_load_acq(&y)) r[0] = plain; }
static void race_rx(void) { if (at32_load_rlx(&y)) r[0] = plain; }

/* LB's shape through model_settled: the load of a slot, then its release, against a store to it behind the acquire. */
static at_ptr slot;
static void lb_zero(void) { zero(); atp_store_rlx(&slot, &plain); }
static void lb_take(void) {
    r[0] = atp_load_rlx(&slot) == &plain;
    at32_store_rel(&y, 1);
    if (r[0]) model_settled(&slot, 8, &plain);
}
static void lb_takex(void) {
    r[0] = atp_load_rlx(&slot) == &plain;
    at32_store_rlx(&y, 1);
    if (r[0]) model_settled(&slot, 8, &plain);
}
static void lb_reuse(void) { if (at32_load_acq(&y)) atp_store_rlx(&slot, NULL); }
static void lb_reusex(void) { if (at32_load_rlx(&y)) atp_store_rlx(&slot, NULL); }

static void settled(void **state) {
    static void (*const broken[][2])(void) = {{lb_takex, lb_reuse}, {lb_take, lb_reusex}};
    struct model_result res;

    (void)state;
    res = model_explore(&(struct model){.name = "LB", .setup = lb_zero, .thread = {lb_take, lb_reuse}}, 1000, true);
    assert_string_equal(res.violation, "");
    for (int i = 0; i < 2; i++) {
        struct model m = {.name = "LB", .setup = lb_zero, .thread = {broken[i][0], broken[i][1]}};

        assert_non_null(strstr(model_explore(&m, 1000, false).violation, "not ordered behind its load"));
    }
}

static void races(void **state) {
    struct model_result res;

    (void)state;
    run(&(struct shape){"plain behind release/acquire", {race_w, race_r}, 1, false, "0 1"});
    res = model_explore(&(struct model){.name = "race", .setup = zero, .thread = {race_wx, race_r}}, 1000, false);
    assert_non_null(strstr(res.violation, "data race"));
    res = model_explore(&(struct model){.name = "race", .setup = zero, .thread = {race_w, race_rx}}, 1000, false);
    assert_non_null(strstr(res.violation, "data race"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sb), cmocka_unit_test(mp), cmocka_unit_test(lb), cmocka_unit_test(iriw),
        cmocka_unit_test(corr), cmocka_unit_test(corr4), cmocka_unit_test(two_plus_two_w), cmocka_unit_test(wrc),
        cmocka_unit_test(isa2_test), cmocka_unit_test(release_sequence), cmocka_unit_test(rmw), cmocka_unit_test(settled),
        cmocka_unit_test(races),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
