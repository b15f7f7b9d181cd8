"""Cox models with a shared frailty of groups."""

from timetoevent.frailty.shared import fit_frailty_cox

__all__ = ["fit_frailty_cox"]
