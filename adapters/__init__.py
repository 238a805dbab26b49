"""The adapters: each implements ports with one technology and knows no other adapter."""
