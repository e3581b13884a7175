/* behaviours/hbm_channel/timing.h -- parameters of a channel, and the earliest cycle of each command by the rules of
 * JEDEC. The rules are the table HBM_CONSTRAINTS; what hbm_issue() does follows from it, in C and in the plain twin. */
#ifndef CHIPWEAVE_HBM_TIMING_H
#define CHIPWEAVE_HBM_TIMING_H
#include "behaviours/hbm_channel/hbm_channel.h"

#define MAX_BANKS  64
#define MAX_GROUPS 16
#define MAX_PCS    4
#define WINDOW     64 /* requests of a kind the access order looks at */

#define HBM_SHAPE(X)                                                                                                   \
    X(TCK_FS, "tck", "fs", "period of the memory clock", CW_REQUIRED, 1000, 100000000)                                 \
    X(PCS, "pseudo_channels", "pseudo channels", "", CW_REQUIRED, 1, MAX_PCS)                                          \
    X(GROUPS, "bank_groups", "groups", "bank groups a pseudo channel, over all stack levels", CW_REQUIRED, 1,          \
      MAX_GROUPS)                                                                                                      \
    X(BANKS, "banks", "banks", "banks a pseudo channel, over all stack levels", CW_REQUIRED, 1, MAX_BANKS)             \
    X(ROW_LINES, "row_lines", "lines", "lines of 128 B in a row", CW_REQUIRED, 1, 1024)

/* Times of JEDEC in cycles of the memory clock: name, meaning, largest value. */
#define HBM_JEDEC(X)                                                                                                   \
    X(nBL, "a burst on the data bus", 10000)                                                                           \
    X(nCL, "RD to data", 10000)                                                                                        \
    X(nCWL, "WR to data", 10000)                                                                                       \
    X(nRCDRD, "ACT to RD", 10000)                                                                                      \
    X(nRCDWR, "ACT to WR", 10000)                                                                                      \
    X(nRP, "PRE to ACT", 10000)                                                                                        \
    X(nRAS, "ACT to PRE", 10000)                                                                                       \
    X(nRC, "ACT to ACT, one bank", 10000)                                                                              \
    X(nWR, "last write data to PRE", 10000)                                                                            \
    X(nRTP, "RD to PRE", 10000)                                                                                        \
    X(nCCDS, "column to column, other group", 10000)                                                                   \
    X(nCCDL, "column to column, same group", 10000)                                                                    \
    X(nRRDS, "ACT to ACT, other group", 10000)                                                                         \
    X(nRRDL, "ACT to ACT, same group", 10000)                                                                          \
    X(nFAW, "window of four ACT", 10000)                                                                               \
    X(nWTRS, "write data to RD, other group", 10000)                                                                   \
    X(nWTRL, "write data to RD, same group", 10000)                                                                    \
    X(nRTW, "RD to WR", 10000)                                                                                         \
    X(nRREFD, "REFpb to ACT, other bank", 10000)                                                                       \
    X(nRFC, "REFab to ACT", 100000)                                                                                    \
    X(nRFCpb, "REFpb to ACT, same bank", 100000)                                                                       \
    X(nREFI, "between refreshes of a bank", 10000000)

#define HBM_CONTROLLER(X)                                                                                              \
    X(HIGH, "high_mark", "lines", "writes waiting that start a drain", CW_REQUIRED, 1, WINDOW)                         \
    X(LOW, "low_mark", "lines", "writes waiting that end it", CW_REQUIRED, 0, WINDOW - 1)                              \
    X(CONTROLLER, "controller", "ps", "added between the data bus and the answer", 0, 0, 10000000)                     \
    X(REQUEST_BYTES, "request_bytes", "B", "header of an answer on its wire", 0, 0, 1024)                              \
    X(PHASE, "phase", "CK", "when the first refresh of the first pseudo channel falls due", 0, 0, 10000000)            \
    X(UNIT, "unit", "lines", "neighbouring lines in one row before the next pseudo channel's turn", CW_REQUIRED, 1,    \
      64)                                                                                                              \
    X(REFRESH_ALL, "refresh_all", "0 or 1",                                                                            \
      "whether all banks are refreshed at once where a refresh falls due in a pause", 0, 0, 1)

