/* flit/flit.h -- a network of input-queued, virtual-channel routers, cycle by cycle.
 *
 *            credits <--------------------------+
 *                                               |
 *   inject --> [ VC buffers ] --> route --> VC alloc --> switch alloc --> link --> eject
 *                vc_depth           RC         VA            SA            ST/LT
 *
 * Cycle.   A flit or credit sent in cycle t over a wire of latency L is received in cycle t + 1 + L, so no
 *          router sees what another writes in the same cycle. Rules and names are BookSim 2's.
 * Engines. Two, with the same results: `fast` (lists of events per stage, no loop over routers) for
 *          separable-input-first round-robin routers with unit delays, `general` for every other option.
 * Units.   Time is in cycles of the network clock, size in flits.
 * Owner.   What noc_open() returns is freed by noc_close(). Arrays handed in are only read during the call.
 * Errors.  Functions that return int give 0 or a count, or a negative noc_status; noc_message() has the text.
 * Random.  Only by `seed`; with seed 0 ties are not random (torus ties go up).
 *
 * The text between the two cdef lines is also what Python sees.
 */
#ifndef NOC_H
#define NOC_H
#include <stdint.h>

/* cdef: begin */

enum noc_status {
    NOC_BAD_CONFIG = -1, /* a field or table entry is out of its range        */
    NOC_NO_MEMORY = -2,
    NOC_STUCK = -3 /* flits are in the network, none moved for `watchdog` cycles */
};

enum noc_spread { NOC_ONE_WAY, NOC_BY_MESSAGE, NOC_BY_PAIR, NOC_BY_PACKET };
enum noc_priority { NOC_NONE, NOC_AGE, NOC_NETWORK_AGE, NOC_LOCAL_AGE, NOC_HOP_COUNT, NOC_QUEUE_LENGTH, NOC_CLASS };

/* `matcher`: noc_allocator_number(), or in its place
 *   NOC_PIGGYBACK   of vc_allocator: a switch grant brings the next free VC
 *   NOC_PRIO        of spec_allocator: no matcher of its own, requests on speculation come last in sw_allocator */
enum { NOC_PIGGYBACK = -2, NOC_PRIO = -3 };
struct noc_allocator {
    int32_t matcher, arbiter, iterations;
};

/* The number of an allocator, of an arbiter, by its name in csrc/flit/router/; -1: there is none. */
int noc_allocator_number(const char *name);
int noc_arbiter_number(const char *name);

/* An entry of a routing table: an output port; the dateline half that a packet enters; both directions are equal. */
enum { NOC_ENTRY_PORT = 63, NOC_ENTRY_HALF = 64, NOC_ENTRY_TIE = 128, NOC_ENTRY_HERE = 255 };

struct noc_config {
    int32_t routers, endpoints, links;
    int32_t vcs;        /* per input port, 1..32                             */
    int32_t vc_depth;   /* flits one VC buffers = credits at the start, 1..32767 */
    int32_t vc_classes; /* traffic classes, each on vcs / vc_classes VCs     */
    int32_t routing_delay, vc_alloc_delay, sw_alloc_delay, st_delay, credit_delay;
    int32_t speculative, spec_check_elig, spec_check_cred, spec_mask_by_reqs;
    int32_t wait_for_tail_credit, vc_busy_when_full, hold_switch_for_packet;
    int32_t input_speedup, output_speedup, output_buffer_size;
    int32_t noq, cut_through, priority;
    int32_t split;    /* dateline halves: NOC_ENTRY_HALF is the half taken when a dimension is entered */
    int32_t general;  /* 1: the general engine even where the fast one would do */
    int32_t skip;     /* 1: advance by whole periods where the state recurs; results are the same */
    int32_t flows;    /* hottest flows kept per link, 0..64 */
    int32_t watchdog; /* cycles without a flit moved until NOC_STUCK; 0: never */
    double internal_speedup;
    int32_t ways;      /* columns of the table for each endpoint: endpoint e by way w is column e + w * endpoints */
    int32_t spread;    /* noc_spread: what goes by which way */
    int32_t folded;    /* 1: `table` holds the turns of dimension order, uint8[radix d][radix d] one behind another */
    int32_t here;      /* folded: entry at the endpoint's own router */
    int32_t stride[8]; /* folded: by how much numbers grow along a dimension, in order of travel */
    int32_t dimensions, radix[8]; /* of a grid: routes are then kept per dimension, if the table allows it; else 0 */
    struct noc_allocator vc_allocator, sw_allocator, spec_allocator;
    uint64_t seed;
};

struct noc_link {
    int32_t src, src_port, dst, dst_port, latency;
    int32_t interval, per; /* cycles a flit takes on the wire: interval / per, kept exactly in the mean */
};
struct noc_terminal {
    int32_t router, port, latency; /* of its injection and ejection wires */
};

/* A message of `flits` flits, cut into packets of at most `packet_flits`; a packet is a message of one packet. */
struct noc_send {
    uint64_t tag, ctime, flits;
    int32_t src, dst, vc_class, packet_flits;
};

