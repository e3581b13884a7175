/* The engine under a sanitizer: random chains under every rule, checked after each step, with growth, widening,
 * marks, networks and failures. Built and run by tests/stages/test_sanitizers.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/fair/fair.h"
#include "stages/stages.h"

#define EXPECT(what)                                                                                                   \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            printf("line %d: %s: %s\n", __LINE__, #what, stages_message(s));                                           \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static uint64_t state = 88172645463325252u;
static int32_t pick(int32_t n) /* xorshift */
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (int32_t)(state % (uint64_t)n);
}

enum { A, B, KEY, SIZE, WAIT, PRIORITY, OPERANDS };
static const int32_t locks[2] = {0, 0};

/* Two endpoints, a link from each to the other. */
static int32_t find(void *user, int32_t source, int32_t target, int32_t *links, int32_t room)
{
    if (source == target || room < 1 || user)
        return 0;
    links[0] = source;
    return 1;
}

static int rule(stages *s, int kind)
{
    stages_rate rates[2] = {{3, 1, 7}, {0, 5, 3}};
    stages_lasts l = {.kind = kind,
                      .value = kind == LASTS_GIVEN ? WAIT : 9,
                      .by = kind == LASTS_STEPS ? KEY : -1,
                      .quantum_ps = 4,
                      .rates = rates,
                      .n_rates = kind == LASTS_STEPS ? 2 : 1,
                      .work = {5, 1, {SIZE}, {3}}};
    int64_t upto = 2;
    if (kind == LASTS_STEPS)
        l.upto = &upto;
    return stages_add_lasts(s, &l);
}

/* hold(port a) -> tags? -> hold(route, marks) with a side chain -> send -> done */
static stages *build(int booking, int barging, int all, int heap, int with_fair)
{
    stages_rules rules = {booking, barging, all, heap && !all, 64, 8};
    stages *s = stages_new(&rules);
    int64_t speeds[2] = {1000000000000, 700000000000}, latencies[2] = {5, 6};
    int32_t ranks[2] = {1, 0};
    int ports = stages_add_resources(s, 2), of = stages_add_routes(s, 2, 2, latencies, ranks, find, NULL),
        circuit = stages_add_circuit(s, of, 1, locks);
    int tags = stages_add_tags(s, 2, 1, 2, 1), store = stages_add_keyed(s, 2, 5, 2, 1),
        bits = stages_add_bits(s, 2, 5, 1);
    int count = stages_add_counter(s, 2), given = rule(s, LASTS_GIVEN), steps = rule(s, LASTS_STEPS),
        rate = rule(s, LASTS_RATE);
    int fixed = rule(s, LASTS_CONSTANT);
    int net = with_fair ? stages_add_network(s, fair_operations(), fair_new(stages_routes(s, of), speeds, 64, 8)) : -1;
    stages_take port_a = {ports, 2, A, -1, 0, 0, {0}}, port_b = {ports, 2, B, -1, 0, 0, {0}},
                way = {0, 0, 0, circuit, A, B, {0, 1, {SIZE}, {1}}};
    stages_take both[2] = {port_b, way}, message = {0, 0, 0, net, A, B, {1, 1, {SIZE}, {1}}};
    stages_mark marks[4] = {{MARK_TAGS_INSERT, tags, {A, KEY, KEY}, 0, 0},
                            {MARK_KEYED_INSERT, store, {B, KEY, 0}, 0, 1},
                            {MARK_BITS_SET, bits, {A, KEY, 0}, 1, 1},
                            {MARK_KEYED_PIN, store, {A, KEY, 0}, 0, 0}};
    stages_count counts[1] = {{count, A, -1, 0, 0, 0, {0, 1, {SIZE}, {1}}}};
    int32_t branches[2] = {2, 3}, side[1] = {4};
    stages_node nodes[6] = {
        {.kind = STAGE_HOLD, .takes = &port_a, .n_takes = 1, .lasts = given, .then = 1},
        {.kind = STAGE_CHOOSE,
         .ask = ASK_TAGS,
         .table = tags,
         .of = {A, KEY, KEY},
         .branches = branches,
         .n_branches = 2,
         .lasts = -1,
         .then = -1},
        {.kind = STAGE_OUTCOME, .lasts = rate, .then = 5, .marks = marks, .n_marks = 3, .spawns = side, .n_spawns = 1},
        {.kind = STAGE_OUTCOME, .lasts = -1, .then = 5, .counts = counts, .n_counts = 1},
        {.kind = STAGE_HOLD, .takes = both, .n_takes = 2, .lasts = steps, .then = -1, .marks = marks + 3, .n_marks = 1},
        {.kind = STAGE_HOLD, .takes = &way, .n_takes = 1, .lasts = fixed, .then = -1},
    };
    if (with_fair)
        nodes[5] = (stages_node){.kind = STAGE_SEND, .takes = &message, .n_takes = 1, .lasts = -1, .then = -1};
    EXPECT(stages_add_program(s, OPERANDS, PRIORITY, 0, 6, nodes) == 0);
    return s;
}

