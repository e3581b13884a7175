"""What a reference row means: units, devices, chips, software stacks."""
