#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// From the click on "Join" to the first picture of another person, in a real
// browser, step by step. A camera streams 640x360 with sound; each round opens
// the page anew, waits in the lobby as a person would, and joins.
//
//   ./dev bench page [--quick] [--rounds N] [--browsers chromium,firefox]
//                    [--block-udp] [--json FILE]
//
// --block-udp: the way to the server's UDP port ends nowhere, as in networks
// that let only TCP through.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';

import { until } from '../tests/e2e/support/call.mjs';
import { Chromium } from '../tests/e2e/support/chromium.mjs';
import { Daemon } from '../tests/e2e/support/daemon.mjs';
import { Firefox } from '../tests/e2e/support/firefox.mjs';
import { Process } from '../tests/e2e/support/process.mjs';

const USAGE = `Usage: ./dev bench page [OPTIONS]
  --quick          three rounds
  --rounds N       rounds, of which the median and the 95th percentile are shown
  --browsers LIST  chromium, firefox or both (chromium,firefox)
  --block-udp      the server's UDP port cannot be reached
  --json FILE      all figures of all rounds`;
const options = { rounds: 20, browsers: 'chromium,firefox', blockUdp: false, json: '' };
for (let args = process.argv.slice(2); args.length > 0; ) {
  const flag = args.shift();
  if (flag === '--quick') options.rounds = 3;
  else if (flag === '--help') {
    console.log(USAGE);
    process.exit(0);
  } else if (flag === '--rounds') options.rounds = Number(args.shift());
  else if (flag === '--browsers') options.browsers = args.shift();
  else if (flag === '--block-udp') options.blockUdp = true;
  else if (flag === '--json') options.json = args.shift();
  else {
    console.error(`bench page: unknown option ${flag}; --help lists them.`);
    process.exit(2);
  }
}

const BROWSERS = { chromium: Chromium, firefox: Firefox };
// Each is counted from the one before it.
const STEPS = ['joined', 'connected', 'assigned', 'received', 'decoded', 'drawn'];

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function round(browser, daemon) {
  const page = await browser.open(daemon.meeting('bench'));
  try {
    await page.fill('#name', 'Anna');
    // The devices are open: their start is the lobby's, not the join's.
    await until('the preview', () => page.evaluate(
      () => document.querySelector('.preview video')?.readyState >= 2));
    await page.click('.lobby-join');
    await until('a picture', () => page.evaluate(() => window.__videocall.milestones.drawn));
    const passed = await page.evaluate(() => window.__videocall.milestones);
    const steps = {};
    let before = passed.clicked;
    for (const step of STEPS) {
      steps[step] = passed[step] - before;
      before = passed[step];
    }
    return { steps, total: passed.drawn - passed.clicked };
  } finally {
    await page.close();
  }
}

// A port that takes datagrams and never answers.
async function blackHole() {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function measure(kind) {
  const hole = options.blockUdp ? await blackHole() : null;
  const daemon = await Daemon.start({ args: [
    ...['--join-rate', '0', '--max-cpu', '0', '--log-level', 'warning'],
    ...(hole ? ['--public-webtransport-url', `https://127.0.0.1:${hole.address().port}`] : []),
  ] });
  const camera = new Process('videocall-cli', [
    'stream', '--url', daemon.url, '--meeting-id', 'bench', '--user-id', 'cam',
    '--debug-send-test-pattern', '--audio', 'tone', '--resolution', '640x360',
  ]);
  const browser = await BROWSERS[kind].launch();
  try {
    // The first one pays for the browser's start.
    await round(browser, daemon);
    const rounds = [];
    for (let i = 0; i < options.rounds; i++) rounds.push(await round(browser, daemon));
    const of = (share) => ({
      ...Object.fromEntries(
        STEPS.map((step) => [step, percentile(rounds.map((one) => one.steps[step]), share)])),
      total: percentile(rounds.map((one) => one.total), share),
    });
    return { browser: kind, rounds: rounds.length, p50_ms: of(0.5), p95_ms: of(0.95), samples: rounds };
  } finally {
    await browser.close();
    await camera.stop('SIGINT');
    await daemon.stop();
    hole?.close();
  }
}

const results = { page: [] };
for (const kind of options.browsers.split(',')) {
  if (!BROWSERS[kind]) {
    console.error(`bench page: no browser ${kind}; there are ${Object.keys(BROWSERS).join(', ')}.`);
    process.exit(2);
  }
  results.page.push(await measure(kind));
}

const COLUMNS = [...STEPS, 'total'];
console.log('ms'.padEnd(14) + COLUMNS.map((name) => name.padStart(10)).join(''));
for (const row of results.page) {
  for (const share of ['p50', 'p95']) {
    console.log(`${row.browser} ${share}`.padEnd(14) +
      COLUMNS.map((name) => row[`${share}_ms`][name].toFixed(0).padStart(10)).join(''));
  }
}
if (options.json) writeFileSync(options.json, JSON.stringify(results, null, 2) + '\n');
process.exit(0);
