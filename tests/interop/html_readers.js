// Readers of screens, keyboards, small windows, printers: html_readers.js PAGE BROWSER; the answer is JSON.
'use strict';
const fs = require('fs');
const { chromium } = require('playwright-core');
const { pathToFileURL } = require('url');

const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

(async () => {
  const [file, executablePath] = process.argv.slice(2);
  const url = pathToFileURL(file).href;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const seen = { violations: [], widths: [] };
  const inLanguage = (page, lang) =>
    page.locator(`span[lang="${lang}"]:visible`).count();

  for (const colorScheme of ['light', 'dark']) {
    // The policy of the page would not let the reader run.
    const context = await browser.newContext({ colorScheme, bypassCSP: true });
    const page = await context.newPage();
    await page.goto(url);
    // Of rows with one verdict the first few are alike, for a reader of screens.
    await page.evaluate(() => {
      const seen = {};
      for (const d of document.querySelectorAll('details')) {
        const kind = `${d.className} ${d.dataset.v}`;
        seen[kind] = (seen[kind] || 0) + 1;
        d.open = seen[kind] <= 6;
        if (d.classList.contains('row') && seen[kind] > 10) d.remove();
      }
    });
    await page.evaluate(axe);
    const found = await page.evaluate('axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] })');
    for (const v of found.violations) {
      seen.violations.push(`${colorScheme} ${v.id}: ${v.nodes[0].html} ${v.nodes[0].failureSummary}`);
    }
    const contrast = found.incomplete.filter((v) => v.id === 'color-contrast');
    // Of a sign alone the reader cannot tell whether it is a text.
    const texts = contrast.flatMap((v) => v.nodes)
      .filter((n) => !n.any.some((c) => c.data && ['nonBmp', 'shortTextContent'].includes(c.data.messageKey)));
    seen.violations.push(...texts.map((n) => `${colorScheme} unsure ${n.html}`));
    await page.reload();
    await page.evaluate('document.querySelectorAll("details").forEach((d) => { d.open = true; })');
    for (const width of [320, 360, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const scroll = await page.evaluate('document.documentElement.scrollWidth');
      seen.widths.push({ window: width, scroll });
    }
    await context.close();
  }

  const page = await browser.newPage();
  await page.goto(url);
  const pressed = () => page.locator('[aria-pressed="true"]').getAttribute('data-to');
  const lang = () => page.evaluate('document.documentElement.lang');
  seen.first = { lang: await lang(), en: await inLanguage(page, 'en'), pressed: await pressed() };
  await page.locator('[data-to="en"]').click();
  seen.switched = { lang: await lang(), ja: await inLanguage(page, 'ja'), pressed: await pressed() };
  seen.title = await page.title();

  // By the keyboard alone, from the top of the page.
  await page.goto(url);
  const at = (what) => page.evaluate((w) => document.activeElement.matches(w), what);
  const tab = async (what) => {
    for (let i = 0; i < 200; i += 1) {
      await page.keyboard.press('Tab');
      if (await at(what)) return true;
    }
    return false;
  };
  const rows = () => page.locator('.row:visible').count();
  const all = await rows();
  const toFilter = await tab('input[name="v"][value="notmet"]');
  await page.keyboard.press('Space');
  await page.waitForTimeout(100);
  seen['keyboard filter'] = toFilter && await rows() > 0 && await rows() < all;
  const toRow = await tab('.row > summary');
  seen.focus = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2;
  });
  await page.keyboard.press('Enter');
  seen['keyboard row'] = toRow && await page.evaluate('document.activeElement.parentElement.open');

  const hidden = await page.locator('.row[hidden]').first().getAttribute('id');
  await page.evaluate((id) => { location.hash = `#${id}`; }, hidden);
  await page.waitForTimeout(100);
  const target = page.locator(`[id="${hidden}"]`);
  seen.link = await target.isVisible() && await target.evaluate((d) => d.open);

  // Paper: nothing to press, nothing closed.
  await page.goto('about:blank');
  await page.goto(url);
  await page.emulateMedia({ media: 'print' });
  seen.print = {
    controls: await page.locator('button:visible, input:visible, form:visible').count(),
    closed: await page.evaluate(() => Array.from(document.querySelectorAll('.row > .body, .change > .body'))
      .filter((body) => body.getBoundingClientRect().height < 10 || !body.checkVisibility({ contentVisibilityAuto: true }))
      .length),
  };
  await page.emulateMedia({ media: null });
  const open = await (await browser.newContext()).newPage();
  await open.goto(url);
  await open.evaluate('document.querySelectorAll("details").forEach((d) => { d.open = true; })');
  const pages = async (p) => (await p.pdf()).toString('latin1').split('/Type /Page\n').length;
  seen.pdf = await pages(page) === await pages(open) && await pages(open) > 10;

  const bare = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await bare.goto(url);
  seen['without script'] = {
    rows: await bare.locator('.row:visible').count(),
    en: await inLanguage(bare, 'en'),
    controls: await bare.locator('button:visible, form:visible').count(),
  };
  await browser.close();
  console.log(JSON.stringify(seen));
})().catch((e) => { console.error(e); process.exit(1); });
