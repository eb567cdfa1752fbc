/* stride.c: see stride.h. Floor 4. */
#include "stride.h"

uint16_t rt_strides[RT_MAX_PROCS];
uint32_t rt_nstrides;

void rt_stride_init(uint32_t n)
{
    rt_nstrides = 0;
    for (uint32_t i = 1; i <= n; i++) {
        uint32_t a = i, b = n;
        while (b) {
            uint32_t r = a % b;
            a = b;
            b = r;
        }
        if (a == 1) rt_strides[rt_nstrides++] = (uint16_t)i;
    }
}
