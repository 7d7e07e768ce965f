"""How the outcome of a task is seen in a stream of tokens: from prefixes of codes in a task's yml entry to token ids.

In: the tokens that the codes of the timelines are written as, and what a task says of its outcome. Out: the `outcome` and
`stop_tokens` of its entry in tasks.json, or the reason why it cannot be seen. A code is known by the first token that it is written as.
A token stands for an outcome only where nothing else is written with it; what is written as its family's OTHER never does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import duckdb

from warehouse.errors import UserError
from warehouse.task_format import VALUE_QUANTILES

DAY_SECONDS = 86400


@dataclass(frozen=True)
class WrittenCode:
    """A code of the timelines and the first of the tokens that it is written as."""

    code_id: int
    code: str
    token_id: int
    token: str

    @property
    def is_rare(self) -> bool:
        """Whether it is written as its family's OTHER."""
        return self.token.endswith("//OTHER")


@dataclass(frozen=True)
class Vocabulary:
    """Ids by token, the codes that are written with them, and the tokens that a code has after its first."""

    ids: dict[str, int]
    codes: tuple[WrittenCode, ...]
    later_tokens: frozenset[int]


def read_vocabulary(connection: duckdb.DuckDBPyConnection) -> Vocabulary:
    """The vocabulary of a warehouse and every code that becomes tokens."""
    ids = dict(connection.execute("select token, token_id from tokens.vocabulary order by token_id").fetchall())
    rows = connection.execute(
        "select codes.code_id, codes.code, vocabulary.token_id, vocabulary.token "
        "from tokens.code_token_ids as written inner join timelines.codes as codes using (code_id) "
        "inner join tokens.vocabulary as vocabulary on written.token_ids[1] = vocabulary.token_id order by codes.code_id"
    ).fetchall()
    later = connection.execute("select distinct unnest(token_ids[2:]) from tokens.code_token_ids").fetchall()
    return Vocabulary(ids, tuple(WrittenCode(*row) for row in rows), frozenset(token_id for (token_id,) in later))


def find_codes(
    vocabulary: Vocabulary, prefixes: Sequence[str], exceptions: Sequence[str] = (), with_rare: bool = False
) -> list[WrittenCode]:
    """The codes that begin with one of the prefixes and with no exception, and whose token stands for no other code.

    `with_rare` takes OTHER too, where every code that is written as it is among the codes asked for.
    """
    asked, others = [], []
    for code in vocabulary.codes:
        is_asked = code.code.startswith(tuple(prefixes)) and not code.code.startswith(tuple(exceptions))
        (asked if is_asked else others).append(code)
    ambiguous = {code.token_id for code in others} | vocabulary.later_tokens
    return [code for code in asked if code.token_id not in ambiguous and (with_rare or not code.is_rare)]


def token_ids(codes: Iterable[WrittenCode]) -> list[int]:
    """Their tokens, each once, in order."""
    return sorted({code.token_id for code in codes})


def outcome_of(
    connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, task: dict
) -> tuple[dict | None, list[int], str | None]:
    """(outcome, stop tokens, reason) of a task by its `meta`; the reason says why it cannot be simulated, else it is None.

    Raises UserError for an outcome of unknown kind.
    """
    asked = task.get("outcome")
    stops = token_ids(find_codes(vocabulary, task.get("stop", ()), with_rare=True))
    if asked is None:
        return None, stops, "its outcome is not told by events"
    kind = asked["kind"]
    if kind in ("duration", "time_to_stop"):
        outcome = (
            {"kind": kind, "seconds": asked["days"] * DAY_SECONDS}
            if kind == "duration"
            else {"kind": kind, "unit_seconds": DAY_SECONDS}
        )
        return outcome, stops, None if stops else "its end has no token of its own"
    if "tokens" in asked:
        named = [token for token in vocabulary.ids if token.startswith(tuple(asked["tokens"]))]
        ids = sorted(vocabulary.ids[token] for token in named if not token.endswith("//OTHER"))
        codes = [code for code in vocabulary.codes if code.token_id in ids]
    else:
        codes = find_codes(vocabulary, asked["codes"], asked.get("except", ()))
        ids = token_ids(codes)
    if kind == "event":
        outcome, found = {"kind": kind, "tokens": ids}, ids
        # Where one of several ways to end is the outcome, it does not also stand for the end without it.
        stops = [token for token in stops if token not in ids]
    elif kind == "class":
        found = class_labels(codes)
        outcome = {"kind": kind, "tokens": found}
    elif kind == "value":
        found = _values(connection, vocabulary, codes, "avg(numeric_value)")
        outcome = {"kind": kind, "name_tokens": ids, "values": found}
    elif kind == "result":
        threshold = asked.get("threshold")
        found = _values(connection, vocabulary, codes, f"quantile_cont(numeric_value, {list(VALUE_QUANTILES)})")
        outcome = {
            "kind": kind,
            "name_tokens": ids,
            "beyond": asked["beyond"],
            "or_equal": asked.get("or_equal", False),
            "threshold": None if threshold == "row" else threshold,
            "decided_by": asked.get("decided_by", "next"),
            "values": found,
        }
    else:
        raise UserError(
            f"a task has an outcome of the kind {kind!r}, which is not known; see models_sql/tasks/README.md"
        )
    return outcome, stops, None if found else "its outcome has no token of its own"


def class_labels(codes: Iterable[WrittenCode]) -> dict[str, int]:
    """The whole number that each token ends with, by its id as text."""
    numbers = {code.token_id: code.token.rsplit("//", 1)[-1] for code in codes}
    return {str(token_id): int(numbers[token_id]) for token_id in sorted(numbers) if numbers[token_id].isdigit()}


def _values(
    connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, codes: Sequence[WrittenCode], figure: str
) -> dict[str, float | list[float]]:
    """A figure of the train values of some codes for each quantile token (its id as text) that stands for them."""
    if not codes:
        return {}
    rows = connection.execute(
        f"with train_values as (select events.numeric_value, "
        "1 + len(list_filter(tokenised.upper_edges, lambda edge: edge < events.numeric_value)) as bin "
        "from timelines.ordered_events as events inner join tokens.tokenised_codes as tokenised using (code_id) "
        "inner join timelines.patients as patients using (subject_id) "
        "where patients.split = 'train' and events.numeric_value is not null and tokenised.upper_edges is not null "
        f"and events.code_id in ({', '.join(str(code.code_id) for code in codes)})) "
        f"select bin, {figure} from train_values group by bin order by bin"
    ).fetchall()
    return {str(vocabulary.ids[f"Q//{bin_}"]): figure for bin_, figure in rows}


def seconds_of_time_tokens(
    connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, intervals: Sequence[dict]
) -> dict[str, float]:
    """Mean seconds that each time-interval token (its id as text) stands for in train.

    `intervals` are the var time_intervals. One that train never has stands for the middle of its interval, the last for its edge.
    """
    seen = dict(
        connection.execute(
            "select interval_token, sum(gap_seconds) / sum(n_interval_tokens) from tokens.event_tokens "
            "join timelines.patients using (subject_id) where split = 'train' and n_interval_tokens > 0 group by interval_token"
        ).fetchall()
    )
    edges = [interval["seconds"] for interval in intervals]
    middles = [(low + high) / 2 for low, high in pairwise(edges)] + edges[-1:]
    tokens = [f"TIME//{interval['name']}" for interval in intervals]
    return {
        str(vocabulary.ids[token]): float(seen.get(token, middle))
        for token, middle in zip(tokens, middles, strict=True)
    }
