"""Papers: the complete record of a case, the reply to its referrer, and the pack for a day without computers."""
