"""What the network says of a canvas, and which of it is written: sampler, selection, beam."""
