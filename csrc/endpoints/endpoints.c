/* endpoints/endpoints.c -- the engine of line-rate endpoints: see endpoints.h for the picture, wheel.h for how events
 * wait.
 *
 * A behaviour sees its host, never another behaviour: all that passes between parts is a message over a wire, booked at
 * both ports when it is sent. Ties of one instant are decided by priority, sender and order of sending, so a run does
 * not depend on the order in which parts were added. */
#include "endpoints/endpoints.h"
#include "endpoints/wheel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wire {
    int32_t end[2], port[2];
    int64_t latency, bytes[2];
};

struct port_state {
    int64_t rate[2], busy[2]; /* out, in */
    int32_t *lanes, n_lanes;
};

struct part {
    const cw_behaviour *does;
    void *state;
    struct port_state *ports;
    uint64_t draws;
};

struct cw_engine {
    cw_host host; /* first: a behaviour's host is its engine */
    struct part *parts;
    int32_t n_parts, room_parts;
    struct wire *wires;
    int32_t n_wires, room_wires;
    struct wheel wheel;
    int64_t done;
    uint64_t seed;
    int failed; /* `why` says what of; no event is run any more */
    char why[256];
};

/* ---- what a behaviour may ask for */

/* cw_host.schedule: a timer of a part's own. A delay below 0 counts as 0: time never goes back. */
static void schedule(cw_host *host, int32_t who, int64_t delay, int32_t priority, int32_t code, uint64_t data)
{
    cw_engine *e = (cw_engine *)host;
    int32_t i = wheel_new(&e->wheel);
    struct event *ev = &e->wheel.events[i];
    ev->time = host->now + (delay > 0 ? delay : 0);
    ev->order = wheel_order(&e->wheel, priority, who);
    ev->part = who;
    ev->code = code;
    ev->data = data;
    ev->is_message = 0;
    wheel_add(&e->wheel, i);
}

/* When a port that works in order of sending is through with these bytes, if it gets them at `from`. Rounded up to
 * whole ps. */
static int64_t taken(struct port_state *port, int in, int64_t from, int32_t bytes)
{
    int64_t start = port->busy[in] > from ? port->busy[in] : from;
    port->busy[in] = start + (bytes * port->rate[in] + 1023) / 1024;
    return port->busy[in];
}

/* A message over wire `w`: it waits for the sender's port, travels the latency, waits for the receiver's port, and
 * is then an event. Both ports are booked now, in order of sending. Returns the delay until it arrives. */
static int64_t over(cw_engine *e, int32_t who, int32_t w, int64_t delay, const cw_message *message)
{
    struct wire *along = &e->wires[w];
    int back = along->end[0] != who;
    int32_t to = along->end[!back];
    int64_t left =
        taken(&e->parts[who].ports[along->port[back]], 0, e->host.now + (delay > 0 ? delay : 0), message->bytes);
    int64_t there = taken(&e->parts[to].ports[along->port[!back]], 1, left + along->latency, message->bytes);
    along->bytes[back] += message->bytes;
    int32_t i = wheel_new(&e->wheel);
    struct event *ev = &e->wheel.events[i];
    ev->time = there;
    ev->order = wheel_order(&e->wheel, 0, who);
    ev->part = to;
    ev->is_message = 1;
    ev->message = *message;
    ev->message.from = who;
    ev->message.wire = w;
    ev->message.port = along->port[!back];
    wheel_add(&e->wheel, i);
    return there - e->host.now;
}

/* The first fault is kept. */
static void fail(cw_host *host, int32_t who, const char *text)
{
    cw_engine *e = (cw_engine *)host;
    if (!e->failed)
        snprintf(e->why, sizeof e->why, "%s (endpoint %d): %s", e->parts[who].does->name, who, text);
    e->failed = 1;
}

/* A message for a wire that there is not. Apart, and never inline: its text would cost every message a frame. */
static __attribute__((noinline)) int32_t no_wire(cw_engine *e, int32_t who, int32_t port, int32_t lane)
{
    char text[128];
    snprintf(text, sizeof text, "port \"%s\" has %d wires, and a message is for number %d",
             e->parts[who].does->ports[port], e->parts[who].ports[port].n_lanes, lane);
    fail(&e->host, who, text);
    return -1;
}

/* The wire of a lane; -1, and a failed run, where none is joined to it. */
static int32_t wire_of(cw_engine *e, int32_t who, int32_t port, int32_t lane)
{
    const struct port_state *p = &e->parts[who].ports[port];
    return lane >= 0 && lane < p->n_lanes ? p->lanes[lane] : no_wire(e, who, port, lane);
}

/* cw_host.send: by port and lane of the sender. */
static int64_t send(cw_host *host, int32_t who, int32_t port, int32_t lane, int64_t delay, const cw_message *message)
{
    cw_engine *e = (cw_engine *)host;
    const int32_t w = wire_of(e, who, port, lane);
    return w < 0 ? 0 : over(e, who, w, delay, message);
}

