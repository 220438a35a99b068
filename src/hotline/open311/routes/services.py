"""What can be reported: /services and /services/{code}."""

from hotline.open311.routes.request import Open311Request
from hotline.open311.schemas import (
    Open311Attribute,
    Open311AutomatedAttribute,
    Open311ChoiceAttribute,
    Open311ServiceDefinition,
    Open311ServiceOut,
    Open311Value,
)
from hotline.open311.serializer import ListDocument, ObjectDocument
from hotline.open311.service import FMS, find_service, offered_categories
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Attribute, Category
from hotline.organisation.model.vocabulary import AttributeType
from hotline.organisation.store import directory as organisation_directory


async def services(request: Open311Request) -> ListDocument:
    """All of them or an error: a client drops what is missing, so the directory's version is asked for anew."""
    await organisation_directory.load_version(request.services.db)
    return ListDocument(
        "services", "service", [_service(request.directory, c) for c in offered_categories(request.directory)]
    )


def _service(directory: Directory, category: Category) -> Open311ServiceOut:
    above = directory.categories.get(category.parent or "")
    return Open311ServiceOut(
        service_code=category.code,
        service_name=category.name,
        description=category.name_en,
        metadata=True,  # every definition holds fixmystreet_id
        type=category.intake,
        keywords=",".join(category.words[:10]),
        group=above.name if above else None,
    )


async def definition(request: Open311Request, code: str) -> ObjectDocument:
    await organisation_directory.load_version(request.services.db)
    category = find_service(request.directory, code)
    questions = [_attribute(a, order) for order, a in enumerate(category.attributes, start=1)]
    number = Open311AutomatedAttribute(
        variable=True,
        code=FMS,
        datatype=AttributeType.STRING,
        required=False,
        datatype_description=None,
        order=len(questions) + 1,
        description="The reporter's own number",
        automated="server_set",
    )
    return ObjectDocument("service_definition", Open311ServiceDefinition(code, (*questions, number)))


def _attribute(attribute: Attribute, order: int) -> Open311Attribute:
    plain = Open311Attribute(
        variable=attribute.variable,
        code=attribute.code,
        datatype=attribute.datatype,
        required=attribute.required,
        datatype_description=attribute.datatype_description or None,
        order=order,
        description=attribute.description,
    )
    if not attribute.values:
        return plain
    values = tuple(Open311Value(v.key, v.name) for v in attribute.values)
    return Open311ChoiceAttribute(**vars(plain), values=values)
