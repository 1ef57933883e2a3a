"""The families of scenes, and what stands in them."""
