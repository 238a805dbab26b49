"""What every store of turns must keep."""
