"""The worker's job for incidents."""

from collections.abc import Sequence

from hotline.incidents.watch import IncidentWatch
from hotline.jobs import MEDIUM_PAUSE, Job
from hotline.tickets.context import Services


def incident_jobs(services: Services) -> Sequence[Job]:
    return (Job("incidents", IncidentWatch(services).step, MEDIUM_PAUSE),)
