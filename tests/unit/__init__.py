"""Tests of the domain alone."""
