/* behaviours/hbm_channel/hbm_channel.c -- see hbm_channel.h: the access order of a channel above the timing rules
 * (timing.c).
 *
 * Row hits first, then the oldest (FR-FCFS), among the first WINDOW requests of a kind. Whether anything may be issued
 * is looked at when a request comes and at the earliest cycle at which that could change, never in between: a channel
 * without work costs nothing, and refreshes that fell due in a pause are made up when it ends. */
#include "behaviours/hbm_channel/timing.h"
#include "behaviours/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 128

static const cw_parameter PARAMETERS[] = {HBM_SHAPE(CW_PARAMETER_ROW) HBM_JEDEC(JEDEC_ROW)
                                              HBM_CONTROLLER(CW_PARAMETER_ROW)};
enum { HBM_STATISTICS(CW_STATISTIC_NUMBER) N_STATISTICS };
static const cw_statistic STATISTICS[] = {HBM_STATISTICS(CW_STATISTIC_ROW)};
static const char *const PORTS[] = {"access"};

/* ---- queues */

struct entry {
    cw_message m;
    int64_t row;
    int32_t bank, bursts, next, opened; /* opened: an ACT was issued for it */
};

struct queue {
    int32_t seen[WINDOW], n;                             /* what the access order looks at, oldest first */
    int32_t beyond, last;                                /* and the rest, in order of arrival */
    int32_t hits[MAX_BANKS], wants[MAX_BANKS], all_hits; /* of those seen: to the open row; to the bank at all */
    uint64_t cold;                                       /* banks that are wanted, but not with the row that is open */
};

struct pseudo {
    hbm_rules rules;
    int64_t open[MAX_BANKS]; /* row, NONE: closed */
    struct queue q[2];       /* reads, writes */
    int32_t writing;
    int64_t wake, idle_since, refresh_at;
    int32_t refresh_bank;
};

struct channel {
    cw_host *host;
    int32_t me;
    int64_t p[N_PARAMETERS];
    struct pseudo pc[MAX_PCS];
    struct entry *entries;
    int32_t n_entries, free_entry;
    int64_t stats[N_STATISTICS];
};

/* The first cycle that begins at or after a time in ps. */
static int64_t cycle_of(const struct channel *c, int64_t ps) { return (ps * 1000 + c->p[TCK_FS] - 1) / c->p[TCK_FS]; }

/* The time of a cycle, rounded to the nearest ps: errors do not add up, as every cycle is converted from 0. */
static int64_t ps_of(const struct channel *c, int64_t cycle) { return (cycle * c->p[TCK_FS] + 500) / 1000; }

/* Keep up how many requests want a bank, and how many of them its open row: the access order asks for both at every
 * step. */
static void count(struct queue *q, int32_t bank, int32_t wants, int32_t hits)
{
    q->wants[bank] += wants;
    q->hits[bank] += hits;
    q->all_hits += hits;
    uint64_t bit = 1ull << bank;
    q->cold = q->wants[bank] && !q->hits[bank] ? q->cold | bit : q->cold & ~bit;
}

/* A request comes within what the access order looks at. A write is done, for its sender, as soon as it stands
 * there. */
static void see(struct channel *c, struct pseudo *pc, int32_t kind, int32_t i)
{
    struct queue *q = &pc->q[kind];
    struct entry *e = &c->entries[i];
    q->seen[q->n++] = i;
    count(q, e->bank, 1, e->row == pc->open[e->bank]);
    if (kind == 1) {
        cw_message done = {
            .address = e->m.address, .tag = e->m.tag, .kind = CW_DONE, .bytes = (int32_t)c->p[REQUEST_BYTES]};
        c->host->reply(c->host, c->me, 0, &e->m, &done);
    }
}

/* A record for a request, from the free list. */
static int32_t new_entry(struct channel *c)
{
    int32_t i;
    CW_TAKE_RECORD(i, c->entries, c->n_entries, c->free_entry, 128);
    return i;
}

