"""What every store of conversations must keep."""
