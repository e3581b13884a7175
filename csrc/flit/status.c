/* flit/status.c -- the state of a network in single numbers, and the message of its last failure. */
#include "flit/leaves.h"

#include <stdio.h>

/* The text is kept for noc_message(); the status is returned, so that a caller can return it in one line. */
int noc_fail(struct noc_state *net, int status, const char *text)
{
    snprintf(net->message, sizeof net->message, "%s", text);
    return status;
}

/* Text of the last failure. */
const char *noc_message(const struct noc_state *net) { return net->message; }

/* The cycle that comes next. */
uint64_t noc_now(const struct noc_state *net) { return net->now; }

/* Bytes held. */
uint64_t noc_memory(const struct noc_state *net) { return net->held; }

/* Messages that have not arrived. */
uint64_t noc_pending(const struct noc_state *net) { return net->pending; }

/* Which of the two routers was chosen. */
int noc_is_fast(const struct noc_state *net) { return net->fast; }
