// SPDX-License-Identifier: MIT
// Takes pictures of the stories: node stories/shoot.mjs FOLDER [NAME-PART]
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const folder = process.argv[2] ?? "shots";
const part = process.argv[3] ?? "";
const SIZES = { phone: [390, 844], desktop: [1440, 900], tiny: [320, 568] };
const STORIES = {
  home: "story=home",
  lobby: "story=lobby",
  "lobby-denied": "story=lobby&deny",
  "call-alone": "story=call&people=0",
  "call-1": "story=call&people=1",
  "call-2": "story=call&people=2",
  "call-5": "story=call&people=5&react",
  "call-9": "story=call&people=9",
  "call-chat": "story=call&people=5&panel=chat",
  "call-more": "story=call&people=2&panel=more",
  "call-people": "story=call&people=5&panel=people",
  "call-screen": "story=call&people=5&screen",
  "call-rtl": "story=call&people=5&panel=people&rtl",
  "call-lost": "story=call&people=2&phase=lost",
  "call-removed": "story=call&phase=removed",
  "call-30": "story=call&people=30",
};

mkdirSync(folder, { recursive: true });
const server = await createServer({ logLevel: "warn", server: { port: 0 } });
await server.listen();
const base = server.resolvedUrls.local[0];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--use-fake-device-for-media-stream=fps=30",
    "--no-first-run",
    "--disable-background-networking",
  ],
});
for (const [story, query] of Object.entries(STORIES)) {
  for (const theme of ["light", "dark"]) {
    for (const [size, [width, height]] of Object.entries(SIZES)) {
      const name = `${story}-${size}-${theme}`;
      if (!name.includes(part) || (size === "tiny" && theme === "dark")) continue;
      const permissions = query.includes("deny") ? [] : ["camera", "microphone"];
      const context = await browser.newContext({ viewport: { width, height }, permissions });
      const page = await context.newPage();
      page.on("pageerror", (error) => console.error(name, error.message));
      await page.route("**/api/**", (route) => route.fulfill({ status: 404, body: "{}" }));
      await page.goto(`${base}stories/?${query}&theme=${theme}`);
      await page.waitForTimeout(1_200);
      await page.screenshot({ path: `${folder}/${name}.png` });
      await context.close();
    }
  }
}
await browser.close();
await server.close();
