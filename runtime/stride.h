/*
 * stride.h: the order in which a thief visits the Ps: from a random start by a random stride that is coprime to their number, so
 * that it comes to each once, and thieves seldom follow one another. Floor 4; as in Go.
 */
#ifndef RT_STRIDE_H
#define RT_STRIDE_H

#include "param.h"

#include <stdint.h>

extern uint16_t rt_strides[RT_MAX_PROCS]; /* those there are for the present number of Ps, ascending */
extern uint32_t rt_nstrides;

/* The number of Ps changed, while the world is stopped. */
void rt_stride_init(uint32_t nprocs);
static inline uint32_t rt_stride(uint32_t random) { return rt_strides[random % rt_nstrides]; }
#endif
