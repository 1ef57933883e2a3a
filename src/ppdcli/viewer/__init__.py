"""Pages that show clouds and meshes in a browser: what is in them, without files or networks."""
