"""Where the time of a run went: its critical path, what bounds it, what changed between two runs, and runs repeated.

recorded.py   follows each layer-step's last transfer back to its issue while the run goes on
ideal.py      the same run with one class of resources infinitely fast
folder.py     a run of a folder of `--out` again, from its manifest
explain.py    `chipweave why`;  compared.py  `chipweave diff`;  again.py  `chipweave rerun`
"""
