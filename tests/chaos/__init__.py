"""Kills servers and databases at random under load, then compares what was acknowledged with what is stored."""
