-- The tokens that a code is written as, in their order. Values and times are not part of a code and come elsewhere.
with kept as (
    select event_kind, code, n_train_events
    from {{ ref('code_counts') }}
    where untokenised_reason is null
),

admissions as (
    select code, event_kind, 0 as position, 'admission' as family, 'HOSPITAL_ADMISSION//' || split_part(code, '//', 2) as token
    from kept
    where event_kind = 'hospital_admission'

    union all

    select code, event_kind, 1, 'admission', 'ADMITTED_FROM//' || split_part(code, '//', 3)
    from kept
    where event_kind = 'hospital_admission'
),

-- Codes that are one token, as they stand or shortened; the seed of event kinds names its family.
single_tokens as (
    select
        kept.code,
        kept.event_kind,
        0 as position,
        event_kinds.family,
        case kept.event_kind
            when 'transfer' then 'TRANSFER_TO//' || split_part(kept.code, '//', 3)
            when 'icu_discharge' then 'ICU_DISCHARGE'
            when 'lab_result' then 'LAB//' || split_part(kept.code, '//', 3) || '//' || split_part(kept.code, '//', 4)
            when 'omr' then 'OMR//' || kept.code
            -- The drug is told by the administration, the dose by its unit and value.
            when 'drug_dose' then 'DOSE//' || split_part(kept.code, '//', 3)
            when 'drg' then 'DRG//' || split_part(kept.code, '//', 2) || '//' || split_part(kept.code, '//', 3)
            else kept.code
        end as token
    from kept
    inner join {{ ref('event_kinds') }} as event_kinds on kept.event_kind = event_kinds.event_kind
    where
        kept.event_kind not in (
            'hospital_admission', 'procedure', {{ text_list(drug_kinds() + diagnosis_kinds()) }}
        )
),

drug_names as (
    select
        code,
        event_kind,
        -- What is not given now opens with a token of its own; a drug that is given is written as the drug alone.
        case event_kind
            when 'drug_order' then 'DRUG_ORDER'
            when 'home_drug' then 'HOME_DRUG'
            when 'ed_dispensing' then 'ED_DISPENSED'
        end as opening,
        {{ drug_in_code() }} as drug
    from kept
    where event_kind in ({{ text_list(drug_kinds()) }})
),

drugs as (
    select
        drug_names.code,
        drug_names.event_kind,
        drug_names.opening,
        case when drug_names.opening is null then 0 else 1 end as first_position,
        drug_names.drug,
        drug_mapping.atc_code
    from drug_names
    left join {{ ref('drug_mapping') }} as drug_mapping on drug_names.drug = drug_mapping.drug
),

drug_tokens as (
    select code, event_kind, 0 as position, 'drug' as family, opening as token
    from drugs
    where opening is not null

    union all

    select code, event_kind, first_position, 'drug', 'ATC//' || substr(atc_code, 1, 4)
    from drugs
    where atc_code is not null

    union all

    select code, event_kind, first_position + 1, 'drug', 'ATC_4//' || substr(atc_code, 5, 1)
    from drugs
    where length(atc_code) >= 5

    union all

    select code, event_kind, first_position + 2, 'drug', 'ATC_5//' || substr(atc_code, 6, 2)
    from drugs
    where length(atc_code) >= 7

    union all

    select code, event_kind, first_position, 'drug', 'DRUG//' || upper(drug)
    from drugs
    where atc_code is null
),

icd_codes as (
    select
        kept.code,
        kept.event_kind,
        split_part(kept.code, '//', 4) as raw_code,
        case split_part(kept.code, '//', 3)
            when '10' then split_part(kept.code, '//', 4)
            else icd_mapping.icd_10
        end as icd_10
    from kept
    left join {{ ref('icd_mapping') }} as icd_mapping
        on
            split_part(kept.code, '//', 3) = '9'
            and split_part(kept.code, '//', 4) = icd_mapping.icd_9
            and icd_mapping.kind = case when kept.event_kind = 'procedure' then 'pcs' else 'cm' end
    where kept.event_kind in ('procedure', {{ text_list(diagnosis_kinds()) }})
),

diagnosis_tokens as (
    select code, event_kind, 0 as position, 'diagnosis' as family, 'ICD10CM//' || substr(icd_10, 1, 3) as token
    from icd_codes
    where event_kind <> 'procedure' and icd_10 is not null

    union all

    select code, event_kind, 1, 'diagnosis', 'ICD10CM_4_5//' || substr(icd_10, 4, 2)
    from icd_codes
    where event_kind <> 'procedure' and length(icd_10) >= 4

    union all

    select code, event_kind, 2, 'diagnosis', 'ICD10CM_6_7//' || substr(icd_10, 6, 2)
    from icd_codes
    where event_kind <> 'procedure' and length(icd_10) >= 6

    union all

    select code, event_kind, 0, 'diagnosis', 'ICD9CM//' || raw_code
    from icd_codes
    where event_kind <> 'procedure' and icd_10 is null
),

procedure_tokens as (
    {% for position in range(7) %}
    select
        code, event_kind, {{ position }} as position, 'procedure' as family,
        'ICD10PCS//' || substr(icd_10, {{ position + 1 }}, 1) as token
    from icd_codes
    where event_kind = 'procedure' and length(icd_10) >= {{ position + 1 }}

    union all
    {% endfor %}
    select code, event_kind, 0, 'procedure', 'ICD9PCS//' || raw_code
    from icd_codes
    where event_kind = 'procedure' and icd_10 is null
),

all_tokens as (
    {% for part in ['admissions', 'single_tokens', 'drug_tokens', 'diagnosis_tokens', 'procedure_tokens'] %}
    select event_kind, code, position, family, token
    from {{ part }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    all_tokens.event_kind,
    all_tokens.code,
    cast(all_tokens.position as integer) as position,
    all_tokens.family,
    all_tokens.token,
    kept.n_train_events
from all_tokens
inner join kept on all_tokens.event_kind = kept.event_kind and all_tokens.code = kept.code
order by all_tokens.event_kind asc nulls last, all_tokens.code asc nulls last, all_tokens.position asc nulls last
