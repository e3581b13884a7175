/* flit/router/route.c -- routing tables folded: where routes are dimension order, small tables per dimension replace
 * that of all pairs. */
#include "flit/router/route.h"
#include "flit/leaves.h"

#include <stdlib.h>
#include <string.h>

static int in_range(int value, int low, int high) { return low <= value && value <= high; }

/* Coordinates of the routers along dimension d, whose length is k and along which numbers grow by `stride`. */
static int add_dimension(struct noc_state *net, int d, size_t k, size_t stride)
{
    const size_t n = (size_t)net->c.routers;
    net->radix[d] = (int)k;
    net->turn[d] = noc_keep(net, k * k, 1);
    net->at[d] = noc_keep(net, n, sizeof *net->at[d]);
    if (!net->turn[d] || !net->at[d])
        return NOC_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        net->at[d][i] = (uint16_t)(i / stride % k);
    return 0;
}

/* For one or two dimensions without datelines: both dimensions are looked up at once, at the sum of two numbers, one
 * of the router and one of the endpoint, 16 bits a dimension; no branch depends on which of them the packet is still
 * travelling in. */
static int add_ways(struct noc_state *net)
{
    const uint32_t k = (uint32_t)net->radix[0], m = net->dimensions > 1 ? (uint32_t)net->radix[1] : 1,
                   n = (uint32_t)net->c.routers;
    if (net->c.split || net->dimensions > 2 || k * k + m * m > 1u << 16)
        return 0;
    net->grid_route = noc_keep(net, k * k + m * m, sizeof *net->grid_route);
    net->grid_from = noc_keep(net, n, sizeof *net->grid_from);
    net->grid_to = noc_keep(net, n, sizeof *net->grid_to);
    if (!net->grid_route || !net->grid_from || !net->grid_to)
        return NOC_NO_MEMORY;
    for (uint32_t i = 0; i < k * k; i++)
        net->grid_route[i] = net->turn[0][i] == NOC_ENTRY_HERE
                                 ? 0
                                 : (uint16_t)((net->turn[0][i] & NOC_ENTRY_PORT) << net->vc_bits | NOC_FIRST_DIMENSION);
    for (uint32_t i = 0; i < m * m; i++) {
        const unsigned entry = net->dimensions < 2 || net->turn[1][i] == NOC_ENTRY_HERE ? net->here : net->turn[1][i];
        net->grid_route[k * k + i] = (uint16_t)((entry & NOC_ENTRY_PORT) << net->vc_bits);
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t x = net->at[0][i], y = net->dimensions > 1 ? net->at[1][i] : 0;
        net->grid_from[i] = x * k | (k * k + y * m) << 16;
        net->grid_to[i] = x | y << 16;
    }
    return 0;
}

/* What dimension order says of one router, for all endpoints; `row` has room for twice their number. The highest
 * dimension is filled first: each lower one spreads what lies there over its coordinates, and keeps it at the
 * router's own. */
static const uint8_t *expected(const struct noc_state *net, size_t router, uint8_t *row)
{
    const size_t n = (size_t)net->c.routers;
    size_t length = 1;
    uint8_t *from = row, *to = row + n;
    *from = (uint8_t)net->here;
    for (int d = net->c.dimensions; d--;) {
        const size_t k = (size_t)net->radix[d], own = net->at[d][router];
        for (size_t i = 0; i < length; i++) {
            memcpy(to + i * k, net->turn[d] + own * k, k);
            to[i * k + own] = from[i];
        }
        length *= k;
        uint8_t *const last = from;
        from = to;
        to = last;
    }
    return from;
}

/* Whether the radices are a grid of all routers, each with one endpoint. */
static int is_grid(const struct noc_config *c)
{
    size_t product = 1;
    if (c->dimensions < 1 || c->dimensions > 8 || c->endpoints != c->routers || c->ways > 1)
        return 0;
    for (int d = 0; d < c->dimensions; d++)
        product *= c->radix[d] >= 1 && c->radix[d] <= 1 << 16 && product < 1u << 17 ? (size_t)c->radix[d] : 0;
    return product == (size_t)c->routers;
}

/* The turns themselves were given: there is no table of all pairs. */
int noc_take_turns(struct noc_state *net, const uint8_t *turns)
{
    const struct noc_config *c = &net->c;
    if (!is_grid(c) || !in_range(c->here, 0, 63))
        return NOC_BAD_CONFIG;
    for (int d = 0; d < c->dimensions; d++) {
        const size_t k = (size_t)c->radix[d];
        if (!in_range(c->stride[d], 1, c->routers) || add_dimension(net, d, k, (size_t)c->stride[d]))
            return NOC_NO_MEMORY;
        memcpy(net->turn[d], turns, k * k);
        turns += k * k;
        for (size_t i = 0; i < k * k; i++)
            if ((i / k == i % k) != (net->turn[d][i] == NOC_ENTRY_HERE))
                return NOC_BAD_CONFIG;
    }
    net->here = (unsigned)c->here;
    net->dimensions = c->dimensions;
    return add_ways(net);
}

/* A table of all pairs leaves the cache from 1,000 routers on: where it is dimension order over the radices, lowest
 * first, it is freed. */
int noc_fold_table(struct noc_state *net)
{
    const struct noc_config *c = &net->c;
    const size_t n = (size_t)c->routers;
    size_t stride = 1;
    if (!is_grid(c))
        return 0;
    for (int d = 0; d < c->dimensions; stride *= (size_t)c->radix[d++]) {
        const size_t k = (size_t)c->radix[d];
        if (add_dimension(net, d, k, stride))
            return NOC_NO_MEMORY;
        for (size_t i = 0; i < k * k; i++)
            net->turn[d][i] = i / k == i % k ? NOC_ENTRY_HERE : net->table[i / k * stride * n + i % k * stride];
    }
    net->here = net->table[0];
    uint8_t *row = malloc(2 * n);
    if (!row)
        return NOC_NO_MEMORY;
    size_t same = 0;
    while (same < n && !memcmp(expected(net, same, row), net->table + same * n, n))
        same++;
    free(row);
    if (same < n)
        return 0;
    net->dimensions = c->dimensions;
    free(net->table);
    net->held -= n * n;
    net->table = NULL;
    return add_ways(net);
}