static void stress(stages *s, int64_t longest)
{
    int64_t rows[200 * OPERANDS], starts[200], times[200], journal[5 * 4096];
    int32_t done[8];
    for (int round = 0; round < 40; round++) {
        int n = pick(round % 8 == 7 ? 200 : 20);
        for (int i = 0; i < n; i++) {
            int64_t row[OPERANDS] = {pick(2), pick(2), pick(5), pick(90), pick(30) * longest, pick(8)};
            memcpy(rows + i * OPERANDS, row, sizeof row);
            starts[i] = pick(3) ? 0 : pick(50) * longest;
        }
        int batch = stages_issue(s, 0, n, rows, round % 2 ? starts : NULL, 1, -1);
        EXPECT(batch == round);
        while (stages_in_flight(s) && !(round % 5 == 4 && pick(9) == 0)) {
            EXPECT(stages_advance(s, pick(4) ? stages_now(s) + pick(100) * longest : INT64_MAX) == STAGES_OK);
            EXPECT(stages_completed(s, done, times, 8) <= 8);
            EXPECT(stages_check(s) == 0);
        }
        EXPECT(stages_finish(s, batch, times) == n);
        if (stages_journal(s, NULL, 0) < 4096)
            stages_journal(s, journal, 4096);
    }
}

static void failures(stages *s)
{
    int64_t far_port[OPERANDS] = {5, 0, 0, 1, 1, 0}, priority[OPERANDS] = {0, 0, 0, 1, 1, 9},
            huge[OPERANDS] = {0, 0, 0, INT64_MAX / 2, 1, 0};
    EXPECT(stages_issue(s, 0, 1, priority, NULL, 1, -1) == -1 && strstr(stages_message(s), "priority"));
    EXPECT(stages_issue(s, 0, 1, huge, NULL, 1, -1) == -1 && strstr(stages_message(s), "64 bits"));
    EXPECT(stages_issue(s, 0, 1, far_port, NULL, 1, -1) == -1 && strstr(stages_message(s), "resource 5"));
    EXPECT(stages_advance(s, INT64_MAX) == STAGES_BAD); /* a failure while running sticks */
}

int main(void)
{
    for (int rules = 0; rules < 16; rules++) {
        for (int fair_too = 0; fair_too < (rules & 1 ? 1 : 2); fair_too++) {
            stages *s = build(rules & 1, rules >> 1 & 1, rules >> 2 & 1, rules >> 3, fair_too);
            stress(s, 1);
            failures(s);
            stages_free(s);
        }
        stages *s = build(rules & 1, rules >> 1 & 1, rules >> 2 & 1, rules >> 3, 0);
        stress(s, (int64_t)1 << 35); /* past 2^41 ps: ranks widen */
        stages_free(s);
    }
    puts("ok");
    return 0;
}
