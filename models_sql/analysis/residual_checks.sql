-- What is tested on the residuals: lack of fit, slopes and curvature against log N, log D and log C, skew of the IsoFLOP profiles.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last, test nulls last, against nulls last
