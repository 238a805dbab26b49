"""The chat domain: conversations, turns, prompts, and the ports through which it reaches the world."""
