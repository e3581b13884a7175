/* policies/heatmap.h -- which expert follows which, from one token of a request to its next, in one layer.
 *
 *     token t     chose  i1 i2 .. ik        table[i][j] += 1 for each of the k x k pairs
 *     token t+1   chose  j1 j2 .. jk        (a row says: after i, this is what was chosen)
 *
 *     query:  an expert x arrives on die d, which computes the experts e1 < e2 < .. of this plan.
 *     answer: yes, if x is among the last top_n of the stable ascending order of row e1, or of row e2, ..
 *             (so among equal counts the larger expert number wins).
 *
 * Units.   table is [experts][experts] counts below 2^31 - 1: the caller sees to that. ids are expert numbers.
 * Errors.  HEATMAP_BAD_ID if an id is not below `experts`; nothing was added then.
 * Owner.   Arrays are the caller's and are only used during the call.
 * Twin.    policies/cross_token_heatmap_python.py
 */
#ifndef CHIPWEAVE_HEATMAP_H
#define CHIPWEAVE_HEATMAP_H
#include <stdint.h>

/* cdef: begin */

enum heatmap_status { HEATMAP_OK = 0, HEATMAP_BAD_ID = -1, HEATMAP_NO_MEMORY = -2 };

/* Add the pairs (before[r], after[r]) of `rows` requests, k ids each. */
int heatmap_add_u8(int32_t *table, int32_t experts, const uint8_t *before, const uint8_t *after, int64_t rows,
                   int32_t k);
int heatmap_add_u16(int32_t *table, int32_t experts, const uint16_t *before, const uint16_t *after, int64_t rows,
                    int32_t k);

/* Add the pairs of consecutive prompt tokens: request q has the rows starts[q] .. starts[q + 1] - 1 of ids. */
int heatmap_add_prompts_u8(int32_t *table, int32_t experts, const uint8_t *ids, const int64_t *starts, int64_t requests,
                           int32_t k);
int heatmap_add_prompts_u16(int32_t *table, int32_t experts, const uint16_t *ids, const int64_t *starts,
                            int64_t requests, int32_t k);

/* The same for the row of one expert alone, table + expert * experts: the ids have passed heatmap_check_*. */
int heatmap_check_u8(int32_t experts, const uint8_t *ids, int64_t n);
int heatmap_check_u16(int32_t experts, const uint16_t *ids, int64_t n);
void heatmap_row_u8(int32_t *row, int32_t expert, const uint8_t *before, const uint8_t *after, int64_t rows, int32_t k);
void heatmap_row_u16(int32_t *row, int32_t expert, const uint16_t *before, const uint16_t *after, int64_t rows,
                     int32_t k);
void heatmap_row_prompts_u8(int32_t *row, int32_t expert, const uint8_t *ids, const int64_t *starts, int64_t requests,
                            int32_t k);
void heatmap_row_prompts_u16(int32_t *row, int32_t expert, const uint16_t *ids, const int64_t *starts, int64_t requests,
                             int32_t k);

/* Answer for every entry of a plan whose die is not the expert's home, as mask[die][expert] = 1; other bits are left
 * as they are. Entries are sorted by expert. stop_at_own_id: the rows queried on die d end with expert number d, if it
 * is among them. Returns the number of bits set, or a heatmap_status. */
int heatmap_mask(const int32_t *table, int32_t experts, int32_t dies, int32_t top_n, int stop_at_own_id,
                 int32_t entries, const int32_t *expert, const int32_t *die, const int32_t *home, uint8_t *mask);

/* cdef: end */
#endif
