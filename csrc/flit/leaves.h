/* flit/leaves.h -- what stands on the state alone: failures, memory, counters of links. */
#ifndef NOC_LEAVES_H
#define NOC_LEAVES_H
#include "flit/state.h"

/* flit/status.c: notes the text and returns `status` */
int noc_fail(struct noc_state *net, int status, const char *text);

/* flit/memory.c: NULL without memory */
void *noc_alloc(struct noc_state *net, size_t count, size_t size);
void *noc_keep(struct noc_state *net, size_t count, size_t size);
void noc_free_kept(struct noc_state *net);

/* flit/counters.c */
void noc_flush(struct noc_state *net);
void noc_flush_port(struct noc_state *net, uint32_t gp);
int noc_links_open(struct noc_state *net);
void noc_links_read(struct noc_state *net);
int noc_links_next_bin(struct noc_state *net);
uint32_t noc_links_ends(const struct noc_state *net, uint64_t from, uint64_t to, uint64_t *ends);
void noc_links_sum(const struct noc_state *net, const uint32_t *keys, uint32_t n, struct noc_counts *out);
void noc_links_read_some(struct noc_state *net, const uint32_t *keys, uint32_t n, uint64_t cycle);
void noc_links_repeat(struct noc_state *net, const uint32_t *keys, uint32_t n, const uint64_t *ends, uint32_t n_ends,
                      uint64_t from, uint64_t period, const struct noc_counts *growth, const struct noc_counts *snap);
void noc_flow_passed(struct noc_state *net, uint32_t gp, uint32_t msg);
struct noc_flow *noc_flows_of(const struct noc_state *net, uint32_t gp);
struct noc_counts noc_links_bin(const struct noc_state *net, uint32_t gp, size_t k);
uint64_t noc_links_width(const struct noc_state *net);
#endif
