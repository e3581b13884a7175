/* behaviours/sm/lsu.h: the load-store unit of an SM: what one warp instruction costs, by width and pattern.
 *
 *   lanes --> groups whose data fill the data path --> words by bank  --+
 *        \--> lines --> tag banks ------------------------------------- +--> cycles: the slower of the two
 *
 * The data path takes `lsu_bytes` a cycle: 32 lanes of 4 B are one wavefront, of 8 B two, of 16 B four. Within a
 * wavefront lanes that want different words of one bank wait for each other; lanes that want the same word share it.
 * Lines are looked up `lsu_tags` a cycle, in banks chosen by the line's number folded by exclusive or. One of
 * `lsu_slots` slots of the unit is not a warp's. Shared memory is the same array, without the tags. */
#ifndef CHIPWEAVE_LSU_H
#define CHIPWEAVE_LSU_H
#include "behaviours/sm/state.h"

/* A line that an instruction touches, and its sectors. */
struct wanted {
    uint64_t line;
    int32_t mask;
};

int64_t sm_lsu_take(struct sm *s, int64_t from_fs, int32_t cycles);
int32_t sm_gather(const struct sm *s, const struct warp *w, const int64_t *op, struct wanted *list, int32_t *cycles,
                  int32_t *phases);
int32_t sm_gather_shared(const struct sm *s, const struct warp *w, const int64_t *op, struct wanted *list,
                         int32_t *cycles, int32_t *phases);
#endif
