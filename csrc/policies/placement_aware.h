/* policies/placement_aware.h -- Algorithm 1 of arXiv 2510.05497 as its published artifact computes it: which die
 * works on how many tokens of each expert.
 *
 *     experts by rising tokens (ties: number)        so that the hot ones see the fullest picture of the load
 *        candidates = holders + dies within `reach` hops (of home, or of any holder)
 *                     ranked by T(die) [+ one transfer of the expert for a die that holds no part], ties: number
 *                     cut to the cap
 *        while tokens remain: a block goes to the candidate with the least max(T(die), T(source)) after it
 *                     (equal: a holder first, then rank)
 *     T = max(max(C_l, M_l + M_r), D_in) + C_r
 *         C_l, C_r  compute on experts held, not held      M_l, M_r  HBM reads for own use, for other dies
 *         D_in      transfers arriving
 *
 * Units.   ns as double, in the artifact's order of operations (no contraction: -ffp-contract=off), so that plans are
 *          equal bit for bit. Tokens and hops are integers.
 * Owner.   Arrays are the caller's and are only used during the call.
 * Twin.    policies/placement_aware_python.py
 */
#ifndef CHIPWEAVE_PLACEMENT_AWARE_H
#define CHIPWEAVE_PLACEMENT_AWARE_H
#include <stdint.h>

/* cdef: begin */

struct placement_rule {
    int32_t block;                 /* tokens given away at a time                                               */
    int32_t absorb_remainder;      /* 1: a block takes all if less than a block would remain                    */
    int32_t reach;                 /* hops from home (or holders) within which a die is a candidate             */
    int32_t around_holders;        /* 0: hops are counted from home; 1: from the nearest holder                 */
    int32_t min_dies;              /* candidates kept at least ..                                               */
    int32_t tokens_per_die;        /* .. or n // max(mean tokens, tokens_per_die), if more; 0: never more       */
    int32_t arrives_each_block;    /* 1: D_in grows with each block of an expert, as in the artifact; 0: once   */
    double flop_per_token;         /* of one expert: 6 H F                                                      */
    double flop_per_ns;            /* what a die computes                                                       */
    double hbm_ns;                 /* one read of a whole expert                                                */
    double hop_ns;                 /* request and data legs of one hop                                          */
    double link_ns;                /* serialisation of a whole expert                                           */
    const double *die_flop_per_ns; /* [dies], in place of flop_per_ns, 0: gets no work; NULL: all alike   */
    const double *die_hbm_ns;      /* [dies], in place of hbm_ns; NULL: all alike                         */
    const double *route_ns;        /* [dies][dies], of a whole expert from the row's die to the column's,
                                     * in place of hop_ns and link_ns; NULL: all links alike               */
};

enum placement_status { PLACEMENT_NO_MEMORY = -1, PLACEMENT_NO_ROOM = -2 };

/* counts[experts], home[experts], holders[experts][dies] (non-zero: holds some part), distance[dies][dies] in hops;
 * source[experts][dies] where experts live on several dies: which of these each die reads from, those that keep one
 * their own, and such a replica is read once more as the home is; NULL: all read from the home.
 * Writes the plan, sorted by expert and within it by candidate rank, one entry per (expert, die); room for
 * experts * dies entries always suffices. Returns the number of entries or a placement_status. */
int32_t placement_aware_plan(const struct placement_rule *rule, int32_t experts, int32_t dies, const int32_t *counts,
                             const int32_t *home, const uint8_t *holders, const int32_t *distance,
                             const int32_t *source, int32_t room, int32_t *plan_expert, int32_t *plan_die,
                             int32_t *plan_tokens);

/* cdef: end */
#endif
