/* flit/router/general_state.h -- the general router: every option of BookSim 2's input-queued router, router by
 * router.
 *
 * Stages accept work in batches: one with work in progress takes no more until that is done. Lists keep their order,
 * because with a speedup the order of winners is the order in the output queue.
 */
#ifndef NOC_GENERAL_H
#define NOC_GENERAL_H
#include "flit/router/match.h"
#include "flit/state.h"

enum noc_vc_state { VC_IDLE, VC_ROUTING, VC_WANTS_VC, VC_MOVING };

struct noc_stage {
    uint32_t *waiting, *batch;
    int nw, nb, delay, begun; /* begun: the batch started in this step */
    uint64_t due;
};

struct noc_vc { /* what the general router adds to an input VC */
    uint8_t state, held_ok;
    int32_t vc_grant, grant; /* VC allocation: local output VC; switch: expanded output; -1 = none */
};

struct noc_leaving { /* a flit in the crossbar or an output queue */
    struct noc_flit flit;
    uint32_t out, stamp;
};

struct noc_fifo {
    uint32_t first, n;
};

struct noc_router { /* one router */
    struct noc_stage rc, va, hold, sa;
    struct noc_leaving *xbar[2]; /* waiting, in progress */
    int xbar_n[2];
    uint64_t xbar_due;
    struct noc_matcher_state vc_match, sw_match, spec_match;
    uint8_t *offset;                       /* per expanded input: VC served first */
    int32_t *held_out, *held_vc, *held_in; /* per expanded input, input, output; -1 = none */
    int8_t *next_vc;                       /* piggyback: [class][port] */
    struct noc_fifo *queue, *credit_queue; /* per port */
    uint64_t *wire_free;
    uint32_t *freed; /* per port: VCs whose credit leaves in this step */
    uint8_t *arrived;
};

struct noc_general {
    struct noc_router *router;
    struct noc_vc *vc;
    struct noc_leaving *queue; /* [port][queue_room] */
    uint32_t *credit_queue;    /* [port][queue_room] masks of VCs */
    uint32_t queue_room;
    struct noc_event *arrival; /* per port */
    struct noc_match_request *request, *spec_request, *sorted;
    int32_t *pair, *spec_pair; /* expanded (input, output) -> request, -1 */
    uint32_t *active;
    uint8_t *listed;
    uint32_t active_n;
    double partial;
    uint64_t clock;
    void **held;
    size_t held_n, held_room;
};

struct noc_choice {
    uint32_t port, mask;
    int rank;
};

/* flit/router/allocate.c */
int noc_choices(struct noc_state *net, uint32_t id, struct noc_choice *out);
int64_t noc_vc_priority(const struct noc_state *net, uint32_t id);
int noc_vc_full(const struct noc_state *net, uint32_t o);
void noc_evaluate_vcs(struct noc_state *net, uint32_t router);
void noc_evaluate_hold(struct noc_state *net, uint32_t router);
void noc_evaluate_switch(struct noc_state *net, uint32_t router);
int noc_queue_full(const struct noc_state *net, uint32_t gp);
int noc_piggyback_vc(struct noc_state *net, uint32_t id, uint32_t port);
int noc_stage_start(struct noc_stage *s, uint64_t now);
#endif
