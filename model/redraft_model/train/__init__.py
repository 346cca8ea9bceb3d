"""Training: stages, optimisers, the loop, and the curves it leaves behind."""
