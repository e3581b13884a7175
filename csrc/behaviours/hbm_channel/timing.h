/* behaviours/hbm_channel/timing.h: parameters and timing rules of csrc/behaviours/hbm_channel/hbm_channel.c. */
#ifndef CHIPWEAVE_HBM_RULES_H
#define CHIPWEAVE_HBM_RULES_H
#include "behaviours/hbm_channel/hbm_channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE       128
#define NONE       (-1)
#define MAX_BANKS  64
#define MAX_GROUPS 16
#define MAX_PCS    4
#define WINDOW     64 /* requests of a kind the access order looks at */
#define LONG_AGO   (-(1ll << 60))

enum {
    TCK_FS,
    PCS,
    GROUPS,
    BANKS,
    ROW_LINES,
    nBL,
    nCL,
    nCWL,
    nRCDRD,
    nRCDWR,
    nRP,
    nRAS,
    nRC,
    nWR,
    nRTP,
    nCCDS,
    nCCDL,
    nRRDS,
    nRRDL,
    nFAW,
    nWTRS,
    nWTRL,
    nRTW,
    nRREFD,
    nRFC,
    nRFCpb,
    nREFI,
    HIGH,
    LOW,
    CONTROLLER,
    REQUEST_BYTES,
    PHASE,
    UNIT,
    REFRESH_ALL,
    N_PARAMETERS
};

static const cw_parameter PARAMETERS[] = {
    {"tck", "fs", "period of the memory clock", 625000, 1000, 100000000},
    {"pseudo_channels", "pseudo channels", "", 2, 1, MAX_PCS},
    {"bank_groups", "groups", "bank groups a pseudo channel, over all stack levels", 8, 1, MAX_GROUPS},
    {"banks", "banks", "banks a pseudo channel, over all stack levels", 32, 1, MAX_BANKS},
    {"row_lines", "lines", "lines of 128 B in a row", 8, 1, 1024},
    {"nBL", "CK", "a burst on the data bus", 2, 1, 10000},
    {"nCL", "CK", "RD to data", 20, 1, 10000},
    {"nCWL", "CK", "WR to data", 10, 1, 10000},
    {"nRCDRD", "CK", "ACT to RD", 31, 1, 10000},
    {"nRCDWR", "CK", "ACT to WR", 15, 1, 10000},
    {"nRP", "CK", "PRE to ACT", 26, 1, 10000},
    {"nRAS", "CK", "ACT to PRE", 45, 1, 10000},
    {"nRC", "CK", "ACT to ACT, one bank", 72, 1, 10000},
    {"nWR", "CK", "last write data to PRE", 33, 1, 10000},
    {"nRTP", "CK", "RD to PRE", 9, 1, 10000},
    {"nCCDS", "CK", "column to column, other group", 2, 1, 10000},
    {"nCCDL", "CK", "column to column, same group", 4, 1, 10000},
    {"nRRDS", "CK", "ACT to ACT, other group", 4, 1, 10000},
    {"nRRDL", "CK", "ACT to ACT, same group", 5, 1, 10000},
    {"nFAW", "CK", "window of four ACT", 24, 1, 10000},
    {"nWTRS", "CK", "write data to RD, other group", 7, 1, 10000},
    {"nWTRL", "CK", "write data to RD, same group", 10, 1, 10000},
    {"nRTW", "CK", "RD to WR", 20, 1, 10000},
    {"nRREFD", "CK", "REFpb to ACT, other bank", 13, 1, 10000},
    {"nRFC", "CK", "REFab to ACT", 560, 1, 100000},
    {"nRFCpb", "CK", "REFpb to ACT, same bank", 320, 1, 100000},
    {"nREFI", "CK", "between refreshes of a bank", 6240, 1, 10000000},
    {"high_mark", "lines", "writes waiting that start a drain", 48, 1, WINDOW},
    {"low_mark", "lines", "writes waiting that end it", 16, 0, WINDOW - 1},
    {"controller", "ps", "added between the data bus and the answer", 0, 0, 10000000},
    {"request_bytes", "B", "header of an answer on its wire", 0, 0, 1024},
    {"phase", "CK", "when the first refresh of the first pseudo channel falls due", 0, 0, 10000000},
    {"unit", "lines", "neighbouring lines in one row before the next pseudo channel's turn", 2, 1, 64},
    {"refresh_all", "0 or 1", "whether all banks are refreshed at once where a refresh falls due in a pause", 0, 0, 1},
};
static const char *const PORTS[] = {"access"};
static const cw_statistic STATISTICS[] = {
    {"reads", "lines", "served"},
    {"writes", "lines", "served"},
    {"row_hits", "lines", "column commands to a row opened before"},
    {"activates", "commands", "ACT"},
    {"refreshes_all", "commands", "REFab"},
    {"refreshes_bank", "commands", "REFpb"},
    {"turnarounds", "times", "between reading and writing"},
    {"bus_busy", "ps", "data on the bus"},
};

