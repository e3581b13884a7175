/* flit/status.c -- the state of a network in single numbers, and the message of its last failure. */
#include "flit/leaves.h"

#include <stdio.h>

int noc_fail(struct noc_state *net, int status, const char *text)
{
    snprintf(net->message, sizeof net->message, "%s", text);
    return status;
}

const char *noc_message(const struct noc_state *net) { return net->message; }

uint64_t noc_now(const struct noc_state *net) { return net->now; }

uint64_t noc_memory(const struct noc_state *net) { return net->held; }

uint64_t noc_pending(const struct noc_state *net) { return net->pending; }

int noc_is_fast(const struct noc_state *net) { return net->fast; }
