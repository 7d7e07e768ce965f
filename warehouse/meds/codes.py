"""metadata/codes.parquet: every code of the timelines, with its description and its parents in public vocabularies.

In: timelines.timeline_events; the dictionaries of MIMIC-IV in the scratch database and tokens.drug_mapping, as far as they are
there. Out: an Arrow table in order of code. A code that no dictionary knows has NULLs.
Parents are named as MIMIC_IV_MEDS names them: ICD10CM/I50.0, ICD9Proc/36.15, ICD10PCS/009600Z; beside them HCPCS/99291 and
ATC/C03CA01. Laboratory items have none: MIMIC-IV has not told their LOINC codes since version 2.0.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.meds.layout import CODES_SCHEMA
from warehouse.paths import EVENT_KINDS
from warehouse.raw import quote_literal

# Dictionary: what stands for it where the scratch database is gone or was built from a MEDS dataset.
DICTIONARIES = {
    "stg_hosp__d_labitems": "null::integer as itemid, null::text as label, null::text as fluid",
    "stg_icu__d_items": "null::integer as itemid, null::text as label",
    "stg_hosp__d_icd_diagnoses": "null::text as icd_code, null::smallint as icd_version, null::text as long_title",
    "stg_hosp__d_icd_procedures": "null::text as icd_code, null::smallint as icd_version, null::text as long_title",
    "stg_hosp__d_hcpcs": "null::text as code, null::text as short_description, null::text as long_description",
}

_CODES = """
with used as (
    select code, min(event_kind) as event_kind, min(source_table) as source_table
    from timelines.timeline_events
    group by code
),

families as (
    select event_kind, family
    from read_csv({event_kinds}, header = true, all_varchar = true)
),

parts as (
    select used.code, used.source_table, families.family, unnest(string_split(used.code, '//')) as part
    from used
    left join families on used.event_kind = families.event_kind
),

-- The numbers of laboratory and of charted items are apart, and a part of a code is looked up in the one of its table alone.
items as (
    select 'hosp' as module, itemid::text as itemid, concat_ws(', ', label, fluid) as label from {stg_hosp__d_labitems}
    union all
    select 'icu', itemid::text, label from {stg_icu__d_items}
),

item_names as (
    select parts.code, min(items.label) as label
    from parts
    inner join items on split_part(parts.source_table, '.', 1) = items.module and parts.part = items.itemid
    where parts.source_table in ('hosp.labevents', 'hosp.microbiologyevents') or parts.source_table like 'icu.%'
    group by parts.code
),

icd as (
    select 'DIAGNOSIS' as prefix, icd_code, icd_version, long_title from {stg_hosp__d_icd_diagnoses}
    union all
    select 'PROCEDURE', icd_code, icd_version, long_title from {stg_hosp__d_icd_procedures}
),

icd_names as (
    select prefix, icd_version::text as icd_version, icd_code, min(long_title) as long_title
    from icd
    group by prefix, icd_version, icd_code
),

hcpcs_names as (
    select
        'HCPCS//' || short_description as code,
        min(coalesce(long_description, short_description)) as description,
        -- Several codes may share a short description: then none of them is known to be the parent.
        case when count(*) = 1 then min(code) end as hcpcs_code
    from {stg_hosp__d_hcpcs}
    where short_description is not null
    group by 1
),

drugs as (
    select parts.code, min(mapping.atc_code) as atc_code
    from parts
    inner join {drug_mapping} as mapping on lower(trim(parts.part)) = mapping.drug
    where parts.family = 'drug' and mapping.atc_code is not null
    group by parts.code
),

icd_parts as (
    select
        code,
        -- Diagnoses of the emergency department are of the same vocabulary.
        replace(split_part(code, '//', 1), 'ED_', '') as prefix,
        split_part(code, '//', 3) as icd_version,
        split_part(code, '//', 4) as icd_code
    from used
    where regexp_matches(code, '^(DIAGNOSIS|ED_DIAGNOSIS|PROCEDURE)//ICD//(9|10)//[0-9A-Z]+$')
),

-- Codes are stored without the dot that the vocabularies write.
icd_parents as (
    select
        icd_parts.code,
        icd_names.long_title,
        case
            when prefix = 'PROCEDURE' and icd_version = '10' then 'ICD10PCS/' || icd_code
            when prefix = 'PROCEDURE' then 'ICD9Proc/' || substr(icd_code, 1, 2) || coalesce('.' || nullif(substr(icd_code, 3), ''), '')
            when icd_version = '9' and icd_code like 'E%'
                then 'ICD9CM/' || substr(icd_code, 1, 4) || coalesce('.' || nullif(substr(icd_code, 5), ''), '')
            else 'ICD' || icd_version || 'CM/' || substr(icd_code, 1, 3) || coalesce('.' || nullif(substr(icd_code, 4), ''), '')
        end as parent
    from icd_parts
    left join icd_names using (prefix, icd_version, icd_code)
)

select
    used.code,
    coalesce(
        item_names.label,
        icd_parents.long_title,
        hcpcs_names.description,
        case when used.event_kind = 'drg' then nullif(split_part(used.code, '//', 4), 'UNK') end
    ) as description,
    nullif(
        list_filter(
            [icd_parents.parent, 'HCPCS/' || hcpcs_names.hcpcs_code, 'ATC/' || drugs.atc_code], parent -> parent is not null
        ),
        []
    ) as parent_codes
from used
left join item_names on used.code = item_names.code
left join hcpcs_names on used.code = hcpcs_names.code
left join drugs on used.code = drugs.code
left join icd_parents on used.code = icd_parents.code
order by used.code
"""


def read_codes(connection: duckdb.DuckDBPyConnection, scratch: Path) -> pa.Table:
    """The table of codes of an open warehouse; `scratch` is the database beside it, which may be gone."""
    present = set()
    if scratch.is_file():
        connection.execute(f"attach {quote_literal(str(scratch))} as scratch (read_only)")
    for catalog, schema, name in connection.execute(
        "select table_catalog, table_schema, table_name from information_schema.tables"
    ).fetchall():
        present.add(f"{catalog}.{schema}.{name}" if catalog == "scratch" else f"{schema}.{name}")
    relations = {
        name: f"scratch.staging.{name}" if f"scratch.staging.{name}" in present else f"(select {nothing} where false)"
        for name, nothing in DICTIONARIES.items()
    }
    relations["drug_mapping"] = (
        "tokens.drug_mapping"
        if "tokens.drug_mapping" in present
        else "(select null::text as drug, null::text as atc_code where false)"
    )
    query = _CODES.format(event_kinds=quote_literal(str(EVENT_KINDS)), **relations)
    return connection.sql(query).to_arrow_table().cast(CODES_SCHEMA)
