"""The network, its weights on disk, and the hardware it runs on."""
