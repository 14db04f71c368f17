"""Readings: verified, kept with their evidence, or quarantined with the reason; never silently dropped."""

from .intake import IntakeResult, accept_frames, claim_meter, frames, latest, latest_of

__all__ = ["IntakeResult", "accept_frames", "claim_meter", "frames", "latest", "latest_of"]
