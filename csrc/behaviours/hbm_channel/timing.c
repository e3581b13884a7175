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
    for (int32_t i = N_CONSTRAINTS; i--;) /* rows stand in order of the preceding command */
        r->first[CONSTRAINTS[i].preceding] = i;
    r->first[HBM_COMMANDS] = N_CONSTRAINTS;
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
    int64_t at = max(r->pc[command], max(r->group[bank % r->p[GROUPS]][command], r->bank[bank][command]));
    if (command == HBM_ACT)
        at = max(at, r->acts[r->n_act & 3] + r->cycles[CONSTRAINT_PC_ACT_ACT_FOURTH]);
    if (command == HBM_REFAB)
        for (int32_t b = 0; b < r->p[BANKS]; b++)
            at = max(at, r->bank[b][HBM_REFAB]);
    return at;
}

/* Move the earliest cycles of what may follow. Nothing is checked: the caller has asked hbm_earliest(). */
void hbm_issue(hbm_rules *r, int32_t command, int32_t bank, int64_t t, int32_t bursts)
{
    int64_t *const level[3] = {r->pc, r->group[bank % r->p[GROUPS]], r->bank[bank]};
    const int64_t last = t + (bursts - 1) * r->p[P_nCCDL];
    for (int32_t i = r->first[command]; i < r->first[command + 1]; i++) {
        const hbm_constraint *row = &CONSTRAINTS[i];
        int64_t cycle = row->from == HBM_FROM_LAST     ? last + r->cycles[i]
                        : row->from == HBM_FROM_BURSTS ? t + bursts * r->cycles[i]
                                                       : t + r->cycles[i];
        int64_t *at = &level[row->level][row->following];
        if (row->from != HBM_FROM_FOURTH && cycle > *at)
            *at = cycle;
    }
    if (command == HBM_ACT)
        r->acts[r->n_act++ & 3] = t;
}
