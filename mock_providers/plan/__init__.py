"""The plan of a reply, as a frozen value, and the parts that it is made of."""

from .parts import Answer, Block, Choice, Ending, Finish, Heartbeat, KeepAlive, Malformation, Piece, Quirk
from .plan import Plan, refusal

__all__ = [
    "Answer",
    "Block",
    "Choice",
    "Ending",
    "Finish",
    "Heartbeat",
    "KeepAlive",
    "Malformation",
    "Piece",
    "Plan",
    "Quirk",
    "refusal",
]
