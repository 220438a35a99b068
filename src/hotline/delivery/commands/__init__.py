"""Commands about what is sent and by what: the outbox and the gateways."""

from hotline.delivery.commands import gateways, outbox

GROUPS = (outbox.commands, gateways.commands)
