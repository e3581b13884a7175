/* flit/skip/snapshot.h -- a state written as words, or compared word by word with one written before.
 *
 * Ages.  Flits are stamped with a cycle under priorities by age in network or router, and only the order of stamps
 *        ever decides anything: they are written as ranks among those present. A first pass collects them. Of a whole
 *        network they are ranked among flits to one endpoint: flits of different groups never compare their stamps.
 */
#ifndef NOC_RECUR_H
#define NOC_RECUR_H
#include "flit/skip/state.h"

struct noc_snapshot {
    struct noc_state *net;
    uint32_t id;             /* of the group; NOC_NO_GROUP: the whole network */
    uint64_t *at;            /* written here as far as there is room, */
    const uint64_t *against; /* or compared with this; both NULL: ages are collected */
    size_t n, room;
    int differs;
    uint64_t *scratch;
    uint64_t *age;
    size_t ages, age_room;
};

/* One word: written, compared or only counted. */
static inline void noc_put(struct noc_snapshot *w, uint64_t x)
{
    if (w->against)
        w->differs |= w->n >= w->room || w->against[w->n] != x;
    else if (w->at && w->n < w->room)
        w->at[w->n] = x;
    w->n++;
}

/* Does a key belong to the group that is written? */
static inline int noc_mine(const struct noc_snapshot *w, uint32_t key)
{
    return w->id == NOC_NO_GROUP || w->net->skip->group_of[key] == w->id;
}

/* A message's number means nothing beyond a run: all of a network are written by their tags. */
static inline uint64_t noc_name(const struct noc_snapshot *w, uint32_t msg)
{
    return w->id == NOC_NO_GROUP && msg != NOC_NO_MSG ? (uint32_t)w->net->msg[msg].tag : msg;
}

/* A flit without its stamp. */
static inline void noc_put_bits(struct noc_snapshot *w, const struct noc_flit *f)
{
    noc_put(w, noc_name(w, f->msg) << 32 | (uint64_t)f->dst << 16 | f->bits);
}

/* flit/skip/words.c: in place of writing, lists whose order means nothing are sorted in `scratch` */
int noc_by_number(const void *a, const void *b);
void noc_sort(uint64_t *at, size_t n);
int noc_aged(const struct noc_state *net);
void noc_put_age(struct noc_snapshot *w, const struct noc_flit *f, uint32_t stamp);
void noc_put_sorted(struct noc_snapshot *w, uint64_t what, size_t n);
/* flit/skip/snapshot.c: the whole network; `scratch` has room for noc_longest_list() numbers */
size_t noc_snapshot_all(struct noc_state *net, uint64_t *at, size_t room, uint64_t *scratch);
/* noc_recur_gate.c */
void noc_put_router_input(struct noc_snapshot *w, uint32_t gp);
void noc_put_router_output(struct noc_snapshot *w, uint32_t gp);
void noc_put_router_lists(struct noc_snapshot *w);
#endif
