/* `fair` against filling in full (fair_full.c): random routes, capacities, sizes and latencies; equal arrivals, times
 * to act and link bins. Built and run by tests/stages/test_fair.py. Argument: how many systems. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/fair/fair.h"

fair *full_new(int32_t endpoints, int32_t n_links, const int64_t *bytes_per_s, const int64_t *latency_ps,
               const int64_t *route_start, const int32_t *route_links, int64_t bin_ps, int32_t max_bins);
const network_operations *full_operations(void);
const int64_t *full_link_bins(fair *f, int64_t *bin_ps, int32_t *bins);

#define EXPECT(what)                                                                                                   \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            printf("system %d, message %u, line %d: %s\n", number, message, __LINE__, #what);                          \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

enum { LINKS = 40, ENDS = 9, HOPS = 6, BINS = 8 };

static uint64_t state = 88172645463325252u;
static int32_t pick(int32_t n) /* xorshift */
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (int32_t)(state % (uint64_t)n);
}

/* Few values give ties; tiny ones shares of 0 with remainders; large ones sums beyond 64 bits. */
static int64_t capacity(int kind)
{
    switch (kind) {
    case 0: return 1 + pick(5);
    case 1: return 100;
    case 2: return 1 + pick(30);
    case 3: return (int64_t[]){1000, 1000, 500, 300}[pick(4)];
    case 4: return ((int64_t)1 << 61) - pick(3);
    default: return 1000000 + pick(1000000000);
    }
}

static int32_t route(int32_t *links, int32_t n_links) /* without a link twice; now and then with */
{
    int32_t hops = pick(HOPS + 1), n = 0;
    while (n < hops && n < n_links) {
        int32_t link = pick(n_links), seen = 0;
        for (int32_t i = 0; i < n; i++)
            seen |= links[i] == link;
        if (!seen || !pick(40))
            links[n++] = link;
    }
    return n;
}

static int64_t moment(int64_t now, const network_operations *o, fair *f, int64_t pause)
{
    int64_t next = o->next_time(f);
    return next < now + pause ? next : now + pause;
}

struct table {
    const int64_t *start;
    const int32_t *links;
    int32_t endpoints;
};

static int32_t find(void *user, int32_t source, int32_t target, int32_t *links, int32_t room)
{
    const struct table *t = user;
    const int64_t pair = (int64_t)source * t->endpoints + target, n = t->start[pair + 1] - t->start[pair];
    if (n > room)
        return -1;
    memcpy(links, t->links + t->start[pair], (size_t)n * sizeof *links);
    return (int32_t)n;
}

static void one(int number)
{
    int32_t endpoints = 2 + pick(ENDS - 1), n_links = 1 + pick(LINKS), kind = pick(6), often = pick(3), lazy = pick(2);
    int32_t links[ENDS * ENDS * HOPS], pairs = endpoints * endpoints;
    int64_t start[ENDS * ENDS + 1] = {0}, speed[LINKS], latency[LINKS], now = 0;
    uint32_t message = 0, open = 0, most = 1 + (uint32_t)pick(60);
    for (int32_t i = 0; i < n_links; i++) {
        speed[i] = capacity(pick(4) ? kind : pick(6));
        latency[i] = pick(3) ? pick(20) : 0;
    }
    for (int32_t i = 0; i < pairs; i++)
        start[i + 1] = start[i] + (i % (endpoints + 1) ? route(links + start[i], n_links) : 0);
    int64_t bin = 1 + pick(1000000);
    struct table table = {start, links, endpoints};
    const int32_t ranks[LINKS] = {0};
    routes *of = routes_new(endpoints, n_links, latency, ranks, find, &table);
    fair *f = fair_new(of, speed, bin, BINS);
    fair *full = full_new(endpoints, n_links, speed, latency, start, links, bin, BINS);
    const network_operations *o = fair_operations(), *of_full = full_operations();
    const int64_t unit = kind == 4 ? 1 : kind > 4 ? 1000 : 1, scale = kind == 4 ? 1 : kind > 4 ? 1000000 : 1000000000;
    uint32_t due = 40 + (uint32_t)pick(200);
    while (message < due || open) {
        int64_t pause = pick(4) ? (int64_t)pick(2000) * (pick(3) ? scale : 1 + pick(1000000)) : pick(3),
                next = moment(now, o, f, pause), had = 0;
        if (message >= due || open >= most)
            next = o->next_time(f);
        EXPECT(moment(now, of_full, full, pause) == moment(now, o, f, pause) &&
               o->next_time(f) == of_full->next_time(full));
        now = next;
        uint32_t here[64], there[64];
        int n;
        do {
            n = o->advance(f, now, here, 64);
            EXPECT(n == of_full->advance(full, now, there, 64) && !memcmp(here, there, (size_t)n * sizeof *here));
            open -= (uint32_t)n;
        } while (n == 64);
        for (int k = pick(4); k && message < due && open < most; k--) {
            int32_t from = pick(endpoints), to = pick(endpoints);
            int64_t size = pick(8) ? (pick(2) ? 16 : 1 + pick(30)) * unit : 0;
            int sent = o->send(f, now, message, from, to, size);
            EXPECT(sent >= 0 && sent == of_full->send(full, now, message, from, to, size));
            message++;
            open++;
            had |= sent;
            if (often && !lazy)
                EXPECT(o->next_time(f) == of_full->next_time(full));
        }
        if (had)
            EXPECT(o->next_time(f) == now);
        if (!pick(50)) {
            int64_t width, width_full;
            int32_t bins, bins_full;
            const int64_t *cells = fair_link_bins(f, &width, &bins),
                          *cells_full = full_link_bins(full, &width_full, &bins_full);
            EXPECT(width == width_full && bins == bins_full);
            EXPECT(!memcmp(cells, cells_full, (size_t)bins * (size_t)n_links * 3 * sizeof *cells));
        }
    }
    int64_t width, width_full;
    int32_t bins, bins_full;
    const int64_t *cells = fair_link_bins(f, &width, &bins),
                  *cells_full = full_link_bins(full, &width_full, &bins_full);
    EXPECT(width == width_full && bins == bins_full);
    EXPECT(!memcmp(cells, cells_full, (size_t)bins * (size_t)n_links * 3 * sizeof *cells));
    o->close(f);
    of_full->close(full);
    routes_free(of);
}

int main(int argc, char **argv)
{
    int systems = argc > 1 ? atoi(argv[1]) : 300;
    for (int i = 0; i < systems; i++)
        one(i);
    puts("ok");
    return 0;
}
