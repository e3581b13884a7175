/* behaviours/sm/l1.h: the L1, and where lines live. */
#ifndef CHIPWEAVE_SM_L1_H
#define CHIPWEAVE_SM_L1_H
#include "behaviours/sm/state.h"

uint64_t *sm_find(struct sm *s, uint64_t line);
uint64_t *sm_allocate(struct sm *s, uint64_t line);
uint64_t sm_physical(const struct sm *s, uint64_t address);
int32_t sm_lane_of(const struct sm *s, uint64_t line);
#endif
