"""The tables of nightly exports as Athena needs them declared."""

from chalicelib.domain.figures.exports.tables import TABLES

TYPES = {
    "text": "string",
    "number": "bigint",
    "flag": "boolean",
    "day": "date",
    "moment": "timestamp",
}
"""Kind of a column → its type in Athena (docs.aws.amazon.com/athena/latest/ug/data-types.html)."""


def create_table(table: str, bucket: str = "BUCKET") -> str:
    """The statement that makes a table of the files, its days projected, so that a new night needs
    no statement (docs.aws.amazon.com/athena/latest/ug/partition-projection.html).
    """
    columns = ",\n".join(f"  `{one.name}` {TYPES[one.kind]}" for one in TABLES[table])
    place = f"s3://{bucket}/{table}/"
    return f"""CREATE EXTERNAL TABLE {table} (
{columns}
)
PARTITIONED BY (dt string)
STORED AS PARQUET
LOCATION '{place}'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = 'NOW-31DAYS,NOW',
  'storage.location.template' = '{place}dt=${{dt}}/'
);"""