/* A message whose last tail has arrived. */
struct noc_arrival {
    uint64_t tag, ctime;
    uint64_t itime; /* cycle its first head flit left the endpoint      */
    uint64_t atime; /* cycle its last tail flit reached the endpoint    */
    int32_t src, dst, hops, vc_class;
};

/* Counters of one output VC; links in order of (router, port), then the injection wires. */
struct noc_counts {
    uint64_t flits, stalled_credit, stalled_arbitration;
};

enum { NOC_BINS = 32 }; /* of a link's counters over time */

/* Flits of one pair of endpoints over a link: the count is at most `over` too high; src -1: unused. */
struct noc_flow {
    int32_t src, dst;
    uint64_t flits, over;
};

/* What was not stepped. Groups are flows that share no port with others' while they last.
 * skipped: cycles in which no group was on the clock; replayed: cycles one group was stepped alone to come back to
 *          it;
 * group_skipped of group_cycles: cycles of single groups; jumps, the longest period, searches given up (2^20
 * cycles). */
struct noc_skip_report {
    uint64_t skipped, jumps, longest_period, given_up, replayed, group_cycles, group_skipped;
};

enum { NOC_UNREPEATED = 16 };

/* A group stepped to the end of a regime as its state did not recur: since which cycle, how long, flows in all,
 * whether the search was given up; endpoints of up to four flows, else -1. */
struct noc_unrepeated {
    uint64_t begun, cycles;
    int32_t flows, given_up, src[4], dst[4];
};

struct noc_state; /* opaque: its layout belongs to flit/state.h */

/* `table` is uint8[routers][endpoints * ways]: entries as of NOC_ENTRY_PORT.
 * `minimal` (or NULL) is uint64[routers][endpoints]: bits of output ports on shortest paths; VC 0 of a class escapes.
 * `dims` (or NULL) is int8[routers][64]: dimension of a port, -1 for local ones. NULL when memory is short
 * or the configuration is wrong; then `error` (256 chars) says what. */
struct noc_state *noc_open(const struct noc_config *config, const int32_t *ports, const struct noc_link *links,
                           const struct noc_terminal *terminals, const uint8_t *table, const uint64_t *minimal,
                           const int8_t *dims, char *error);
void noc_close(struct noc_state *net);
int noc_is_fast(const struct noc_state *net);
uint64_t noc_now(const struct noc_state *net);
uint64_t noc_memory(const struct noc_state *net); /* bytes held */

/* Queue messages; of one source and class they leave in order of ctime, ties in the order given. */
int noc_send(struct noc_state *net, const struct noc_send *messages, int count);

/* Run the cycles up to, not including, `until`; with stop_on_arrival return after the first cycle in which a
 * message arrived. Idle stretches cost nothing. 1: stopped by an arrival, 0: `until` reached, or a noc_status. */
int noc_advance(struct noc_state *net, uint64_t until, int stop_on_arrival);

/* As noc_advance() until nothing is queued, in flight or undelivered, at most to `until`. */
int noc_drain(struct noc_state *net, uint64_t until);

/* Take arrivals of cycles already run, oldest first; how many were written. */
int noc_collect(struct noc_state *net, struct noc_arrival *out, int room);

uint64_t noc_pending(const struct noc_state *net); /* messages queued or under way */

/* Counters of all output VCs: [(routers' ports in order) + endpoints][vcs]. */
void noc_count(struct noc_state *net, struct noc_counts *out);

/* Counters of links over time, all VCs together, in order of noc_count(): [links][NOC_BINS], bin k from cycle k *
 * width on. Returns the width of a bin in cycles. */
uint64_t noc_bins(struct noc_state *net, struct noc_counts *out);
void noc_flows(struct noc_state *net, struct noc_flow *out); /* [links][flows], unordered */

/* Where messages were when: the cycle in which the first flit of a message left its endpoint, then those in which the
 * last of its tails arrived behind the endpoint's port and behind each link of its way; `port` is the place in
 * noc_count(). Rows of a message stand together, messages in the order of their ends. */
struct noc_crossing {
    uint64_t tag, cycle;
    uint32_t port;
};
int noc_trail_begin(struct noc_state *net); /* from now on; nothing may be under way. 0 or NOC_NO_MEMORY */

/* Takes out the rows of messages that have ended, if there is room for all; how many there are. */
int64_t noc_trails(struct noc_state *net, struct noc_crossing *out, int64_t room);

void noc_skip_reported(const struct noc_state *net, struct noc_skip_report *out);

/* The longest such stretches, longest first, at most NOC_UNREPEATED of them; how many. */
int noc_unrepeated(const struct noc_state *net, struct noc_unrepeated *out);
uint64_t noc_digest(struct noc_state *net); /* of the whole state relative to now */

/* Every invariant at once (credits + buffered + in flight = depth; flits in = out + inside; owned VCs have an
 * owner); 0 if all hold. Slow; for tests. */
int noc_check(struct noc_state *net);

/* Output VCs that wait for each other: fills `out` with those of one wait cycle, returns its length (0: none). */
struct noc_place {
    int32_t router, port, vc;
};
int noc_wait_cycle(struct noc_state *net, struct noc_place *out, int room);

const char *noc_message(const struct noc_state *net);

/* cdef: end */
#endif
