"""The study: functional high-risk multiple myeloma on second-line therapy."""
