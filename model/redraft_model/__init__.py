"""The diffusion language model of code: tokens, noise, training, sampling, and the text-in text-out engine.

Importing this package loads no torch; `redraft_model.engine` does.
"""
