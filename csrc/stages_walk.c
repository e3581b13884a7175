/* The instants of a hold: from the hold through choose and outcome stages to its successor. A walk can stop at a question for
   Python and go on with the answer, so all it has found so far stands in s->walk. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif
#include "stages_internal.h"

static int note(stages *s, int family, int32_t table, i64 at, i64 key, i64 what)
{
    if (key == NOTHING) return 0;
    if (reserve(s, &s->journal, &s->journal_capacity, s->journal_n + 5, sizeof(i64))) return -1;
    i64 row[5] = {s->base + s->now, family * 1000 + table, at, key, what};
    memcpy(s->journal + s->journal_n, row, sizeof row);
    s->journal_n += 5;
    return 0;
}

static int negative(stages *s) { return stages_fail(s, STAGES_BAD, "sets and keys of tags must not be negative"); }

static int apply(stages *s, const stages_mark *m, const i64 *operands)
{
    i64 at = operands[m->of[0]], a = operands[m->of[1]], evicted = NOTHING;
    int new_key = 0;
    if (m->op == MARK_TAGS_INSERT || m->op == MARK_TAGS_TOUCH) {
        tags_table *t = s->tags + m->table;
        i64 key = operands[m->of[2]];
        if (outside(s, "tags: instance", at, t->instances) || (a | key) < 0) return negative(s);
        if (m->op == MARK_TAGS_TOUCH) tags_touch(t, at, a, key);
        else new_key = tags_insert(t, at, a, key, &evicted);
        if (!t->journal) return 0;
        return (new_key && note(s, 0, m->table, at, key, 1)) || note(s, 0, m->table, at, evicted, 2) ? -1 : 0;
    }
    if (m->op == MARK_BITS_SET) {
        bits_table *t = s->bits + m->table;
        if (outside(s, "bits: instance", at, t->instances) || outside(s, "bits: key", a, t->keys)) return -1;
        u8 *bit = t->values + at * t->keys + a;
        int changed = *bit != m->value;
        *bit = (u8)m->value;
        return changed && t->journal ? note(s, 2, m->table, at, a, m->value ? 1 : 2) : 0;
    }
    keyed_table *t = s->keyed + m->table;
    if (outside(s, "keyed store: instance", at, t->instances) || outside(s, "keyed store: key", a, t->keys)) return -1;
    if (m->op == MARK_KEYED_REFRESH) keyed_refresh(t, at, a);
    else new_key = m->op == MARK_KEYED_PIN ? keyed_pin(t, at, a) : keyed_insert(t, at, a, &evicted);
    if (!t->journal) return 0;
    return (new_key && note(s, 1, m->table, at, a, 1)) || note(s, 1, m->table, at, evicted, 2) ? -1 : 0;
}

/* Marks of one node from s->walk.mark on: 0 all done, 1 at a question, -1 on failure. */
int walk_marks(stages *s, const i64 *operands, const node *node, int at_end)
{
    walk *w = &s->walk;
    for (; w->mark < node->n_marks; w->mark++) {
        const stages_mark *m = node->marks + w->mark;
        if (m->at_end != at_end) continue;
        if (m->op == MARK_PYTHON) {
            if (w->wanted == QUESTION_MARK) { /* answered just now */
                w->wanted = -1;
                continue;
            }
            w->wanted = QUESTION_MARK;
            return 1;
        }
        if (apply(s, m, operands)) return -1;
    }
    return 0;
}

static int ask(stages *s, const node *node, const i64 *operands, i64 *answer)
{
    const int32_t *of = node->of;
    switch (node->ask) {
    case ASK_EQUAL: *answer = operands[of[0]] == operands[of[1]]; return 0;
    case ASK_LESS: *answer = operands[of[0]] < operands[of[1]]; return 0;
    case ASK_OPERAND: *answer = operands[of[0]]; return 0;
    case ASK_TAGS:
        if (outside(s, "tags: instance", operands[of[0]], s->tags[node->table].instances) ||
            (operands[of[1]] | operands[of[2]]) < 0) return negative(s);
        *answer = tags_has(s->tags + node->table, operands[of[0]], operands[of[1]], operands[of[2]]);
        return 0;
    case ASK_KEYED: {
        const keyed_table *t = s->keyed + node->table;
        if (outside(s, "keyed store: instance", operands[of[0]], t->instances) ||
            outside(s, "keyed store: key", operands[of[1]], t->keys)) return -1;
        *answer = t->present[operands[of[0]] * t->keys + operands[of[1]]] != 0;
        return 0;
    }
    case ASK_BITS: {
        const bits_table *t = s->bits + node->table;
        if (outside(s, "bits: instance", operands[of[0]], t->instances) || outside(s, "bits: key", operands[of[1]], t->keys)) return -1;
        *answer = t->values[operands[of[0]] * t->keys + operands[of[1]]];
        return 0;
    }
    default: {
        const map_table *t = s->maps + node->table;
        if (outside(s, "map: index", operands[of[0]], t->n)) return -1;
        *answer = t->values[operands[of[0]]];
        return 0;
    }
    }
}

