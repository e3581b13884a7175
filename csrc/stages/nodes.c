/* stages/nodes.c -- nodes of programs: copied as published, then linked with their counters and rules. */
#include "stages/state.h"

/* The common case, one resource by number or by route: the walk then needs no list. */
void take_only(struct node *to, const stages_take *take)
{
    to->gathers = 0;
    to->first = take->first, to->count = take->count, to->operand = take->operand;
    to->network = take->network, to->source = take->source, to->target = take->target;
}

/* Operands that a node does not use are read all the same, which is cheaper than a branch. */
static int32_t at_least(int32_t operand) { return operand > 0 ? operand : 0; } /* unused ones are read, too */

/* Targets within a program become numbers of all nodes. */
static int copy_node(stages *s, struct node *to, const stages_node *from, int32_t first)
{
    int32_t *branches = stages_copied(s, from->branches, (size_t)from->n_branches, sizeof *branches);
    int32_t *spawns = stages_copied(s, from->spawns, (size_t)from->n_spawns, sizeof *spawns);
    *to = (struct node){from->kind,
                        from->ask,
                        from->table,
                        {at_least(from->of[0]), at_least(from->of[1]), at_least(from->of[2])},
                        from->lasts,
                        from->then,
                        from->n_branches,
                        from->n_takes,
                        from->n_marks,
                        from->n_counts,
                        from->n_spawns,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        NULL,
                        NULL,
                        NULL,
                        NULL,
                        NULL,
                        NULL,
                        NULL,
                        -1};
    to->happens = from->n_marks || from->n_counts || from->n_spawns;
    to->gathers = from->n_takes != 1 || from->kind == STAGE_SEND;
    if (!to->gathers)
        take_only(to, from->takes);
    for (int32_t i = 0; from->kind == STAGE_HOLD && i < from->n_takes; i++)
        to->on_links |= from->takes[i].network >= 0;
    to->branches = branches;
    to->spawns = spawns;
    to->takes = stages_copied(s, from->takes, (size_t)from->n_takes, sizeof *from->takes);
    to->marks = stages_copied(s, from->marks, (size_t)from->n_marks, sizeof *from->marks);
    to->counts = stages_copied(s, from->counts, (size_t)from->n_counts, sizeof *from->counts);
    if (s->status)
        return -1;
    for (int32_t i = 0; i < from->n_branches; i++)
        if (branches[i] >= 0)
            branches[i] += first;
    for (int32_t i = 0; i < from->n_spawns; i++)
        spawns[i] += first;
    if (to->then >= 0)
        to->then += first;
    return 0;
}

/* A program with its nodes. Targets of branches become numbers among all nodes, so that a walk never asks which
 * program it is in. */
int stages_add_program(stages *s, int32_t operands, int32_t priority, int32_t start, int32_t n_nodes,
                       const stages_node *nodes)
{
    int32_t first = s->n_nodes;
    struct program *p = stages_append(s, &s->programs, &s->n_programs, sizeof *p);
    if (!p)
        return -1;
    *p = (struct program){operands, priority, first + start, first};
    if ((uint32_t)operands > s->stride)
        s->stride = (uint32_t)operands;
    if (first + n_nodes > UINT16_MAX)
        return stages_fail(s, STAGES_BAD, "more than 65535 stages");
    for (int32_t i = 0; i < n_nodes; i++) {
        int32_t count = s->n_nodes;
        int32_t *owner = stages_append(s, &s->node_program, &count, sizeof *owner);
        struct node *to = stages_append(s, &s->nodes, &s->n_nodes, sizeof *to);
        if (!owner || !to || copy_node(s, to, nodes + i, first))
            return -1;
        *owner = s->n_programs - 1;
    }
    uint8_t *marks = realloc(s->end_marks, (size_t)s->n_nodes + 1);
    if (!marks)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory to build the engine");
    s->end_marks = marks;
    s->ends = marks + 1;
    marks[0] = 1;
    for (int32_t i = 0; i < s->n_nodes; i++)
        s->ends[i] = s->nodes[i].kind <= STAGE_SEND;
    return s->n_programs - 1;
}

/* Resources that some event takes together with others. */
static void find_shared(stages *s)
{
    for (int32_t i = 0; i < s->n_circuits; i++)
        for (int32_t r = 0; r < s->circuits[i].n_locks; r++)
            s->waits[s->circuits[i].first + r].shared = 1;
    for (int32_t i = 0; i < s->n_nodes; i++)
        for (int32_t k = 0; s->nodes[i].kind == STAGE_HOLD && s->nodes[i].gathers && k < s->nodes[i].n_takes; k++) {
            const stages_take *take = s->nodes[i].takes + k;
            for (int32_t r = 0; take->network < 0 && r < take->count; r++)
                s->waits[take->first + r].shared = 1;
        }
}

/* Where the counters and rules of nodes stand is known when all have been added. */
int link_nodes(stages *s)
{
    if (s->in_flight)
        return stages_fail(s, STAGES_BAD, "a program cannot be added while something is in flight");
    find_shared(s);
    for (int32_t i = 0; i < s->n_nodes; i++) {
        struct node *to = s->nodes + i;
        const struct lasts_rule *rule = to->lasts < 0 ? NULL : s->lasts + to->lasts;
        int constant = rule && rule->kind == LASTS_CONSTANT;
        to->fixed = constant ? rule->value : -1;
        to->rule = constant ? NULL : rule;
        free(to->tallies);
        to->tallies = calloc((size_t)to->n_counts + 1, sizeof *to->tallies);
        if (!to->tallies)
            return stages_fail(s, STAGES_NO_MEMORY, "no memory to build the engine");
        for (int32_t k = 0; k < to->n_counts; k++) {
            const stages_count *c = to->counts + k;
            to->tallies[k] = (struct tally){s->counters[c->counter].slots,
                                            c->amount.constant,
                                            c->hops < 0 ? NULL : s->routes[c->hops],
                                            c->amount.n ? &c->amount : NULL,
                                            s->counters[c->counter].count,
                                            c->at,
                                            c->source,
                                            c->target,
                                            c->endpoints,
                                            c->part,
                                            c->parts};
        }
    }
    s->n_linked = s->n_nodes;
    return 0;
}
