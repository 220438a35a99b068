"""Every table: the metadata once each package has declared its own."""

from hotline.database import tables as database_tables
from hotline.database.metadata import metadata
from hotline.delivery import tables as delivery_tables
from hotline.inbound import tables as inbound_tables
from hotline.incidents import tables as incident_tables
from hotline.learning import tables as learning_tables
from hotline.oidc import tables as oidc_tables
from hotline.organisation import tables as organisation_tables
from hotline.public import tables as public_tables
from hotline.reporting import tables as reporting_tables
from hotline.scanning import tables as scanning_tables
from hotline.security_log import tables as security_tables
from hotline.sms import tables as sms_tables
from hotline.telephony import tables as telephony_tables
from hotline.tickets import tables as ticket_tables
from hotline.views import tables as view_tables
from hotline.web import tables as web_tables
from hotline.webhooks import tables as webhook_tables

__all__ = ["TABLE_MODULES", "metadata"]

TABLE_MODULES = (
    database_tables,
    delivery_tables,
    inbound_tables,
    incident_tables,
    learning_tables,
    oidc_tables,
    organisation_tables,
    public_tables,
    reporting_tables,
    scanning_tables,
    security_tables,
    sms_tables,
    telephony_tables,
    ticket_tables,
    view_tables,
    web_tables,
    webhook_tables,
)
