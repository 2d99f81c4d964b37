"""The cache table with one statement a write, where Django's own takes five.

Rate limits write nine marks at each sign-in. Django counts the whole table before every one of
them, and looks before it writes, so that two requests could both believe they were first.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router
from django.utils import timezone

WRITES_BETWEEN_CULLS = 500  # of one process

_SET = """
INSERT INTO {table} AS held (cache_key, value, expires) VALUES (%(key)s, %(value)s, %(expires)s)
ON CONFLICT (cache_key) DO UPDATE SET value = EXCLUDED.value, expires = EXCLUDED.expires
"""
_COUNT = "SELECT count(*) FROM {table}"
_STATEMENTS = {
    "set": _SET,
    "add": f"{_SET} WHERE held.expires < %(now)s",
    "touch": "UPDATE {table} SET expires = %(expires)s WHERE cache_key = %(key)s",
}
_writes = count(1)


class PostgresCache(DatabaseCache):
    """``add`` is first come, first served: of two at once exactly one is told True.

    Raises ``DatabaseError`` when the database is away, so that no limit is silently off.
    """

    # Django's own, which its types leave out.
    _table: str
    _cull: Callable[[str, Any, datetime, int], None]

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        db = router.db_for_write(self.cache_model_class)
        connection = connections[db]
        ends = self.get_backend_timeout(timeout)  # seconds since 1970; None is for ever
        expires = datetime.max.replace(tzinfo=UTC) if ends is None else datetime.fromtimestamp(ends, tz=UTC)
        now = timezone.now().replace(microsecond=0)
        table = connection.ops.quote_name(self._table)
        values: dict[str, Any] = {
            "key": key, "value": base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii"),
            "expires": expires.replace(microsecond=0), "now": now,
        }
        with connection.cursor() as cursor:
            if next(_writes) % WRITES_BETWEEN_CULLS == 0:
                cursor.execute(_COUNT.format(table=table))
                held = cursor.fetchone()[0]
                if held > self._max_entries:
                    self._cull(db, cursor, now, held)
            cursor.execute(_STATEMENTS[mode].format(table=table), values)
            return bool(cursor.rowcount)
