/* behaviours/hbm_channel/timing.c -- see timing.h: which command may follow which, and when. */
#include "behaviours/hbm_channel/timing.h"

#include <stdlib.h>
#include <string.h>

#define LONG_AGO (-(1ll << 60))

#define CONSTRAINT_ROW(level, preceding, following, from, cycles)                                                      \
    {HBM_##level, HBM_##preceding, HBM_##following, HBM_FROM_##from, #cycles},
static const hbm_constraint CONSTRAINTS[] = {HBM_CONSTRAINTS(CONSTRAINT_ROW)};

/* The table, for Python and the twin. */
const hbm_constraint *hbm_constraints(int32_t *n)
{
    *n = N_CONSTRAINTS;
    return CONSTRAINTS;
}

/* The word that the table's expressions use. */
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

/* The last column for one device: JEDEC names as locals, then the expressions as they stand in the table. */
static void work_out(const int64_t *p, int64_t *cycles)
{
#define JEDEC_LOCAL(name, words, high)                                                                                 \
    const int64_t name = p[P_##name];                                                                                  \
    (void)name;
#define CONSTRAINT_CYCLES(level, preceding, following, from, expression)                                               \
    cycles[CONSTRAINT_##level##_##preceding##_##following##_##from] = expression;
    HBM_JEDEC(JEDEC_LOCAL)
    HBM_CONSTRAINTS(CONSTRAINT_CYCLES)
}

/* Nothing has been issued yet. */
void hbm_rules_reset(hbm_rules *r, const int64_t *p)
{
    memcpy(r->p, p, sizeof r->p);
    work_out(p, r->cycles);
    for (int32_t b = 0; b < MAX_BANKS; b++)
        r->group_of[b] = (uint8_t)(b % p[GROUPS]);
    for (int32_t c = 0; c < HBM_COMMANDS; c++) {
        r->pc[c] = LONG_AGO;
        for (int32_t g = 0; g < MAX_GROUPS; g++)
            r->group[g][c] = LONG_AGO;
        for (int32_t b = 0; b < MAX_BANKS; b++)
            r->bank[b][c] = LONG_AGO;
    }
    for (int32_t i = 0; i < 4; i++)
        r->acts[i] = LONG_AGO;
    r->n_act = 0;
}

/* The rules of one pseudo channel alone, for tests; NULL without memory. */
hbm_rules *hbm_rules_open(const int64_t *p)
{
    hbm_rules *r = malloc(sizeof *r);
    if (r)
        hbm_rules_reset(r, p);
    return r;
}

/* Free what hbm_rules_open() gave. */
void hbm_rules_close(hbm_rules *r) { free(r); }

/* Three levels, and what no level holds: the window of four ACT, and all banks for REFab. */
int64_t hbm_earliest(const hbm_rules *r, int32_t command, int32_t bank)
{
    int64_t at = max(r->pc[command], max(r->group[r->group_of[bank]][command], r->bank[bank][command]));
    if (command == HBM_ACT)
        at = max(at, r->acts[r->n_act & 3] + r->cycles[CONSTRAINT_PC_ACT_ACT_FOURTH]);
    if (command == HBM_REFAB)
        for (int32_t b = 0; b < r->p[BANKS]; b++)
            at = max(at, r->bank[b][HBM_REFAB]);
    return at;
}

/* The rows of the table whose preceding command this is: the others are gone when it is a constant. Nothing earlier
 * than what already holds is written; the window of four has a list of its own. */
static inline __attribute__((always_inline)) void apply(hbm_rules *r, const int32_t command, int32_t bank, int64_t t,
                                                        int32_t bursts)
{
    int64_t *const level[3] = {r->pc, r->group[r->group_of[bank]], r->bank[bank]};
    const int64_t last = t + (bursts - 1) * r->p[P_nCCDL];
#define HBM_CYCLE_FIRST(cycles)  t + (cycles)
#define HBM_CYCLE_LAST(cycles)   last + (cycles)
#define HBM_CYCLE_BURSTS(cycles) t + bursts *(cycles)
#define HBM_CYCLE_FOURTH(cycles) INT64_MIN
#define CONSTRAINT_APPLIED(on, preceding, following, from, expression)                                                 \
    if (command == HBM_##preceding) {                                                                                  \
        int64_t *const at = &level[HBM_##on][HBM_##following];                                                         \
        *at = max(*at, HBM_CYCLE_##from(r->cycles[CONSTRAINT_##on##_##preceding##_##following##_##from]));             \
    }
    HBM_CONSTRAINTS(CONSTRAINT_APPLIED)
}

/* Move the earliest cycles of what may follow. Nothing is checked: the caller has asked hbm_earliest(). */
void hbm_issue(hbm_rules *r, int32_t command, int32_t bank, int64_t t, int32_t bursts)
{
    switch (command) {
    case HBM_ACT:
        apply(r, HBM_ACT, bank, t, bursts);
        r->acts[r->n_act++ & 3] = t;
        break;
    case HBM_PRE: apply(r, HBM_PRE, bank, t, bursts); break;
    case HBM_RD: apply(r, HBM_RD, bank, t, bursts); break;
    case HBM_WR: apply(r, HBM_WR, bank, t, bursts); break;
    case HBM_REFAB: apply(r, HBM_REFAB, bank, t, bursts); break;
    default: apply(r, HBM_REFPB, bank, t, bursts);
    }
}
