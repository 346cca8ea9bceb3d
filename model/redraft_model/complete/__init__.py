"""What belongs at the cursor: texts for a hole, and which of them is meant."""