/* A served request leaves its queue, and the oldest one beyond the window moves up. */
static void leave(struct channel *c, struct pseudo *pc, int32_t kind, int32_t place)
{
    struct queue *q = &pc->q[kind];
    int32_t i = q->seen[place];
    struct entry *e = &c->entries[i];
    count(q, e->bank, -1, -(e->row == pc->open[e->bank]));
    memmove(q->seen + place, q->seen + place + 1, sizeof *q->seen * (size_t)(--q->n - place));
    e->next = c->free_entry;
    c->free_entry = i;
    if (q->beyond != NONE) {
        int32_t next = q->beyond;
        q->beyond = c->entries[next].next;
        see(c, pc, kind, next);
    }
}

/* A row is opened or closed, and the hits among those waiting are counted anew. */
static void set_row(struct channel *c, struct pseudo *pc, int32_t bank, int64_t row)
{
    pc->open[bank] = row;
    for (int32_t kind = 0; kind < 2; kind++) {
        struct queue *q = &pc->q[kind];
        int32_t hits = 0;
        for (int32_t k = 0, left = row == NONE ? 0 : q->wants[bank]; left; k++)
            if (c->entries[q->seen[k]].bank == bank) {
                left--;
                hits += c->entries[q->seen[k]].row == row;
            }
        count(q, bank, 0, hits - q->hits[bank]);
    }
}

/* ---- refresh */

/* The next bank in turn is refreshed at cycle `t` or as soon as it may. A refresh that is due goes before everything
 * that opens a row, in whatever bank; column commands to open rows go on. Ramulator 2's priority queue does the
 * same. */
static void refresh_bank(struct channel *c, struct pseudo *pc, int64_t t)
{
    int32_t b = pc->refresh_bank;
    if (pc->open[b] != NONE) {
        t = cw_later(t, hbm_earliest(&pc->rules, HBM_PRE, b));
        hbm_issue(&pc->rules, HBM_PRE, b, t, 1);
        set_row(c, pc, b, NONE);
    }
    hbm_issue(&pc->rules, HBM_REFPB, b, cw_later(t, hbm_earliest(&pc->rules, HBM_REFPB, b)), 1);
    c->stats[STAT_REFRESHES_BANK]++;
    pc->refresh_bank = (b + 1) % (int32_t)c->p[BANKS];
    pc->refresh_at += c->p[P_nREFI] / c->p[BANKS];
}

/* While there is work: one bank after the other, so that each has its turn every nREFI. */
static void refresh_banks(struct channel *c, struct pseudo *pc, int64_t now)
{
    while (pc->refresh_at <= now)
        refresh_bank(c, pc, now);
}

/* Work arrives after a pause: the all-bank refreshes that fell due in it have been done; the last may still be going
 * on. */
static void end_of_pause(struct channel *c, struct pseudo *pc, int64_t now)
{
    int64_t interval = c->p[P_nREFI], last = pc->refresh_at;
    if (now < pc->refresh_at)
        return;
    if (!c->p[REFRESH_ALL]) { /* bank by bank as ever; only the last ones can still be going on */
        int64_t every = interval / c->p[BANKS], past = (now - last) / every - c->p[P_nRFCpb] / every - 1;
        if (past > 0) {
            pc->refresh_bank = (int32_t)((pc->refresh_bank + past) % c->p[BANKS]);
            pc->refresh_at += past * every;
            c->stats[STAT_REFRESHES_BANK] += past;
            for (int32_t b = 0; past >= c->p[BANKS] && b < c->p[BANKS]; b++)
                set_row(c, pc, b, NONE);
        }
        while (pc->refresh_at <= now)
            refresh_bank(c, pc, pc->refresh_at);
        return;
    }
    last += (now - last) / interval * interval;
    c->stats[STAT_REFRESHES_ALL] += (last - pc->refresh_at) / interval + 1;
    for (int32_t b = 0; b < c->p[BANKS]; b++)
        set_row(c, pc, b, NONE);
    hbm_issue(&pc->rules, HBM_REFAB, 0, last, 1);
    pc->refresh_at = last + interval; /* nothing is owed until then */
}

/* ---- access order */

