// Loads an HDF file into Heimdall Lite by its upload input and prints the counts that it shows.
// node hdf.mjs NODE_MODULES CHROMIUM FILE
import { createRequire } from 'node:module';
import { existsSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';

const [modules, program, file] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, 'x.js'))('playwright-core');
const pages = join(modules, '@mitre/heimdall-lite/dist');
const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
const page = await browser.newPage();
const dialogs = [];
page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss();
});
// No server and no network: what the page asks for is a file of the package, or is not there.
await page.route('**/*', (route) => {
    const path = join(pages, normalize(decodeURIComponent(new URL(route.request().url()).pathname)));
    if (!path.startsWith(pages)) return route.fulfill({ status: 404 });
    const named = existsSync(path) && statSync(path).isDirectory() ? join(path, 'index.html') : path;
    return existsSync(named) ? route.fulfill({ path: named }) : route.fulfill({ status: 404 });
});
await page.goto('http://heimdall.invalid/');
const input = page.locator('input[type=file]').first();
await input.waitFor({ state: 'attached', timeout: 30000 });
await input.setInputFiles(file);
await page.getByText(/Passed: \d/).first().waitFor({ timeout: 30000 });
const text = await page.locator('body').innerText();
const count = (pattern) => Number((text.match(pattern) ?? [])[1] ?? 0);
console.log(JSON.stringify({
    passed: count(/^Passed: (\d+)/m),
    failed: count(/^Failed: (\d+)/m),
    not_applicable: count(/^Not Applicable: (\d+)/m),
    not_reviewed: count(/^Not Reviewed: (\d+)/m),
    errors: count(/^Profile Errors?: (\d+)/m),
    waived: count(/(\d+) Waived Tests/),
    dialogs,
}));
await browser.close();
