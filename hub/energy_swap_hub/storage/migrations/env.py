"""What Alembic runs: the migrations, on the connection it is given, inside that connection's transaction."""

from typing import Any, Literal

from alembic import context

from energy_swap_hub.storage.columns import UtcTime, metadata


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    # A migration must mean the same for ever, so it names no type of ours.
    return "sa.BigInteger()" if kind == "type" and isinstance(item, UtcTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,  # SQLite changes a column only by rebuilding its table
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
