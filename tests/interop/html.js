// The filters, and that nothing of the tree runs: html.js PAGE BROWSER; the answer is JSON.
'use strict';
const { chromium } = require('playwright-core');
const { pathToFileURL } = require('url');

(async () => {
  const [file, executablePath] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  const requests = [];
  const complaints = [];
  const url = pathToFileURL(file).href;
  page.on('request', (r) => { if (r.url() !== url) requests.push(r.url()); });
  page.on('dialog', (d) => { complaints.push(`dialog ${d.message()}`); d.dismiss(); });
  page.on('pageerror', (e) => complaints.push(`error ${e}`));
  page.on('console', (m) => complaints.push(`console ${m.text()}`));
  await page.goto(url);

  const visible = () => page.locator('.row:visible').count();
  const shown = { all: await visible() };
  const said = [];
  const counted = [];
  const note = async (name) => {
    await page.waitForTimeout(200);
    shown[name] = await visible();
    counted.push(shown[name]);
    said.push(Number(await page.locator('#shown').textContent()));
  };
  const box = (group, value) => page.locator(`input[name="${group}"][value="${value}"]`);
  await page.locator('details.more > summary').click();
  const choose = async (name, ...choices) => {
    for (const [group, value] of choices) await box(group, value).check();
    await note(name);
    await page.locator('#all-shown').click();
  };
  await choose('notmet', ['v', 'notmet']);
  await choose('left', ['v', 'left']);
  await choose('left or notmet', ['v', 'left'], ['v', 'notmet']);
  await choose('high', ['g', 'high']);
  await choose('five', ['c', '5']);
  await choose('five and high', ['c', '5'], ['g', 'high']);
  await choose('failed', ['s', 'fail']);
  await choose('changed', ['k', 'changed']);
  await page.locator('#find').fill('  CRAMFS cannot');
  await note('search');
  await page.locator('#find').fill('cramfs をロード');
  await note('search in Japanese');
  await page.locator('#all-shown').click();
  await note('cleared');

  await page.locator('#open-all').click();
  await page.locator('.tiles a[data-v="met"]').click();
  await note('by its tile');
  await page.locator('.chapters a[data-c="5"]').click();
  await note('by its bar');
  await page.locator('#all-shown').click();

  await page.evaluate('document.querySelectorAll("details").forEach((d) => { d.open = true; })');
  const texts = await page.evaluate(() => document.body.innerText);
  const foreign = await page.evaluate(() => document.scripts.length - 1
    + document.querySelectorAll('img, iframe, object, embed, link, body style, base').length);
  const number = (li) => Number(li.querySelector('b').textContent);
  const tiles = await page.evaluate(`Object.fromEntries(Array.from(document.querySelectorAll('.tiles li'),
    (li) => [li.className, (${number})(li)]))`);
  const bars = await page.evaluate(`Array.from(document.querySelectorAll('.chapters > li')).every((chapter) => {
    const counts = Array.from(chapter.querySelectorAll('.counts li'));
    const all = counts.reduce((sum, li) => sum + (${number})(li), 0);
    const rects = Array.from(chapter.querySelectorAll('rect'));
    return rects.length === counts.length && rects.every((rect, i) =>
      rect.getAttribute('class') === counts[i].className
      && Math.abs(rect.width.baseVal.value - 1000 * (${number})(counts[i]) / all) <= 4);
  })`);
  await page.waitForTimeout(200);
  await browser.close();
  console.log(JSON.stringify({ requests, complaints, texts, foreign, shown, said, counted, tiles, bars }));
})().catch((e) => { console.error(e); process.exit(1); });
