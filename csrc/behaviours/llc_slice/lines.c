/* behaviours/llc_slice/lines.c -- see lines.h: where a line lives in its slice, and the order of use in a set. */
#include "behaviours/llc_slice/lines.h"

#include <string.h>

/* The home partition of a line: see sm_lane_of() of sm/l1.c, whose low bit this is. */
int32_t llc_home(const struct slice *s, uint64_t line)
{
    uint64_t n = (uint64_t)s->p[SLICES], unit = line / (uint64_t)s->p[UNIT], group = unit / n;
    uint64_t turn = ((group * 0x9e3779b97f4a7c15ull) >> 40) % n;
    return (int32_t)(((unit + turn) % n) & 1);
}

/* Number of a line among those with its home and slice. */
uint64_t llc_local(const struct slice *s, uint64_t line)
{
    uint64_t unit = (uint64_t)s->p[UNIT];
    return line / unit / (uint64_t)s->p[SLICES] * unit + line % unit;
}

/* A slice has two units of each group, one of each home: half the sets apart, so that either kind alone can fill them
 * all. */
uint64_t *llc_set_of(struct slice *s, uint64_t line)
{
    uint64_t sets = (uint64_t)s->p[SETS], index = llc_local(s, line) + (llc_home(s, line) ? sets / 2 : 0);
    return s->tags + index % sets * (uint64_t)s->p[WAYS];
}

/* The entry of a line, moved to the front of its set; NULL: a miss. */
uint64_t *llc_find(struct slice *s, uint64_t *set, uint64_t line)
{
    for (int32_t way = 0; way < s->p[WAYS]; way++)
        if (set[way] >> 12 == line + 1) {
            uint64_t entry = set[way];
            memmove(set + 1, set, sizeof *set * (size_t)way);
            set[0] = entry;
            return set;
        }
    return NULL;
}

/* Put a line in front of its set; returns what that pushes out (0: nothing). */
uint64_t llc_insert(struct slice *s, uint64_t *set, uint64_t line)
{
    uint64_t out = set[s->p[WAYS] - 1];
    memmove(set + 1, set, sizeof *set * (size_t)(s->p[WAYS] - 1));
    set[0] = (line + 1) << 12;
    return out;
}
