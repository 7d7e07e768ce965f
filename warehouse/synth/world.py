"""The hidden state of one block of patients, from which every table is written.

A block always holds BLOCK patients, and all its randomness comes from the seed, the block's number and a name: the rows of a
table do not depend on which other tables are written, on the number of processes, or on how many patients follow.
What several tables share is made once, when it is first asked for; functions that make rows only write it down.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warehouse.synth.billing import find_complications
from warehouse.synth.course import Course, simulate
from warehouse.synth.devices import Devices, make_devices
from warehouse.synth.drugs import Doses, Orders, make_doses, make_orders
from warehouse.synth.emergency import EdCare, make_ed_care
from warehouse.synth.infusions import Infusions, make_infusions
from warehouse.synth.labs import Results, Samples, make_results, make_samples
from warehouse.synth.movements import EdStays, IcuStays, Movements, make_ed_stays, make_icu_stays, make_movements
from warehouse.synth.patients import Patients, make_patients
from warehouse.synth.poe import Poe, make_poe
from warehouse.synth.quirks import Quirk
from warehouse.synth.stays import Stays, make_stays
from warehouse.synth.visits import Visits, make_visits
from warehouse.synth.vitals import Hours, make_hours

BLOCK = 256
_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# As many as MIMIC-IV lists. A product with a number prime to the number of codes visits each code once.
N_PROVIDERS = 40_508
PROVIDERS: tuple[str, ...] = tuple(
    "P" + "".join(_LETTERS[number * 7_919_003 % 34**5 // 34**place % 34] for place in range(5))
    for number in range(N_PROVIDERS)
)


@dataclass
class World:
    """The hidden state of block number `block` of the cohort with this seed."""

    seed: int
    block: int
    with_quirks: bool
    patients: Patients
    course: Course
    visits: Visits
    stays: Stays

    def stream(self, name: str) -> np.random.Generator:
        """The random numbers of one table or one part of the hidden state."""
        return stream(self.seed, self.block, name)

    def shares(self, declared: Mapping[str, Quirk]) -> dict[str, float]:
        """How often each declared fault befalls a row; never where the cohort is written without faults."""
        return {name: quirk.share if self.with_quirks else 0.0 for name, quirk in declared.items()}

    @cached_property
    def movements(self) -> Movements:
        """Care units that each admission passes through."""
        return make_movements(self.stream("movements"), self)

    @cached_property
    def icu(self) -> IcuStays:
        """Stays in intensive care."""
        return make_icu_stays(self)

    @cached_property
    def devices(self) -> Devices:
        """Lines, tubes and machines of the stays in intensive care."""
        return make_devices(self)

    @cached_property
    def hours(self) -> Hours:
        """Hour by hour in intensive care: vital signs, ventilation, and the states that nurses' words follow."""
        return make_hours(self)

    @cached_property
    def infusions(self) -> Infusions:
        """Fluids and drugs given in intensive care."""
        return make_infusions(self)

    @cached_property
    def ed(self) -> EdStays:
        """Stays in the emergency department, with and without admission."""
        return make_ed_stays(self)

    @cached_property
    def ed_care(self) -> EdCare:
        """What patients came to the emergency department with, and how ill."""
        return make_ed_care(self.stream("ed care"), self)

    @cached_property
    def found(self) -> np.ndarray:
        """Complications of each admission: bool (admissions, complications)."""
        return find_complications(self.stream("complications"), self.course)

    @cached_property
    def samples(self) -> Samples:
        """Blood and urine samples."""
        return make_samples(self.stream("samples"), self)

    @cached_property
    def results(self) -> Results:
        """Readings of the tests that samples were sent for."""
        return make_results(self.stream("lab results"), self)

    @cached_property
    def orders(self) -> Orders:
        """Orders of drugs."""
        return make_orders(self.stream("orders"), self.patients, self.course)

    @cached_property
    def doses(self) -> Doses:
        """Entries of the record of administrations."""
        return make_doses(self.stream("doses"), self)

    @cached_property
    def poe(self) -> Poe:
        """Orders of drugs and of all else, numbered."""
        return make_poe(self.stream("poe"), self)


def stream(seed: int, block: int, name: str) -> np.random.Generator:
    """Random numbers that depend on the seed, the block and a name alone."""
    return np.random.default_rng(np.random.SeedSequence([seed, block, zlib.crc32(name.encode())]))


def make_world(seed: int, block: int, with_quirks: bool = True) -> World:
    """The hidden state of a block."""
    patients = make_patients(stream(seed, block, "patients"), block * BLOCK, BLOCK)
    # The course lets conditions begin, so nothing may read the patients before it is known.
    course = simulate(stream(seed, block, "course"), patients)
    visits = make_visits(stream(seed, block, "visits"), patients, course)
    stays = make_stays(stream(seed, block, "stays"), patients, course)
    return World(seed, block, with_quirks, patients, course, visits, stays)
