"""Trocar: image-guided biopsy, from referral to result. Research software, not for clinical use."""

__version__ = "0.1.0"

RESEARCH_NOTICE = "Research software, not for clinical use"
