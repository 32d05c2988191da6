// SPDX-License-Identifier: MIT
// Figures as SVG, in panels side by side. Curves have two logarithmic axes, so
// that what grows in proportion is a line as steep as the dashed one; bars have
// a linear one, and a dashed line where the aim is.
const width = 300;
const height = 220;
const barsHeight = 160;
const left = 52;
const right = 14;
const top = 34;
const bottom = 40;

const escape = (text) => String(text).replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
const short = (value) => (value >= 1 ? String(Math.round(value)) : value.toPrecision(1));

// Powers of ten around |values|.
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const to = Math.ceil(Math.log10(Math.max(...values)) - 1e-9);
  return { from, to: Math.max(to, from + 1) };
}

// |panel|: {title, x, y, points: [[x, y], …]}, all above 0.
function drawPanel({ title, x, y, points }, offsetX, offsetY) {
  const xs = decades(points.map((p) => p[0]));
  const ys = decades(points.map((p) => p[1]));
  const place = (value, { from, to }, start, length) =>
    start + (length * (Math.log10(value) - from)) / (to - from);
  const px = (value) => place(value, xs, left, width - left - right);
  const py = (value) => place(value, ys, height - bottom, -(height - top - bottom));
  const at = ([a, b]) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`;
  const lines = [];
  for (let i = xs.from; i <= xs.to; i++)
    lines.push(`<path class="grid" d="M${px(10 ** i)} ${top}V${height - bottom}"/>`,
      `<text x="${px(10 ** i)}" y="${height - bottom + 15}" text-anchor="middle">${short(10 ** i)}</text>`);
  for (let i = ys.from; i <= ys.to; i++)
    lines.push(`<path class="grid" d="M${left} ${py(10 ** i)}H${width - right}"/>`,
      `<text x="${left - 6}" y="${py(10 ** i) + 4}" text-anchor="end">${short(10 ** i)}</text>`);
  // In proportion to the last point, as far as it is within the panel.
  const [lastX, lastY] = points.at(-1);
  const startX = Math.max(points[0][0], (lastX * 10 ** ys.from) / lastY);
  lines.push(
    `<path class="linear" d="M${at([startX, (lastY * startX) / lastX])}L${at([lastX, lastY])}"/>`,
    `<path class="curve" d="M${points.map(at).join('L')}"/>`,
    ...points.map((p) => `<circle cx="${px(p[0]).toFixed(1)}" cy="${py(p[1]).toFixed(1)}" r="3"><title>${
      escape(`${p[0]}: ${p[1].toPrecision(3)}`)}</title></circle>`),
    `<text class="title" x="${left}" y="18">${escape(title)}</text>`,
    `<text x="${width - right}" y="${height - 8}" text-anchor="end">${escape(x)}</text>`,
    `<text x="${left}" y="${top - 4}">${escape(y)}</text>`);
  return `<g transform="translate(${offsetX} ${offsetY})">\n${lines.join('\n')}\n</g>`;
}

// |panel|: {title, unit, aim, bars: [[label, value], …]}; aim may be undefined.
function drawBars({ title, unit, aim, bars }, offsetX, offsetY) {
  const start = 128;
  const end = width - 44;
  const values = bars.map(([, value]) => value).filter(Number.isFinite);
  const most = Math.max(...values, aim ?? 0);
  const px = (value) => start + ((end - start) * value) / most;
  const pitch = Math.min(24, (barsHeight - top - 24) / bars.length);
  const lines = bars.flatMap(([label, value], i) => {
    const y = top + pitch * i;
    const middle = y + pitch / 2 + 4;
    const shown = value >= 9.95 ? value.toFixed(0) : value.toPrecision(2);
    return [
      `<text x="${start - 6}" y="${middle}" text-anchor="end">${escape(label)}</text>`,
      `<rect x="${start}" y="${y + 3}" width="${(px(value) - start).toFixed(1)}" height="${pitch - 6}"/>`,
      `<text x="${(px(value) + 4).toFixed(1)}" y="${middle}">${shown}</text>`,
    ];
  });
  lines.push(`<text class="title" x="12" y="18">${escape(title)}<tspan class="unit"> ${escape(unit)}</tspan></text>`);
  const foot = top + pitch * bars.length;
  if (aim !== undefined)
    lines.push(`<path class="linear" d="M${px(aim).toFixed(1)} ${top}V${foot + 4}"/>`,
      `<text x="${px(aim).toFixed(1)}" y="${foot + 16}" text-anchor="middle">aim ${aim}</text>`);
  return `<g transform="translate(${offsetX} ${offsetY})">\n${lines.join('\n')}\n</g>`;
}

// |rows|: rows of panels.
export function drawPlot(rows) {
  const columns = Math.max(...rows.map((row) => row.length));
  let total = 0;
  const body = rows.flatMap((row) => {
    const y = total;
    total += row.every((panel) => panel.bars) ? barsHeight : height;
    return row.map((panel, j) => (panel.bars ? drawBars : drawPanel)(panel, j * width, y));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${columns * width} ${total}">
<style>
  svg { background: #fff; font: 11px system-ui, sans-serif; }
  text { fill: #444; }
  .title { fill: #111; font-size: 13px; font-weight: 600; }
  .unit { fill: #777; font-weight: 400; }
  .grid { stroke: #e4e4e4; fill: none; }
  .linear { stroke: #999; stroke-dasharray: 4 4; fill: none; }
  .curve { stroke: #1664c0; stroke-width: 2; fill: none; }
  circle, rect { fill: #1664c0; }
</style>
${body.join('\n')}
</svg>
`;
}
