"""`chipweave report`: one page that shows the runs of a folder, works offline, and says how each figure came about.

facts.py      what the page shows, gathered from the folder: plain values, exact
picture.py    the networks of the system as SVG, and where their links and dies are in it
tables.py     the tables, as HTML; every text from files is escaped
page.py       all of it in one file, with the plotting library inside
"""
