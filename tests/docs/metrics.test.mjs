// SPDX-License-Identifier: MIT
// What a daemon answers to a scrape: valid, bounded, and all that the
// dashboard, the alerts and docs/metrics.md name.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { Process } from '../e2e/support/process.mjs';
import { Broker } from '../nodes/brokers.mjs';
import { readExposition } from './exposition.mjs';
import { build, root } from './reader.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'videocall-metrics-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const read = (name) => fs.readFileSync(path.join(root, name), 'utf8');

// One server for all, joined to no others; two meetings have been held on it.
const broker = await Broker.start();
const daemon = new Process(`${build}/server/videocalld`, [
  ...['--listen-http', '127.0.0.1:0', '--listen-webtransport', '127.0.0.1:0'],
  ...['--listen-admin', '127.0.0.1:0', '--state-dir', path.join(folder, 'state'), '--shards', '2'],
  ...['--nats-url', broker.url],
]);
const [, admin] = await daemon.waitFor(/admin: listening address=(\S+)/);
const [, http] = await daemon.waitFor(/open (http:\/\/[^\s/]+)/);
test.after(() => daemon.stop().then(() => broker.kill()));

async function scrape() {
  const answer = await fetch(`http://${admin}/metrics`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  return answer.text();
}

function hold(meetings) {
  const done = spawnSync(`${build}/cli/videocall-cli`, [
    ...['loadtest', '--url', http, '--rooms', String(meetings), '--publishers', '1'],
    ...['--viewers', '3', '--duration', '2', '--quiet'],
  ], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(done.status, 0, done.stdout + done.stderr);
}

// name or name{labels}, of everything but histograms' parts.
const seriesOf = (families) =>
  [...families.values()].flatMap(({ samples }) =>
    samples.map(({ name, labels }) => `${name}${JSON.stringify(labels)}`));

let text;
let families;

test('the answer is valid and counts', async () => {
  hold(2);
  text = await scrape();
  families = readExposition(text);
  const value = (name, wanted = {}) =>
    families.get(name).samples
      .filter(({ labels }) => Object.entries(wanted).every(([k, v]) => labels[k] === v))
      .reduce((sum, sample) => sum + sample.value, 0);
  assert.equal(value('videocall_members_joined_total'), 8);
  assert.equal(value('videocall_members_left_total'), 8);
  assert.equal(value('videocall_members_lost_total'), 0);
  assert.equal(value('videocall_http_requests_total', { route: 'join', status: '200' }), 8);
  assert.equal(value('videocall_admissions_total', { result: 'admitted' }), 8);
  assert.equal(value('videocall_transport_sessions_opened_total'), 8);
  assert.equal(value('videocall_transport_sessions_closed_total', { reason: 'left' }), 8);
  const out = value('videocall_transport_packet_bytes_total', { direction: 'out' });
  assert.ok(out > 1e5, `${out}`);
  // What was sent to sessions is what the rooms forwarded, but for RTT echoes
  // and what was left in queues when sessions ended.
  const forwarded = value('videocall_room_forwarded_bytes_total');
  assert.ok(Math.abs(out - forwarded) < 0.1 * forwarded, `${out}, ${forwarded}`);
  // Each byte of a packet needs at least one on the network.
  assert.ok(value('videocall_transport_network_bytes_total', { direction: 'out' }) > out);
  const relayed = families.get('videocall_transport_relay_delay_seconds');
  const counts = relayed.samples.filter(({ name }) => name.endsWith('_count'));
  assert.ok(Math.max(...counts.map((sample) => sample.value)) > 100);
});

test('promtool takes it', { skip: !has('promtool') && 'no promtool' }, () => {
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  const rules = path.join(root, 'packaging/prometheus/videocall.rules.yml');
  const ruled = spawnSync('promtool', ['check', 'rules', rules], { encoding: 'utf8' });
  assert.equal(ruled.status, 0, ruled.stdout + ruled.stderr);
});

test('more meetings and people make no more series', async () => {
  const before = seriesOf(families);
  hold(5);
  const after = seriesOf(readExposition(await scrape()));
  assert.deepEqual(after, before);
});

test('no counter falls', async () => {
  const later = readExposition(await scrape());
  for (const { name, type, samples } of families.values()) {
    if (type === 'gauge') continue;
    for (const [i, sample] of samples.entries())
      assert.ok(later.get(name).samples[i].value >= sample.value, `${name} ${JSON.stringify(sample)}`);
  }
});

// Metrics that |expression| names, with the labels it asks for.
function named(expression) {
  return [...expression.matchAll(/\b((?:videocall|process)_[a-z0-9_]+)\b(?:\{([^}]*)\})?/g)]
    .map(([, name, labels]) => ({
      name,
      labels: [...(labels ?? '').matchAll(/(\w+)\s*(=~?)\s*"([^"]*)"/g)].map((match) => match.slice(1)),
    }));
}

function checkExpression(expression, where) {
  const found = named(expression);
  assert.ok(found.length > 0 || /^up\{/.test(expression), `${where}: ${expression}`);
  for (const { name, labels } of found) {
    const base = name.replace(/_(bucket|sum|count)$/, '');
    const family = families.get(name) ?? families.get(base);
    assert.ok(family, `${where}: there is no metric ${name}`);
    assert.equal(family.type === 'histogram', family.name !== name, `${where}: ${name}`);
    for (const [label, operator, value] of labels) {
      if (['instance', 'job'].includes(label)) continue;
      assert.ok(
        family.samples.some(({ labels: has }) => label in has &&
          (value.includes('.') || operator === '=~' || has[label] === value)),
        `${where}: no ${name}{${label}${operator}"${value}"}`,
      );
    }
  }
  for (const [, labels] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
    for (const label of labels.split(/,\s*/)) {
      if (['instance', 'le'].includes(label)) continue;
      assert.ok(found.some(({ name }) => {
        const family = families.get(name) ?? families.get(name.replace(/_bucket$/, ''));
        return family.samples.some(({ labels: has }) => label in has);
      }), `${where}: no label ${label} in ${expression}`);
    }
  }
}

test('the dashboard asks for what there is', () => {
  const dashboard = JSON.parse(read('packaging/grafana/videocall.json'));
  assert.ok(dashboard.panels.length > 10);
  for (const panel of dashboard.panels)
    for (const target of panel.targets) checkExpression(target.expr, panel.title);
  for (const { expr } of dashboard.annotations.list) checkExpression(expr, 'annotation');
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test('the alerts ask for what there is', () => {
  const rules = [...read('packaging/prometheus/videocall.rules.yml').matchAll(/- alert: (\w+)\n\s+expr: (.*)/g)];
  assert.ok(rules.length > 5);
  for (const [, name, expression] of rules) checkExpression(expression, name);
});

test('docs/metrics.md lists each once, with its help', () => {
  const listed = [...read('docs/metrics.md').matchAll(/^\| `([a-z_]+)(?:\{[^}]*\})?` \| (\w+) \| (.*) \|$/gm)]
    .map(([, name, type, help]) => `${name} | ${type} | ${help}`);
  const there = [...families.values()].map(({ name, type, help }) => `${name} | ${type} | ${help}`);
  assert.deepEqual(listed.sort(), there.sort());
});
