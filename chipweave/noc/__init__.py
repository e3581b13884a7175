"""Networks of virtual-channel routers: shapes, routes, deadlock freedom, traffic and packet lists."""