/* ---- timing rules
 * -------------------------------------------------------------------------------------------------- */

struct hbm_rules {
    int64_t p[N_PARAMETERS];
    int64_t pc[HBM_COMMANDS], group[MAX_GROUPS][HBM_COMMANDS], bank[MAX_BANKS][HBM_COMMANDS];
    int64_t faw[4];
    int32_t n_act;
};

static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

static void later(int64_t *at, int64_t cycle)
{
    if (cycle > *at)
        *at = cycle;
}

static void rules_reset(hbm_rules *r, const int64_t *p)
{
    memcpy(r->p, p, sizeof r->p);
    for (int32_t c = 0; c < HBM_COMMANDS; c++) {
        r->pc[c] = LONG_AGO;
        for (int32_t g = 0; g < MAX_GROUPS; g++)
            r->group[g][c] = LONG_AGO;
        for (int32_t b = 0; b < MAX_BANKS; b++)
            r->bank[b][c] = LONG_AGO;
    }
    for (int32_t i = 0; i < 4; i++)
        r->faw[i] = LONG_AGO;
    r->n_act = 0;
}

hbm_rules *hbm_rules_open(const int64_t *p)
{
    hbm_rules *r = malloc(sizeof *r);
    if (r)
        rules_reset(r, p);
    return r;
}

void hbm_rules_close(hbm_rules *r) { free(r); }

int64_t hbm_earliest(const hbm_rules *r, int32_t command, int32_t bank)
{
    int64_t at = max64(r->pc[command], max64(r->group[bank % r->p[GROUPS]][command], r->bank[bank][command]));
    if (command == HBM_ACT)
        at = max64(at, r->faw[r->n_act & 3] + r->p[nFAW]);
    if (command == HBM_REFAB)
        for (int32_t b = 0; b < r->p[BANKS]; b++)
            at = max64(at, r->bank[b][HBM_REFAB]);
    return at;
}

void hbm_issue(hbm_rules *r, int32_t command, int32_t bank, int64_t t, int32_t bursts)
{
    const int64_t *p = r->p;
    int64_t *group = r->group[bank % p[GROUPS]], *b = r->bank[bank], last = t + (bursts - 1) * p[nCCDL],
            spread = bursts * p[nCCDS];
    switch (command) {
    case HBM_ACT:
        later(&r->pc[HBM_ACT], t + p[nRRDS]);
        later(&r->pc[HBM_REFPB], t + p[nRRDS]);
        later(&group[HBM_ACT], t + p[nRRDL]);
        later(&b[HBM_ACT], t + p[nRC]);
        later(&b[HBM_RD], t + p[nRCDRD]);
        later(&b[HBM_WR], t + p[nRCDWR]);
        later(&b[HBM_PRE], t + p[nRAS]);
        later(&b[HBM_REFPB], t + p[nRC]);
        later(&b[HBM_REFAB], t + p[nRC]);
        r->faw[r->n_act++ & 3] = t;
        break;
    case HBM_PRE:
        later(&b[HBM_ACT], t + p[nRP]);
        later(&b[HBM_REFPB], t + p[nRP]);
        later(&b[HBM_REFAB], t + p[nRP]);
        break;
    case HBM_RD:
        later(&r->pc[HBM_RD], t + max64(spread, bursts * p[nBL]));
        later(&r->pc[HBM_WR], last + p[nRTW]);
        later(&group[HBM_RD], last + p[nCCDL]);
        later(&b[HBM_PRE], last + p[nRTP]);
        break;
    case HBM_WR:
        later(&r->pc[HBM_WR], t + max64(spread, bursts * p[nBL]));
        later(&r->pc[HBM_RD], last + p[nCWL] + p[nBL] + p[nWTRS]);
        later(&group[HBM_WR], last + p[nCCDL]);
        later(&group[HBM_RD], last + p[nCWL] + p[nBL] + p[nWTRL]);
        later(&b[HBM_PRE], last + p[nCWL] + p[nBL] + p[nWR]);
        break;
    case HBM_REFAB:
        later(&r->pc[HBM_ACT], t + p[nRFC]);
        later(&r->pc[HBM_REFAB], t + p[nRFC]);
        later(&r->pc[HBM_REFPB], t + p[nRFC]);
        break;
    default: /* HBM_REFPB */
        later(&r->pc[HBM_ACT], t + p[nRREFD]);
        later(&r->pc[HBM_REFPB], t + p[nRREFD]);
        later(&b[HBM_ACT], t + p[nRFCpb]);
        later(&b[HBM_REFPB], t + p[nRFCpb]);
        later(&b[HBM_REFAB], t + p[nRFCpb]);
    }
}

#endif
