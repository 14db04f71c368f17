"""What households complain about, with a picture as evidence, and who is not to be named on the community page."""

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from energy_swap_hub.storage import Id, UtcTime, metadata

complaint = Table(
    "complaint",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("photo", LargeBinary),
    Column("photo_type", Text),
    Column("at", UtcTime, nullable=False),
    Index("complaint_household", "community_id", "household_id", "id"),
)

unnamed_household = Table(  # it left the list of those who share most
    "unnamed_household",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("since", UtcTime, nullable=False),
)