/* cw_host.reply: back over the wire that `to` came by, so a part need not know who asks. */
static int64_t reply(cw_host *host, int32_t who, int64_t delay, const cw_message *to, const cw_message *message)
{
    return over((cw_engine *)host, who, to->wire, delay, message);
}

/* cw_host.touch: the same way, outside time: nothing is booked and no event is made. A part that keeps no state
 * answers 0. */
static int32_t touch(cw_host *host, int32_t who, int32_t port, int32_t lane, const cw_message *message)
{
    cw_engine *e = (cw_engine *)host;
    const int32_t w = wire_of(e, who, port, lane);
    if (w < 0)
        return 0;
    struct wire *along = &e->wires[w];
    int back = along->end[0] != who;
    struct part *to = &e->parts[along->end[!back]];
    if (!to->does->touch)
        return 0;
    cw_message brought = *message;
    brought.from = who;
    brought.wire = w;
    brought.port = along->port[!back];
    return to->does->touch(to->state, &brought);
}

/* splitmix64 of (seed, part, count): a part's draws do not depend on the others'. */
static uint64_t draw(cw_host *host, int32_t who)
{
    cw_engine *e = (cw_engine *)host;
    uint64_t z = e->seed + 0x9e3779b97f4a7c15ull * (((uint64_t)who << 40) + ++e->parts[who].draws);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* ---- building */

/* An engine without parts. Bounds are known beforehand, so that parts and wires never move. */
cw_engine *cw_engine_open(int32_t n_parts, int32_t n_wires, uint64_t seed)
{
    cw_engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->host.schedule = schedule;
    e->host.send = send;
    e->host.reply = reply;
    e->host.touch = touch;
    e->host.random = draw;
    e->host.fail = fail;
    e->seed = seed;
    e->room_parts = n_parts;
    e->room_wires = n_wires;
    e->parts = calloc((size_t)n_parts + 1, sizeof *e->parts);
    e->wires = calloc((size_t)n_wires + 1, sizeof *e->wires);
    if (!e->parts || !e->wires || n_parts < 0 || n_parts > 0xfffff || n_wires < 0) {
        cw_engine_close(e);
        return NULL;
    }
    wheel_open(&e->wheel);
    return e;
}

/* Behaviours free what they hold first, then the engine frees the rest; an engine opened by half is closed all
 * right. */
void cw_engine_close(cw_engine *e)
{
    for (int32_t i = 0; e->parts && i < e->n_parts; i++) {
        struct part *p = &e->parts[i];
        if (p->does->close && p->state)
            p->does->close(p->state);
        for (int32_t k = 0; p->ports && k < p->does->n_ports; k++)
            free(p->ports[k].lanes);
        free(p->ports);
        free(p->state);
    }
    free(e->parts);
    free(e->wires);
    wheel_close(&e->wheel);
    free(e);
}

/* The text of the last failure of a call, or of the part that failed in a run. */
const char *cw_engine_why(const cw_engine *e) { return e->why; }

/* One more part: version, number and range of parameters are checked here, so that behaviours need not. */
int32_t cw_engine_part(cw_engine *e, const void *table, const int64_t *parameters, int32_t n)
{
    const cw_behaviour *does = table;
    if (does->abi != CW_ABI)
        return snprintf(e->why, sizeof e->why, "behaviour header version %u, this kernel has %u: build it again",
                        does->abi, CW_ABI),
               -1;
    if (e->n_parts == e->room_parts || n != does->n_parameters)
        return snprintf(e->why, sizeof e->why, "%s takes %d parameters, got %d (part %d of %d)", does->name,
                        does->n_parameters, n, e->n_parts, e->room_parts),
               -1;
    for (int32_t i = 0; i < n; i++) {
        const cw_parameter *p = &does->parameters[i];
        if (parameters[i] < p->low || parameters[i] > p->high)
            return snprintf(e->why, sizeof e->why, "%s.%s = %lld is out of range: %lld to %lld %s", does->name, p->name,
                            (long long)parameters[i], (long long)p->low, (long long)p->high, p->unit),
                   -1;
    }
    struct part *p = &e->parts[e->n_parts];
    p->does = does;
    p->state = calloc(1, does->state_size ? does->state_size : 1);
    p->ports = calloc((size_t)does->n_ports + 1, sizeof *p->ports);
    e->n_parts++; /* from here on `close` cleans it */
    if (!p->state || !p->ports)
        return snprintf(e->why, sizeof e->why, "out of memory"), -1;
    return does->open(p->state, &e->host, e->n_parts - 1, parameters, e->why) ? -1 : e->n_parts - 1;
}

/* Is there such a port? Every call from outside names parts and ports by number. */
static int known(cw_engine *e, int32_t who, int32_t port)
{
    if (who >= 0 && who < e->n_parts && port >= 0 && port < e->parts[who].does->n_ports)
        return 1;
    snprintf(e->why, sizeof e->why, "there is no port %d at part %d", port, who);
    return 0;
}

/* Join two ports: the wire is the next lane of each. Lane arrays double when their size is a power of two. */
int32_t cw_engine_wire(cw_engine *e, int32_t from, int32_t from_port, int32_t to, int32_t to_port, int64_t latency)
{
    if (!known(e, from, from_port) || !known(e, to, to_port))
        return -1;
    if (latency <= 0 || from == to || e->n_wires == e->room_wires)
        return snprintf(e->why, sizeof e->why, "a wire joins two parts and has a latency above 0 (wire %d of %d)",
                        e->n_wires, e->room_wires),
               -1;
    e->wires[e->n_wires] = (struct wire){{from, to}, {from_port, to_port}, latency, {0, 0}};
    for (int side = 0; side < 2; side++) {
        struct port_state *p = &e->parts[side ? to : from].ports[side ? to_port : from_port];
        if ((p->n_lanes & (p->n_lanes - 1)) == 0) {
            int32_t *grown = realloc(p->lanes, sizeof(int32_t) * (size_t)(p->n_lanes ? 2 * p->n_lanes : 1));
            if (!grown)
                return snprintf(e->why, sizeof e->why, "out of memory"), -1;
            p->lanes = grown;
        }
        p->lanes[p->n_lanes++] = e->n_wires;
    }
    return e->n_wires++;
}

/* Limit a port, in ps per 1024 bytes, out and in; 0: no limit. */
int cw_engine_port_rate(cw_engine *e, int32_t who, int32_t port, int64_t out, int64_t in)
{
    if (!known(e, who, port))
        return -1;
    e->parts[who].ports[port].rate[0] = out;
    e->parts[who].ports[port].rate[1] = in;
    return 0;
}

/* Hand a table to a behaviour, which says itself what it takes. */
int cw_engine_attach(cw_engine *e, int32_t who, int32_t what, const int64_t *data, int64_t n)
{
    if (who < 0 || who >= e->n_parts || !e->parts[who].does->attach)
        return snprintf(e->why, sizeof e->why, "part %d takes no tables", who), -1;
    return e->parts[who].does->attach(e->parts[who].state, what, data, n, e->why);
}

/* ---- running */

/* One event after another. A part that fails ends the run after its event: later events could rest on what it did. */
int64_t cw_engine_run(cw_engine *e, int64_t until, int64_t max_events)
{
    int64_t n = 0;
    while (n < max_events && !e->failed) {
        int32_t i = wheel_next(&e->wheel);
        if (i == NONE || e->wheel.events[i].time > until)
            break;
        struct event now = wheel_take(&e->wheel, i);
        e->host.now = now.time;
        struct part *to = &e->parts[now.part];
        if (now.is_message)
            to->does->receive(to->state, &now.message);
        else
            to->does->timer(to->state, now.code, now.data);
        n++;
    }
    e->done += n;
    if (e->failed)
        return -1;
    if (n < max_events && e->host.now < until && until < INT64_MAX)
        e->host.now = until;
    return n;
}

/* Time of the event being run, or of the last one, ps. */
int64_t cw_engine_now(const cw_engine *e) { return e->host.now; }

/* Time of the next event; -1: none waits. */
int64_t cw_engine_next(const cw_engine *e)
{
    int32_t i = wheel_next(&e->wheel);
    return i == NONE ? -1 : e->wheel.events[i].time;
}

/* Events run so far. */
int64_t cw_engine_events(const cw_engine *e) { return e->done; }

/* A statistic by its number in the behaviour's table. */
int64_t cw_engine_statistic(const cw_engine *e, int32_t who, int32_t index)
{
    return e->parts[who].does->statistic(e->parts[who].state, index);
}

/* Bytes that a wire carried, with or against its direction. */
int64_t cw_engine_wire_bytes(const cw_engine *e, int32_t w, int32_t reverse) { return e->wires[w].bytes[reverse != 0]; }

/* A timer from outside: how kernels are launched. */
void cw_engine_start(cw_engine *e, int32_t who, int64_t delay, int32_t code, uint64_t data)
{
    schedule(&e->host, who, delay, 1, code, data);
}

/* A message as if the part had sent it. */
void cw_engine_send(cw_engine *e, int32_t who, int32_t port, int32_t lane, int64_t delay, const cw_message *message)
{
    send(&e->host, who, port, lane, delay, message);
}

/* Warm the parts: addresses are dealt to them in turn, as a launch deals blocks. The lowest bit of an address says
 * write. */
int cw_engine_touch(cw_engine *e, const int32_t *parts, int32_t n_parts, const uint64_t *addresses, int64_t n,
                    int32_t mask, int64_t *answered, int32_t levels)
{
    cw_message m = {0};
    m.wire = -1;
    int32_t turn_of = 0;
    for (int64_t i = 0; i < n; i++) {
        struct part *p = &e->parts[parts[turn_of]];
        if (++turn_of == n_parts)
            turn_of = 0;
        m.address = addresses[i] & ~1ull;
        m.mask = mask ? mask : 1 << (m.address >> 5 & 3);
        m.kind = addresses[i] & 1 ? CW_WRITE : CW_READ;
        int32_t level = p->does->touch(p->state, &m);
        if (level < levels)
            answered[level]++;
    }
    return e->failed ? -1 : 0;
}
