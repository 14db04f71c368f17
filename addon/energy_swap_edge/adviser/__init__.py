"""Advice: hold, sell or buy; expected prices; what is wrong with the panels; how to save. Pure functions."""
