"""The report's page in headless Chromium, as a reader has it: every figure drawn, switches and axes, both widths, both themes.

Skipped where no Chromium is installed; it is looked for on the path, or where CHROMIUM says.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from analysis.report import main
from tests.analysis.conftest import add_task_scores, simulate, write_warehouse

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOUND = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(FOUND is None, reason="no Chromium on the path: install it, or name it in CHROMIUM")
# Chromium must not look for updates, nor need a GPU or a user namespace (which containers lack).
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
HERE = ("file:", "data:", "blob:")
ALL_DRAWN = "document.body.dataset.drawn === document.body.dataset.charts || document.body.dataset.failed"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=FOUND, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of a sweep of four budgets with seeds and scored tasks."""
    folder = tmp_path_factory.mktemp("browser")
    sweep = simulate(budgets=(1e11, 3e11, 1e12, 3e12), sizes=[5, 5, 4, 4], span=20.0, noise=0.004, seeds=2, seed=5)
    warehouse = write_warehouse(
        folder / "warehouse.duckdb", sweep, (("x1", "failed", "<script>document.title='x'</script>"),)
    )
    add_task_scores(warehouse, sweep)
    assert main(["--warehouse", str(warehouse), "--out", str(folder / "report"), "--bootstrap", "100"]) == 0
    return (folder / "report" / "index.html").as_uri()


@dataclass
class Visit:
    """An open page, what its console said and what it asked the network for."""

    page: object
    said: list
    asked: list


@pytest.fixture(scope="module")
def visited(browser, address):
    """Opens the page at a width and in a theme, offline, and keeps it open: its tests leave it as they found it."""
    visits = {}

    def go(width, theme):
        if (width, theme) not in visits:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, offline=True)
            visit = Visit(context.new_page(), [], [])
            visits[width, theme] = visit
            visit.page.on("console", lambda m: visit.said.append(m.text) if m.type in ("error", "warning") else None)
            visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
            visit.page.on("request", lambda r: None if r.url.startswith(HERE) else visit.asked.append(r.url))
            visit.page.goto(address)
            visit.page.wait_for_function(ALL_DRAWN)
        return visits[width, theme]

    return go


@pytest.fixture
def visit(visited):
    """A page at a width and in a theme; fails on any message of error or warning, and on any request."""
    used = []

    def go(width=1280, theme="light"):
        used.append(visited(width, theme))
        return used[-1].page

    yield go
    for one in used:
        assert one.said == []
        assert one.asked == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (400, "dark")])
def test_every_figure_is_drawn_and_nothing_is_wider_than_the_window(visit, width, theme):
    page = visit(width, theme)
    charts = page.locator(".chart")
    assert charts.count() > 20
    for box in page.evaluate(
        "[...document.querySelectorAll('.chart svg.marks')].map(s => s.getBoundingClientRect().toJSON())"
    ):
        assert 150 < box["width"] <= width
        assert box["height"] > 100
    # What is left for the marks beside the names of rows.
    grounds = page.evaluate(
        "[...document.querySelectorAll('.chart')].map(c => c.querySelector('.root path.background').getBBox().width / c.clientWidth)"
    )
    assert min(grounds) > 0.3
    marks = page.evaluate(
        "[...document.querySelectorAll('.chart')].map(c => c.querySelectorAll(':is(.mark-symbol, .mark-line, .mark-rect) path').length)"
    )
    assert min(marks) > 0, "a figure without a single mark"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title() == "Scaling laws of an EHR foundation model", "no text of a run is run as a script"


def test_a_method_can_be_switched_off_everywhere_and_on_again(visit):
    page = visit()
    count = "document.querySelectorAll('.chart[data-chart=methods_a] .mark-symbol path').length"
    before = page.evaluate(count)
    boxes = page.locator("fieldset.switches input[value='IsoFLOP, local parabola']")
    boxes.first.uncheck()
    page.wait_for_function(f"{count} === {before - 1}")
    assert not any(boxes.nth(i).is_checked() for i in range(boxes.count())), "the same method's boxes go together"
    boxes.last.check()
    page.wait_for_function(f"{count} === {before}")


def test_an_axis_can_be_linear(visit):
    page = visit()
    labels = "[...document.querySelectorAll('.chart[data-chart=n_opt_compute] .role-axis-label text')].map(t => t.textContent).join(' ')"
    before = page.evaluate(labels)
    button = page.locator("button[data-for=n_opt_compute][data-axis=x]")
    button.click()
    page.wait_for_function(f"({labels}) !== {before!r}")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    page.wait_for_function(f"({labels}) === {before!r}")


def test_hovering_tells_a_run(visit):
    page = visit()
    page.locator(".chart[data-chart=isoflop_profiles]").scroll_into_view_if_needed()
    page.locator(".chart[data-chart=isoflop_profiles] .mark-symbol path").first.hover(force=True)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    told = tooltip.inner_text()
    assert all(word in told for word in ("run-", "loss", "learning rate", "seed"))


def test_the_theme_can_be_chosen_and_paper_is_light(visit):
    page = visit(theme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.querySelector('.chart .role-axis-label text')).fill"
    light = page.evaluate(ground), page.evaluate(ink)
    button = page.locator("#theme")
    button.click()
    button.click()
    assert button.inner_text() == "Theme: dark"
    dark = page.evaluate(ground), page.evaluate(ink)
    assert dark[0] != light[0] and dark[1] != light[1], "page and figures alike"
    page.emulate_media(media="print")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert page.evaluate(ink) == light[1]
    page.evaluate(
        "window.addEventListener('beforeprint', () => window.folded = document.querySelectorAll('details:not([open])').length)"
    )
    assert page.pdf()[:5] == b"%PDF-"
    assert page.evaluate("window.folded") == 0, "paper has every table"
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 0, "the screen is as it was"
    page.emulate_media(media="screen")
    button.click()
    assert button.inner_text() == "Theme: auto"


def test_every_figure_has_words_for_who_cannot_see_it(visit):
    page = visit()
    words = page.evaluate(
        "[...document.querySelectorAll('.chart')].map(c => [c.getAttribute('role'), c.getAttribute('aria-label')])"
    )
    assert all(role == "img" and len(label) > 30 for role, label in words)
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every(s => s.tabIndex === 0 && s.ariaLabel)")


def test_a_figure_can_be_saved_with_its_colours_written_out(visit):
    page = visit()
    with page.expect_download() as waiting:
        page.locator("button[data-save=n_opt_compute]").click()
    text = Path(waiting.value.path()).read_text()
    assert waiting.value.suggested_filename == "n_opt_compute.svg"
    assert text.startswith("<svg") and "var(" not in text and "#0072b2" in text.lower()
