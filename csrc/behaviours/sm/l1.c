/* behaviours/sm/l1.c -- the L1, and where lines live. */
#include "behaviours/sm/l1.h"

#include <string.h>

/* ---- L1 */

/* The set of a line: modulo index. */
static uint64_t *set_of(struct sm *s, uint64_t line)
{
    return s->tags + (line % (uint64_t)s->p[L1_SETS]) * (uint64_t)s->p[L1_WAYS];
}

/* Least recently used order is kept by moving entries. */
static void to_front(uint64_t *set, int32_t way)
{
    uint64_t entry = set[way];
    memmove(set + 1, set, sizeof *set * (size_t)way);
    set[0] = entry;
}

/* The entry of a line, moved to the front of its set; NULL where L1 does not hold it. */
uint64_t *sm_find(struct sm *s, uint64_t line)
{
    uint64_t *set = set_of(s, line);
    for (int32_t way = 0; way < s->p[L1_WAYS]; way++)
        if (set[way] && set[way] >> 24 == line + 1) {
            if (way)
                to_front(set, way);
            return set;
        }
    return NULL;
}

/* An entry for a line that is not there, in place of the least recent without a fetch under way; NULL: none is
 * free. */
uint64_t *sm_allocate(struct sm *s, uint64_t line)
{
    uint64_t *set = set_of(s, line);
    for (int32_t way = (int32_t)s->p[L1_WAYS] - 1; way >= 0; way--)
        if (!(set[way] & 0xf0)) {
            to_front(set, way);
            set[0] = (line + 1) << 24;
            return set;
        }
    return NULL;
}

/* ---- addresses */

/* The physical address: pages of 2 MiB; without a table addresses are physical. */
uint64_t sm_physical(const struct sm *s, uint64_t address)
{
    if (!s->n_pages)
        return address;
    return ((uint64_t)s->pages[(address >> 21) % (uint64_t)s->n_pages] << 21) | (address & 0x1fffff);
}

/* Slice of the reader's partition that looks a line up: units of lines are dealt to all slices in groups, each group
 * turned by a hash of its number, so that any run of lines is level over the slices. Returns the lane of port
 * "memory". */
int32_t sm_lane_of(const struct sm *s, uint64_t line)
{
    uint64_t n = (uint64_t)s->p[SLICES], unit = line / (uint64_t)s->p[UNIT], group = unit / n;
    uint64_t turn = ((group * 0x9e3779b97f4a7c15ull) >> 40) % n;
    return (int32_t)(((unit + turn) % n) >> 1);
}
