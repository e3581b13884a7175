/* endpoints/endpoints.h: the event engine of line-rate endpoints. See behaviour.h for what a part is.
 *
 *   port out --+                                    +-- port in
 *     queue    |---- wire: latency -----------------|    queue
 *   lane 0..n -+                                    +-- wires of many senders
 *
 * A message leaves when its port has sent what it sent before (bytes x ps a KiB), travels the wire's latency and
 * is handed over when the receiving port has taken in what came before. Both are granted in order of sending. A
 * wire goes both ways: `reply` uses the same two ports in the other direction. Rates are ps per 1024 bytes, 0: no
 * limit; serialisation time is rounded up to whole ps. */
#ifndef CHIPWEAVE_ENDPOINTS_H
#define CHIPWEAVE_ENDPOINTS_H

#include "behaviour.h"

/* cdef: begin */
typedef struct cw_engine cw_engine;

cw_engine *cw_engine_open(int32_t n_parts, int32_t n_wires, uint64_t seed);
void cw_engine_close(cw_engine *engine);
const char *cw_engine_why(const cw_engine *engine);

/* Each returns an index, or -1 and `cw_engine_why`. The table is a `const cw_behaviour *`. */
int32_t cw_engine_part(cw_engine *engine, const void *behaviour, const int64_t *parameters, int32_t n);
int32_t cw_engine_wire(cw_engine *engine, int32_t from, int32_t from_port, int32_t to, int32_t to_port,
                       int64_t latency_ps);
int cw_engine_port_rate(cw_engine *engine, int32_t part, int32_t port, int64_t out_ps_per_kib, int64_t in_ps_per_kib);
int cw_engine_attach(cw_engine *engine, int32_t part, int32_t what, const int64_t *data, int64_t n);

/* Runs until time `until_ps` (events of that instant included), `max_events`, or until nothing is left. Returns the
 * events done, or -1 where a part failed: then `cw_engine_why`, and nothing runs any more. */
int64_t cw_engine_run(cw_engine *engine, int64_t until_ps, int64_t max_events);
int64_t cw_engine_now(const cw_engine *engine);
int64_t cw_engine_next(const cw_engine *engine); /* time of the next event, -1: none */
int64_t cw_engine_events(const cw_engine *engine);
int64_t cw_engine_statistic(const cw_engine *engine, int32_t part, int32_t index);
int64_t cw_engine_wire_bytes(const cw_engine *engine, int32_t wire, int32_t reverse);
void cw_engine_start(cw_engine *engine, int32_t part, int64_t delay_ps, int32_t code, uint64_t data);
void cw_engine_send(cw_engine *engine, int32_t part, int32_t port, int32_t lane, int64_t delay_ps,
                    const cw_message *message);

/* Touches `n` addresses at part parts[i % n_parts]: reads of the sectors `mask` (0: the one at the address), writes
 * where the address is odd; counts what each level answered. */
int cw_engine_touch(cw_engine *engine, const int32_t *parts, int32_t n_parts, const uint64_t *addresses, int64_t n,
                    int32_t mask, int64_t *answered, int32_t levels);
/* cdef: end */

#endif
