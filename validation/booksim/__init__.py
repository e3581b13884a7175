"""BookSim's configurations, traffic and sources, for its suite."""
