/* flit/state.h -- what the files of the flit kernel share: state of routers, wires, endpoints and messages.
 *
 * Numbering. A port is `router << port_bits | port`; behind the routers' ports follows one port per endpoint (its
 *            injection side). A VC is `port << vc_bits | vc`. Ports and VCs are padded to powers of two, so router,
 *            port and VC are shifts of one number; circular order is unchanged by the unused numbers.
 * Wheels.    Flits and credits on their way lie in slot `cycle & wheel_mask` of the cycle they become usable in.
 * Arbiters.  An arbiter is one 64-bit number: cycle << NOC_KEY_BITS | (largest distance - round-robin distance).
 *            Each requester does a max(); the one whose key remains has won. The cycle makes clearing unnecessary.
 */
#ifndef NOC_STATE_H
#define NOC_STATE_H
#include "flit/flit.h"
#include <stddef.h>

#define NOC_INLINE static inline __attribute__((always_inline))

#define NOC_KEY_BITS        11 /* 64 ports x 32 VCs */
#define NOC_LINE            64 /* bytes of a cache line: arrays start on one */
#define NOC_NO_MSG          UINT32_MAX
#define NOC_ACTIVE          0x8000u /* noc_input_vc.out: an output VC is held */
#define NOC_HOP             4u      /* noc_flit.bits: hops << 2 | half << 1 | tail */
#define NOC_HALF            2u
#define NOC_TAIL            1u
#define NOC_FIRST_DIMENSION 0x800u /* noc_state.grid_route: in the first dimension still */
/* the slots of the wheel, then what leaves the network in this cycle */
#define NOC_FLIT_LISTS(net) ((net)->wheel_mask + 2)

struct noc_flit {
    uint32_t msg;
    uint16_t dst, bits;
};

/* An input VC with its front flit inside: only second and later flits touch the ring. */
struct noc_input_vc {
    struct noc_flit front;
    uint16_t count, pos; /* flits held; ring index of the second one */
    uint16_t out;        /* local output (port << vc_bits | vc); before VC allocation the port alone */
    uint16_t va_next;    /* VC allocation: the output VC behind the one given last, local numbering; tried first */
};

/* An output VC: the sender's view of the buffer at the far end. */
struct noc_output_vc {
    uint32_t flits; /* sent since noc_flush() */
    uint16_t credits;
    uint16_t va_last; /* the input VC it was given to last; of all numbers the low bits */
};

struct noc_stalls {
    uint32_t credit, arbitration;
}; /* since noc_flush() */

/* The input side of a port and its VCs. *_last: the low bits of the numbers of what was served last; next in turn is
 * first. */
struct noc_input_port {
    uint32_t up;            /* VC 0 of the output port that feeds it */
    uint16_t credit_delay;  /* switch grant to credit usable upstream */
    uint8_t sa_requests[2]; /* entries of each list of switch requests that concern it: a lone request has won */
    uint8_t out_last, vc_last;
    uint8_t rest[6];
    struct noc_input_vc vc[];
};

/* The output side of a port and its VCs. With four VCs it is a cache line. */
struct noc_output_port {
    uint32_t free_mask, tail_sent; /* free VCs; VCs whose tail has left */
    uint32_t dst;                  /* VC 0 of the far input port; of this port itself where terminal = 1 */
    uint32_t exit_list;            /* 0, or the list of flits that leave the network where terminal = 1 */
    uint16_t flit_delay;           /* switch grant to arrival at the far end */
    uint16_t interval;
    uint16_t va_requests[3]; /* as sa_requests, of the lists of requests for a VC */
    uint8_t sa_requests[2];
    uint8_t in_last, terminal, used;
    int8_t dim;
    struct noc_output_vc vc[];
};

#define NOC_LINES(bytes)             (((bytes) + NOC_LINE - 1) / NOC_LINE * NOC_LINE)
#define NOC_INPUT_PORT_SIZE(vc_bits) (sizeof(struct noc_input_port) + (sizeof(struct noc_input_vc) << (vc_bits)))
#define NOC_OUTPUT_PORT_SIZE(vc_bits)                                                                                  \
    NOC_LINES(sizeof(struct noc_output_port) + (sizeof(struct noc_output_vc) << (vc_bits)))

_Static_assert(sizeof(struct noc_output_port) == 32, "four output VCs fill a cache line");

#define NOC_AHEAD 8 /* entries of a list looked at ahead of the one in hand: arrays of lists are longer by that */

struct noc_event { /* a flit on a wire */
    uint32_t vc;
    struct noc_flit flit;
    uint32_t stamp; /* priorities by age in network or router */
};

struct noc_msg {
    uint64_t tag, ctime, itime, flits_left, packets_left, flits;
    uint32_t next;
    int32_t src, dst, packet_flits;
    uint16_t column; /* of the routing table: the endpoint, by the way it goes */
    int8_t vc_class, measured;
};

