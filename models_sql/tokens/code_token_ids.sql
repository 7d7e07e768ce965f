-- The ids that an entry of the dictionary is written as: what the token stream looks up once per event.
with written as (
    select codes.code_id, code_tokens.position, token_ids.token_id
    from {{ ref('tokenised_codes') }} as codes
    inner join {{ ref('code_tokens') }} as code_tokens
        on codes.event_kind = code_tokens.event_kind and codes.code = code_tokens.code
    left join {{ ref('token_ids') }} as token_ids on code_tokens.token = token_ids.token
)

select code_id, {{ list_in_order('token_id', 'position') }} as token_ids
from written
group by code_id
order by code_id asc nulls last
