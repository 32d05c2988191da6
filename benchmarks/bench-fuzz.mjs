#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Fuzzes for longer than the tests do: each target of tests/fuzz with
// libFuzzer, AddressSanitizer and UBSan, in a build of its own (clang++). What
// it finds, and the corpus that it gathers, are under build-fuzz/.
//
//   ./dev bench fuzz [--seconds N] [TARGET...]
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const usage = 'Usage: ./dev bench fuzz [--seconds N (default 60, each)] [TARGET...]';
let seconds = 60;
const wanted = [];
for (let args = process.argv.slice(2); args.length > 0; ) {
  const arg = args.shift();
  if (arg === '--help') {
    console.log(usage);
    process.exit(0);
  } else if (arg === '--seconds') seconds = Number(args.shift());
  else if (arg.startsWith('-')) {
    console.error(`bench fuzz: unknown option ${arg}; --help lists them.`);
    process.exit(2);
  } else wanted.push(arg);
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const build = join(root, 'build-fuzz');
const run = (program, args, env = {}) =>
  execFileSync(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });

if (!existsSync(join(build, 'build.ninja'))) {
  run('meson', ['setup', build, '-Dfuzz=true', '-Dweb=false', '-Dbenchmarks=false',
    '-Db_sanitize=address,undefined', '-Db_lundef=false'], { CXX: 'clang++', CC: 'clang' });
}
const targets = readdirSync(join(root, 'tests', 'fuzz'))
  .filter((name) => name.endsWith('_fuzz.cpp'))
  .map((name) => name.slice(0, -'_fuzz.cpp'.length))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
  .sort();
const unknown = wanted.filter((name) => !targets.includes(name));
if (unknown.length > 0) {
  console.error(`bench fuzz: no such target: ${unknown.join(', ')}`);
  process.exit(2);
}
run('ninja', ['-C', build, ...targets.map((name) => `tests/fuzz/fuzz-${name}`)]);

let failed = 0;
for (const name of targets) {
  const gathered = join(build, 'corpus', name);
  mkdirSync(gathered, { recursive: true });
  const seeds = join(root, 'tests', 'fuzz', 'corpus', name);
  const result = spawnSync(join(build, 'tests', 'fuzz', `fuzz-${name}`), [
    `-max_total_time=${seconds}`, '-max_len=4096', '-print_final_stats=1',
    `-artifact_prefix=${build}/${name}-`, gathered, ...(existsSync(seeds) ? [seeds] : []),
  ], { encoding: 'utf8' });
  const inputs = /number_of_executed_units: (\d+)/.exec(result.stderr)?.[1] ?? '?';
  const covered = /.*cov: (\d+)/s.exec(result.stderr)?.[1] ?? '?';
  if (result.status === 0) {
    console.log(`${name}: ${inputs} inputs, ${covered} edges covered, nothing found`);
  } else {
    failed++;
    console.log(`${name}: FAILED\n${result.stderr.split('\n').slice(-40).join('\n')}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
