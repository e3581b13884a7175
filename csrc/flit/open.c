/* flit/open.c -- a network is opened from tables, and closed.
 *
 * Everything is allocated here, once, in the order in which a cycle touches it: ports with their VCs, the lists of
 * the stages, the wheels. All delays are worked out here as well, so that sending a flit or a credit later costs one
 * addition. Nothing that Python handed in is kept: arrays may go when noc_open() returns. */
#include "flit/config.h"
#include "flit/leaves.h"
#include "flit/router/route.h"
#include "flit/router/router.h"
#include "flit/skip/skip.h"
#include "flit/traffic_state.h"
#include "flit/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bits that numbers below n need. */
static int bits_for(int n)
{
    int bits = 0;
    while (1 << bits < n)
        bits++;
    return bits;
}

/* Both bounds are allowed. */
static int in_range(int value, int low, int high) { return low <= value && value <= high; }

/* Masks of the VCs that a packet may ask for, by the VC it is on: its class, or one half of it where a dateline
 * splits it. */
static void set_ranges(struct noc_state *net)
{
    int width = net->c.vcs / net->c.vc_classes, half = width / 2;
    for (int vc = 0; vc < net->c.vcs; vc++) {
        int first = vc / width * width;
        uint32_t all = (width == 32 ? ~0u : (1u << width) - 1) << first;
        net->range[0][vc] = all;
        net->range[1][vc] = all & ~(((1u << half) - 1) << (first + width - half));
        net->range[2][vc] = all & ~(((1u << half) - 1) << first);
    }
}

/* The least latency of a terminal, 1 where one is out of range (which connect_links refuses). */
static int32_t shortest_terminal(const struct noc_state *net, const struct noc_terminal *terminals)
{
    int32_t least = terminals[0].latency;
    for (int e = 1; e < net->c.endpoints; e++)
        least = terminals[e].latency < least ? terminals[e].latency : least;
    return least < 1 ? 1 : least;
}

/* Wire ports to ports and terminals to ports. Each output and each input is used once; delays are worked out here,
 * so that a flit's way costs one addition. */
static int connect_links(struct noc_state *net, const struct noc_link *links, const struct noc_terminal *terminals)
{
    const int pb = net->port_bits, vb = net->vc_bits, n = net->c.links;
    const uint32_t st = (uint32_t)net->c.st_delay, terminal = (uint32_t)shortest_terminal(net, terminals),
                   cd = (uint32_t)net->c.credit_delay;
    net->terminal_delay = 1 + st + terminal;
    net->terminal_credit = 2 + st + 2 * terminal + cd;
    uint8_t *fed = calloc(net->router_ports, 1);
    int bad = fed == NULL;
    for (int i = 0; i < n && !bad; i++) {
        const struct noc_link *l = &links[i];
        bad = !in_range(l->src, 0, net->c.routers - 1) || !in_range(l->dst, 0, net->c.routers - 1) ||
              !in_range(l->latency, 1, 16384) || !in_range(l->per, 1, 1 << 30) || l->interval / l->per < 1 ||
              l->interval / l->per > 4096;
        if (bad || !in_range(l->src_port, 0, net->ports[l->src] - 1) ||
            !in_range(l->dst_port, 0, net->ports[l->dst] - 1)) {
            bad = 1;
            break;
        }
        uint32_t from = (uint32_t)l->src << pb | (uint32_t)l->src_port,
                 to = (uint32_t)l->dst << pb | (uint32_t)l->dst_port;
        bad = noc_output_port(net, from)->used || fed[to];
        noc_output_port(net, from)->used = fed[to] = 1;
        noc_output_port(net, from)->dst = to << vb;
        noc_output_port(net, from)->flit_delay = (uint16_t)(1 + st + (uint32_t)l->latency);
        noc_output_port(net, from)->interval = (uint16_t)(l->interval / l->per);
        if (l->interval % l->per && !(net->pace || (net->pace = noc_keep(net, net->all_ports, sizeof *net->pace)))) {
            bad = 1;
            break;
        }
        noc_input_port(net, to)->up = from << vb;
        noc_input_port(net, to)->credit_delay = (uint16_t)(1 + (uint32_t)l->latency + cd);
        net->narrow |= l->interval > l->per;
    }
    for (int e = 0; e < net->c.endpoints && !bad; e++) {
        bad = !in_range(terminals[e].router, 0, net->c.routers - 1) ||
              !in_range(terminals[e].port, 0, net->ports[terminals[e].router] - 1) ||
              !in_range(terminals[e].latency, 1, 4096);
        if (bad)
            break;
        uint32_t at = (uint32_t)terminals[e].router << pb | (uint32_t)terminals[e].port,
                 own = net->router_ports + (uint32_t)e;
        struct noc_output_port *p = noc_output_port(net, at);
        bad = p->used || fed[at];
        p->used = fed[at] = p->terminal = 1;
        p->interval = 1;
        p->dst = at << vb;
        noc_input_port(net, at)->up = own << vb;
        const uint32_t wire = (uint32_t)terminals[e].latency;
        net->uneven |= wire != terminal;
        p->flit_delay = (uint16_t)(1 + st + wire);
        p->exit_list = net->wheel_mask + 1;
        noc_input_port(net, at)->credit_delay = (uint16_t)(1 + wire);
        noc_output_port(net, own)->dst = at << vb;
        noc_output_port(net, own)->used = 1;
        noc_output_port(net, own)->flit_delay = (uint16_t)(1 + wire);
    }
    for (int i = 0; i < n && !bad && net->pace; i++)
        net->pace[(uint32_t)links[i].src << pb | (uint32_t)links[i].src_port] =
            (struct noc_pace){(uint32_t)(links[i].interval % links[i].per), (uint32_t)links[i].per, 0, 0};
    free(fed);
    return bad;
}

