/* flit/skip/state.h -- exact skipping: groups of flows that share no port, each with its own search for a period.
 *
 *   flit/skip/group.c    which flows share a port: the partition, kept as messages start and end
 *   flit/skip/snapshot.c    the state of a group as words, relative to now; flit/skip/snapshot_general.c what a
 *                           general router adds
 *   flit/skip/report.c     what was skipped, and what did not recur
 *   flit/skip/search.c     the search; what it found and what did not recur
 *   flit/skip/fingerprint.c     where a search is worth while
 *   flit/skip/park.c    a group whose state recurs is parked: it costs nothing until something touches it
 *   flit/skip/pending.c    pending events: detached from wheels and lists, and restored
 *
 * Key.   A link is named by the output port that feeds it (injection: the endpoint's own port); the input port at its
 *        far end belongs to the same key. VC and switch allocation and credits act through shared ports alone, so
 *        groups without a key in common do not feel each other. Where stages work in batches, or wavefront's first
 *        diagonal goes round, a router is one: its flows have all its output ports in common.
 */
#ifndef NOC_SKIP_H
#define NOC_SKIP_H
#include "flit/state.h"

#define NOC_NO_GROUP   UINT32_MAX
#define NOC_BULK       256        /* flits: below it a message is over before a period could be found */
#define NOC_PART_EVERY 64         /* cycles between two partitions of a group: many short messages end in it */
#define NOC_LAST_WAIT  (1u << 20) /* cycles; beyond it a search is given up */

#define NOC_LIST_SPARE 2048 /* indices of the longest arbiter: 64 ports x 32 VCs */

/* The last six lie in a general router: in a stage, in the crossbar, in the output and credit queues of a port. */
enum {
    PENDING_FLIT,
    PENDING_CREDIT,
    PENDING_VA,
    PENDING_SA,
    PENDING_AWAKE,
    PENDING_WAITING,
    PENDING_BATCH,
    PENDING_WON,
    PENDING_CROSSING,
    PENDING_QUEUE,
    PENDING_CREDITS
};

/* Something due or waiting: `delay` cycles from now on a wire or in a stage, or that list relative to now. `stamp`:
 * of a flit; of a request, its output; of a stage's work, which stage. Queues: `vc` is the port, `delay` how many are
 * in it, `stamp` where they begin. */
struct noc_pending_event {
    uint32_t kind, delay, vc, stamp;
    struct noc_flit flit;
};

struct noc_pending_events {
    struct noc_pending_event *at;
    size_t n, room;
};

struct noc_progress {
    uint64_t flits, packets;
};

#define NOC_FINGERPRINTS 1024u /* fingerprints remembered of a group */

/* by cycle; cycle by fingerprint */
struct noc_fingerprints {
    uint64_t fingerprint[NOC_FINGERPRINTS];
    uint32_t last[NOC_FINGERPRINTS];
};

struct noc_group {
    uint32_t *keys, *msgs;
    uint32_t n_keys, keys_room, n_msgs, msgs_room;
    /* may_split: may fall into parts, as a flow has ended */
    uint8_t used, changed, may_split, parked, given_up, recurred;
    uint8_t random_ties; /* later packets break ties at random: no period */
    uint64_t parted;
    uint64_t born, begun, wait; /* of the present regime: since the last change */
    struct noc_fingerprints *fingerprints;
    uint64_t reference_at, renew; /* no new reference before `renew` */
    uint64_t reference_fingerprint, anchor_at, anchor_fingerprint;
    /* arrivals of this cycle; flits between arrival and credit; arrivals of late */
    uint64_t sum, level, rolling;
    /* length of the current run with fingerprint[t] == fingerprint[t - period_guess] */
    uint32_t period_guess, streak;
    uint64_t *state; /* the reference */
    size_t room, size;
    uint64_t parked_at, period, limit; /* while parked: valid until `limit` */
    struct noc_pending_events events;
    struct noc_counts *snap; /* [NOC_BINS + 1][n_keys] */
    size_t snap_room;
};

struct noc_skip {
    uint32_t *group_of;          /* [all_ports] by key */
    uint32_t *path, *seen, turn; /* scratch: keys a flow may use; seen in its turn */
    struct noc_group *group;
    uint32_t n_groups, groups_room, parked;
    /* messages at a queue's head or under way; where they stand; new ones */
    uint32_t *active, *slot, *fresh;
    uint32_t *place;
    uint32_t place_room; /* where a message stands in its group's list */
    uint32_t n_active, active_room, slot_room, n_fresh, fresh_room, bulk;
    uint64_t next_limit;
    uint64_t first_wait, longest_wire, *weight; /* flit/skip/fingerprint.c */
    struct noc_counts *counts;                  /* [VCs]: at the reference; while parked: growth in a period */
    struct noc_progress *progress;              /* [sources]: likewise, flits and packets left */
    uint64_t *flow_counts;                      /* [all_ports][flows kept]: likewise */
    struct noc_pending_events rest;             /* what is due or waiting, while one group runs by itself */
    uint64_t *scratch;
    int stale, off; /* groups not kept up, as nothing large is under way; no memory */
    /* flows share a router; nothing recurs (flit/router/general.c) */
    int coupled, never_periodic;
    struct noc_skip_report report;
    struct noc_unrepeated longest[NOC_UNREPEATED];
    uint32_t n_longest;
};

/* flit/skip/group.c: the partition of flows, and the watch that keeps it up to date */
extern const struct noc_watch noc_group_watch;
void noc_group_keep(struct noc_state *net);
void noc_group_drop_all(struct noc_state *net);
void noc_group_restart(struct noc_state *net, struct noc_group *g);
/* flit/skip/snapshot.c: words needed, 0 without memory; nothing is written beyond `room` */
size_t noc_write_state(struct noc_state *net, const struct noc_group *g, uint64_t *at, size_t room);
int noc_same_state(struct noc_state *net, const struct noc_group *g, const uint64_t *state, size_t size);
size_t noc_longest_list(const struct noc_state *net);
/* flit/skip/pending.c: g NULL: of all. 0 without memory, and nothing taken */
int noc_pending_detach(struct noc_state *net, const struct noc_group *g, struct noc_pending_events *out);
void noc_pending_restore(struct noc_state *net, const struct noc_pending_events *events);
void noc_pending_shift(struct noc_state *net, struct noc_group *g, uint64_t cycles);
/* flit/skip/park.c: 0 without memory, and nothing done */
int noc_park(struct noc_state *net, struct noc_group *g);
void noc_unpark(struct noc_state *net, struct noc_group *g);
void noc_set_limit(struct noc_skip *s);
/* flit/skip/fingerprint.c */
int noc_worth_snapshot(const struct noc_state *net, struct noc_group *g, uint64_t *fingerprint);
int noc_fingerprints_open(struct noc_state *net);
int noc_fingerprints_read(struct noc_state *net);
/* flit/skip/report.c */
void noc_note_unrepeated(struct noc_state *net, const struct noc_group *g);

/* Key of the link that ends in an input VC. */
static inline uint32_t noc_key_of_input(const struct noc_state *net, uint32_t vc)
{
    return noc_input_port(net, vc >> net->vc_bits)->up >> net->vc_bits;
}

/* Nothing recurs before what was on the longest wire has passed it. */
static inline int noc_searches(const struct noc_state *net, const struct noc_group *g)
{
    return g->used && !g->parked && !g->given_up && net->now - g->begun >= net->skip->longest_wire;
}

/* Number of a group. */
static inline uint32_t noc_group_id(const struct noc_skip *s, const struct noc_group *g)
{
    return (uint32_t)(g - s->group);
}
#endif
