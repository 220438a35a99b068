"""What a route about tickets is given."""

from hotline.organisation.dependencies import RequestContext
from hotline.tickets.context import Services

TicketContext = RequestContext[Services]
