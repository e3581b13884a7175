"""Makes a die's table of residuals from the die at line rate."""
