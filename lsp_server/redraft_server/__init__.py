"""The command line, the language server, and the files and documents behind both. Never imports torch."""

__version__ = "0.1.0"
