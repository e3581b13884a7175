/* flit/run.c -- the clock: one cycle after another, idle stretches at once, and the watchdog. */
#include "flit/cycle.h"
#include "flit/leaves.h"
#include "flit/router/router.h"
#include "flit/skip/skip.h"
#include "flit/traffic_state.h"

/* Nothing moves by itself before this cycle. */
static uint64_t next_work(const struct noc_state *net)
{
    if (net->awake.n || net->va[0].n || net->va[1].n || net->va[2].n || net->sa[0].n || net->sa[1].n ||
        noc_general_busy(net))
        return net->now;
    uint64_t next = net->traffic ? noc_traffic_next(net) : UINT64_MAX;
    for (uint64_t t = net->now; t <= net->now + net->wheel_mask && t < next; t++) {
        const uint32_t slot = (uint32_t)t & net->wheel_mask;
        if (net->flit_end[slot] != noc_flits(net, slot) || net->credit_end[slot] != noc_credits(net, slot))
            next = t;
    }
    if (net->later_n && net->later[0].ctime < next)
        next = net->later[0].ctime;
    if (net->skip && noc_skip_limit(net) < next)
        next = noc_skip_limit(net);
    return next < net->now ? net->now : next;
}

/* The clock: jump over what is idle, look whether a group can be parked, step, and watch that something moves. The
 * watchdog is quiet while groups are parked, as they move without being stepped. */
static int advance(struct noc_state *net, uint64_t until, int stop_on_arrival, int stop_when_empty)
{
    while (net->now < until) {
        uint64_t next = next_work(net);
        if (net->done_n && net->done[net->done_first].atime < next && stop_on_arrival)
            next = net->done[net->done_first].atime;
        if (next > net->now) {
            if (stop_when_empty && next == UINT64_MAX)
                break;
            next = next < until ? next : until;
            if (net->skip)
                noc_skip_idle(net, next - net->now);
            net->now = next;
            net->moved_at = net->now;
            if (net->now == until)
                break;
        }
        if (net->now >= net->bin_end && noc_links_next_bin(net))
            return NOC_NO_MEMORY;
        if (net->skip)
            noc_skip_look(net);
        uint64_t moved = net->moved;
        noc_one_cycle(net);
        if (net->moved != moved || (net->skip && noc_skip_limit(net) != UINT64_MAX))
            net->moved_at = net->now;
        else if (net->c.watchdog && net->pending && net->now - net->moved_at > (uint64_t)net->c.watchdog)
            return noc_fail(net, NOC_STUCK, "flits are in the network and none has moved");
        if (stop_on_arrival && net->done_n && net->done[net->done_first].atime < net->now)
            return 1;
    }
    return 0;
}

/* Until a cycle, or the first arrival. */
int noc_advance(struct noc_state *net, uint64_t until, int stop_on_arrival)
{
    return advance(net, until, stop_on_arrival, 0);
}

/* Until nothing is left to do. */
int noc_drain(struct noc_state *net, uint64_t until) { return advance(net, until, 0, 1); }
