"""A Daraja (M-Pesa) that runs on your own machine: the documented wire, virtual subscribers and honest books."""

from .business import Business
from .simulator import Simulator

__all__ = ["Business", "Simulator"]
