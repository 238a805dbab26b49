"""The HTTP door, in pieces and over a real connection."""
