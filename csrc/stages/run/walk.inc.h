/* The instants of a hold: from the hold through choose and outcome stages to its successor. A walk can stop at a
 * question for Python and go on with the answer, so all it has found so far stands in s->walk. Part of the run
 * (stages/run/core.inc.h), so that it is compiled into it. */
#ifndef STAGES_RUN_WALK_INC_H
#define STAGES_RUN_WALK_INC_H
#include "stages/state.h"

/* An answer of Python's, or a number looked up, that names nothing. */
static __attribute__((noinline, cold)) int64_t no_answer(stages *s, const char *what, int64_t value, int64_t limit)
{
    no_such(s, what, value, limit);
    return -1;
}

/* Is a value in 0..limit - 1? */
static inline int inside(int64_t value, int64_t limit)
{
    return __builtin_expect((uint64_t)value < (uint64_t)limit, 1) != 0;
}

/* -1: none, and the status says why. */
static inline __attribute__((always_inline)) int64_t ask(stages *s, const struct node *node, const int64_t *operands)
{
    int64_t a = operands[node->of[0]], b = operands[node->of[1]];
    switch (node->ask) {
    case ASK_EQUAL: return a == b;
    case ASK_LESS: return a < b;
    case ASK_OPERAND: return a;
    case ASK_MODULO: return a < 0 ? no_answer(s, "dealt operand", a, INT64_MAX) : a % node->table;
    case ASK_TAGS: {
        const struct tags_table *t = s->tags + node->table;
        int64_t key = operands[node->of[2]];
        if (!inside(a, t->instances))
            return no_answer(s, "tags: instance", a, t->instances);
        return (b | key) < 0 ? no_answer(s, "set or key of tags", b < 0 ? b : key, INT64_MAX) : tags_has(t, a, b, key);
    }
    case ASK_KEYED: {
        const struct keyed_table *t = s->keyed + node->table;
        if (!inside(a, t->instances))
            return no_answer(s, "keyed store: instance", a, t->instances);
        return inside(b, t->keys) ? t->present[a * t->keys + b] != 0 : no_answer(s, "keyed store: key", b, t->keys);
    }
    case ASK_BITS: {
        const struct bits_table *t = s->bits + node->table;
        if (!inside(a, t->instances))
            return no_answer(s, "bits: instance", a, t->instances);
        return inside(b, t->keys) ? t->values[a * t->keys + b] : no_answer(s, "bits: key", b, t->keys);
    }
    default: {
        const struct map_table *t = s->maps + node->table;
        return inside(a, t->n) ? t->values[a] : no_answer(s, "map: index", a, t->n);
    }
    }
}

/* The next node after a choose, or -2 at a question, -3 on failure. */
static inline __attribute__((always_inline)) int32_t branch(stages *s, const struct node *node, const int64_t *operands)
{
    struct walk *w = &s->walk;
    int64_t answer;
    if (__builtin_expect(node->ask == ASK_PYTHON, 0)) {
        if (w->wanted != QUESTION_BRANCH) {
            w->wanted = QUESTION_BRANCH;
            return -2;
        }
        w->wanted = -1;
        answer = w->answer;
    } else
        answer = ask(s, node, operands);
    if (__builtin_expect((uint64_t)answer < (uint64_t)node->n_branches, 1))
        return node->branches[answer];
    stages_fail(s, STAGES_BAD, "the answer %lld is none of %d branches", (long long)answer, node->n_branches);
    return -3;
}

/* The last quotient of each rate is kept: transfers of one batch mostly ask the same. */
static inline int rated(stages *s, const struct lasts_rule *rule, int64_t pick, const int64_t *operands)
{
    struct rate *r = rule->rates + pick;
    const stages_amount *of = &rule->work;
    int64_t work = of->n == 1 ? of->constant + of->factor[0] * operands[of->operand[0]] : amount_of(of, operands);
    if (work != r->work)
        return quotient(s, r, rule->quantum, work, &s->walk.lasts);
    s->walk.lasts = r->ps;
    return 0;
}

/* A rule that Python works out: the run stops with the question, and goes on with the answer. */
static int python_duration(stages *s)
{
    struct walk *w = &s->walk;
    if (w->wanted != QUESTION_DURATION) {
        w->wanted = QUESTION_DURATION;
        return 1;
    }
    w->wanted = -1;
    w->lasts = w->answer;
    return w->lasts < 0 ? stages_fail(s, STAGES_BAD, "a duration of %lld ps", (long long)w->lasts) : 0;
}

static int picked(stages *s, const struct lasts_rule *rule, const int64_t *operands);

