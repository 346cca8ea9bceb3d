"""The model in a process of its own: what it is asked, the process, and who is asked first."""
