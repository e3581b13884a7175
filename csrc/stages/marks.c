/* Marks: what an instant changes in tables. A mark can be a question for Python, so where the marks of a node stand
 * is in s->walk. */
#include "stages/state.h"

/* A change of a table is journalled, if the table is one that is watched. */
static int note(stages *s, int family, int32_t table, int64_t at, int64_t key, int64_t what)
{
    if (key == NOTHING)
        return 0;
    if (reserve(s, &s->journal, &s->journal_capacity, s->journal_n + 5, sizeof(int64_t)))
        return -1;
    int64_t row[5] = {s->base + s->now, family * 1000 + table, at, key, what};
    memcpy(s->journal + s->journal_n, row, sizeof row);
    s->journal_n += 5;
    return 0;
}

/* Tags have no negative sets or keys. */
static int negative(stages *s) { return stages_fail(s, STAGES_BAD, "sets and keys of tags must not be negative"); }

/* One mark: the change it makes to its table. */
static int apply(stages *s, const stages_mark *m, const int64_t *operands)
{
    int64_t at = operands[m->of[0]], a = operands[m->of[1]], evicted = NOTHING;
    int new_key = 0;
    if (m->op == MARK_TAGS_INSERT || m->op == MARK_TAGS_TOUCH) {
        struct tags_table *t = s->tags + m->table;
        int64_t key = operands[m->of[2]];
        if (outside(s, "tags: instance", at, t->instances) || (a | key) < 0)
            return negative(s);
        if (m->op == MARK_TAGS_TOUCH)
            tags_touch(t, at, a, key);
        else
            new_key = tags_insert(t, at, a, key, &evicted);
        if (!t->journal)
            return 0;
        return (new_key && note(s, 0, m->table, at, key, 1)) || note(s, 0, m->table, at, evicted, 2) ? -1 : 0;
    }
    if (m->op == MARK_BITS_SET) {
        struct bits_table *t = s->bits + m->table;
        if (outside(s, "bits: instance", at, t->instances) || outside(s, "bits: key", a, t->keys))
            return -1;
        uint8_t *bit = t->values + at * t->keys + a;
        int changed = *bit != m->value;
        *bit = (uint8_t)m->value;
        return changed && t->journal ? note(s, 2, m->table, at, a, m->value ? 1 : 2) : 0;
    }
    struct keyed_table *t = s->keyed + m->table;
    if (outside(s, "keyed store: instance", at, t->instances) || outside(s, "keyed store: key", a, t->keys))
        return -1;
    if (m->op == MARK_KEYED_REFRESH)
        keyed_refresh(t, at, a);
    else
        new_key = m->op == MARK_KEYED_PIN ? keyed_pin(t, at, a) : keyed_insert(t, at, a, &evicted);
    if (!t->journal)
        return 0;
    return (new_key && note(s, 1, m->table, at, a, 1)) || note(s, 1, m->table, at, evicted, 2) ? -1 : 0;
}

/* Marks of one node from s->walk.mark on: 0 all done, 1 at a question, -1 on failure. */
int walk_marks(stages *s, const int64_t *operands, const struct node *node, int at_end)
{
    struct walk *w = &s->walk;
    for (; w->mark < node->n_marks; w->mark++) {
        const stages_mark *m = node->marks + w->mark;
        if (m->at_end != at_end)
            continue;
        if (m->op == MARK_PYTHON) {
            if (w->wanted == QUESTION_MARK) { /* answered just now */
                w->wanted = -1;
                continue;
            }
            w->wanted = QUESTION_MARK;
            return 1;
        }
        if (apply(s, m, operands))
            return -1;
    }
    return 0;
}
