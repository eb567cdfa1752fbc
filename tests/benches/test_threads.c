/* The primitives of the thread baseline: nothing lost, nothing twice, in order, under contention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "backend.h"

enum { PRODUCERS = 4, CONSUMERS = 3, EACH = 3000 };

static struct crowd {
    be_chan *chan;
    struct be_wg producers, consumers;
    struct be_mutex mutex;
    struct be_sema sema;
    int next_producer, unlocked_sum;
    unsigned char seen[PRODUCERS][EACH];
    bool out_of_order;
    size_t cap;
} all;

static void producer(void *arg) {
    (void)arg;
    be_mutex_lock(&all.mutex);
    uint32_t me = (uint32_t)all.next_producer++;
    be_mutex_unlock(&all.mutex);
    for (uint32_t i = 0; i < EACH; i++) be_chan_send(all.chan, &(uint64_t){(uint64_t)me << 32 | i});
    be_wg_done(&all.producers);
}

static void consumer(void *arg) {
    int64_t last[PRODUCERS];
    uint64_t elem;
    (void)arg;
    for (int p = 0; p < PRODUCERS; p++) last[p] = -1;
    while (be_chan_recv(all.chan, &elem)) {
        uint32_t from = (uint32_t)(elem >> 32), i = (uint32_t)elem;
        be_mutex_lock(&all.mutex);
        all.seen[from][i]++;
        if ((int64_t)i <= last[from]) all.out_of_order = true;
        be_mutex_unlock(&all.mutex);
        last[from] = i;
    }
    be_wg_done(&all.consumers);
}

static void exchange(void *arg) {
    (void)arg;
    all.chan = be_chan_make(sizeof(uint64_t), all.cap);
    be_wg_add(&all.producers, PRODUCERS);
    be_wg_add(&all.consumers, CONSUMERS);
    for (int i = 0; i < CONSUMERS; i++) be_go(consumer, NULL);
    for (int i = 0; i < PRODUCERS; i++) be_go(producer, NULL);
    be_wg_wait(&all.producers);
    be_chan_close(all.chan);
    be_wg_wait(&all.consumers);
    be_chan_free(all.chan);
}

static void run(be_fn fn) {
    struct param_set rt;
    struct be_config config = {.procs = 2, .rt = &rt};
    params_init(&rt, be_rt_params);
    assert_int_equal(be_run(&config, fn, NULL), 0);
}

static void every_element_arrives_once_and_in_order(void **state) {
    static const size_t caps[] = {0, 1, 7, 128};
    (void)state;
    for (size_t c = 0; c < sizeof caps / sizeof caps[0]; c++) {
        all = (struct crowd){.cap = caps[c]};
        run(exchange);
        assert_false(all.out_of_order);
        for (int p = 0; p < PRODUCERS; p++)
            for (int i = 0; i < EACH; i++) assert_int_equal(all.seen[p][i], 1);
    }
}

static void incrementer(void *arg) {
    (void)arg;
    for (int i = 0; i < EACH; i++) {
        be_mutex_lock(&all.mutex);
        all.unlocked_sum++;          /* lost updates would show a lock that does not exclude */
        be_mutex_unlock(&all.mutex);
        be_sema_release(&all.sema);
    }
    be_wg_done(&all.producers);
}

static void count_up(void *arg) {
    (void)arg;
    be_wg_add(&all.producers, PRODUCERS);
    for (int i = 0; i < PRODUCERS; i++) be_go(incrementer, NULL);
    for (int i = 0; i < PRODUCERS * EACH; i++) be_sema_acquire(&all.sema);
    be_wg_wait(&all.producers);
}

static void a_mutex_excludes_and_a_semaphore_counts(void **state) {
    (void)state;
    all = (struct crowd){0};
    run(count_up);
    assert_int_equal(all.unlocked_sum, PRODUCERS * EACH);
    assert_int_equal(atomic_load(&all.sema.count), 0);
}

static void closed_channel_drains_then_ends(void **state) {
    uint64_t elem = 0;
    (void)state;
    be_chan *c = be_chan_make(sizeof elem, 3);
    for (uint64_t i = 1; i <= 3; i++) be_chan_send(c, &i);
    be_chan_close(c);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_true(be_chan_recv(c, &elem));
        assert_int_equal(elem, i);
    }
    assert_false(be_chan_recv(c, &elem));
    assert_int_equal(elem, 0);
    be_chan_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_arrives_once_and_in_order),
        cmocka_unit_test(a_mutex_excludes_and_a_semaphore_counts),
        cmocka_unit_test(closed_channel_drains_then_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
