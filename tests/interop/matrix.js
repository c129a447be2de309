// The page of many images: matrix.js PAGE BROWSER; the answer is JSON.
'use strict';
const fs = require('fs');
const { chromium } = require('playwright-core');
const { pathToFileURL } = require('url');

const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

(async () => {
  const [file, executablePath] = process.argv.slice(2);
  const url = pathToFileURL(file).href;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  const complaints = [];
  page.on('request', (r) => { if (r.url() !== url) complaints.push(r.url()); });
  page.on('dialog', (d) => { complaints.push(`dialog ${d.message()}`); d.dismiss(); });
  page.on('pageerror', (e) => complaints.push(`error ${e}`));
  page.on('console', (m) => complaints.push(`console ${m.text()}`));
  await page.goto(url);
  const seen = { complaints, violations: [], widths: [], rows: [] };
  const count = async () => seen.rows.push(await page.evaluate(
    'Array.from(document.querySelectorAll("tbody tr")).filter((r) => r.offsetHeight > 0).length'));
  seen.cells = await page.evaluate('document.querySelectorAll("tbody td").length - document.querySelectorAll("tbody tr").length');
  seen.first = await page.evaluate('document.querySelector("tbody td").textContent');
  seen.worse = await page.evaluate(() => {
    const open = Array.from(document.querySelectorAll('thead .name + span'), (s) => Number(s.textContent));
    const usual = Math.min(...open);
    return open.flatMap((n, i) => (n > usual ? [i] : []));
  });
  await count();
  await page.locator('#open').check();
  await count();
  await page.locator('#differ').check();
  await count();
  await page.locator('#open').uncheck();
  await count();
  await page.locator('#find').fill('2.1.2 ');
  await count();
  await page.locator('#find').fill('');
  await page.locator('tbody tr:not([hidden]) td.met').first().hover();
  seen.at = await page.locator('#at').textContent();
  await page.locator('#differ').uncheck();
  await count();
  seen.sticky = await page.evaluate(() => {
    const wrap = document.querySelector('.wrap');
    wrap.scrollTo(2000, 2000);
    const [box, head] = [wrap, document.querySelectorAll('thead th')[150]].map((e) => e.getBoundingClientRect());
    const row = document.querySelector('tbody tr:last-child th').getBoundingClientRect();
    return wrap.scrollTop > 1000 && wrap.scrollLeft > 1000
      && Math.abs(head.top - box.top) < 3 && Math.abs(row.left - box.left) < 3;
  });
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    seen.widths.push({ window: width, scroll: await page.evaluate('document.documentElement.scrollWidth') });
  }
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ colorScheme, bypassCSP: true });
    const small = await context.newPage();
    await small.goto(url);
    // Each kind of cell, and not all of forty thousand.
    await small.evaluate(() => document.querySelectorAll('tr').forEach((row, i) => {
      Array.from(row.cells).slice(12).forEach((cell) => cell.remove());
      if (i > 0 && i % 6 !== 1) row.remove();
    }));
    await small.evaluate(axe);
    const found = await small.evaluate('axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] })');
    seen.violations.push(...found.violations.map((v) => `${colorScheme} ${v.id}: ${v.nodes[0].html} ${v.nodes[0].failureSummary}`));
    await context.close();
  }
  await browser.close();
  console.log(JSON.stringify(seen));
})().catch((e) => { console.error(e); process.exit(1); });
