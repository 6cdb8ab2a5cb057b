"""Every system the paper names, and the simple ones it should be compared with, in one table.

`registry.py` names the rows, `run.py` fits and scores them (a finished row is not run again).
"""
