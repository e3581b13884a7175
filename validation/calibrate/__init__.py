"""Programs that set every fitted value from calibration rows alone."""
