"""The families of scenes, and the things in them."""
