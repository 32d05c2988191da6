// SPDX-License-Identifier: MIT
// What the bench-* scripts share: options, a server and a load on cores of
// their own, tables.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Daemon } from '../tests/e2e/support/daemon.mjs';

const build = process.env.VIDEOCALL_BUILD_DIR ??
  join(dirname(fileURLToPath(import.meta.url)), '..', 'build');

const serverCore = '0';
const loadCore = '1';

// What loadtest sends, and bench-floor the same.
export const loads = {
  'mix 500 kbit/s': {
    load: ['--video', 'mix', '--video-kbps', 500],
    floor: ['--fps', 30, '--key-bytes', 7576, '--delta-bytes', 1894, '--group', 30],
  },
  '1.5 Mbit/s': {
    load: ['--video', 'constant', '--video-kbps', 1500],
    floor: ['--fps', 30, '--key-bytes', 6250, '--delta-bytes', 6250, '--group', 30],
  },
};

// Reads --rounds, --seconds, --json, --quick and --realtime, and --svg where
// |defaults| has svg.
export function readOptions(name, defaults, quick) {
  const options = { ...defaults, json: '', quick: false, realtime: false };
  for (let args = process.argv.slice(2); args.length > 0; ) {
    const flag = args.shift();
    if (flag === '--quick') Object.assign(options, quick, { quick: true });
    else if (flag === '--realtime') options.realtime = true;
    else if (['--rounds', '--seconds'].includes(flag)) options[flag.slice(2)] = Number(args.shift());
    else if (flag === '--json') options.json = args.shift();
    else if (flag === '--nodes' && 'nodes' in defaults) options.nodes = Number(args.shift());
    else if (flag === '--svg' && 'svg' in defaults) options.svg = args.shift();
    else {
      console.log(`Usage: ./dev bench ${name} [OPTIONS]
  --quick      one short round of the smaller loads
  --rounds N   rounds, of which the median is shown
  --seconds N  seconds a round
  --json FILE  all figures of all rounds
  --realtime   real-time priority for server and load, so that other programs
               on the machine disturb less (root only)${'svg' in defaults ? `
  --svg FILE   draw the figures` : ''}${'nodes' in defaults ? `
  --nodes N    with so many servers alone` : ''}`);
      process.exit(flag === '--help' ? 0 : 2);
    }
  }
  return options;
}

const on = (core, options) => [
  ...(options.realtime ? ['chrt', '-f', '5'] : []), 'taskset', '-c', core,
];

// Runs a program and returns the JSON that it prints.
function program(path, args, core, options) {
  const [command, ...rest] = on(core, options);
  return JSON.parse(execFileSync(command, [...rest, join(build, path), ...args.map(String)], {
    encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28,
  }));
}

// Cores for servers that run together: one each as far as there are any, but
// for the load's.
export function coreOfServer(index) {
  const cores = Array.from({ length: availableParallelism() }, (_, i) => String(i))
    .filter((core) => core !== loadCore);
  return cores.length > 0 ? cores[index % cores.length] : loadCore;
}

// Has all threads of process |pid| on |core| from now on.
export function pin(pid, core, options) {
  execFileSync('taskset', ['-a', '-p', '-c', core, String(pid)], { stdio: 'ignore' });
  if (options.realtime)
    execFileSync('chrt', ['-a', '-f', '-p', '5', String(pid)], { stdio: 'ignore' });
}

// A fresh server for each figure, pinned as a whole, with |flags| of its own.
export async function withServer(options, measure, flags = []) {
  const daemon = await Daemon.start({
    args: [
      ...['--join-rate', '0', '--max-cpu', '0', '--shards', '1', '--log-level', 'warning'],
      ...flags,
    ],
  });
  pin(daemon.process.pid, serverCore, options);
  try {
    return await measure(daemon);
  } finally {
    await daemon.process.stop('SIGKILL');
  }
}

// One socket, as one machine has that all viewers' packets leave by. |pids|:
// what is measured.
export function load(daemon, args, options, pids = [daemon.process.pid]) {
  const result = program('cli/videocall-cli', [
    'loadtest', '--url', daemon.url, '--server-pid', pids.join(','),
    '--sockets', 1, '--quiet', '--json', '-', ...args,
  ], loadCore, options);
  delete result.viewers;  // each on its own: too much to keep
  delete result.series;
  return result;
}

export const floor = (args, options) =>
  program('benchmarks/bench-floor', args, serverCore, options);

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

// |columns|: [title, row => text]; the first is left-aligned.
export function printTable(columns, rows) {
  const cells = [columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, text]) => String(text(row))))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  for (const line of cells)
    console.log(line.map((text, i) =>
      i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i])).join('  '));
}

export function writeJson(options, results) {
  if (options.json) writeFileSync(options.json, JSON.stringify(results, null, 2) + '\n');
}
