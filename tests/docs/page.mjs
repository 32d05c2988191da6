// SPDX-License-Identifier: MIT
// What a Markdown page tells its readers to type.

// What stands directly before a block of shell commands, as an HTML comment,
// says why a test cannot run it as a reader would:
//   <!-- not run: REASON -->
//   <!-- needs a camera -->   without one it must end with 3 and a remedy
const kNotRun = /^<!-- not run: (.+) -->$/;
const kCamera = /^<!-- needs a camera -->$/;

// Indented text that looks like commands would be missed: it must be fenced.
const kCommandOutsideFence =
  /^ {4,}(\$ )?(\.\/dev|sudo|apt-get|curl|meson|ninja|systemctl|gst-(launch|inspect)-1\.0|videocall(d|-cli))\s/;

// Fenced blocks of |text|: {language, line, text, mark, notRun, camera}.
// Throws on a mark that belongs to no block and on commands outside of fences.
export function blocks(text) {
  const found = [];
  let block;
  let mark;
  text.split('\n').forEach((line, index) => {
    const where = `line ${index + 1}`;
    const fence = line.match(/^\s*```(\S*)/);
    if (block) {
      if (fence) {
        found.push(block);
        block = undefined;
      } else {
        block.text += `${line.slice(block.indent)}\n`;
      }
    } else if (fence) {
      block = {
        language: fence[1],
        line: index + 1,
        text: '',
        indent: line.indexOf('`'),
        notRun: mark?.match(kNotRun)?.[1],
        camera: kCamera.test(mark ?? ''),
      };
      mark = undefined;
    } else if (mark) {
      throw new Error(`${where}: no block of commands follows "${mark}"`);
    } else if (kNotRun.test(line) || kCamera.test(line)) {
      mark = line;
    } else if (kCommandOutsideFence.test(line)) {
      throw new Error(`${where}: put commands between \`\`\`sh and \`\`\`: ${line}`);
    }
  });
  if (block) throw new Error(`the block of line ${block.line} has no end`);
  if (mark) throw new Error(`no block of commands follows "${mark}"`);
  return found;
}

// The commands of the ```sh blocks: {command, line, notRun, camera}. A line is
// a command, and a \ at its end goes on in the next.
export function commands(text) {
  const found = [];
  for (const block of blocks(text)) {
    if (block.language !== 'sh') continue;
    let command = '';
    block.text.split('\n').forEach((line, index) => {
      if (!command && /^\s*(#|$)/.test(line)) return;
      command += line;
      if (line.endsWith('\\')) {
        command = command.slice(0, -1);
        return;
      }
      found.push({
        command: command.trim(),
        line: block.line + 1 + index,
        notRun: block.notRun,
        camera: block.camera,
      });
      command = '';
    });
  }
  return found;
}