/* The next node after a choose, or -2 at a question, -3 on failure. */
static int32_t branch(stages *s, const node *node, const i64 *operands)
{
    walk *w = &s->walk;
    i64 answer = 0;
    if (node->ask == ASK_PYTHON) {
        if (w->wanted != QUESTION_BRANCH) {
            w->wanted = QUESTION_BRANCH;
            return -2;
        }
        w->wanted = -1;
        answer = w->answer;
    } else if (ask(s, node, operands, &answer)) return -3;
    if (answer < 0 || answer >= node->n_branches) {
        stages_fail(s, STAGES_BAD, "the answer %lld is none of %d branches", (long long)answer, node->n_branches);
        return -3;
    }
    return node->branches[answer];
}

/* The last quotient of each rate is kept: transfers of one batch mostly ask the same. */
static inline int rated(stages *s, const lasts_rule *rule, i64 pick, const i64 *operands)
{
    rate *r = rule->rates + pick;
    const stages_amount *of = &rule->work;
    i64 work = of->n == 1 ? of->constant + of->factor[0] * operands[of->operand[0]] : amount_of(of, operands);
    if (work != r->work) return quotient(s, r, rule->quantum, work, &s->walk.lasts);
    s->walk.lasts = r->ps;
    return 0;
}

static int python_duration(stages *s)
{
    walk *w = &s->walk;
    if (w->wanted != QUESTION_DURATION) {
        w->wanted = QUESTION_DURATION;
        return 1;
    }
    w->wanted = -1;
    w->lasts = w->answer;
    return w->lasts < 0 ? stages_fail(s, STAGES_BAD, "a duration of %lld ps", (long long)w->lasts) : 0;
}

static inline int duration(stages *s, const lasts_rule *rule, const i64 *operands)
{
    i64 pick = 0;
    if (rule->kind == LASTS_ROUTE) {
        i64 n = s->circuits[rule->network].endpoints, from = operands[rule->source], to = operands[rule->target];
        if (outside(s, "endpoint", from, n) || outside(s, "endpoint", to, n)) return -1;
        pick = rule->route_rate[from * n + to];
        s->walk.lasts = 0;
        return pick < 0 ? 0 : rated(s, rule, pick, operands);
    }
    if (rule->kind == LASTS_CONSTANT) {
        s->walk.lasts = rule->value;
        return 0;
    }
    if (rule->kind == LASTS_RATE) {
        if (rule->by >= 0) pick = operands[rule->by];
        return outside(s, "instance of a duration rule", pick, rule->n_rates) ? -1 : rated(s, rule, pick, operands);
    }
    if (rule->kind == LASTS_STEPS) {
        while (pick < rule->n_rates - 1 && operands[rule->by] > rule->upto[pick]) pick++;
        return rated(s, rule, pick, operands);
    }
    if (rule->kind == LASTS_PYTHON) return python_duration(s);
    s->walk.lasts = operands[rule->value];
    return s->walk.lasts < 0 ? stages_fail(s, STAGES_BAD, "a duration of %lld ps", (long long)s->walk.lasts) : 0;
}

static inline int count(stages *s, const node *node, const i64 *operands)
{
    const stages_count *c = node->counts, *past = c + node->n_counts;
    for (; c < past; c++) {
        const counter *slots = s->counters + c->counter;
        i64 at = operands[c->at], amount = c->amount.constant;
        if (c->amount.n) amount = amount_of(&c->amount, operands);
        if (outside(s, "counter: index", at, slots->count)) return -1;
        if (c->hops >= 0) {
            i64 from = operands[c->source], to = operands[c->target];
            if (outside(s, "endpoint", from, c->endpoints) || outside(s, "endpoint", to, c->endpoints)) return -1;
            amount += s->maps[c->hops].values[from * c->endpoints + to];
        }
        if (__builtin_add_overflow(slots->slots[at], amount, slots->slots + at))
            return stages_fail(s, STAGES_BAD, "a counter overflows 64 bits");
    }
    return 0;
}

/* Marks of the node that w->node names, at the start; those for the end are remembered. */
static int start_marks(stages *s, const i64 *operands, const node *node)
{
    walk *w = &s->walk;
    if (w->wanted != QUESTION_MARK) w->mark = 0;
    int stop = walk_marks(s, operands, node, 0);
    if (stop) return stop;
    for (int32_t i = 0; i < node->n_marks; i++)
        if (node->marks[i].at_end) {
            w->s.late[w->s.n_late++] = (u16)w->node;
            break;
        }
    return 0;
}

/* All that an instant does besides lasting. */
static inline int happen(stages *s, const node *node, const i64 *operands)
{
    walk *w = &s->walk;
    int stop;
    if (node->n_marks && (stop = start_marks(s, operands, node))) return stop;
    if (node->n_counts && count(s, node, operands)) return -1;
    for (int32_t i = 0; i < node->n_spawns; i++) w->s.sides[w->s.n_sides++] = (u16)node->spawns[i];
    return 0;
}

int walk_on(stages *s, const i64 *operands)
{
    walk *w = &s->walk;
    const node *nodes = s->nodes;
    const u8 *ends = s->ends;
    int32_t next = w->node;
    do {
        const node *node = nodes + next;
        w->node = next;
        if (node->kind == STAGE_CHOOSE) {
            next = branch(s, node, operands);
            if (__builtin_expect(next < -1, 0)) return next == -2 ? 1 : -1;
        } else {
            int stop;
            if (node->lasts >= 0 && w->wanted != QUESTION_MARK && (stop = duration(s, s->lasts + node->lasts, operands))) return stop;
            if (node->happens && (stop = happen(s, node, operands))) return stop;
            next = node->then;
        }
    } while (!ends[next]);
    w->s.then = next;
    return 0;
}
