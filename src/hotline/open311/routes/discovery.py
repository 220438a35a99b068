"""The service discovery document: /discovery."""

from hotline.open311 import store as open311_store
from hotline.open311.model import format_whole_second
from hotline.open311.routes.request import Open311Request
from hotline.open311.schemas import Open311Discovery, Open311Endpoint
from hotline.open311.serializer import ObjectDocument


async def discovery(request: Open311Request, base: str) -> ObjectDocument:
    """`base`: the path under which Open311 is served."""
    changeset = format_whole_second(await open311_store.load_directory_changed_at(request.services.db))
    home = request.directory.home
    contact = request.settings.contact or (f"{home.name} ({home.name_en})" if home else "hotline")
    endpoint = Open311Endpoint(
        specification="http://wiki.open311.org/GeoReport_v2",
        url=f"{request.services.public_url.rstrip('/')}{base}/",
        changeset=changeset,
        type="production",
        formats=("text/xml", "application/json"),
    )
    return ObjectDocument(
        "discovery",
        Open311Discovery(
            changeset=changeset,
            contact=contact,
            key_service=f"{contact}. Addresses keep the Chinese order, from large to small.",
            endpoints=(endpoint,),
        ),
    )
