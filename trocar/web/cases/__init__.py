"""One record per biopsy: the patient, the case and its referral, and the one way to change them."""
