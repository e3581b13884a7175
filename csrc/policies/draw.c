#include "policies/draw.h"

#include <string.h>

enum { CHANCE_BITS = 16, CHANCES = 64 / CHANCE_BITS, CHANCE_MASK = (1 << CHANCE_BITS) - 1 };

/* splitmix64: a counter through a mixer; a stream is its start. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* A point in [0, total) from the low half of a random word; the high 16 bits are free for a chance. */
static uint32_t point_of(uint64_t word, uint32_t total) { return (uint32_t)(((word & 0xFFFFFFFFu) * total) >> 32); }

/* One lane in motion. `sums`: running sums of the request's own weights; `stamp[e]`: the last token that has e. */
struct lane {
    const struct draw_law *law;
    uint64_t random;
    uint32_t sums[DRAW_MOST_EXPERTS];
    int32_t stamp[DRAW_MOST_EXPERTS];
    int32_t picked[DRAW_MOST_GROUPS], groups_picked;
    uint16_t row[DRAW_MOST_TOP_K];
};

/* The first of `count` running sums, from place `low` on, that passes `point`; the last always does. No branch to
 * guess. */
__attribute__((noinline)) static int32_t search(const uint32_t *sums, int32_t low, int32_t count, uint32_t point)
{
    const uint32_t *at = sums + low;
    for (uint32_t left = (uint32_t)count, half; left > 1; left -= half) {
        half = left >> 1;
        at += half & -(uint32_t)(at[half - 1] <= point);
    }
    return (int32_t)(at - sums);
}

/* Running sum before an expert. */
static uint32_t sum_before(const uint32_t *sums, int32_t expert) { return expert ? sums[expert - 1] : 0; }

/* A table cut to the groups a token picked: their first experts, the sums before them and their weights. */
struct cut {
    const uint32_t *sums;
    uint32_t total, before[DRAW_MOST_GROUPS], weight[DRAW_MOST_GROUPS];
};

/* Experts of the groups that were picked, as stretches of the running sums. */
static void cut_to_groups(struct cut *cut, const struct lane *lane, const uint32_t *sums)
{
    const struct draw_law *law = lane->law;
    cut->sums = sums;
    cut->total = 0;
    int32_t size = law->experts / law->groups;
    if (law->groups_used == law->groups) {
        cut->total = sums[law->experts - 1];
        return;
    }
    for (int32_t i = 0; i < lane->groups_picked; i++) {
        int32_t first = lane->picked[i] * size;
        cut->before[i] = sum_before(sums, first);
        cut->weight[i] = sums[first + size - 1] - cut->before[i];
        cut->total += cut->weight[i];
    }
}

/* An expert of the picked groups by the weights of a table. */
static int32_t draw_expert(const struct lane *lane, const struct cut *cut, uint64_t word)
{
    const struct draw_law *law = lane->law;
    uint32_t point = point_of(word, cut->total);
    if (law->groups_used == law->groups)
        return search(cut->sums, 0, law->experts, point);
    int32_t i = 0, size = law->experts / law->groups;
    while (point >= cut->weight[i])
        point -= cut->weight[i++];
    return search(cut->sums, lane->picked[i] * size, size, cut->before[i] + point);
}

/* An expert of the picked groups that this token has not: exactly by the request's own weights among those left. */
static int32_t draw_left(const struct lane *lane, int32_t token, uint64_t word)
{
    const struct draw_law *law = lane->law;
    int32_t size = law->experts / law->groups, groups = law->groups_used == law->groups ? 1 : lane->groups_picked;
    uint32_t total = 0, point = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < groups; i++) {
            int32_t first = groups == 1 && law->groups_used == law->groups ? 0 : lane->picked[i] * size;
            int32_t end = law->groups_used == law->groups ? law->experts : first + size;
            for (int32_t e = first; e < end; e++) {
                if (lane->stamp[e] == token)
                    continue;
                uint32_t weight = lane->sums[e] - sum_before(lane->sums, e);
                if (pass && point < weight)
                    return e;
                if (pass)
                    point -= weight;
                else
                    total += weight;
            }
        }
        point = point_of(word, total);
    }
    return 0; /* not reached: weights are at least 1, and there are more experts than top_k */
}

/* Groups of the kept experts first, then others by weight: the topic's for a token drawn that way, or the
 * request's. */
static void pick_groups(struct lane *lane, const uint32_t *own, const uint32_t *of_topic, int32_t kept)
{
    const struct draw_law *law = lane->law;
    int32_t size = law->experts / law->groups;
    uint8_t has[DRAW_MOST_GROUPS] = {0};
    lane->groups_picked = 0;
    for (int32_t i = 0; i < kept; i++)
        if (!has[lane->row[i] / size]) {
            has[lane->row[i] / size] = 1;
            lane->picked[lane->groups_picked++] = lane->row[i] / size;
        }
    while (lane->groups_picked < law->groups_used) {
        uint64_t word = next(&lane->random);
        const uint32_t *weights = (word >> 48) < law->topic_share ? of_topic : own;
        uint32_t total = 0;
        for (int32_t g = 0; g < law->groups; g++)
            total += has[g] ? 0 : weights[g];
        uint32_t point = point_of(word, total);
        int32_t g = 0;
        for (;; g++) {
            if (has[g])
                continue;
            if (point < weights[g])
                break;
            point -= weights[g];
        }
        has[g] = 1;
        lane->picked[lane->groups_picked++] = g;
    }
}

