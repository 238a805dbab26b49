"""Traces for OpenTelemetry: spans of requests, turns' statements and model calls; not imported where off."""