/* Open rows for banks whose open row no access waits for; returns the next cycle at which that may be done. */
static int64_t open_rows(struct channel *c, struct pseudo *pc, struct queue *q, int64_t now)
{
    int64_t next = INT64_MAX;
    for (uint64_t cold = q->cold, k = 0; cold; k++) { /* each such bank's oldest request */
        struct entry *e = &c->entries[q->seen[k]];
        int32_t b = e->bank;
        if (!(cold >> b & 1))
            continue;
        cold &= ~(1ull << b);
        int64_t t = pc->open[b] == NONE ? hbm_earliest(&pc->rules, HBM_ACT, b) : hbm_earliest(&pc->rules, HBM_PRE, b);
        if (t > now) {
            if (t < next)
                next = t;
            continue;
        }
        if (pc->open[b] != NONE)
            hbm_issue(&pc->rules, HBM_PRE, b, now, 1);
        hbm_issue(&pc->rules, HBM_ACT, b, cw_later(now, hbm_earliest(&pc->rules, HBM_ACT, b)), 1);
        set_row(c, pc, b, e->row);
        e->opened = 1;
        c->stats[STAT_ACTIVATES]++;
    }
    return next;
}

/* The oldest request whose column command is legal now; *next: when one will be, if none is. None is before the pseudo
 * channel may take such a command at all, so the search ends where that is what they wait for. */
static int32_t ready(struct channel *c, struct pseudo *pc, struct queue *q, int32_t command, int64_t now, int64_t *next)
{
    const int64_t first = pc->rules.pc[command];
    for (int32_t k = 0, left = q->all_hits; left && (first <= now || first < *next); k++) {
        struct entry *e = &c->entries[q->seen[k]];
        if (pc->open[e->bank] != e->row)
            continue;
        left--;
        int64_t t = hbm_earliest(&pc->rules, command, e->bank);
        if (t <= now)
            return k;
        if (t < *next)
            *next = t;
    }
    return NONE;
}

/* Issue the column command of a request, account for it, and answer a read when its last burst is over. */
static void column(struct channel *c, struct pseudo *pc, int32_t kind, int32_t place, int64_t now)
{
    struct entry *e = &c->entries[pc->q[kind].seen[place]];
    hbm_issue(&pc->rules, kind ? HBM_WR : HBM_RD, e->bank, now, e->bursts);
    c->stats[kind ? STAT_WRITES : STAT_READS]++;
    c->stats[STAT_ROW_HITS] += !e->opened;
    c->stats[STAT_BUS_BUSY] += ps_of(c, e->bursts * c->p[P_nBL]);
    if (!kind) {
        int64_t end = now + c->p[P_nCL] + (e->bursts - 1) * c->p[P_nCCDL] + c->p[P_nBL];
        cw_message m = {.address = e->m.address,
                        .tag = e->m.tag,
                        .kind = CW_DATA,
                        .mask = e->m.mask,
                        .bytes = (int32_t)c->p[REQUEST_BYTES] + 32 * e->bursts};
        c->host->reply(c->host, c->me, ps_of(c, end) + c->p[CONTROLLER] - c->host->now, &e->m, &m);
    }
    leave(c, pc, kind, place);
}

/* Reads first; a drain of writes starts at the high mark, or where there is nothing to read, and ends at the low
 * mark. */
static void choose_direction(struct channel *c, struct pseudo *pc)
{
    int32_t reads = pc->q[0].n, writes = pc->q[1].n, was = pc->writing;
    if (pc->writing)
        pc->writing = writes > 0 && (writes > c->p[LOW] || !reads);
    else
        pc->writing = writes >= c->p[HIGH] || (writes && !reads);
    c->stats[STAT_TURNAROUNDS] += was != pc->writing;
}

