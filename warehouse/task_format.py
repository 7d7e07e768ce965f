"""What writer and reader of the exported tasks agree on."""

FORMAT = 1
LABEL_TYPES = ("boolean", "integer", "float")
OUTCOME_KINDS = ("event", "duration", "time_to_stop", "result", "value", "class")
