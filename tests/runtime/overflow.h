/* overflow.h: a goroutine that uses more stack than it has, in frames smaller than the guard page. */
#ifndef TEST_OVERFLOW_H
#define TEST_OVERFLOW_H

static volatile int overflow_depth; /* so that the recursion has an effect, and stays one */

static __attribute__((noinline)) int overflow_deeper(int x)
{
    volatile char frame[512];
    frame[0] = (char)x;
    overflow_depth++;
    return x < 0 ? 0 : overflow_deeper(x + 1) + frame[0];
}

static void overflow_stack(void *unused)
{
    (void)unused;
    overflow_deeper(0);
}
#endif
