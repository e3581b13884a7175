/* random_networks.c -- random traffic on a mesh through both engines, every invariant after every cycle.
 *
 * Built with AddressSanitizer and UndefinedBehaviorSanitizer and run by tests/flit/test_sanitizers.py.
 */
#include "flit/flit.h"
#include "flit/router/match.h"
#include "flit/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { K = 3, N = K * K };

static struct noc_state *open_mesh(struct noc_config *c)
{
    static int32_t ports[N];
    static struct noc_link links[4 * N];
    static struct noc_terminal terminals[N];
    static uint8_t table[N * N];
    char error[256];
    int n = 0;
    for (int r = 0; r < N; r++) {
        const int x = r % K, y = r / K,
                  there[4] = {x + 1 < K ? r + 1 : -1, x ? r - 1 : -1, y + 1 < K ? r + K : -1, y ? r - K : -1};
        ports[r] = 5;
        terminals[r] = (struct noc_terminal){r, 4, 1 + r % 3};
        for (int p = 0; p < 4; p++)
            if (there[p] >= 0)
                links[n++] = (struct noc_link){r, p, there[p], p ^ 1, 1 + (r + p) % 3, 1, 1};
        for (int e = 0; e < N; e++)
            table[r * N + e] = (uint8_t)(e % K > x ? 0 : e % K < x ? 1 : e / K > y ? 2 : e / K < y ? 3 : 4);
    }
    c->routers = c->endpoints = N;
    c->links = n;
    struct noc_state *net = noc_open(c, ports, links, terminals, table, NULL, NULL, error);
    if (!net)
        fprintf(stderr, "noc_open: %s\n", error);
    return net;
}

static struct noc_config defaults(void)
{
    const int32_t arbiter = noc_arbiter_number("round_robin");
    const struct noc_allocator usual = {noc_allocator_number("separable_input_first"), arbiter, 1};
    return (struct noc_config){.vcs = 4,
                               .vc_depth = 3,
                               .vc_classes = 1,
                               .routing_delay = 1,
                               .vc_alloc_delay = 1,
                               .sw_alloc_delay = 1,
                               .st_delay = 1,
                               .credit_delay = 1,
                               .input_speedup = 1,
                               .output_speedup = 1,
                               .output_buffer_size = -1,
                               .internal_speedup = 1.0,
                               .spec_check_elig = 1,
                               .spec_check_cred = 1,
                               .vc_allocator = usual,
                               .sw_allocator = usual,
                               .spec_allocator = {NOC_PRIO, arbiter, 1}};
}

static int stress(struct noc_config c, const char *name)
{
    struct noc_state *net = open_mesh(&c);
    if (!net)
        return 1;
    unsigned random = 12345;
    struct noc_send send[200];
    for (int i = 0; i < 200; i++) {
        random = random * 1103515245u + 12345u;
        send[i] = (struct noc_send){(uint64_t)i,
                                    random >> 8 & 63,
                                    1 + (random >> 16 & 7),
                                    (int)(random >> 20 & 7),
                                    (int)(random >> 24 & 7),
                                    0,
                                    4};
    }
    int bad = noc_send(net, send, 200);
    while (!bad && noc_pending(net) && noc_now(net) < 20000) {
        bad = noc_advance(net, noc_now(net) + 1, 0) || noc_check(net);
    }
    noc_advance(net, noc_now(net) + 64, 0);
    struct noc_arrival out[256];
    const int arrived = noc_collect(net, out, 256);
    if (bad || arrived != 200)
        fprintf(stderr, "%s: %d of 200 arrived, cycle %llu: %s\n", name, arrived, (unsigned long long)noc_now(net),
                noc_message(net));
    noc_close(net);
    return bad || arrived != 200;
}

