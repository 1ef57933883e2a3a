"""Places furnished with real models: ray casting, light, cameras and their pictures."""