/* Every entry of the table leads out of a port with something behind it. */
static int check_table(const struct noc_state *net)
{
    for (int r = 0; r < net->c.routers; r++)
        for (size_t column = 0; column < net->columns; column++) {
            const uint32_t e = (uint32_t)(column % (size_t)net->c.endpoints);
            unsigned port = net->table[(size_t)r * net->columns + column] & NOC_ENTRY_PORT;
            const size_t gp = ((size_t)r << net->port_bits) + port;
            const struct noc_output_port *p = noc_output_port(net, gp);
            if (port >= net->ports[r] || !p->used ||
                (p->terminal && noc_input_port(net, gp)->up != (net->router_ports + (uint32_t)e) << net->vc_bits))
                return -1;
        }
    return 0;
}

/* Every turn leads along a link. Turns are the same in every row, so each router is asked for the ends of its rows. */
static int check_turns(const struct noc_state *net)
{
    for (uint32_t r = 0; r < (uint32_t)net->c.routers; r++) {
        if (net->c.here >= net->ports[r] ||
            !noc_output_port(net, (r << net->port_bits) + (uint32_t)net->c.here)->terminal)
            return -1;
        for (int d = 0; d < net->dimensions; d++) {
            const uint8_t *turn = net->turn[d] + (size_t)net->at[d][r] * (size_t)net->radix[d];
            for (int k = 0; k < net->radix[d]; k++) {
                const uint32_t port = turn[k] & NOC_ENTRY_PORT;
                if (turn[k] != NOC_ENTRY_HERE &&
                    (port >= net->ports[r] || !noc_output_port(net, (r << net->port_bits) + port)->used))
                    return -1;
            }
        }
    }
    return 0;
}

/* Wheels with a slot for every cycle that something can be on its way, and the lists of each stage. Their sizes are
 * bounds: one flit a wire and cycle, one request a VC. */
static int make_lists(struct noc_state *net, uint32_t longest)
{
    const uint32_t slots = 1u << bits_for((int)longest + 1), wires = (uint32_t)(net->c.links + net->c.endpoints);
    const uint32_t vcs = wires * (uint32_t)net->c.vcs;
    net->wheel_mask = slots - 1;
    net->flit_room = wires;
    net->credit_room = (wires + (uint32_t)net->c.endpoints) * (net->fast ? 1 : (uint32_t)net->c.vcs);
    net->flit_wheel = noc_keep(net, (size_t)NOC_FLIT_LISTS(net) * net->flit_room + NOC_AHEAD, sizeof *net->flit_wheel);
    net->credit_wheel = noc_keep(net, (size_t)slots * net->credit_room, sizeof *net->credit_wheel);
    net->flit_end = noc_keep(net, NOC_FLIT_LISTS(net), sizeof *net->flit_end);
    net->credit_end = noc_keep(net, slots, sizeof *net->credit_end);
    int ok = net->flit_wheel && net->credit_wheel && net->flit_end && net->credit_end;
    for (uint32_t slot = 0; ok && slot < NOC_FLIT_LISTS(net); slot++)
        net->flit_end[slot] = noc_flits(net, slot);
    for (uint32_t slot = 0; ok && slot < slots; slot++)
        net->credit_end[slot] = noc_credits(net, slot);
    struct noc_list *lists[6] = {&net->va[0], &net->va[1], &net->va[2], &net->sa[0], &net->sa[1], &net->awake};
    for (int i = 0; i < 6; i++) {
        lists[i]->at = noc_keep(net, (i == 5 ? (size_t)net->c.endpoints : vcs) + NOC_AHEAD, sizeof *lists[i]->at);
        ok = ok && lists[i]->at;
    }
    net->request_key = noc_keep(net, vcs, sizeof *net->request_key);
    net->contested = noc_keep(net, vcs, sizeof *net->contested);
    return ok && net->request_key && net->contested;
}

