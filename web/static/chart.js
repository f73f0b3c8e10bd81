// Draws the table that stands under a chart: <div class="chart" data-table="id" data-columns="1 2" data-unit="%" hidden>.
// The rows are days, each with the figures as data-value; an empty one is a gap. Without this script there is the table.
const dark = matchMedia("(prefers-color-scheme: dark)");
const language = document.documentElement.lang;
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
// Lines differ by more than their colour.
const lines = [{ color: "--brand", dash: [] }, { color: "--warn", dash: [6, 4] }, { color: "--bad", dash: [2, 3] }];

// shade is what a variable of the stylesheet comes to in the scheme at hand.
function shade(box, variable) {
  const probe = box.appendChild(document.createElement("span"));
  probe.style.color = `var(${variable})`;
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function read(box) {
  const table = document.getElementById(box.dataset.table);
  const columns = box.dataset.columns.split(" ").map(Number);
  const rows = [...table.tBodies[0].rows];
  const figure = (cell) => (cell.dataset.value === "" ? null : Number(cell.dataset.value));
  return {
    names: columns.map((c) => table.tHead.rows[0].cells[c].textContent.trim()),
    data: [rows.map((r) => Date.parse(r.querySelector("time").dateTime) / 1000), ...columns.map((c) => rows.map((r) => figure(r.cells[c])))],
  };
}

function draw(box) {
  const { names, data } = read(box);
  const share = box.dataset.unit === "%";
  const format = new Intl.NumberFormat(language, share ? { style: "percent", maximumFractionDigits: 1 } : {});
  const ink = shade(box, "--ink-2");
  const grid = { stroke: shade(box, "--line"), width: 1 };
  const font = `12px ${getComputedStyle(box).fontFamily}`;
  const days = 86400;
  return new uPlot({
    width: box.clientWidth,
    height: 240,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (u, low, high) => (share ? [0, 1] : [0, Math.max(5, Math.ceil((high ?? 0) * 1.1))]) } },
    axes: [
      { stroke: ink, font, grid: { show: false }, ticks: grid, space: 64, incrs: [1, 2, 7, 14, 28, 56, 91].map((n) => n * days), values: (u, at) => at.map((s) => day.format(s * 1000)) },
      { stroke: ink, font, grid, ticks: { show: false }, size: 56, incrs: share ? [0.1, 0.2, 0.25, 0.5] : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000], values: (u, at) => at.map((v) => format.format(v)) },
    ],
    series: [
      { label: box.dataset.day, value: (u, at) => (at == null ? "" : full.format(at * 1000)) },
      ...names.map((label, i) => ({
        label, stroke: shade(box, lines[i].color), width: 2, dash: lines[i].dash, points: { show: false },
        value: (u, v) => (v == null ? "–" : format.format(v)),
      })),
    ],
  }, data, box);
}

for (const box of document.querySelectorAll(".chart[data-table]")) {
  box.hidden = false;
  let plot = draw(box);
  new ResizeObserver(() => {
    if (box.clientWidth && box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: 240 });
  }).observe(box);
  dark.addEventListener("change", () => {
    plot.destroy();
    plot = draw(box);
  });
}