/* How long a hold lasts by its rule, ps. */
static inline int duration(stages *s, const struct lasts_rule *rule, const int64_t *operands)
{
    int64_t pick = 0;
    if (rule->kind == LASTS_ROUTE) {
        int64_t n = s->circuits[rule->network].endpoints, from = operands[rule->source], to = operands[rule->target];
        if (outside(s, "endpoint", from, n) || outside(s, "endpoint", to, n))
            return -1;
        const struct found_route *way = routes_of(s->circuits[rule->network].of, from * n + to);
        s->walk.lasts = 0;
        if (!way || !way->n)
            return way ? 0 : no_route(s, from, to);
        if (rated(s, rule, way->slowest, operands))
            return -1;
        s->walk.lasts += way->latency;
        return 0;
    }
    if (rule->kind == LASTS_RATE) {
        if (rule->by >= 0)
            pick = operands[rule->by];
        return outside(s, "instance of a duration rule", pick, rule->n_rates) ? -1 : rated(s, rule, pick, operands);
    }
    if (rule->kind == LASTS_STEPS) {
        while (pick < rule->n_rates - 1 && operands[rule->by] > rule->upto[pick])
            pick++;
        return rated(s, rule, pick, operands);
    }
    if (rule->kind == LASTS_PYTHON)
        return python_duration(s);
    if (rule->n_picks)
        return picked(s, rule, operands);
    s->walk.lasts = operands[rule->value];
    return s->walk.lasts < 0 ? stages_fail(s, STAGES_BAD, "a duration of %lld ps", (long long)s->walk.lasts) : 0;
}

/* A duration by the number of its rule. */
static inline int one_of(stages *s, int32_t number, const int64_t *operands)
{
    const struct lasts_rule *rule = s->lasts + number;
    if (rule->kind != LASTS_CONSTANT)
        return duration(s, rule, operands);
    s->walk.lasts = rule->value;
    return 0;
}

/* PICK: the rule of an instance. LONGEST: of several holds that begin together, none of which Python answers. */
static int picked(stages *s, const struct lasts_rule *rule, const int64_t *operands)
{
    int64_t longest = 0;
    if (rule->kind == LASTS_PICK) {
        int64_t at = operands[rule->by];
        return outside(s, "instance of a duration rule", at, rule->n_picks) ? -1 : one_of(s, rule->picks[at], operands);
    }
    for (int32_t i = 0; i < rule->n_picks; i++) {
        if (one_of(s, rule->picks[i], operands))
            return -1;
        if (s->walk.lasts > longest)
            longest = s->walk.lasts;
    }
    s->walk.lasts = longest;
    return 0;
}

/* What a node counts when a walk comes by. */
static inline int count(stages *s, const struct node *node, const int64_t *operands)
{
    const struct tally *c = node->tallies, *past = c + node->n_counts;
    for (; c < past; c++) {
        int64_t at = operands[c->at], amount = c->constant;
        if (c->amount)
            amount = amount_of(c->amount, operands);
        if (c->parts)
            amount = (int64_t)(((__int128)amount * (c->part + 1)) / c->parts - ((__int128)amount * c->part) / c->parts);
        if (outside(s, "counter: index", at, c->n_cells))
            return -1;
        if (c->hops) {
            int64_t from = operands[c->source], to = operands[c->target];
            if (outside(s, "endpoint", from, c->endpoints) || outside(s, "endpoint", to, c->endpoints))
                return -1;
            const struct found_route *way = routes_of(c->hops, from * c->endpoints + to);
            if (!way)
                return no_route(s, from, to);
            amount += way->hops;
        }
        if (__builtin_add_overflow(c->cells[at], amount, c->cells + at))
            return stages_fail(s, STAGES_BAD, "a counter overflows 64 bits");
    }
    return 0;
}

/* Marks of the node that w->node names, at the start; those for the end are remembered. */
static int start_marks(stages *s, const int64_t *operands, const struct node *node)
{
    struct walk *w = &s->walk;
    if (w->wanted != QUESTION_MARK)
        w->mark = 0;
    int stop = walk_marks(s, operands, node, 0);
    if (stop)
        return stop;
    for (int32_t i = 0; i < node->n_marks; i++)
        if (node->marks[i].at_end) {
            w->s.late[w->s.n_late++] = (uint16_t)w->node;
            break;
        }
    return 0;
}

/* All that an instant does besides lasting. */
static inline int happen(stages *s, const struct node *node, const int64_t *operands)
{
    struct walk *w = &s->walk;
    int stop;
    if (node->n_marks && (stop = start_marks(s, operands, node)))
        return stop;
    if (node->n_counts && count(s, node, operands))
        return -1;
    for (int32_t i = 0; i < node->n_spawns; i++)
        w->s.sides[w->s.n_sides++] = (uint16_t)node->spawns[i];
    return 0;
}

/* From instant to instant until the successor is known, or Python is asked. */
static inline __attribute__((always_inline)) int walk_on(stages *s, const int64_t *operands)
{
    struct walk *w = &s->walk;
    const struct node *nodes = s->nodes;
    const uint8_t *ends = s->ends;
    int32_t next = w->node;
    do {
        const struct node *node = nodes + next;
        w->node = next;
        if (node->kind == STAGE_CHOOSE) {
            next = branch(s, node, operands);
            if (__builtin_expect(next < -1, 0))
                return next == -2 ? 1 : -1;
        } else {
            int stop;
            if (node->fixed >= 0)
                w->lasts = node->fixed;
            else if (node->rule && w->wanted != QUESTION_MARK && (stop = duration(s, node->rule, operands)))
                return stop;
            if (node->happens && (stop = happen(s, node, operands)))
                return stop;
            next = node->then;
        }
    } while (!ends[next]);
    w->s.then = next;
    return 0;
}
#endif
