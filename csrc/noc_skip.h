/* noc_skip.h -- exact skipping: groups of flows that share no port, each with its own search for a period.
 *
 *   noc_group.c    which flows share a port: the partition, kept as messages start and end
 *   noc_recur.c    the state of a group as words, relative to now
 *   noc_skip.c     the search; what it found and what did not recur
 *   noc_shelf.c    a group whose state recurs lies on a shelf and costs nothing until something touches it
 *
 * Key.   A link is named by the output port that feeds it (injection: the endpoint's own port); the input port at its far
 *        end belongs to the same key. VC and switch allocation and credits act through shared ports alone, so groups
 *        without a key in common do not feel each other.
 */
#ifndef NOC_SKIP_H
#define NOC_SKIP_H
#include "noc_state.h"

#define NOC_NO_GROUP UINT32_MAX
#define NOC_BULK 256          /* flits: below it a message is over before a period could be found */
#define NOC_PART_EVERY 64     /* cycles between two partitions of a group: many short messages end in it */
#define NOC_LAST_WAIT (1u << 19) /* cycles; beyond it a search is given up */

enum { ITEM_FLIT, ITEM_CREDIT, ITEM_VA, ITEM_SA, ITEM_AWAKE };

/* Something due or waiting: `delay` cycles from now on a wire, or that list relative to now; `stamp` of a bid: its output. */
struct noc_item {
    uint32_t kind, delay, vc, stamp;
    struct noc_flit flit;
};

struct noc_progress { uint64_t flits, packets; };

struct noc_group {
    uint32_t *keys, *msgs;
    uint32_t n_keys, keys_room, n_msgs, msgs_room;
    uint8_t used, changed, loose, frozen, given_up, recurred; /* loose: may fall into parts, as a flow has ended */
    uint64_t parted;
    uint64_t born, begun, wait;                /* of the present regime: since the last change */
    uint64_t reference_at, signature, reference_signature, sum;
    uint32_t *state, *again;                   /* the reference, and a state to compare with it */
    size_t room, size;
    uint64_t frozen_at, period, limit;         /* on the shelf: valid until `limit` */
    struct noc_item *item;
    uint32_t n_items, items_room;
    struct noc_counts *snap;                   /* [NOC_BINS + 1][n_keys] */
    size_t snap_room;
};

/* The moving part of the network's state; a second one lets a group run by itself. */
struct noc_moving {
    struct noc_event *flit_wheel;
    uint32_t *credit_wheel, *flit_n, *credit_n;
    struct noc_list va[3], sa[2], awake;
};

struct noc_skip {
    uint32_t *group_of;                        /* [all_ports] by key */
    uint32_t *path;                            /* scratch: keys of one flow */
    struct noc_group *group;
    uint32_t n_groups, groups_room, frozen;
    uint32_t *active, *slot, *fresh;           /* messages at a queue's head or under way; where they stand; new ones */
    uint32_t *place; uint32_t place_room;      /* where a message stands in its group's list */
    uint32_t n_active, active_room, slot_room, n_fresh, fresh_room, bulk;
    uint64_t next_limit;
    uint64_t first_wait;
    struct noc_counts *counts;                 /* [VCs]: at the reference; on the shelf: growth in a period */
    struct noc_progress *progress;             /* [sources]: likewise, flits and packets left */
    struct noc_moving side;
    uint64_t *scratch;
    int stale, off;                            /* groups not kept up, as nothing large is under way; no memory */
    struct noc_skip_report report;
    struct noc_unrepeated longest[NOC_UNREPEATED];
    uint32_t n_longest;
};

/* noc_group.c */
void noc_group_keep(struct noc_state *net);
void noc_group_drop_all(struct noc_state *net);
void noc_group_restart(struct noc_state *net, struct noc_group *g);
/* noc_recur.c: g NULL: the whole network. Words needed; nothing is written beyond `room`. */
size_t noc_write_state(const struct noc_state *net, const struct noc_group *g, uint32_t *at, size_t room, uint64_t *scratch);
size_t noc_longest_list(const struct noc_state *net);
/* noc_shelf.c */
int noc_shelf_open(struct noc_state *net);
void noc_shelf_close(struct noc_state *net);
int noc_freeze(struct noc_state *net, struct noc_group *g);
void noc_thaw(struct noc_state *net, struct noc_group *g);
void noc_set_limit(struct noc_skip *s);
/* noc_skip.c */
void noc_note_unrepeated(struct noc_state *net, const struct noc_group *g);

static inline uint32_t noc_key_of_input(const struct noc_state *net, uint32_t vc) { return noc_inlet(net, vc >> net->vc_bits)->up >> net->vc_bits; }

static inline uint32_t noc_group_id(const struct noc_skip *s, const struct noc_group *g) { return (uint32_t)(g - s->group); }
#endif
