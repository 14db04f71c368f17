"""Tests of the meter: its C++ core alone, and its program against a real broker."""
