// Draws the page's figures from the specifications in #specs (Vega-Lite, colours as CSS variables) and lets the reader choose:
// methods on and off, log or linear axes, light or dark. Nothing is fetched. `document.body.dataset.drawn` counts what is drawn.
(function () {
  "use strict";
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const views = {};
  const linear = {};
  const charts = [...document.querySelectorAll(".chart")];

  function shown(name) {
    const hidden = [...document.querySelectorAll("fieldset.switches input:not(:checked)")].map((box) => box.value);
    return (specs[name].params || [{ value: [] }])[0].value.filter((method) => !hidden.includes(method));
  }

  // Names of rows take at most this share of a figure's width, so that a narrow window has room for the marks.
  const ROW_NAMES = 0.5;

  // Log scales of the axes that the reader made linear become linear ones with ticks of their own.
  function withAxes(spec, axes, width) {
    const copy = structuredClone(spec);
    for (const layer of copy.layer) {
      const rows = (layer.encoding || {}).y;
      if (rows && rows.field === "row") rows.axis.labelLimit = Math.min(rows.axis.labelLimit, ROW_NAMES * width);
      for (const axis of axes) {
        const channel = (layer.encoding || {})[axis];
        if (channel && channel.scale && channel.scale.type === "log") {
          channel.scale = { type: "linear", zero: false, domain: channel.scale.domain };
          delete channel.axis.values;
          channel.axis.tickCount = 5;
        }
      }
    }
    return copy;
  }

  async function draw(element) {
    const name = element.dataset.chart;
    const spec = withAxes(specs[name], linear[name] || [], element.clientWidth);
    if (spec.params) spec.params[0].value = shown(name);
    if (views[name]) views[name].finalize();
    views[name] = await vegaEmbed(element.firstElementChild, spec, { renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true } });
    element.dataset.state = "drawn";
    document.body.dataset.drawn = charts.filter((chart) => chart.dataset.state === "drawn").length;
  }

  for (const box of document.querySelectorAll("fieldset.switches input")) {
    box.addEventListener("change", () => {
      for (const twin of document.querySelectorAll("fieldset.switches input")) {
        if (twin.value === box.value) twin.checked = box.checked;
      }
      for (const [name, found] of Object.entries(views)) {
        if (specs[name].params) found.view.signal("shown", shown(name)).runAsync();
      }
    });
  }

  for (const button of document.querySelectorAll("button[data-axis]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.for;
      const axes = new Set(linear[name] || []);
      const log = axes.has(button.dataset.axis);
      if (log) axes.delete(button.dataset.axis);
      else axes.add(button.dataset.axis);
      linear[name] = [...axes];
      button.setAttribute("aria-pressed", String(log));
      draw(document.querySelector(`.chart[data-chart="${name}"]`));
    });
  }

  // A figure as it stands, with the colours of the theme written out.
  async function save(name) {
    const style = getComputedStyle(document.documentElement);
    const svg = (await views[name].view.toSVG()).replace(/var\((--[a-z0-9-]+)\)/g, (_, colour) => style.getPropertyValue(colour).trim());
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    link.download = `${name}.svg`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  for (const button of document.querySelectorAll("button[data-save]")) {
    button.addEventListener("click", () => save(button.dataset.save));
  }

  // Figures follow the window's width by themselves, but for the room that the names of rows take.
  let waiting;
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (window.innerWidth === width) return;
      width = window.innerWidth;
      charts.filter((chart) => specs[chart.dataset.chart].layer.some((layer) => ((layer.encoding || {}).y || {}).field === "row")).forEach(draw);
    }, 200);
  });

  const themes = ["auto", "light", "dark"];
  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme || "auto") + 1) % themes.length];
    document.documentElement.dataset.theme = next;
    theme.textContent = `Theme: ${next}`;
  });

  // Paper hides nothing: folded tables are opened for printing and folded again.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("section > details:not([open])")];
    folded.forEach((one) => (one.open = true));
  });
  window.addEventListener("afterprint", () => folded.forEach((one) => (one.open = false)));

  document.body.dataset.charts = charts.length;
  document.body.dataset.drawn = 0;
  charts.reduce((before, chart) => before.then(() => draw(chart)), Promise.resolve()).catch((error) => {
    console.error(error);
    document.body.dataset.failed = String(error);
  });
})();
