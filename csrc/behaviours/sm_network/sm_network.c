/* behaviours/sm_network/sm_network.c -- see sm_network.h.
 *
 * Every pair of SMs is equally far. What queues is data at the port where it leaves and at the port where it enters,
 * each in order of arrival; requests without data pass at once. */
#include "behaviours/sm_network/sm_network.h"
#include "behaviours/held.h"

#include <string.h>

#define FS      1000
#define MAX_SMS 256

#define NETWORK_PARAMETERS(X)                                                                                          \
    X(CLOCK_HZ, "clock", "Hz", "SM clock", CW_REQUIRED, 1000000, 10000000000)                                          \
    X(CYCLES, "cycles", "cycles", "one way, from SM to SM", CW_REQUIRED, 0, 100000)                                    \
    X(PORT_BYTES, "port_bytes", "B in 100 cycles", "data that one SM sends, and that one SM takes in; 0: no limit", 0, \
      0, 1000000)

enum { NETWORK_PARAMETERS(CW_PARAMETER_NUMBER) N_PARAMETERS };
static const cw_parameter PARAMETERS[] = {NETWORK_PARAMETERS(CW_PARAMETER_ROW)};
enum { SM };
static const char *const PORTS[] = {"sm"};
#define NETWORK_STATISTICS(X)                                                                                          \
    X(REQUESTS, "requests", "messages", "carried")                                                                     \
    X(ANSWERS, "answers", "messages", "carried")

enum { NETWORK_STATISTICS(CW_STATISTIC_NUMBER) N_STATISTICS };
static const cw_statistic STATISTICS[] = {NETWORK_STATISTICS(CW_STATISTIC_ROW)};

struct network {
    cw_host *host;
    int32_t me;
    int64_t p[N_PARAMETERS], delay_fs, period_fs, stats[N_STATISTICS];
    struct held waiting;
    int64_t leaving[MAX_SMS], entering[MAX_SMS]; /* fs until which the ports are taken */
};

/* When a port that is requested from `from_fs` on has passed what takes so long. */
static int64_t taken(int64_t *port, int64_t from_fs, int64_t takes)
{
    *port = (*port > from_fs ? *port : from_fs) + takes;
    return *port;
}

/* A message is held until it has crossed: out of the source's port, over the network, into the target's port. Only
 * data loads ports. */
static void receive(void *state, const cw_message *m)
{
    struct network *n = state;
    int request = m->kind == CW_READ || m->kind == CW_WRITE;
    int32_t target_rank = (int32_t)(m->address >> 48 & 0xffff), source_rank = (int32_t)(m->address >> 32 & 0xffff);
    int32_t from = request ? source_rank : target_rank, to = request ? target_rank : source_rank;
    int64_t now = n->host->now * FS, there = now + n->delay_fs;
    n->stats[request ? STAT_REQUESTS : STAT_ANSWERS]++;
    if (m->bytes && n->p[PORT_BYTES]) {
        int64_t takes = m->bytes * 100 * n->period_fs / n->p[PORT_BYTES];
        there = taken(&n->entering[to % MAX_SMS], taken(&n->leaving[from % MAX_SMS], now, takes) + n->delay_fs - takes,
                      takes);
    }
    n->host->schedule(n->host, n->me, (there - now) / FS, 1, to, cw_hold(&n->waiting, m));
}

/* A message has come through: `code` is the SM it goes to. */
static void timer(void *state, int32_t code, uint64_t data)
{
    struct network *n = state;
    cw_message m = cw_release(&n->waiting, data);
    n->host->send(n->host, n->me, SM, code, 0, &m);
}

/* Times in fs: a cycle is no whole number of ps. */
static int open(void *state, cw_host *host, int32_t part, const int64_t *p, char *why)
{
    (void)why;
    struct network *n = state;
    n->host = host;
    n->me = part;
    memcpy(n->p, p, sizeof n->p);
    n->period_fs = (1000000000000000 + p[CLOCK_HZ] / 2) / p[CLOCK_HZ];
    n->delay_fs = p[CYCLES] * n->period_fs;
    return 0;
}

/* A statistic by number. */
CW_STATISTIC(struct network)

/* Messages still on their way are forgotten. */
static void close_(void *state) { cw_close_held(&((struct network *)state)->waiting); }

cw_behaviour cw_sm_network = {CW_BEHAVIOUR("sm_network", struct network), .close = close_};
