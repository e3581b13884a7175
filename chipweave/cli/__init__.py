"""The commands, one file each; chipweave.__main__ finds them here."""
