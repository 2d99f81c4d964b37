"""The database after a test that committed: emptied by deleting the rows that are there.

Django truncates every table and makes content types and permissions anew, which takes longer
than most of these tests. The append-only triggers are for the product, not for the broom.
"""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from portal.agreements.services import policies_publish

# Made when the database is, and the same for every test.
STAYS = frozenset({ContentType._meta.db_table, Permission._meta.db_table})


def empty() -> None:
    """Delete every row that a test left, and publish again the policies, as every deployment does."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_question())
        names = [connection.ops.quote_name(table) for (table,) in cursor.fetchall()]
        deletions = ";".join(f"DELETE FROM {name}" for name in names)
        cursor.execute(f"SET LOCAL session_replication_role = replica;{deletions}")
    policies_publish()


def _question() -> str:
    """One statement that names the tables which hold anything."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    asked = (f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables if table not in STAYS)
    return " UNION ALL ".join(asked)