/* Records of ports and VCs, and the tables. What is touched together lies together. */
static int make_arrays(struct noc_state *net, const int32_t *ports, const uint8_t *table, const uint64_t *minimal,
                       const int8_t *dims)
{
    const size_t cells = net->c.folded ? 0 : (size_t)net->c.routers * net->columns;
    const size_t in_vcs = (size_t)net->router_ports << net->vc_bits, out_vcs = (size_t)net->all_ports << net->vc_bits;
    const size_t sources = (size_t)net->c.endpoints * (size_t)net->c.vc_classes;
    net->input_port_size = NOC_INPUT_PORT_SIZE(net->vc_bits);
    net->port_size = NOC_OUTPUT_PORT_SIZE(net->vc_bits);
    net->input_port = noc_keep(net, net->router_ports, net->input_port_size);
    net->port = noc_keep(net, net->all_ports, net->port_size);
    net->free_at = noc_keep(net, net->all_ports, sizeof *net->free_at);
    net->va_arbiter = noc_keep(net, out_vcs, sizeof *net->va_arbiter);
    net->in_arbiter = noc_keep(net, net->all_ports, sizeof *net->in_arbiter);
    net->out_arbiter = noc_keep(net, net->all_ports, sizeof *net->out_arbiter);
    net->stalls = noc_keep(net, out_vcs, sizeof *net->stalls);
    net->total = noc_keep(net, out_vcs, sizeof *net->total);
    net->ring = noc_keep(net, in_vcs * (size_t)net->c.vc_depth, sizeof *net->ring);
    net->ports = noc_keep(net, (size_t)net->c.routers, 1);
    net->table = net->c.folded ? NULL : noc_alloc(net, cells, 1);
    if (net->c.ways > 1)
        net->next_way = noc_keep(net, (size_t)net->c.endpoints, sizeof *net->next_way);
    net->source = noc_keep(net, sources, sizeof *net->source);
    net->last_class = noc_keep(net, (size_t)net->c.endpoints, 1);
    net->listed = noc_keep(net, (size_t)net->c.endpoints, 1);
    if (minimal)
        net->minimal = noc_keep(net, cells, sizeof *net->minimal);
    if (!net->input_port || !net->port || !net->free_at || !net->va_arbiter || !net->in_arbiter || !net->out_arbiter ||
        !net->stalls || !net->total || !net->ring || !net->ports || (!net->table && !net->c.folded) ||
        (net->c.ways > 1 && !net->next_way) || !net->source || !net->last_class || !net->listed ||
        (minimal && !net->minimal))
        return 0;
    if (cells)
        memcpy(net->table, table, cells);
    if (minimal)
        memcpy(net->minimal, minimal, cells * sizeof *minimal);
    for (int r = 0; r < net->c.routers; r++)
        net->ports[r] = (uint8_t)ports[r];
    for (size_t i = 0; i < out_vcs; i++) {
        noc_output_vc(net, i)->credits = (uint16_t)net->c.vc_depth;
        noc_output_vc(net, i)->va_last = UINT16_MAX; /* the highest of its kind: number 0 comes next */
    }
    for (size_t i = 0; i < in_vcs; i++)
        noc_input_vc(net, i)->va_next = (uint16_t)(1u << net->vc_bits);
    for (uint32_t p = 0; p < net->all_ports; p++) {
        noc_output_port(net, p)->in_last = UINT8_MAX;
        if (p < net->router_ports)
            noc_input_port(net, p)->out_last = noc_input_port(net, p)->vc_last = UINT8_MAX;
        noc_output_port(net, p)->free_mask = net->c.vcs == 32 ? ~0u : (1u << net->c.vcs) - 1;
        noc_output_port(net, p)->dim =
            dims && p < net->router_ports ? dims[(p >> net->port_bits) * 64 + (p & ((1u << net->port_bits) - 1))] : -1;
    }
    for (size_t i = 0; i < sources; i++)
        net->source[i] = (struct noc_source){NOC_NO_MSG, NOC_NO_MSG, 0, -1, -1};
    return 1;
}

