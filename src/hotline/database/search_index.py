"""Writes entries of a full-text index outside the journal, for a maintenance job."""

from collections.abc import Sequence

import orjson
import sqlalchemy as sa

from hotline.database.columns import sealing_of
from hotline.database.search_terms import entry_terms
from hotline.database.write_plan import SearchEntry


def replace_entries(c: sa.Connection, entries: Sequence[SearchEntry]) -> None:
    """Make the rows of these entries, all of one index, findable by their texts as they fold now."""
    if not entries:
        return
    index, sealing = entries[0].index, sealing_of(c.dialect)
    if c.dialect.name == "postgresql":
        rows = [{"key": entry.key, "words": entry_terms(entry, sealing)} for entry in entries]
        c.execute(
            sa.text(
                f'INSERT INTO "{index.table}" ("{index.key}", words) SELECT r.key,'
                " array_to_tsvector(ARRAY(SELECT json_array_elements_text(r.words)))"
                " FROM json_to_recordset(CAST(:rows AS json)) AS r(key text, words json)"
                f' ON CONFLICT ("{index.key}") DO UPDATE SET words = excluded.words'
            ),
            {"rows": orjson.dumps(rows).decode()},
        )
        return
    for entry in entries:
        c.execute(sa.text(f'DELETE FROM "{index.table}" WHERE rowid = :rowid'), {"rowid": entry.rowid})
        c.execute(
            sa.text(f'INSERT INTO "{index.table}" (rowid, "{index.key}", words) VALUES (:rowid, :key, :words)'),
            {"rowid": entry.rowid, "key": entry.key, "words": " ".join(entry_terms(entry, sealing))},
        )
