"""Text that is not Python as it stands but is recognised as a whole: pasted from elsewhere, or of another Python.

No network is asked: what the text itself says is enough, and Python's compiler has the last word.
"""
