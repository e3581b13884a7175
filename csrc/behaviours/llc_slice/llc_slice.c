/* behaviours/llc_slice/llc_slice.c -- see llc_slice.h: one slice of the L2.
 *
 * A read is served from here, or starts or joins a fetch: from memory where the line's home is this partition, from the
 * peer slice where it is the other one. A store goes to the home, which drops the peer's copy. What a full set pushes
 * out is written back if it is dirty; while too many such lines are on their way, stores wait in order. */
#include "behaviours/llc_slice/lines.h"
#include "behaviours/room.h"

#include <stdio.h>
#include <string.h>

static const cw_parameter PARAMETERS[] = {LLC_PARAMETERS(CW_PARAMETER_ROW)};
static const char *const PORTS[] = {"near", "peer", "memory"};
static const cw_statistic STATISTICS[] = {LLC_STATISTICS(CW_STATISTIC_ROW)};

/* The channel's own address of a line: its units are dealt to the slices that share it. */
static uint64_t local_address(const struct slice *s, uint64_t line)
{
    uint64_t unit = (uint64_t)s->p[UNIT], n = llc_local(s, line);
    return ((n / unit * (uint64_t)s->p[CHANNEL_SHARE] + (uint64_t)s->p[CHANNEL_INDEX]) * unit + n % unit) * LINE;
}

/* A line pushed out goes to memory if any sector of it is dirty. */
static void write_back(struct slice *s, uint64_t out)
{
    if (!(out & DIRTY))
        return;
    int32_t mask = (int32_t)(out >> 4 & 15);
    s->room--;
    s->stats[STAT_WRITE_BACKS]++;
    cw_message m = {.address = local_address(s, (out >> 12) - 1),
                    .kind = CW_WRITE,
                    .mask = mask,
                    .bytes = (int32_t)s->p[REQUEST_BYTES] + 32 * cw_sectors(mask)};
    s->host->send(s->host, s->me, MEMORY, 0, 0, &m);
}

/* ---- the data port */

/* Delay until the answer leaves: a place on the data port, then the latency. */
static int64_t served(struct slice *s, uint64_t line, int32_t mask, int coalesce)
{
    int64_t now = s->host->now * FS;
    if (coalesce)
        for (int32_t i = 0; i < RECENT; i++)
            if (s->recent[i].line == line + 1 && !(mask & ~s->recent[i].mask) && s->recent[i].start_fs > now) {
                s->stats[STAT_MERGED]++;
                return (s->recent[i].start_fs - now) / FS + s->p[LATENCY];
            }
    int64_t start = s->busy_fs > now ? s->busy_fs : now, taken = cw_sectors(mask) * s->p[SECTOR_FS];
    s->busy_fs = start + taken;
    s->stats[STAT_BUSY] += taken / FS;
    if (coalesce) {
        s->recent[s->n_recent].line = line + 1;
        s->recent[s->n_recent].mask = mask;
        s->recent[s->n_recent].start_fs = start;
        s->n_recent = (s->n_recent + 1) % RECENT;
    }
    return (start - now) / FS + s->p[LATENCY];
}

/* Data to whoever asked, over the wire it asked by. */
static void answer(struct slice *s, const cw_message *to, int64_t delay)
{
    cw_message m = {.address = to->address,
                    .tag = to->tag,
                    .kind = CW_DATA,
                    .mask = to->mask,
                    .bytes = (int32_t)s->p[REQUEST_BYTES] + 32 * cw_sectors(to->mask)};
    s->host->reply(s->host, s->me, delay, to, &m);
}

/* ---- lines on their way */

/* A request that has to wait, in a list; `next` is the one that stands behind it. */
static int32_t keep(struct slice *s, const cw_message *m, int32_t next)
{
    int32_t i;
    CW_TAKE_RECORD(i, s->waiter, s->waiter_room, s->free_waiter, 64);
    s->waiter[i].m = *m;
    s->waiter[i].next = next;
    return i;
}

/* A waiting request has been served: its record is free. */
static void release(struct slice *s, int32_t i)
{
    s->waiter[i].next = s->free_waiter;
    s->free_waiter = i;
}

/* A record for a line on its way here. */
static int32_t new_fill(struct slice *s)
{
    int32_t i;
    CW_TAKE_RECORD(i, s->fills, s->n_fills, s->free_fill, 64);
    return i;
}

/* What is requested of memory: whole granules. */
static int32_t granule(const struct slice *s, int32_t mask)
{
    return s->p[FILL] == 4 ? 15 : s->p[FILL] == 2 ? mask | (mask & 5) << 1 | (mask & 10) >> 1 : mask;
}