/* The experts of the token before that stay, to the front of the row. */
static int32_t keep_some(struct lane *lane, int32_t token, uint32_t keep)
{
    int32_t kept = 0;
    uint64_t word = 0;
    for (int32_t i = 0; i < lane->law->top_k; i++, word >>= CHANCE_BITS) {
        if (i % CHANCES == 0)
            word = next(&lane->random);
        if ((word & CHANCE_MASK) >= keep)
            continue;
        lane->stamp[lane->row[i]] = token;
        lane->row[kept++] = lane->row[i];
    }
    return kept;
}

/* One token: its experts, without repetition. */
static void draw_token(struct lane *lane, const uint32_t *own_groups, int64_t table, int32_t token, int32_t kept)
{
    const struct draw_law *law = lane->law;
    const uint32_t *of_topic = law->topics ? law->topic_experts + table * law->experts : lane->sums;
    if (law->groups_used < law->groups)
        pick_groups(lane, own_groups, law->topics ? law->topic_groups + table * law->groups : own_groups, kept);
    struct cut cuts[2];
    cut_to_groups(&cuts[0], lane, lane->sums);
    cut_to_groups(&cuts[1], lane, of_topic);
    for (int32_t i = kept; i < law->top_k; i++) {
        int32_t expert = -1;
        for (int tries = 0; tries < DRAW_RETRIES; tries++) {
            uint64_t word = next(&lane->random);
            expert = draw_expert(lane, &cuts[(word >> 48) < law->topic_share], word);
            if (lane->stamp[expert] != token)
                break;
        }
        if (lane->stamp[expert] == token)
            expert = draw_left(lane, token, next(&lane->random));
        lane->stamp[expert] = token;
        lane->row[i] = (uint16_t)expert;
    }
}

/* Tokens of one request in one layer. */
static void run_lane(struct lane *lane, const uint32_t *own, const uint32_t *own_groups, const uint8_t *topic,
                     int32_t layer, int32_t prompt, int32_t tokens, int32_t wide, void *out)
{
    const struct draw_law *law = lane->law;
    memset(lane->stamp, -1, (size_t)law->experts * sizeof *lane->stamp);
    for (int32_t token = 0; token < tokens; token++) {
        int32_t phase = token >= prompt, at = phase * law->layers + layer;
        if (token == 0 || token == prompt) {
            uint32_t sum = 0;
            for (int32_t e = 0; e < law->experts; e++)
                lane->sums[e] = sum += own[(int64_t)at * law->experts + e];
        }
        int32_t kept = token && token != prompt ? keep_some(lane, token, law->keep[layer]) : 0;
        draw_token(lane, own_groups + (int64_t)at * law->groups, (int64_t)at * law->topics + topic[token], token, kept);
        int64_t place = ((int64_t)token * law->layers + layer) * law->top_k;
        if (wide)
            memcpy((uint16_t *)out + place, lane->row, (size_t)law->top_k * sizeof *lane->row);
        else
            for (int32_t i = 0; i < law->top_k; i++)
                ((uint8_t *)out)[place + i] = (uint8_t)lane->row[i];
    }
}

/* Is the law one that the arrays below have room for? */
static int fits(const struct draw_law *law)
{
    if (law->experts < 1 || law->experts > DRAW_MOST_EXPERTS || law->layers < 1 || law->topics < 0 || law->topics > 256)
        return 0;
    if (law->groups < 1 || law->groups > DRAW_MOST_GROUPS || law->experts % law->groups)
        return 0;
    if (law->groups_used < 1 || law->groups_used > law->groups)
        return 0;
    return law->top_k >= 1 && law->top_k <= DRAW_MOST_TOP_K &&
           law->top_k <= law->experts / law->groups * law->groups_used;
}

/* All layers of one request; see draw.h. */
int32_t draw_request(const struct draw_law *law, const uint32_t *own, const uint32_t *own_groups, const uint8_t *topic,
                     int32_t prompt, int32_t tokens, uint64_t seed, int32_t wide, void *out)
{
    if (!fits(law) || prompt < 0 || tokens < prompt)
        return DRAW_BAD_SHAPE;
    struct lane lane = {.law = law};
    for (int32_t layer = 0; layer < law->layers; layer++) {
        lane.random = seed + (uint64_t)(layer + 1) * 0xD1B54A32D192ED03u;
        next(&lane.random);
        run_lane(&lane, own, own_groups, topic, layer, prompt, tokens, wide, out);
    }
    return DRAW_OK;
}
