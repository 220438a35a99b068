"""Tokens of duty calendars, as replies show them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from hotline.organisation.service.duty_feeds import Feed, MadeFeed
from hotline.replies import reply_type
from hotline.web.field_types import Line, Strict


class FeedIn(Strict):
    name: Line = Field(description="Whose calendar program it is for")
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"name": "值班室电脑"}]}}


@reply_type()
class FeedOut:
    """A token of a department's duty calendar, without the token itself."""

    id: str
    name: str
    created_at: Annotated[datetime | None, Field(description="null: the shared one, as it was from the beginning")]
    created_by: Annotated[str | None, Field(description="The id of who made it")]
    last_used_at: Annotated[datetime | None, Field(description="To the minute")]


@reply_type()
class FeedMade:
    """The same with the token, which is shown this once."""

    id: str
    name: str
    created_at: datetime | None
    created_by: str | None
    last_used_at: datetime | None
    token: str
    feed: Annotated[str, Field(description="The path to subscribe to")]


@reply_type()
class FeedList:
    items: tuple[FeedOut, ...]


def feed_reply(feed: Feed) -> FeedOut:
    return FeedOut(feed.id, feed.name, feed.made_at, feed.made_by, feed.last_used_at)


def made_reply(made: MadeFeed, address: str) -> FeedMade:
    feed = made.feed
    return FeedMade(feed.id, feed.name, feed.made_at, feed.made_by, feed.last_used_at, made.token, address)
