"""A judge that answers as Honeycomb does (PROTOCOLS 2), and says exactly what it stored.

In a test: ``with Judge() as judge: ... judge.wait_for(lambda j: j.count("traces") == 5)``.
By hand: ``python -m judge --port 8443 --write-ca ca.pem``.
"""

from judge import faults
from judge.events import Event, events_of
from judge.items import Item, items_of
from judge.received import Received
from judge.server import Judge

__all__ = ["Event", "Item", "Judge", "Received", "events_of", "faults", "items_of"]