#define HBM_STATISTICS(X)                                                                                              \
    X(READS, "reads", "lines", "served")                                                                               \
    X(WRITES, "writes", "lines", "served")                                                                             \
    X(ROW_HITS, "row_hits", "lines", "column commands to a row opened before")                                         \
    X(ACTIVATES, "activates", "commands", "ACT")                                                                       \
    X(REFRESHES_ALL, "refreshes_all", "commands", "REFab")                                                             \
    X(REFRESHES_BANK, "refreshes_bank", "commands", "REFpb")                                                           \
    X(TURNAROUNDS, "turnarounds", "times", "between reading and writing")                                              \
    X(BUS_BUSY, "bus_busy", "ps", "data on the bus")

/* clang-format off */
/* After a command `preceding`, `following` waits at one level for a number of cycles, counted from
 *   FIRST    the command
 *   LAST     its last burst: bursts of one command are nCCDL apart
 *   BURSTS   the command, the cycles as often as it has bursts
 *   FOURTH   the command that was issued three others of its kind ago
 *
 *   level   preceding following from   cycles */
#define HBM_CONSTRAINTS(X) \
    X(PC,    ACT,   ACT,   FIRST,  nRRDS) \
    X(PC,    ACT,   ACT,   FOURTH, nFAW) \
    X(PC,    ACT,   REFPB, FIRST,  nRRDS) \
    X(GROUP, ACT,   ACT,   FIRST,  nRRDL) \
    X(BANK,  ACT,   ACT,   FIRST,  nRC) \
    X(BANK,  ACT,   RD,    FIRST,  nRCDRD) \
    X(BANK,  ACT,   WR,    FIRST,  nRCDWR) \
    X(BANK,  ACT,   PRE,   FIRST,  nRAS) \
    X(BANK,  ACT,   REFPB, FIRST,  nRC) \
    X(BANK,  ACT,   REFAB, FIRST,  nRC) \
    X(BANK,  PRE,   ACT,   FIRST,  nRP) \
    X(BANK,  PRE,   REFPB, FIRST,  nRP) \
    X(BANK,  PRE,   REFAB, FIRST,  nRP) \
    X(PC,    RD,    RD,    BURSTS, max(nCCDS, nBL)) \
    X(PC,    RD,    WR,    LAST,   nRTW) \
    X(GROUP, RD,    RD,    LAST,   nCCDL) \
    X(BANK,  RD,    PRE,   LAST,   nRTP) \
    X(PC,    WR,    WR,    BURSTS, max(nCCDS, nBL)) \
    X(PC,    WR,    RD,    LAST,   nCWL + nBL + nWTRS) \
    X(GROUP, WR,    WR,    LAST,   nCCDL) \
    X(GROUP, WR,    RD,    LAST,   nCWL + nBL + nWTRL) \
    X(BANK,  WR,    PRE,   LAST,   nCWL + nBL + nWR) \
    X(PC,    REFAB, ACT,   FIRST,  nRFC) \
    X(PC,    REFAB, REFAB, FIRST,  nRFC) \
    X(PC,    REFAB, REFPB, FIRST,  nRFC) \
    X(PC,    REFPB, ACT,   FIRST,  nRREFD) \
    X(PC,    REFPB, REFPB, FIRST,  nRREFD) \
    X(BANK,  REFPB, ACT,   FIRST,  nRFCpb) \
    X(BANK,  REFPB, REFPB, FIRST,  nRFCpb) \
    X(BANK,  REFPB, REFAB, FIRST,  nRFCpb)
/* clang-format on */

#define JEDEC_NUMBER(name, words, high) P_##name,
#define JEDEC_ROW(name, words, high)    {#name, "CK", words, CW_REQUIRED, 1, high},
#define CONSTRAINT_NUMBER(level, preceding, following, from, cycles)                                                   \
    CONSTRAINT_##level##_##preceding##_##following##_##from,

enum { HBM_SHAPE(CW_PARAMETER_NUMBER) HBM_JEDEC(JEDEC_NUMBER) HBM_CONTROLLER(CW_PARAMETER_NUMBER) N_PARAMETERS };
enum { HBM_CONSTRAINTS(CONSTRAINT_NUMBER) N_CONSTRAINTS };

/* One pseudo channel. pc, group, bank: the earliest cycle of each command as far as that level says. */
struct hbm_rules {
    int64_t p[N_PARAMETERS];
    int64_t cycles[N_CONSTRAINTS]; /* the last column of the table, worked out */
    uint8_t group_of[MAX_BANKS];
    int64_t pc[HBM_COMMANDS], group[MAX_GROUPS][HBM_COMMANDS], bank[MAX_BANKS][HBM_COMMANDS];
    int64_t acts[4]; /* cycles of the last four ACT */
    int32_t n_act;
};

void hbm_rules_reset(hbm_rules *rules, const int64_t *parameters);
#endif
