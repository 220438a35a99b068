"""The list of the product's capabilities: a new one is one line here. Importing this module imports none of their code
but these objects."""

from hotline.alerts.capability import ALERTS
from hotline.audit.capability import AUDIT
from hotline.core import CORE
from hotline.importing.capability import IMPORTING
from hotline.incidents.capability import INCIDENTS
from hotline.learning.capability import LEARNING
from hotline.oidc.capability import OIDC
from hotline.open311.capability import OPEN311
from hotline.operations.capability import OPERATIONS
from hotline.partners.capability import PARTNERS
from hotline.privacy.capability import PRIVACY
from hotline.public.capability import PUBLIC
from hotline.reporting.capability import REPORTING
from hotline.review.capability import REVIEW
from hotline.runtime.capability import Capability
from hotline.scanning.capability import SCANNING
from hotline.sms.capability import SMS
from hotline.streaming.capability import STREAMING
from hotline.telephony.capability import TELEPHONY
from hotline.views.capability import VIEWS
from hotline.webhooks.capability import WEBHOOKS

CAPABILITIES: tuple[Capability, ...] = (
    *CORE,
    OIDC,
    REVIEW,
    SMS,
    TELEPHONY,
    OPEN311,
    PARTNERS,
    WEBHOOKS,
    STREAMING,
    ALERTS,
    VIEWS,
    REPORTING,
    IMPORTING,
    INCIDENTS,
    LEARNING,
    SCANNING,
    OPERATIONS,
    AUDIT,
    PRIVACY,
    PUBLIC,
)
