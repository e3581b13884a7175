/* flit/config.c -- what a configuration may be, and which of the two routers it takes. */
#include "flit/config.h"
#include "flit/router/match.h"

#include <stddef.h>
#include <stdio.h>

/* Are there rules of these numbers; `beside` may stand in the place of an allocator. */
static int known(const struct noc_allocator *a, int32_t beside)
{
    return (noc_allocator_rule(a->matcher) || a->matcher == beside) && noc_arbiter_rule(a->arbiter);
}

/* What each number of a configuration may be: the arrays and shifts below rely on it. The Python side refuses the same
 * numbers with file and line (chipweave/noc/router.py); a test holds the two together. */
#define NUMBER(name, low, high) {#name, offsetof(struct noc_config, name), low, high}
#define SWITCH(name)            NUMBER(name, 0, 1)
static const struct {
    const char *name;
    size_t at;
    int32_t low, high;
} NUMBERS[] = {
    NUMBER(routers, 1, 1 << 16),
    NUMBER(endpoints, 1, 1 << 16),
    NUMBER(links, 0, INT32_MAX),
    NUMBER(vcs, 1, 32),
    NUMBER(vc_depth, 1, 32767),
    NUMBER(vc_classes, 1, 32),
    NUMBER(routing_delay, 0, 16),
    NUMBER(vc_alloc_delay, 1, 16),
    NUMBER(sw_alloc_delay, 1, 16),
    NUMBER(st_delay, 1, 32),
    NUMBER(credit_delay, 0, 64),
    SWITCH(speculative),
    SWITCH(spec_check_elig),
    SWITCH(spec_check_cred),
    SWITCH(spec_mask_by_reqs),
    SWITCH(wait_for_tail_credit),
    SWITCH(vc_busy_when_full),
    SWITCH(hold_switch_for_packet),
    NUMBER(input_speedup, 1, 32),
    NUMBER(output_speedup, 1, 32),
    NUMBER(output_buffer_size, -1, 1 << 20),
    SWITCH(noq),
    SWITCH(cut_through),
    NUMBER(priority, NOC_NONE, NOC_CLASS),
    SWITCH(split),
    NUMBER(flows, 0, 64),
    NUMBER(watchdog, 0, INT32_MAX),
    NUMBER(ways, 0, 1 << 16),
    NUMBER(spread, NOC_ONE_WAY, NOC_BY_PACKET),
    NUMBER(dimensions, 0, 8),
};

/* What pairs of numbers may not be, as a text, or NULL. */
static const char *pair_fault(const struct noc_config *c)
{
    if (c->vcs % c->vc_classes)
        return "vc_classes is no divisor of vcs";
    if (c->ways > 1 && ((int64_t)c->ways * c->endpoints > 1 << 16 || c->spread == NOC_ONE_WAY))
        return "ways times endpoints: to 65536, and spread says what goes by which";
    if (!known(&c->vc_allocator, NOC_PIGGYBACK) || !known(&c->sw_allocator, 0) || !known(&c->spec_allocator, NOC_PRIO))
        return "an allocator or arbiter has no native code";
    if (c->split && c->vcs / c->vc_classes < 2)
        return "datelines need 2 VCs a class";
    return NULL;
}

/* Is there a fault of a configuration: its text is put in `error`. */
int noc_config_fault(const struct noc_config *c, char *error)
{
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        const int32_t value = *(const int32_t *)(const void *)((const char *)c + NUMBERS[i].at);
        if (value < NUMBERS[i].low || value > NUMBERS[i].high)
            return snprintf(error, 256, "%s = %d; allowed: %d to %d", NUMBERS[i].name, value, NUMBERS[i].low,
                            NUMBERS[i].high);
    }
    if (!(c->internal_speedup >= 1 && c->internal_speedup <= 8))
        return snprintf(error, 256, "internal_speedup = %g; allowed: 1 to 8", c->internal_speedup);
    const char *fault = pair_fault(c);
    return fault ? snprintf(error, 256, "%s", fault) : 0;
}

/* The fast router handles exactly this configuration; any other option takes the general one. */
int noc_wants_fast(const struct noc_config *c)
{
    const struct noc_allocator *a[2] = {&c->vc_allocator, &c->sw_allocator};
    for (int i = 0; i < 2; i++)
        if (a[i]->matcher < 0 || !noc_allocator_rule(a[i]->matcher)->fast || !noc_arbiter_rule(a[i]->arbiter)->fast)
            return 0;
    return !c->general && c->routing_delay <= 1 && c->vc_alloc_delay == 1 && c->sw_alloc_delay == 1 &&
           c->st_delay == 1 && !c->speculative && !c->hold_switch_for_packet && c->input_speedup == 1 &&
           c->output_speedup == 1 && c->internal_speedup == 1.0 && c->output_buffer_size < 0 && !c->noq &&
           c->priority == NOC_NONE;
}
