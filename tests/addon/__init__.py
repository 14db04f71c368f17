"""Tests of the household edge against a real broker and a small hub that obeys the contract."""