/* Ask the home or memory for the sectors that are missing; a fetch that brings them already gets one more listener. */
static void fetch(struct slice *s, const cw_message *m, uint64_t line, int32_t missing)
{
    int32_t *chain = &s->chain[line & 255], at_home = llc_home(s, line) == s->p[PARTITION];
    for (int32_t i = *chain; i != NONE; i = s->fills[i].next)
        if (s->fills[i].line == line && !(missing & ~s->fills[i].mask)) {
            s->fills[i].head = keep(s, m, s->fills[i].head);
            return;
        }
    if (at_home)
        missing = granule(s, missing);
    int32_t i = new_fill(s);
    s->fills[i] = (struct fill){line, missing, keep(s, m, NONE), *chain};
    *chain = i;
    cw_message ask = {.address = at_home ? local_address(s, line) : m->address,
                      .tag = (uint64_t)i,
                      .kind = CW_READ,
                      .mask = missing,
                      .bytes = (int32_t)s->p[REQUEST_BYTES]};
    s->stats[at_home ? STAT_MEMORY_READS : STAT_PEER_READS]++;
    s->host->send(s->host, s->me, at_home ? MEMORY : PEER, 0, s->p[LATENCY], &ask);
}

/* A read: served from here, or by a fetch that it joins or starts. */
static void read_line(struct slice *s, const cw_message *m)
{
    uint64_t line = m->address / LINE, *set = llc_set_of(s, line), *entry = llc_find(s, set, line);
    int32_t missing = m->mask & ~(entry ? (int32_t)(*entry & VALID) : 0);
    s->stats[STAT_READS]++;
    if (entry && m->port == PEER)
        *entry |= SHARED;
    if (!missing) {
        s->stats[STAT_HITS]++;
        answer(s, m, served(s, line, m->mask, 1));
        return;
    }
    fetch(s, m, line, missing);
}

/* A line has come: it takes a place in its set, and all that wait for it are answered. They have paid the latency
 * already, so only the data port counts. */
static void filled(struct slice *s, const cw_message *m)
{
    int32_t i = (int32_t)m->tag, *link;
    struct fill got = s->fills[i];
    for (link = &s->chain[got.line & 255]; *link != i; link = &s->fills[*link].next)
        ;
    *link = got.next;
    s->fills[i].next = s->free_fill;
    s->free_fill = i;
    uint64_t *set = llc_set_of(s, got.line), *entry = llc_find(s, set, got.line);
    if (!entry) {
        write_back(s, llc_insert(s, set, got.line));
        entry = set;
    }
    *entry |= (uint64_t)got.mask & VALID;
    for (int32_t at = got.head, next; at != NONE; at = next) {
        struct waiter a = s->waiter[at];
        next = a.next;
        release(s, at);
        if (a.m.port == PEER)
            *entry |= SHARED;
        answer(s, &a.m, served(s, got.line, a.m.mask, 1) - s->p[LATENCY]);
    }
}

/* ---- stores */

/* A store at its home: copies at the peer are dropped, the sectors are valid and dirty, and the sender gets its
 * answer when the data port has taken them. */
static void store_here(struct slice *s, const cw_message *m)
{
    uint64_t line = m->address / LINE, *set = llc_set_of(s, line), *entry = llc_find(s, set, line);
    int64_t delay = served(s, line, m->mask, 0);
    s->stats[STAT_WRITES]++;
    if (entry && (*entry & SHARED)) {
        cw_message drop = {.address = m->address, .kind = CW_DROP, .bytes = (int32_t)s->p[REQUEST_BYTES]};
        s->host->send(s->host, s->me, PEER, 0, 0, &drop);
        *entry &= ~SHARED;
    }
    if (!entry) {
        write_back(s, llc_insert(s, set, line));
        entry = set;
    }
    *entry |= (uint64_t)(m->mask | m->mask << 4);
    cw_message done = {.address = m->address, .tag = m->tag, .kind = CW_DONE, .bytes = (int32_t)s->p[REQUEST_BYTES]};
    s->host->reply(s->host, s->me, delay, m, &done);
}

/* No room for what a store might push out: it waits in order, and later stores wait behind it. */
static void hold(struct slice *s, const cw_message *m)
{
    int32_t i = keep(s, m, NONE);
    if (s->held_last == NONE)
        s->held_first = i;
    else
        s->waiter[s->held_last].next = i;
    s->held_last = i;
}

/* A store that arrives: on to the home where that is the peer, else taken or held. */
static void store(struct slice *s, const cw_message *m)
{
    uint64_t line = m->address / LINE;
    if (llc_home(s, line) != s->p[PARTITION]) { /* on to the home; our copy is stale */
        uint64_t *set = llc_set_of(s, line), *entry = llc_find(s, set, line);
        if (entry)
            *entry = 0;
        cw_message on = *m;
        on.tag = (uint64_t)keep(s, m, NONE);
        s->host->send(s->host, s->me, PEER, 0, served(s, line, m->mask, 0), &on);
    } else if (s->room <= 0 || s->held_first != NONE) {
        hold(s, m);
    } else {
        store_here(s, m);
    }
}

