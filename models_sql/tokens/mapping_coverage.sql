-- How much of what is mapped has found a target, and by whom. A kind of event is found by what its codes begin with, so that every
-- kind that icd_mapping or drug_mapping reads is reported.
with used as (
    select
        counted.event_kind,
        event_kinds.family,
        event_kinds.code_prefixes,
        substr(counted.code, length(event_kinds.code_prefixes) + 1) as named,
        counted.n_events
    from {{ ref('code_counts') }} as counted
    inner join {{ source('reference', 'event_kinds') }} as event_kinds on counted.event_kind = event_kinds.event_kind
    where event_kinds.family in ('diagnosis', 'procedure', 'drug')
),

icd_codes as (
    select
        used.event_kind,
        'ICD-9 to ICD-10' as mapping,
        icd_mapping.icd_9 as mapped_code,
        icd_mapping.source_rank,
        used.n_events
    from used
    inner join {{ ref('icd_mapping') }} as icd_mapping
        on
            split_part(used.named, '//', 1) = '9'
            and split_part(used.named, '//', 2) = icd_mapping.icd_9
            and icd_mapping.kind = case when used.family = 'diagnosis' then 'cm' else 'pcs' end
    where used.code_prefixes like '%//ICD//'
),

drug_names as (
    select
        used.event_kind,
        'drug name to ATC' as mapping,
        drug_mapping.drug as mapped_code,
        drug_mapping.source_rank,
        used.n_events
    from used
    inner join {{ ref('drug_mapping') }} as drug_mapping on lower(trim(split_part(used.named, '//', 1))) = drug_mapping.drug
    where used.family = 'drug'
),

mapped as (
    {% for part in ['icd_codes', 'drug_names'] %}
    select event_kind, mapping, mapped_code, source_rank, n_events
    from {{ part }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

by_source as (
    select event_kind, mapping, source_rank, count(distinct mapped_code) as n_codes, sum(n_events) as n_events
    from mapped
    group by event_kind, mapping, source_rank
),

by_kind as (
    select event_kind, mapping, sum(n_codes) as n_codes, sum(n_events) as n_events
    from by_source
    group by event_kind, mapping
)

select
    by_source.event_kind,
    by_source.mapping,
    by_source.source_rank,
    case by_source.source_rank
        when 1 then 'user table'
        when 2 then 'installed package'
        when 3 then 'seed'
        else 'unmapped'
    end as mapped_by,
    cast(by_source.n_codes as bigint) as n_codes,
    cast(by_source.n_events as bigint) as n_events,
    cast(by_source.n_codes as double) / by_kind.n_codes as share_of_codes,
    cast(by_source.n_events as double) / by_kind.n_events as share_of_events
from by_source
inner join by_kind on by_source.event_kind = by_kind.event_kind and by_source.mapping = by_kind.mapping
order by by_source.event_kind asc nulls last, by_source.mapping asc nulls last, by_source.source_rank asc nulls last
