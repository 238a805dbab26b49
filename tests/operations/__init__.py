"""The program as processes under load: stopping, cutting, faults, overload, and what stays afterwards."""
