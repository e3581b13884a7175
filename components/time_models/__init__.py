"""How long software and engines take for one call: formulas on a described node, found by kind; no parts of a
topology."""