/* Memory has taken a written line, so held stores go on; or the home has taken a store that passed through here. */
static void stored(struct slice *s, const cw_message *m)
{
    if (m->port == MEMORY) {
        s->room++;
        while (s->held_first != NONE && s->room > 0) {
            struct waiter a = s->waiter[s->held_first];
            release(s, s->held_first);
            s->held_first = a.next;
            if (a.next == NONE)
                s->held_last = NONE;
            store_here(s, &a.m);
        }
        return;
    }
    struct waiter a = s->waiter[m->tag];
    release(s, (int32_t)m->tag);
    cw_message done = {.address = a.m.address, .tag = a.m.tag, .kind = CW_DONE, .bytes = (int32_t)s->p[REQUEST_BYTES]};
    s->host->reply(s->host, s->me, 0, &a.m, &done);
}

/* ---- the table */

/* By kind of message. What is left is CW_DROP: the home has a newer copy. */
static void receive(void *state, const cw_message *m)
{
    struct slice *s = state;
    if (m->kind == CW_READ)
        read_line(s, m);
    else if (m->kind == CW_DATA)
        filled(s, m);
    else if (m->kind == CW_WRITE)
        store(s, m);
    else if (m->kind == CW_DONE)
        stored(s, m);
    else {
        uint64_t line = m->address / LINE, *set = llc_set_of(s, line), *entry = llc_find(s, set, line);
        if (entry)
            *entry = 0;
    }
}

/* Never set: a slice acts on messages alone. */
static void timer(void *state, int32_t code, uint64_t data) { (void)state, (void)code, (void)data; }

/* A store outside time: to the home, where it is dirty; what it pushes out is long in memory. */
static int32_t touch_store(struct slice *s, const cw_message *m)
{
    uint64_t line = m->address / LINE, *set = llc_set_of(s, line), *entry = llc_find(s, set, line);
    if (llc_home(s, line) != s->p[PARTITION]) {
        if (entry)
            *entry = 0;
        return s->host->touch(s->host, s->me, PEER, 0, m);
    }
    if (!entry) {
        llc_insert(s, set, line);
        entry = set;
    }
    *entry |= (uint64_t)(m->mask | m->mask << 4);
    return 0;
}

/* 0: here; 1: at the home; 2: in memory, by way of this slice; 3: by way of the home. */
static int32_t touch(void *state, const cw_message *m)
{
    struct slice *s = state;
    if (m->kind == CW_WRITE)
        return touch_store(s, m);
    uint64_t line = m->address / LINE, *set = llc_set_of(s, line), *entry = llc_find(s, set, line);
    int32_t missing = m->mask & ~(entry ? (int32_t)(*entry & VALID) : 0),
            at_home = llc_home(s, line) == s->p[PARTITION], level = 2;
    if (entry && m->port == PEER)
        *entry |= SHARED;
    if (!missing)
        return 0;
    if (!at_home) {
        cw_message on = *m;
        on.mask = missing;
        level = s->host->touch(s->host, s->me, PEER, 0, &on) ? 3 : 1;
    } else {
        missing = granule(s, missing);
    }
    if (!entry) {
        llc_insert(s, set, line);
        entry = set;
    }
    *entry |= (uint64_t)missing;
    if (m->port == PEER)
        *entry |= SHARED;
    return level;
}

/* Two partitions of equal size; chains of fills start empty. */
static int open(void *state, cw_host *host, int32_t part, const int64_t *p, char *why)
{
    struct slice *s = state;
    s->host = host;
    s->me = part;
    memcpy(s->p, p, sizeof s->p);
    s->room = p[WRITE_BACKS];
    s->free_fill = s->free_waiter = s->held_first = s->held_last = NONE;
    memset(s->chain, 0xff, sizeof s->chain);
    s->tags = calloc((size_t)(p[SETS] * p[WAYS]), sizeof *s->tags);
    return s->tags ? 0 : (snprintf(why, 256, "llc_slice: out of memory"), -1);
}

/* A statistic by number. */
CW_STATISTIC(struct slice)

/* Free sets, fills and waiting requests. */
static void close_(void *state)
{
    struct slice *s = state;
    free(s->tags);
    free(s->fills);
    free(s->waiter);
}

cw_behaviour cw_llc_slice = {CW_BEHAVIOUR("llc_slice", struct slice), .touch = touch, .close = close_};
