/* behaviours/sm/memory.h: loads and stores of global memory. */
#ifndef CHIPWEAVE_SM_MEMORY_H
#define CHIPWEAVE_SM_MEMORY_H
#include "behaviours/sm/state.h"

int sm_memory(struct sm *s, struct warp *w, const int64_t *op);
#endif
