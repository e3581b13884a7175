/* tma.h: an SM's engine of bulk copies (tensor memory accelerator).
 *
 *   SM: descriptor, box, mbarrier --> commands in order --> a line every `line_cycles` --> SM's port to memory
 *                                      `setup_cycles`          `lines` under way           <-- bytes off the mbarrier
 *
 * A descriptor says what a box is: `rows` pieces of `inner` bytes, `pitch` bytes apart, box x beginning at base + x *
 * step. One thread of the SM starts a copy and goes on; the engine turns the box into lines. Commands are set up one
 * behind the other, and set-up of one overlaps the lines of those before it. */
#ifndef CHIPWEAVE_TMA_H
#define CHIPWEAVE_TMA_H
#include "behaviour.h"

/* cdef: begin */
extern cw_behaviour cw_tma;

#define TMA_TABLE_DESCRIPTORS 1 /* base, step, inner, rows, pitch of each; bytes, multiples of 32 */
#define TMA_DESCRIPTOR_WORDS  5
/* cdef: end */

#endif
