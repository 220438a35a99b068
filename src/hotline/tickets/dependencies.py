"""FastAPI dependencies of the routes about tickets."""

from hotline.organisation.dependencies import RequestContext
from hotline.tickets.context import Services

TicketContext = RequestContext[Services]
