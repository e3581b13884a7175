/* draw.h -- the expert choices of one made-up request: token after token, layer by layer.
 *
 *     token t    |kept from t-1|  fresh draws ...  |      k different experts in each layer
 *                                  ^-- a share from the table of the token's topic, the rest from the request's own
 *
 * A lane is one layer of the request. It has a random stream of its own, so that neither the number of requests nor
 * the order of the layers changes what it draws. All of it is whole numbers: the same on every machine.
 *
 * Kept.    Each expert of the token before stays with probability keep[layer] / 65536; not from prompt to answer.
 * Groups.  Where groups_used < groups, a token first picks that many groups of neighbouring experts: those of its kept
 *          experts, then others by group weight without replacement; experts come from picked groups only.
 * Drawing. Without replacement: an expert drawn twice is drawn again, after RETRIES times exactly among those left.
 * Units.   Weights are whole numbers >= 1; a table's sum, over a layer's experts, stays below 2^32.
 * Owner.   Arrays are the caller's and are only used during the call.
 * Errors.  DRAW_BAD_SHAPE if the sizes do not fit each other. Nothing else can fail.
 * Twin.    chipweave/plain/draw.py
 */
#ifndef CHIPWEAVE_DRAW_H
#define CHIPWEAVE_DRAW_H
#include <stdint.h>

/* cdef: begin */

enum draw_status { DRAW_OK = 0, DRAW_BAD_SHAPE = -1 };
enum draw_limits { DRAW_MOST_EXPERTS = 4096, DRAW_MOST_GROUPS = 64, DRAW_MOST_TOP_K = 256, DRAW_RETRIES = 12 };

/* What all requests share. Tables are by phase: prompt, answer. */
struct draw_law {
    int32_t layers, experts, top_k, groups, groups_used, topics;
    uint32_t topic_share;          /* of fresh draws, in 1/65536 */
    const uint32_t *keep;          /* [layers], in 1/65536 */
    const uint32_t *topic_experts; /* [2][layers][topics][experts] running sums */
    const uint32_t *topic_groups;  /* [2][layers][topics][groups] weights */
};

/* Draw `tokens` tokens, the first `prompt` of them the prompt, into out[tokens][layers][top_k]: uint16, or uint8
 * where `wide` is 0. `own` [2][layers][experts]: the request's weights in prompt and answer; `own_groups`
 * [2][layers][groups] likewise; `topic` [tokens]: each token's topic. `seed` is the request's. */
int32_t draw_request(const struct draw_law *law, const uint32_t *own, const uint32_t *own_groups, const uint8_t *topic,
                     int32_t prompt, int32_t tokens, uint64_t seed, int32_t wide, void *out);

/* cdef: end */
#endif
