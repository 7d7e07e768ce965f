"""Which tokens may follow which: learnt from the train split, so that a simulated timeline reads like a written one.

In: the vocabulary and the train split. Out: a `Grammar`: states, the tokens that are legal in each, the state that each
leads to. Two things are never legal, with or without a grammar: padding and tokens of the static prefix.

A token's kind is its family and its text up to `//`; each time interval is a kind of its own. A state is the event so far,
as kinds: after `LAB` a value is due, after `ICD10PCS` five times two more characters. A kind is legal in a state if train
has it there at least once: what goes on with the event, or, where events were seen to end in this state, the first kind of
a next one. Hence a name is followed by its value and nothing else is; ATC_4, ICD10CM_4_5 and the like stand behind what
they refine; a time interval is followed by an event, or by itself if it is the last one, which is repeated; nothing follows
a death. Tokens that train never has are not drawn. Text that can be read in two ways is read as the longer event.

What remains legal is renormalised: a model's probabilities under the grammar are its own, given that the next token is a
legal one. Wrong: nothing a user can cause. A state that train only has at the end of timelines allows every kind that
begins an event.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ml.data import Manifest, Split
from ml.runs import UNREADABLE, write_whole

LONGEST = 8  # tokens of an event that are told apart: a procedure has 7
ENOUGH = 256  # tokens, among which there is a gap in time: behind one the state is certain
BLOCK_TOKENS = 1 << 20  # of train, looked at together
ANYWHERE, START = 0, 1  # states: nothing is known of what came before; the timeline is empty
NOT_DRAWN = ("special", "static")  # families


class Kinds(NamedTuple):
    """of: int64 [V], kind of each token by number; is_time: bool [kinds]."""

    of: np.ndarray
    is_time: np.ndarray


def token_kinds(manifest: Manifest) -> Kinds:
    """Kinds of the vocabulary; see the top of this file."""
    pairs = zip(manifest.families, manifest.tokens, strict=True)
    names = [(family, token if family == "time" else token.partition("//")[0]) for family, token in pairs]
    ordered = sorted(set(names))
    number = {name: i for i, name in enumerate(ordered)}
    return Kinds(np.array([number[name] for name in names]), np.array([family == "time" for family, _ in ordered]))


@dataclass(frozen=True)
class Grammar:
    """legal: bool [states, V]. after: int32 [states, V], the state that a token leads to. death: ids of the tokens that end
    a life."""

    legal: np.ndarray
    after: np.ndarray
    death: tuple[int, ...]

    def state(self, tokens: np.ndarray) -> int:
        """The state at the end of a timeline; of a long one the last part is enough to know it."""
        is_whole = len(tokens) <= ENOUGH and len(self.legal) > 1
        state = START if is_whole else ANYWHERE
        for token in tokens[-ENOUGH:].tolist():
            state = int(self.after[state, token])
        return state


def drawable(manifest: Manifest) -> np.ndarray:
    """bool [V]: real tokens of the timeline."""
    return ~np.isin(manifest.families, NOT_DRAWN)


def _death(manifest: Manifest) -> tuple[int, ...]:
    return tuple(i for i, token in enumerate(manifest.tokens) if token == "MEDS_DEATH")


def no_grammar(manifest: Manifest) -> Grammar:
    """Every real token after every other."""
    legal = drawable(manifest)[None]
    return Grammar(legal, np.zeros(legal.shape, np.int32), _death(manifest))


def _states(kinds: np.ndarray, starts: np.ndarray, base: int, longest: int) -> np.ndarray:
    """int64 [n]: the event so far at each token, as the digits kind + 1 in `base`, the latest one lowest.

    `starts` bool [n]: where an event's text begins; events longer than `longest` are read as several.
    """
    place = np.arange(len(kinds))
    depth = (place - np.maximum.accumulate(np.where(starts, place, 0))) % longest
    states = kinds + 1
    for back in range(1, longest):
        reach = np.flatnonzero(depth >= back)
        if not len(reach):
            break
        states[reach] += (kinds[reach - back] + 1) * base**back
    return states


def _transitions(split: Split, patients: range, kinds: Kinds, base: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Unique triples int64 [3, n]: a state, the kind seen next, the state after it; 0 is the empty timeline. And tokens seen."""
    tokens = np.concatenate([split.array(patient, "tokens.u16") for patient in patients])
    events = np.concatenate([split.array(patient, "events.i32") for patient in patients])
    first = np.zeros(len(tokens), bool)
    lengths = split.lengths[patients.start : patients.stop]
    first[(np.cumsum(lengths) - lengths)[lengths > 0]] = True
    of = kinds.of[tokens]
    time = kinds.is_time[of]
    starts = first | time
    starts[1:] |= (events[1:] != events[:-1]) | time[:-1]
    states = _states(of, starts, base, longest)
    before = np.where(first, 0, np.concatenate(([0], states[:-1])))
    known, number = np.unique(np.concatenate((before, states)), return_inverse=True)
    old, new = number[: len(tokens)], number[len(tokens) :]
    triples = np.unique((old * base + of) * len(known) + new)
    pairs, new = np.divmod(triples, len(known))
    return np.stack((known[pairs // base], pairs % base, known[new])), np.unique(tokens)


def learn(manifest: Manifest, split: Split) -> Grammar:
    """The grammar of all timelines of a split, which should be train. Some 2 million tokens a second."""
    kinds = token_kinds(manifest)
    base = len(kinds.is_time) + 1
    longest = min(LONGEST, int(62 / np.log2(base)))  # a state is one integer
    seen = np.zeros(manifest.vocabulary_size, bool)
    found: set[tuple[int, int, int]] = set()
    ends, start = np.cumsum(split.lengths), 0
    while start < len(split):
        done = ends[start - 1] if start else 0
        stop = min(len(split), max(start + 1, int(np.searchsorted(ends, done + BLOCK_TOKENS))))
        triples, tokens = _transitions(split, range(start, stop), kinds, base, longest)
        found.update(zip(*triples.tolist(), strict=True))
        seen[tokens] = True
        start = stop
    return _build(found, kinds, seen & drawable(manifest), _death(manifest))


def _build(found: set[tuple[int, int, int]], kinds: Kinds, drawn: np.ndarray, death: tuple[int, ...]) -> Grammar:
    """The grammar of the transitions (state, kind, state) that were found."""
    states = sorted({new for _, _, new in found})
    number = {0: START} | {state: i for i, state in enumerate(states, start=2)}
    alone = [
        number.get(kind + 1, ANYWHERE) for kind in range(len(kinds.is_time))
    ]  # where a kind leads that begins an event
    legal = np.zeros((len(states) + 2, len(alone)), bool)
    after = np.tile(np.array(alone, np.int32), (len(legal), 1))
    begins = np.zeros(len(alone), bool)
    for old, kind, new in sorted(found):  # of two readings the longer one comes last, and stays
        legal[number[old], kind] = True
        after[number[old], kind] = number[new]
        begins[kind] |= new == kind + 1
    legal[ANYWHERE] = True
    legal = legal[:, kinds.of] & drawn
    legal[~legal.any(1)] = begins[kinds.of] & drawn
    return Grammar(legal, after[:, kinds.of], death)


def read_or_learn(manifest: Manifest, split: Split, path: Path) -> Grammar:
    """The grammar kept at `path`, if it is whole and of these shards; else learnt, and kept there."""
    try:
        with np.load(path) as kept:
            if str(kept["fingerprint"]) == manifest.fingerprint:
                return Grammar(kept["legal"], kept["after"], tuple(kept["death"].tolist()))
    except UNREADABLE:
        pass
    grammar = learn(manifest, split)

    def write(part: Path) -> None:
        with part.open("wb") as handle:
            np.savez_compressed(handle, fingerprint=manifest.fingerprint, **vars(grammar))

    write_whole(path, write)
    return grammar
