"""Text as tokens: the tokenizer, labels that edit, canvases, windows, blocks. No torch."""
