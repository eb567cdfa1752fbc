/* symbol.h: names of functions, for reports. Floor 2. */
#ifndef RT_SYMBOL_H
#define RT_SYMBOL_H

#include <stddef.h>

/* "name+0x1c" for an address within a function of the executable, else the bare address. At most n bytes, ended by 0.
 * Neither locks nor allocates through libc. One thread at a time. */
void rt_symbol(const void *addr, char *out, size_t n);
#endif
