"""Films: depth of one frame after another that does not flicker, read and written as a stream."""
