"""Traces for OpenTelemetry: spans of requests, of statements and of model calls. Not imported where they are off."""
