"""Time-to-event and small-sample statistics on arrays and frames, held equal to R."""