/* What a link whose interval is no whole number still owes, in parts of a cycle: at the switch and on the wire. */
struct noc_pace {
    uint32_t rest, per; /* beyond the whole cycles: rest / per */
    uint32_t at_switch, on_wire;
};

struct noc_source {      /* one class of one endpoint */
    uint32_t head, tail; /* queue of messages */
    int32_t left;        /* flits left of the packet being sent, 0 between packets */
    int8_t vc, last_vc;
};

struct noc_later {
    uint64_t ctime, seq;
    uint32_t msg;
};

/* Input VC `id` wants a VC of the output port whose VC 0 is `out`, or the switch for output VC `out`; or endpoint
 * `id` is awake. */
struct noc_request {
    uint32_t id, out;
};

struct noc_list {
    struct noc_request *at;
    uint32_t n;
};

struct noc_traffic_state; /* flit/traffic_state.h */
struct noc_general;       /* flit/router/general_state.h */
struct noc_skip;          /* flit/skip/state.h */
struct noc_links;         /* flit/counters.c */
struct noc_trail;         /* flit/trail.c */
struct noc_block;         /* flit/memory.c */

struct noc_state;

/* Who wants to know of messages, called once each: one is about to be queued (`starts`), is at the head of its queue
 * (`started`), has been sent out (`changed`, by endpoint), has arrived (`ended`). */
struct noc_watch {
    void (*starts)(struct noc_state *net, uint32_t msg);
    void (*started)(struct noc_state *net, uint32_t msg);
    void (*changed)(struct noc_state *net, uint32_t endpoint);
    void (*ended)(struct noc_state *net, uint32_t msg);
};

struct noc_state {
    struct noc_config c;
    int port_bits, vc_bits, fast, special, plain, narrow, max_ports; /* plain: flit/router/fast.c */
    uint32_t wheel_mask, all_ports, router_ports;
    uint64_t now;
    char *input_port, *port; /* of records with their VCs behind them, see noc_input_port(), noc_output_port() */
    size_t input_port_size, port_size;
    struct noc_pace *pace;                    /* by port, where some link's interval is no whole number, else NULL */
    uint32_t *next_way;                       /* by endpoint, where there are several ways: how many were taken */
    uint64_t *free_at;                        /* by port, narrow wires: no grant before this cycle */
    uint32_t terminal_delay, terminal_credit; /* switch grant to arrival at an endpoint, and to its credit */
    int uneven;                               /* terminals differ in latency: a port's flit_delay has its own */
    struct noc_stalls *stalls;
    struct noc_counts *total; /* what noc_flush() has taken from the two above */
    struct noc_flit *ring;
    uint32_t *stamp_ring, *stamp_front;
    uint8_t *table, *ports;
    size_t columns;   /* of `table`: one for each endpoint and way */
    uint8_t *turn[8]; /* dimension order: entry by (coordinate of router, of endpoint), NOC_HERE where equal */
    uint16_t *at[8];  /* coordinates of routers */
    int dimensions, radix[8];
    uint16_t *grid_route;          /* of one or two dimensions without datelines, see noc_grid_route() */
    uint32_t *grid_from, *grid_to; /* by router, by endpoint */
    unsigned here;                 /* entry at the endpoint's own router */
    uint64_t *minimal;
    uint32_t range[3][32]; /* VCs a packet on VC v may ask for: all of its class, low half, high half */

    struct noc_event *flit_wheel, **flit_end; /* see noc_flits() */
    uint32_t *credit_wheel, **credit_end, flit_room, credit_room;
    struct noc_list va[3], sa[2];
    uint64_t *va_arbiter, *in_arbiter, *out_arbiter; /* arbiters of output VCs, of a port's input and output side */
    uint64_t *request_key;
    struct noc_request *contested;

    struct noc_source *source;
    uint8_t *last_class, *listed;
    struct noc_list awake; /* endpoints with something to send */
    struct noc_msg *msg;
    uint32_t msg_room, msg_free;
    struct noc_later *later;
    uint32_t later_n, later_room;
    uint64_t steps; /* cycles stepped */
    uint64_t seq, pending, moved_at, moved, injected, ejected;
    struct noc_arrival *done;
    uint64_t done_first, done_n, done_room, stopped_arrivals;
    struct noc_traffic_state *traffic;
    struct noc_general *general;
    struct noc_skip *skip;
    const struct noc_watch *watch; /* NULL: none */
    struct noc_trail *trail;       /* NULL: none is kept */
    struct noc_links *links;
    uint64_t bin_end; /* cycle in which the present bin of link counters ends */
    uint64_t held;    /* bytes */
    struct noc_block *block;
    char message[256];
};

