/* select.h: what the end of a run asks of select. Floor 8. */
#ifndef RT_SELECT_H
#define RT_SELECT_H

/* No goroutine of the run goes on: the memory of selects that never returned is taken back. */
void rt_selectreset(void);
#endif
