/* policies/tally.h -- how often each expert is chosen in one layer of one step, and in which order they first appear.
 *
 *     ids    7 3 | 3 9 | 7 1 ...      rows of k ids, one row per token, in the order of the trace
 *     counts [.. 1:1, 3:2, 7:2, 9:1]  times `times` (each request stands for that many alike)
 *     first  [7:0, 3:1, 9:2, 1:3]     rank by first appearance; -1: never chosen
 *
 * Units.   ids are expert numbers, 0 <= id < experts; counts are tokens.
 * Owner.   Arrays are the caller's and are only used during the call.
 * Errors.  TALLY_BAD_ID if an id is not below `experts`: tally_bad_* then finds it. TALLY_OVERFLOW if a count
 *          would pass 2^31 - 1. Nothing else can fail.
 * Twin.    chipweave/plain/tally.py
 */
#ifndef CHIPWEAVE_TALLY_H
#define CHIPWEAVE_TALLY_H
#include <stdint.h>

/* cdef: begin */

enum tally_status { TALLY_OK = 0, TALLY_BAD_ID = -1, TALLY_OVERFLOW = -2 };

/* Fill counts[experts] and first[experts] from n ids. Returns the number of experts chosen, or a tally_status. */
int32_t tally_u8(const uint8_t *ids, int64_t n, int32_t experts, int32_t times, int32_t *counts, int32_t *first);
int32_t tally_u16(const uint16_t *ids, int64_t n, int32_t experts, int32_t times, int32_t *counts, int32_t *first);

/* cdef: end */
#endif