static inline uint64_t noc_random(uint64_t *state)
{ /* splitmix64 */
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* `mask` with bit `first` (modulo 32) as its lowest. */
static inline uint32_t noc_rotated(uint32_t mask, unsigned first)
{
    return mask >> (first & 31) | mask << (-first & 31);
}

/* Record of an input port. Records have their VCs behind them, so their size is known only when the network is
 * opened. */
static inline struct noc_input_port *noc_input_port(const struct noc_state *net, size_t gp)
{
    return (struct noc_input_port *)(void *)(net->input_port + gp * net->input_port_size);
}

/* Record of an output port, or of an endpoint's injection side. */
static inline struct noc_output_port *noc_output_port(const struct noc_state *net, size_t gp)
{
    return (struct noc_output_port *)(void *)(net->port + gp * net->port_size);
}

/* Record of an input VC by its global number. */
static inline struct noc_input_vc *noc_input_vc(const struct noc_state *net, size_t id)
{
    return &noc_input_port(net, id >> net->vc_bits)->vc[id & ((1u << net->vc_bits) - 1)];
}

/* Record of an output VC by its global number. */
static inline struct noc_output_vc *noc_output_vc(const struct noc_state *net, size_t o)
{
    return &noc_output_port(net, o >> net->vc_bits)->vc[o & ((1u << net->vc_bits) - 1)];
}

/* The column of the routing table that a message or packet goes by; `count`: it takes its turn. */
static inline uint32_t noc_column(struct noc_state *net, int32_t src, int32_t dst, int count)
{
    if (net->c.ways <= 1)
        return (uint32_t)dst;
    const uint32_t ends = (uint32_t)net->c.endpoints, from = (uint32_t)src, to = (uint32_t)dst;
    uint32_t turn = to;
    if (net->c.spread == NOC_BY_PAIR)
        turn = from + (to + ends - from - 1) % ends; /* the destinations of each source in turn, itself left out */
    else if (count)
        turn += net->next_way[src]++;
    return to + turn % (uint32_t)net->c.ways * ends;
}

/* Cycles until the next flit may follow one over port `gp`; `owed` keeps the parts of a cycle that are still due. */
static inline uint32_t noc_interval(const struct noc_pace *pace, uint32_t whole, uint32_t *owed)
{
    if (!pace->rest) /* whole cycles, or a terminal */
        return whole;
    *owed += pace->rest;
    if (*owed < pace->per)
        return whole;
    *owed -= pace->per;
    return whole + 1;
}

static inline uint32_t noc_grant_interval(const struct noc_state *net, size_t gp)
{
    const uint32_t whole = noc_output_port(net, gp)->interval;
    return net->pace ? noc_interval(&net->pace[gp], whole, &net->pace[gp].at_switch) : whole;
}

/* The router that a VC belongs to. */
static inline uint32_t noc_router_of(const struct noc_state *net, uint32_t vc)
{
    return vc >> (net->port_bits + net->vc_bits);
}

/* Flits of a slot of their wheel; the last one stands before flit_end[slot]. */
static inline struct noc_event *noc_flits(const struct noc_state *net, uint32_t slot)
{
    return net->flit_wheel + (size_t)slot * net->flit_room;
}

/* Credits of a slot of theirs, up to credit_end[slot]. */
static inline uint32_t *noc_credits(const struct noc_state *net, uint32_t slot)
{
    return net->credit_wheel + (size_t)slot * net->credit_room;
}

/* A flit is on a wire: it arrives `delay` cycles from now. */
static inline void noc_put_flit(struct noc_state *net, uint32_t delay, uint32_t vc, struct noc_flit flit,
                                uint32_t stamp)
{
    uint32_t slot = (uint32_t)(net->now + delay) & net->wheel_mask;
    *net->flit_end[slot]++ = (struct noc_event){vc, flit, stamp};
}

/* A credit is on its way back: it is usable `delay` cycles from now. */
static inline void noc_put_credit(struct noc_state *net, uint32_t delay, uint32_t vc)
{
    uint32_t slot = (uint32_t)(net->now + delay) & net->wheel_mask;
    *net->credit_end[slot]++ = vc;
}

/* Requests by input VC `id`, with `out` as struct noc_request has it, in the lists of cycle `now + delay`. */
static inline void noc_request_vc(struct noc_state *net, uint32_t delay, uint32_t id, uint32_t out)
{
    const unsigned k = (unsigned)((net->now + delay) % 3);
    net->va[k].at[net->va[k].n++] = (struct noc_request){id, out};
    noc_output_port(net, out >> net->vc_bits)->va_requests[k]++;
}

/* See noc_request_vc(). */
static inline void noc_request_switch(struct noc_state *net, uint32_t delay, uint32_t id, uint32_t out)
{
    const unsigned k = (unsigned)(net->now + delay) & 1;
    net->sa[k].at[net->sa[k].n++] = (struct noc_request){id, out};
    noc_input_port(net, id >> net->vc_bits)->sa_requests[k]++;
    noc_output_port(net, out >> net->vc_bits)->sa_requests[k]++;
}

#endif
