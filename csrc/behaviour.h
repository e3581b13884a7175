/* behaviour.h: the public header of line-rate endpoints.
 *
 *        part                         engine                        part
 *   +-----------+  send(port, lane)  +--------+   receive(port)  +-----------+
 *   |  state    | -----------------> | wires  | ---------------> |  state    |
 *   |           | <----------------- | events | <--------------- |           |
 *   +-----------+     timer(code)    +--------+      reply(wire) +-----------+
 *
 * A behaviour is a table of functions (`cw_behaviour`) compiled as an extension module of its own. The engine
 * (csrc/endpoints/endpoints.c) owns time, wires and memory of the state; a behaviour never calls another one. It is
 * entered by `receive` (a message arrived), `timer` (a time it requested has come) and `touch` (the same message,
 * outside
 * time: state is warmed as if it had been served long ago, which is how caches are filled before a measurement).
 *
 * Time is integer picoseconds. Events of one instant: by priority (messages 0, timers as given), then by the
 * part that sent them, then in the order of sending. Parameters are int64: a behaviour names them, with unit, in its
 * table. A behaviour built for another `CW_ABI` is refused when it is loaded. */
#ifndef CHIPWEAVE_BEHAVIOUR_H
#define CHIPWEAVE_BEHAVIOUR_H

#include <stddef.h>
#include <stdint.h>

/* cdef: begin */
#define CW_ABI   2
#define CW_READ  1 /* asks for the sectors in `mask` of the line at `address`; answered by CW_DATA */
#define CW_WRITE 2 /* brings the sectors in `mask`; answered by CW_DONE when the receiver has room for more */
#define CW_DATA  3
#define CW_DONE  4
#define CW_DROP  5 /* the sender's copy of the line is the only right one: forget yours; no answer */

typedef struct cw_message {
    uint64_t address; /* bytes */
    uint64_t tag;     /* the asker's own; an answer brings it back unchanged */
    int32_t bytes;    /* what the wire carries: its serialisation time follows from it */
    int32_t kind;     /* CW_READ ... */
    int32_t mask;     /* one bit a sector */
    int32_t from;     /* part that sent it, set by the engine */
    int32_t wire;     /* wire it came over, set by the engine: what `reply` wants */
    int32_t port;     /* port it arrived at, set by the engine */
} cw_message;

typedef struct cw_host cw_host;
struct cw_host {
    int64_t now; /* ps */
    void (*schedule)(cw_host *host, int32_t part, int64_t delay_ps, int32_t priority, int32_t code, uint64_t data);
    /* Over lane `lane` of `port`, leaving in `delay_ps`; returns the delay until it arrives, queues at both ports
     * included. */
    int64_t (*send)(cw_host *host, int32_t part, int32_t port, int32_t lane, int64_t delay_ps,
                    const cw_message *message);
    int64_t (*reply)(cw_host *host, int32_t part, int64_t delay_ps, const cw_message *to, const cw_message *message);
    int32_t (*touch)(cw_host *host, int32_t part, int32_t port, int32_t lane, const cw_message *message);
    uint64_t (*random)(cw_host *host, int32_t part); /* from the engine's seed and the part's own count of calls */
    /* A fault of what the part was given, such as a program: the run stops after this event and reports the text. */
    void (*fail)(cw_host *host, int32_t part, const char *text);
};

/* `standard` is the value of a parameter that is not given; CW_REQUIRED: there is none. A device's own number is always
 * required: it comes from a topology, which says where it has it from. */
typedef struct cw_parameter {
    const char *name, *unit, *words;
    int64_t standard, low, high;
} cw_parameter;

typedef struct cw_statistic {
    const char *name, *unit, *words;
} cw_statistic;

typedef struct cw_behaviour {
    uint32_t abi;
    const char *name;
    const cw_parameter *parameters;
    int32_t n_parameters;
    const char *const *ports;
    int32_t n_ports;
    const cw_statistic *statistics;
    int32_t n_statistics;
    size_t state_size;
    /* All return 0, or -1 with words in `why` (256 bytes). `open` finds its state zeroed. */
    int (*open)(void *state, cw_host *host, int32_t part, const int64_t *parameters, char *why);
    int (*attach)(void *state, int32_t what, const int64_t *data, int64_t n, char *why); /* tables, before the run */
    void (*receive)(void *state, const cw_message *message);
    void (*timer)(void *state, int32_t code, uint64_t data);
    int32_t (*touch)(void *state, const cw_message *message); /* may be NULL; returns how far it went: 0 hit here */
    int64_t (*statistic)(const void *state, int32_t index);
    void (*close)(void *state);
} cw_behaviour;
/* cdef: end */

#define CW_REQUIRED INT64_MIN

/* Parameters and statistics are written once, as a list of X(...): its numbers and its table are made from it.
 *
 *     #define LAB_STATISTICS(X) X(HITS, "hits", "lines", "found here") X(MISSES, "misses", "lines", "not found")
 *     enum { LAB_STATISTICS(CW_STATISTIC_NUMBER) N_STATISTICS };   STAT_HITS, STAT_MISSES
 *     static const cw_statistic STATISTICS[] = {LAB_STATISTICS(CW_STATISTIC_ROW)}; */
#define CW_PARAMETER_NUMBER(number, name, unit, words, standard, low, high) number,
#define CW_PARAMETER_ROW(number, name, unit, words, standard, low, high)    {name, unit, words, standard, low, high},
#define CW_STATISTIC_NUMBER(number, name, unit, words)                      STAT_##number,
#define CW_STATISTIC_ROW(number, name, unit, words)                         {name, unit, words},

/* The function of a behaviour whose state has its statistics in `stats`, by their numbers. */
#define CW_STATISTIC(state_type)                                                                                       \
    static int64_t statistic(const void *state, int32_t index) { return ((const state_type *)state)->stats[index]; }

/* What every table says of a file that has PARAMETERS, PORTS and STATISTICS with their numbers, and functions named as
 * the members; attach, touch and close follow where it has them. */
#define CW_BEHAVIOUR(called, state)                                                                                    \
    .abi = CW_ABI, .name = called, .parameters = PARAMETERS, .n_parameters = N_PARAMETERS, .ports = PORTS,             \
    .n_ports = sizeof PORTS / sizeof *PORTS, .statistics = STATISTICS, .n_statistics = N_STATISTICS,                   \
    .state_size = sizeof(state), .open = open, .receive = receive, .timer = timer, .statistic = statistic

#endif
