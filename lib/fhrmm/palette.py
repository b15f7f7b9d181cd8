"""The colors of every drawing, figures and cover alike; imports nothing, so that the runner starts at once."""

INK, MUTED, FAINT = "#1a1a1a", "#595959", "#d9d9d9"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
