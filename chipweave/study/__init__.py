"""Many runs as one piece of work: sweeps, the study of arXiv 2510.05497, tables and pictures of what they say."""
