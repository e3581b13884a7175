/* flit/memory.c -- where the state lies. What lives as long as the network is placed end to end in blocks, and blocks
 * of large networks ask for large pages: a flit-hop touches a dozen places, and pages of 4 KiB would miss the table
 * of pages. */
#define _DEFAULT_SOURCE /* madvise() */
#include "flit/leaves.h"

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#define LARGE_PAGE  ((size_t)1 << 21)
#define SMALL_BLOCK ((size_t)1 << 16)
#define LARGE_FROM  256 /* routers */

struct noc_block {
    struct noc_block *next;
    char *memory, *at; /* as the system gave it; aligned */
    size_t size, used;
};

/* Zeroed memory that the caller frees; counted in `held`. */
void *noc_alloc(struct noc_state *net, size_t count, size_t size)
{
    net->held += count * size;
    return calloc(count ? count : 1, size);
}

/* A block for what lives as long as the network. Large networks get blocks of whole large pages. */
static struct noc_block *new_block(struct noc_state *net, size_t bytes)
{
    const int large = net->c.routers >= LARGE_FROM;
    const size_t unit = large ? LARGE_PAGE : SMALL_BLOCK, align = large ? LARGE_PAGE : NOC_LINE;
    struct noc_block *block = calloc(1, sizeof *block);
    if (!block)
        return NULL;
    block->size = (bytes + unit - 1) / unit * unit;
    block->memory = calloc(1, block->size + align);
    if (!block->memory) {
        free(block);
        return NULL;
    }
    block->at = block->memory + (align - (uintptr_t)block->memory % align);
#ifdef MADV_HUGEPAGE
    if (large)
        madvise(block->at, block->size, MADV_HUGEPAGE); /* a hint: where it is refused all is the same */
#endif
    block->next = net->block;
    return net->block = block;
}

/* Zeros from the start of a cache line on, until noc_free_kept(). */
void *noc_keep(struct noc_state *net, size_t count, size_t size)
{
    const size_t bytes = NOC_LINES(count * size + 1);
    struct noc_block *block = net->block;
    if (!block || block->size - block->used < bytes)
        block = new_block(net, bytes);
    if (!block)
        return NULL;
    void *const at = block->at + block->used;
    block->used += bytes;
    net->held += bytes;
    return at;
}

/* All blocks at once. */
void noc_free_kept(struct noc_state *net)
{
    while (net->block) {
        struct noc_block *const next = net->block->next;
        free(net->block->memory);
        free(net->block);
        net->block = next;
    }
}
