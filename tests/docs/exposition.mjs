// SPDX-License-Identifier: MIT
// Reads Prometheus' text format strictly: what a scrape would not take, or
// what the conventions forbid, is an error that names the line.
import assert from 'node:assert/strict';

const kName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const kTypes = ['counter', 'gauge', 'histogram'];
const kUnits = /(_seconds|_bytes|_ratio|_info|_timestamp_seconds)/;

function readLabels(text, line) {
  const labels = {};
  let rest = text;
  while (rest !== '') {
    const match = rest.match(/^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/);
    assert.ok(match, `labels: ${line}`);
    assert.ok(!(match[1] in labels), `a label twice: ${line}`);
    labels[match[1]] = match[2];
    rest = rest.slice(match[0].length);
  }
  return labels;
}

function readSample(line) {
  const match = line.match(/^([^\s{]+)(?:\{(.*)\})? (\S+)$/);
  assert.ok(match, `sample: ${line}`);
  const value = match[3] === '+Inf' ? Infinity : Number(match[3]);
  assert.ok(!Number.isNaN(value), `value: ${line}`);
  return { name: match[1], labels: readLabels(match[2] ?? '', line), value };
}

function checkHistogram(family) {
  const series = new Map();
  for (const { name, labels, value } of family.samples) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    if (!series.has(key)) series.set(key, { buckets: [] });
    const one = series.get(key);
    if (name.endsWith('_bucket')) one.buckets.push([le === '+Inf' ? Infinity : Number(le), value]);
    else one[name.slice(family.name.length + 1)] = value;
  }
  for (const [key, { buckets, sum, count }] of series) {
    const where = `${family.name}${key}`;
    assert.equal(buckets.at(-1)[0], Infinity, where);
    assert.equal(buckets.at(-1)[1], count, where);
    assert.ok(sum >= 0, where);
    for (let i = 1; i < buckets.length; ++i) {
      assert.ok(buckets[i][0] > buckets[i - 1][0], `bounds of ${where}`);
      assert.ok(buckets[i][1] >= buckets[i - 1][1], `counts of ${where}`);
    }
  }
}

function checkName(family) {
  const { name, type } = family;
  assert.match(name, /^(videocall|process)_[a-z0-9_]+$/, 'prefix');
  if (type === 'counter') assert.match(name, /_total$/, 'a counter ends with _total');
  else assert.doesNotMatch(name, /_total$/, 'only a counter ends with _total');
  if (type === 'histogram') assert.match(name, kUnits, 'a histogram has a unit');
  assert.doesNotMatch(name, /_(ms|milliseconds|us|kilobytes|minutes)(_|$)/, 'base units');
}

// Families by name: {name, help, type, samples}.
export function readExposition(text) {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map();
  const seen = new Set();
  let family;
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = line.match(/^# (HELP|TYPE) (\S+) (.+)$/);
    if (comment) {
      const [, what, name, rest] = comment;
      assert.match(name, kName);
      if (what === 'HELP') {
        assert.ok(!families.has(name), `${name} comes twice`);
        family = { name, help: rest, samples: [] };
        families.set(name, family);
      } else {
        assert.equal(family?.name, name, 'TYPE follows HELP');
        assert.ok(kTypes.includes(rest), line);
        family.type = rest;
      }
      continue;
    }
    const sample = readSample(line);
    const base = family.type === 'histogram' ? sample.name.replace(/_(bucket|sum|count)$/, '') : sample.name;
    assert.equal(base, family.name, `a sample in another family: ${line}`);
    const key = line.slice(0, line.lastIndexOf(' '));
    assert.ok(!seen.has(key), `twice: ${key}`);
    seen.add(key);
    if (family.type !== 'gauge') assert.ok(sample.value >= 0, line);
    family.samples.push(sample);
  }
  for (const one of families.values()) {
    checkName(one);
    assert.ok(one.samples.length > 0, `${one.name} has no sample`);
    if (one.type === 'histogram') checkHistogram(one);
  }
  return families;
}
