/* Link model `flit` for send stages: messages become packets of flits in a network of routers (flit/flit.h).
 *
 *     send at t --> first clock edge after t --> cut into packets of one VC range --> last tail at edge n --> arrival
 *     at n's time
 *
 * Edge n is at round(n * 1e12 / Hz) ps, halves up. Messages of one traffic class take its VC ranges in turn, and keep
 * to theirs. A message to its own endpoint does not enter the network and arrives at once. Bytes of links are those on
 * the wire, whole flits; what the messages hold is counted apart, as they are sent. Busy ps are cycles x interval;
 * stalled ps are cycles in which a VC had a flit for the link and could not send it, summed over its VCs.
 *
 * Of coarse grain (`grain` k > 1) a flit is k fine ones, and the clock k times slower. A message of one fine flit does
 * not enter the routers: from the first fine edge after it was sent it takes `alone_base` fine cycles and `alone_link`
 * for each link of its route. It is counted on them when it arrives. */
#ifndef CHIPWEAVE_NET_FLIT_H
#define CHIPWEAVE_NET_FLIT_H
#include "flit/flit.h"
#include "stages/network.h"
#include "stages/routes.h"

/* cdef: begin */
typedef struct net_flit net_flit;
typedef struct {
    int64_t hz_numerator, hz_denominator;       /* the clock */
    int64_t flits_numerator, flits_denominator; /* flits per byte */
    int32_t traffic, ranges;                    /* classes of messages, VC ranges of each */
    int32_t packet_flits, flit_bytes, n_links;
    const int32_t *link_row;                 /* for each link, its output port's place in noc_count() */
    const int32_t *link_interval, *link_per; /* cycles a flit takes: interval / per */
    int64_t bin_ps;
    int32_t max_bins, n_instances;
    const int32_t *endpoint_of; /* of each instance, -1: none; NULL: operands name endpoints */
    routes *fixed;              /* the engine's, where packets keep to them; NULL: routes are chosen on the way */
    int32_t grain;              /* 1: exact */
    routes *ways;               /* the engine's; read where grain > 1 */
    int64_t alone_base;         /* may be negative: the first and last router's share */
    const int64_t *alone_link;  /* for each link */
} net_flit_spec;

/* A message where it was: link -1 as its first flit left, and as its last tail was behind, the source's own port; else
 * a link that its last tail has passed. Absolute ps. */
typedef struct {
    int64_t message, link, ps;
} net_flit_crossing;

/* Takes over `noc`. NULL: no memory (then `noc` is still the caller's). */
net_flit *net_flit_new(const net_flit_spec *spec, struct noc_state *noc, int32_t n_ports, int32_t vcs);
/* One network of the stage engine per traffic class; class 0 is the one that owns the rest and must be added first. */
void *net_flit_self(net_flit *f, int32_t traffic);
const network_operations *net_flit_operations(int32_t traffic);
const int64_t *net_flit_link_bins(net_flit *f, int64_t *bin_ps, int32_t *bins);
struct noc_state *net_flit_noc(net_flit *f);
/* Bytes of the messages sent over each link by their routes, NULL without `fixed`; in all, in flits of those through
 * the routers, in fine flits of those beside them. */
const int64_t *net_flit_payload(const net_flit *f, int64_t *bytes, int64_t *flits, int64_t *fine);
/* Takes out the crossings of messages that have arrived since noc_trail_begin() or the last call, where there is room
 * for all; how many there are, or a negative noc_status. link_of: of each place in noc_count(), -1: of no link. */
int64_t net_flit_trails(net_flit *f, const int32_t *link_of, net_flit_crossing *rows, int64_t room);
int64_t net_flit_edge(const net_flit *f, uint64_t cycle); /* time of a clock edge, ps */
int net_flit_status(const net_flit *f);                   /* 0, or the negative noc_status that ended it */
/* cdef: end */
#endif
