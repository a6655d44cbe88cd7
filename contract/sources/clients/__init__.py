"""What clients in this process ask, taken at one seam each while somebody's tests run. One file per client.

Each file says which module has the seam (`NAMES`), and puts a wrapper there (`patch`), which gives back what undoes it.
A module is patched when it is there: those that nobody imports are not imported for it.
"""
