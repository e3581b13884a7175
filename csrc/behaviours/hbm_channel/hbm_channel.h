/* hbm_channel.h: a channel of a stack: pseudo channels, bank groups, banks, rows; commands at legal times only.
 *
 *   lines --> read queue --+                         ACT PRE RD WR REFab REFpb
 *         --> write queue -+-- first ready, then oldest --> timing rules --> data bus --> answers
 *
 * Two layers. The timing rules (`hbm_earliest`, `hbm_issue`) know JEDEC constraints at the levels pseudo channel,
 * bank group and bank, in cycles of the memory clock. The access order above it serves row hits first, then the
 * oldest; drains writes in batches between two water marks; refreshes bank by bank while it has work and all banks at
 * once (every tREFI) while it has none, as deferring controllers do. A line is 1 to 4 bursts of one command each,
 * tCCD_L apart, with room for another bank group's bursts between them. Address of a line in the channel, from the
 * low end: line of its unit, pseudo channel, bank group, column, bank (folded with the row), row. */
#ifndef CHIPWEAVE_HBM_CHANNEL_H
#define CHIPWEAVE_HBM_CHANNEL_H
#include "behaviour.h"

/* cdef: begin */
extern cw_behaviour cw_hbm_channel;

enum { HBM_ACT, HBM_PRE, HBM_RD, HBM_WR, HBM_REFAB, HBM_REFPB, HBM_COMMANDS };

/* A row of the table of timing constraints; `cycles` is an expression over JEDEC names, as timing.h has it. */
enum { HBM_PC, HBM_GROUP, HBM_BANK };
enum { HBM_FROM_FIRST, HBM_FROM_LAST, HBM_FROM_BURSTS, HBM_FROM_FOURTH };
typedef struct hbm_constraint {
    int32_t level, preceding, following, from;
    const char *cycles;
} hbm_constraint;
const hbm_constraint *hbm_constraints(int32_t *n);

/* The rules of one pseudo channel on their own, as tests use them: cycles, not ps. Parameters as of the behaviour. */
typedef struct hbm_rules hbm_rules;
hbm_rules *hbm_rules_open(const int64_t *parameters);
void hbm_rules_close(hbm_rules *rules);
int64_t hbm_earliest(const hbm_rules *rules, int32_t command, int32_t bank);
void hbm_issue(hbm_rules *rules, int32_t command, int32_t bank, int64_t cycle, int32_t bursts);
/* cdef: end */

#endif
