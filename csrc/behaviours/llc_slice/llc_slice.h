/* llc_slice.h: one slice of one partition of the L2.
 *
 *        SMs of this partition                     SMs of the other
 *                |  "near"                                |
 *         +------------+       "peer"             +------------+
 *         | slice j, 0 | <----------------------> | slice j, 1 |
 *         +------------+                          +------------+
 *                |  "memory"                              |
 *
 * Every line has a home: one slice of one partition, its point of coherence, beside its memory channel. A reader asks
 * the slice of its own partition. What that one does not hold it asks of memory, if it is the line's home, or else of
 * the home, and keeps a copy: home lines and copies share one pool of ways. Writes go to the home; the other side's
 * copy is dropped. Lines of 128 B, sectors of 32 B, memory serves 64 B at least. One data port: `sector_fs` a sector.
 * A read that meets a read of the same sectors still waiting for that port is served with it (the coalescer before
 * the slice). */
#ifndef CHIPWEAVE_LLC_SLICE_H
#define CHIPWEAVE_LLC_SLICE_H
#include "behaviour.h"

/* cdef: begin */
extern cw_behaviour cw_llc_slice;
/* cdef: end */

#endif
