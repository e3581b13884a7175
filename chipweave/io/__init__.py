"""Files and the terminal: atomic writes, shipped files, progress."""
