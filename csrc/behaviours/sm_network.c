/* sm_network.c: see sm_network.h. */
#include "sm_network.h"

#include <string.h>

enum { CLOCK_HZ, CYCLES, N_PARAMETERS };
static const cw_parameter PARAMETERS[] = {
    {"clock", "Hz", "SM clock", 1755000000, 1000000, 10000000000},
    {"cycles", "cycles", "one way, from SM to SM", 76, 0, 100000},
};
enum { SM };
static const char *const PORTS[] = {"sm"};
static const cw_statistic STATISTICS[] = {{"requests", "messages", "carried"}, {"answers", "messages", "carried"}};

typedef struct network {
    cw_host *host;
    int32_t me;
    int64_t p[N_PARAMETERS], delay_ps, stats[2];
} network;

static void receive(void *state, const cw_message *m)
{
    network *n = state;
    int request = m->kind == CW_READ || m->kind == CW_WRITE;
    int32_t to = (int32_t)(m->address >> (request ? 48 : 32) & 0xffff);
    n->stats[!request]++;
    n->host->send(n->host, n->me, SM, to, n->delay_ps, m);
}

static void timer(void *state, int32_t code, uint64_t data) { (void)state, (void)code, (void)data; }

static int open(void *state, cw_host *host, int32_t part, const int64_t *p, char *why)
{
    network *n = state;
    n->host = host;
    n->me = part;
    memcpy(n->p, p, sizeof n->p);
    n->delay_ps = (p[CYCLES] * 1000000000000 + p[CLOCK_HZ] / 2) / p[CLOCK_HZ];
    return 0;
}

static int64_t statistic(const void *state, int32_t index) { return ((const network *)state)->stats[index]; }

static void close_(void *state) { (void)state; }

cw_behaviour cw_sm_network = {
    .abi = CW_ABI, .name = "sm_network", .parameters = PARAMETERS, .n_parameters = N_PARAMETERS, .ports = PORTS, .n_ports = 1,
    .statistics = STATISTICS, .n_statistics = 2, .state_size = sizeof(network),
    .open = open, .receive = receive, .timer = timer, .statistic = statistic, .close = close_,
};
