/* flit/link_trails.c -- where messages of the link model were, with links for ports and ps for cycles. */
#include "flit/link_model.h"

#include <stdlib.h>

/* Rows of the flit kernel, translated. */
int64_t net_flit_trails(net_flit *f, const int32_t *link_of, net_flit_crossing *rows, int64_t room)
{
    struct noc_state *noc = net_flit_noc(f);
    const int64_t n = noc_trails(noc, NULL, -1);
    if (n <= 0 || n > room)
        return n;
    struct noc_crossing *taken = malloc((size_t)n * sizeof *taken);
    if (!taken)
        return NOC_NO_MEMORY;
    noc_trails(noc, taken, n);
    for (int64_t i = 0; i < n; i++)
        rows[i] = (net_flit_crossing){(int64_t)taken[i].tag, link_of[taken[i].port], net_flit_edge(f, taken[i].cycle)};
    free(taken);
    return n;
}
