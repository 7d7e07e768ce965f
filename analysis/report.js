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

  // Log scales of the axes that the reader made linear become linear ones with ticks of their own.
  function withAxes(spec, axes) {
    const copy = structuredClone(spec);
    for (const layer of copy.layer) {
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
    const spec = withAxes(specs[name], linear[name] || []);
    if (spec.params) spec.params[0].value = shown(name);
    if (views[name]) views[name].finalize();
    const actions = { export: true, source: false, compiled: false, editor: false };
    const options = { renderer: "svg", actions, tooltip: { disableDefaultStyle: true }, downloadFileName: name };
    views[name] = await vegaEmbed(element, spec, options);
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
    folded = [...document.querySelectorAll("details:not([open])")];
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
