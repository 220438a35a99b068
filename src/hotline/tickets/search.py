"""Reads what somebody looks for: a ticket's number, a phone number, words."""

from hotline.text.numbering import parse_number
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.context import Services
from hotline.tickets.store.lists import TicketSearch


def ticket_search(services: Services, text: str) -> TicketSearch:
    """The text with the ticket's number and the phone number that it is, where it can be read as one."""
    read = parse_phone(text, services.region, services.area_code)
    return TicketSearch(text, parse_number(text), read.phone if read.caller else None)
