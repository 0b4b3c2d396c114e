"""Learn customer relationship management by computing it."""
