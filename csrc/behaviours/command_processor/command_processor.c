/* behaviours/command_processor/command_processor.c -- see command_processor.h.
 *
 * One kernel at a time: its blocks are dealt to all SMs, each SM reports when it is through, and the last report ends
 * the kernel. What the host's software and the hardware's own steps take is in three fixed times. */
#include "behaviours/command_processor/command_processor.h"
#include "behaviours/room.h"

#include <stdlib.h>
#include <string.h>

#define FRONT_PARAMETERS(X)                                                                                            \
    X(CLOCK_HZ, "clock", "Hz", "SM clock", CW_REQUIRED, 1000000, 10000000000)                                          \
    X(SMS, "sms", "SMs", "lanes of port \"sms\"", 1, 1, 1 << 16)                                                       \
    X(CALL_PS, "call_ps", "ps", "the host's call to the launch standing in the queue", 0, 0, 1000000000)               \
    X(GAP_PS, "gap_ps", "ps", "a kernel's end to the next one's first block", 0, 0, 1000000000)                        \
    X(DEAL_CYCLES, "deal_cycles", "cycles", "between the starts of two SMs", 0, 0, 1000)

enum { FRONT_PARAMETERS(CW_PARAMETER_NUMBER) N_PARAMETERS };
static const cw_parameter PARAMETERS[] = {FRONT_PARAMETERS(CW_PARAMETER_ROW)};
enum { SMS_PORT };
static const char *const PORTS[] = {"sms"};
#define FRONT_STATISTICS(X)                                                                                            \
    X(LAUNCHES, "launches", "kernels", "ended")                                                                        \
    X(FIRST_START, "first_start", "ps", "when the first kernel's first block was issued")                              \
    X(LAST_END, "last_end", "ps", "when the last SM of the last kernel reported")

enum { FRONT_STATISTICS(CW_STATISTIC_NUMBER) N_STATISTICS };
static const cw_statistic STATISTICS[] = {FRONT_STATISTICS(CW_STATISTIC_ROW)};
enum { SUBMIT = COMMAND_SUBMIT, QUEUED, START };

struct processor {
    cw_host *host;
    int32_t me, busy;
    int64_t p[N_PARAMETERS], period_ps_1000, waiting_for, stats[N_STATISTICS];
    uint64_t *queue;
    int32_t n, room, first;
};

/* A launch stands in the queue. Launches keep their order. */
static void put(struct processor *c, uint64_t blocks)
{
    if (c->first + c->n == c->room) {
        c->room = cw_more(c->room, 64);
        c->queue = cw_room(c->queue, c->room, sizeof *c->queue);
    }
    c->queue[c->first + c->n++] = blocks;
}

/* The first launch of the queue starts: every SM is sent its blocks, one after another. */
static void start(struct processor *c)
{
    uint64_t blocks = c->queue[c->first++];
    c->n--;
    c->waiting_for = c->p[SMS];
    if (!c->stats[STAT_LAUNCHES])
        c->stats[STAT_FIRST_START] = c->host->now;
    for (int64_t i = 0; i < c->p[SMS]; i++) {
        cw_message m = {.address = blocks, .kind = CW_WRITE};
        c->host->send(c->host, c->me, SMS_PORT, (int32_t)i, i * c->p[DEAL_CYCLES] * c->period_ps_1000 / 1000, &m);
    }
}

/* SUBMIT: the host has called; QUEUED: the call has reached the queue; START: the gap after the last kernel is
 * over. */
static void timer(void *state, int32_t code, uint64_t data)
{
    struct processor *c = state;
    if (code == SUBMIT) {
        c->host->schedule(c->host, c->me, c->p[CALL_PS], 1, QUEUED, data);
        return;
    }
    if (code == QUEUED) {
        put(c, data);
        if (c->busy)
            return;
        c->busy = 1;
    }
    start(c);
}

/* An SM is through with its blocks. */
static void receive(void *state, const cw_message *m)
{
    struct processor *c = state;
    (void)m;
    if (--c->waiting_for)
        return;
    c->stats[STAT_LAUNCHES]++;
    c->stats[STAT_LAST_END] = c->host->now;
    if (c->n)
        c->host->schedule(c->host, c->me, c->p[GAP_PS], 1, START, 0);
    else
        c->busy = 0;
}

/* Cycles are kept as thousandths of a ps, so that dealing to many SMs does not drift. */
static int open(void *state, cw_host *host, int32_t part, const int64_t *p, char *why)
{
    (void)why;
    struct processor *c = state;
    c->host = host;
    c->me = part;
    memcpy(c->p, p, sizeof c->p);
    c->period_ps_1000 = (1000000000000000 + p[CLOCK_HZ] / 2) / p[CLOCK_HZ];
    return 0;
}

/* A statistic by number. */
CW_STATISTIC(struct processor)

/* Only the queue is on the heap. */
static void close_(void *state) { free(((struct processor *)state)->queue); }

cw_behaviour cw_command_processor = {CW_BEHAVIOUR("command_processor", struct processor), .close = close_};
