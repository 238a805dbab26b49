"""The rules of the house, and proof that each of them bites."""
