/*
 * m_end.c: a thread that ends while its M lives. Floor 5, beside m.c.
 *
 * A goroutine may not end its thread (pthread_exit; or somebody cancels it): the P would go with it, and the program would
 * wait for good without a word. So each M's thread carries the value of a key until the M has left it, and the key's
 * destructor, which libc calls when the thread ends in any other way, ends the program. It runs on the thread's
 * own stack. Rejected: a cleanup handler, which libc finds by comparing addresses on what it takes for one stack.
 */
#include "m.h"

#include <pthread.h>

static pthread_key_t key;
static at_u32 have_key;

static void thread_ended(void *mp)
{
    (void)mp;
    rt_throw("pthread_exit called in a goroutine");
}

void rt_mwatch_init(void)
{
    if (!at32_load_rlx(&have_key) && pthread_key_create(&key, thread_ended) == 0) at32_store_rel(&have_key, 1);
}

void rt_mwatch(struct m *mp)
{
    if (at32_load_acq(&have_key)) pthread_setspecific(key, mp); /* partner: rt_mwatch_init, by the first run */
}