/* All that may be issued at this cycle, then a timer for the first cycle at which anything else may. */
static void step(struct channel *c, struct pseudo *pc, int64_t now)
{
    int64_t next;
    refresh_banks(c, pc, now);
    for (;;) {
        choose_direction(c, pc);
        struct queue *q = &pc->q[pc->writing];
        next = open_rows(c, pc, q, now);
        int32_t place = ready(c, pc, q, pc->writing ? HBM_WR : HBM_RD, now, &next);
        if (place == NONE)
            break;
        column(c, pc, pc->writing, place, now);
    }
    if (!pc->q[0].n && !pc->q[1].n) {
        pc->wake = NONE;
        /* The turn of the next bank becomes the turn of all: nothing is owed twice. */
        return;
    }
    if (pc->refresh_at < next)
        next = pc->refresh_at;
    if (pc->wake == next)
        return;
    pc->wake = next;
    c->host->schedule(c->host, c->me, ps_of(c, next) - c->host->now, 2, (int32_t)(pc - c->pc), (uint64_t)next);
}

/* ---- the table */

/* A request takes its place in the address map and is queued; after a pause, refreshes that fell due in it are made
 * up first. */
static void receive(void *state, const cw_message *m)
{
    struct channel *c = state;
    uint64_t unit = m->address / LINE / (uint64_t)c->p[UNIT], groups = (uint64_t)c->p[GROUPS],
             banks = (uint64_t)c->p[BANKS] / groups;
    struct pseudo *pc = &c->pc[unit % (uint64_t)c->p[PCS]];
    uint64_t turn = unit / (uint64_t)c->p[PCS], group = turn % groups,
             rest = turn / groups * (uint64_t)c->p[UNIT] / (uint64_t)c->p[ROW_LINES];
    int32_t i = new_entry(c), kind = m->kind == CW_WRITE;
    struct entry *e = &c->entries[i];
    e->m = *m;
    e->row = (int64_t)(rest / banks);
    e->bank = (int32_t)((rest + (uint64_t)e->row) % banks * groups + (group + (uint64_t)e->row) % groups);
    e->bursts = cw_sectors(m->mask);
    e->opened = 0;
    e->next = NONE;
    int64_t now = cycle_of(c, c->host->now);
    struct queue *q = &pc->q[kind];
    if (!pc->q[0].n && !pc->q[1].n)
        end_of_pause(c, pc, now);
    if (q->n < WINDOW) {
        see(c, pc, kind, i);
    } else {
        if (q->beyond == NONE)
            q->beyond = i;
        else
            c->entries[q->last].next = i;
        q->last = i;
        return; /* nothing to look at that was not there before */
    }
    step(c, pc, now);
}

/* Only the timer set last counts: a newer one has overtaken the others. */
static void timer(void *state, int32_t code, uint64_t data)
{
    struct channel *c = state;
    struct pseudo *pc = &c->pc[code];
    if (pc->wake == (int64_t)data) {
        pc->wake = NONE;
        step(c, pc, (int64_t)data);
    }
}

/* Refreshes of pseudo channels are spread over the interval, as controllers do. */
static int open(void *state, cw_host *host, int32_t part, const int64_t *p, char *why)
{
    struct channel *c = state;
    c->host = host;
    c->me = part;
    memcpy(c->p, p, sizeof c->p);
    if (p[BANKS] % p[GROUPS] || p[LOW] >= p[HIGH] || p[P_nREFI] <= p[P_nRFC])
        return snprintf(
                   why, 256,
                   "hbm_channel: banks are a multiple of bank_groups, low_mark is below high_mark, nRFC below nREFI"),
               -1;
    c->free_entry = NONE;
    for (int32_t i = 0; i < p[PCS]; i++) {
        struct pseudo *pc = &c->pc[i];
        hbm_rules_reset(&pc->rules, p);
        for (int32_t b = 0; b < MAX_BANKS; b++)
            pc->open[b] = NONE;
        pc->wake = NONE;
        pc->q[0].beyond = pc->q[1].beyond = NONE;
        pc->refresh_at = (p[PHASE] + i * p[P_nREFI] / p[PCS]) % p[P_nREFI];
    }
    return 0;
}

/* A statistic by number. */
CW_STATISTIC(struct channel)

/* Only the requests are on the heap. */
static void close_(void *state) { free(((struct channel *)state)->entries); }

cw_behaviour cw_hbm_channel = {CW_BEHAVIOUR("hbm_channel", struct channel), .close = close_};