/* From tables to a network that stands at cycle 0. Every step can fail, and then everything made so far is freed. */
struct noc_state *noc_open(const struct noc_config *config, const int32_t *ports, const struct noc_link *links,
                           const struct noc_terminal *terminals, const uint8_t *table, const uint64_t *minimal,
                           const int8_t *dims, char *error)
{
    const char *fault = NULL;
    if (noc_config_fault(config, error))
        return NULL;
    struct noc_state *net = calloc(1, sizeof *net);
    if (!net) {
        snprintf(error, 256, "no memory");
        return NULL;
    }
    net->c = *config;
    net->held = sizeof *net;
    net->msg_free = NOC_NO_MSG;
    int32_t far = 1;
    for (int e = 0; e < config->endpoints; e++)
        far = in_range(terminals[e].latency, far, 4096) ? terminals[e].latency : far;
    uint32_t longest = 2 + (uint32_t)config->st_delay + 2 * (uint32_t)far + (uint32_t)config->credit_delay;
    for (int r = 0; r < config->routers; r++) {
        if (!in_range(ports[r], 1, 64))
            fault = "ports: 1 to 64 a router";
        else if (ports[r] > net->max_ports)
            net->max_ports = ports[r];
    }
    for (int i = 0; i < config->links; i++)
        if (in_range(links[i].latency, 1, 16384)) {
            uint32_t wire =
                1 + (uint32_t)links[i].latency +
                (uint32_t)(config->st_delay > config->credit_delay ? config->st_delay : config->credit_delay);
            longest = wire > longest ? wire : longest;
        }
    net->port_bits = bits_for(net->max_ports);
    net->vc_bits = bits_for(config->vcs);
    net->router_ports = (uint32_t)config->routers << net->port_bits;
    net->all_ports = net->router_ports + (uint32_t)config->endpoints;
    net->fast = noc_wants_fast(config) && !minimal;
    net->columns = (size_t)config->endpoints * (size_t)(config->ways > 1 ? config->ways : 1);
    if (!fault && !make_arrays(net, ports, table, minimal, dims))
        fault = "no memory for routers";
    if (!fault && !make_lists(net, longest))
        fault = "no memory for event lists";
    if (!fault && connect_links(net, links, terminals))
        fault = "a link or endpoint names a router or port that is not there, or taken";
    if (!fault && !config->folded && check_table(net))
        fault = "the routing table has a port with nothing behind it";
    if (!fault && (config->folded ? noc_take_turns(net, table) : noc_fold_table(net)))
        fault = config->folded ? "the turns are those of no grid, or no memory for them" : "no memory for routes";
    if (!fault && config->folded && check_turns(net))
        fault = "a turn leads out of a port with nothing behind it";
    set_ranges(net);
    net->special = net->narrow || config->wait_for_tail_credit || config->vc_busy_when_full || config->cut_through ||
                   config->flows || (config->split && config->seed);
    net->plain = net->grid_route && config->vc_classes == 1;
    if (!fault && !net->fast && noc_general_open(net))
        fault = "no memory for the general router";
    if (!fault && noc_links_open(net))
        fault = "no memory for link statistics";
    if (!fault && config->skip && noc_skip_open(net))
        fault = "no memory for skipping";
    if (fault) {
        snprintf(error, 256, "%s", fault);
        noc_close(net);
        return NULL;
    }
    return net;
}

/* Parts that have arrays of their own first, then the blocks. */
void noc_close(struct noc_state *net)
{
    if (!net)
        return;
    noc_general_close(net);
    noc_skip_close(net);
    noc_traffic_close(net);
    noc_trail_close(net);
    free(net->table);
    noc_free_kept(net);
    void *held[] = {net->stamp_ring, net->stamp_front, net->msg, net->later, net->done, net};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        free(held[i]);
}