/* Long messages that skip, looked at every 500 cycles: groups come off the shelf, are checked, and go back. */
static int skipping(struct noc_config c, const char *name)
{
    c.skip = 1;
    c.flows = 4;
    struct noc_state *net = open_mesh(&c);
    if (!net)
        return 1;
    unsigned random = 99;
    struct noc_send send[40];
    for (int i = 0; i < 40; i++) {
        random = random * 1103515245u + 12345u;
        send[i] = (struct noc_send){(uint64_t)i,
                                    (uint64_t)(random >> 8 & 8191),
                                    1 + (random >> 16 & 4095),
                                    (int)(random >> 20 & 7),
                                    (int)(random >> 24 & 7),
                                    0,
                                    i % 3 ? 1 << 20 : 16};
    }
    int bad = noc_send(net, send, 40);
    while (!bad && noc_pending(net) && noc_now(net) < 1000000)
        bad = noc_advance(net, noc_now(net) + 500, 0) || noc_check(net);
    struct noc_arrival out[64];
    struct noc_skip_report report;
    noc_advance(net, noc_now(net) + 64, 0);
    noc_skip_reported(net, &report);
    bad |= noc_collect(net, out, 64) != 40 || !report.jumps;
    if (bad)
        fprintf(stderr, "skipping, %s: cycle %llu, %llu jumps: %s\n", name, (unsigned long long)noc_now(net),
                (unsigned long long)report.jumps, noc_message(net));
    noc_close(net);
    return bad;
}

/* Synthetic traffic, run until the network is empty: whatever was offered has arrived. */
static int synthetic(struct noc_config c, const char *name)
{
    static uint64_t bins[NOC_LATENCY_BINS];
    memset(bins, 0, sizeof bins);
    struct noc_state *net = open_mesh(&c);
    if (!net)
        return 1;
    const int32_t size[2] = {1, 3};
    const double weight[2] = {3, 1};
    const struct noc_traffic traffic = {.pattern = NOC_UNIFORM,
                                        .sizes = 2,
                                        .size = size,
                                        .size_weight = weight,
                                        .load = 0.6,
                                        .cycles = 2000,
                                        .drain_limit = 20000,
                                        .seed = 7,
                                        .empty = 1};
    struct noc_traffic_result result;
    uint64_t ejected[N];
    const int bad = noc_run_traffic(net, &traffic, &result, bins, ejected) || noc_check(net) || noc_pending(net) ||
                    result.accepted_flits < 9 * result.offered_flits / 10 || result.packets < 1000;
    if (bad)
        fprintf(stderr, "%s: %llu packets: %s\n", name, (unsigned long long)result.packets, noc_message(net));
    noc_close(net);
    return bad;
}

static int bad_input_is_refused(void)
{
    struct noc_config c = defaults();
    c.vcs = 33;
    struct noc_state *net = open_mesh(&c);
    if (net) {
        noc_close(net);
        return 1;
    }
    c = defaults();
    net = open_mesh(&c);
    const struct noc_send wrong = {0, 0, 1, 0, N, 0, 1};
    const int refused = net && noc_send(net, &wrong, 1) == NOC_BAD_CONFIG;
    noc_close(net);
    return !refused;
}

int main(void)
{
    struct noc_config c = defaults();
    int bad = stress(c, "fast");
    bad |= synthetic(c, "fast, traffic");
    c.dimensions = 2;
    c.radix[0] = c.radix[1] = K;
    bad |= stress(c, "fast, routes by dimension");
    bad |= synthetic(c, "fast, routes by dimension, traffic");
    c.routing_delay = 0;
    bad |= stress(c, "fast, routes by dimension, look-ahead");
    c = defaults();
    c.wait_for_tail_credit = c.vc_busy_when_full = 1;
    bad |= stress(c, "fast, atomic VCs");
    c.general = 1;
    bad |= stress(c, "general, atomic VCs");
    /* Every allocator with every arbiter that registers itself. */
    for (int matcher = 0; noc_allocator_rule(matcher); matcher++)
        for (int arbiter = 0; noc_arbiter_rule(arbiter); arbiter++) {
            c = defaults();
            c.general = 1;
            c.vc_allocator = c.sw_allocator = (struct noc_allocator){matcher, arbiter, 2};
            c.speculative = arbiter & 1;
            c.input_speedup = c.output_speedup = 1 + matcher % 2;
            c.internal_speedup = 1 + 0.5 * (matcher % 3);
            c.hold_switch_for_packet = matcher & 1;
            c.priority = 1 + matcher % 4;
            bad |= stress(c, "general");
            bad |= skipping(c, "general");
            c.routing_delay = c.sw_alloc_delay = c.st_delay = 2;
            bad |= skipping(c, "general, longer delays");
        }
    bad |= skipping(defaults(), "fast");
    bad |= bad_input_is_refused();
    puts(bad ? "FAILED" : "all invariants held");
    return bad;
}
