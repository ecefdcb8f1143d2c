import { chromium, type Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { findBrowser } from '../../dev/browser.js';
import { openTheatre, operation, summary } from '../stack/theatre.js';

const browser = await chromium.launch({ executablePath: findBrowser(), args: ['--no-sandbox'] });
afterAll(() => browser.close());
const theatre = await openTheatre({ ui: true });

/** The header and its dialogs stand twice on the page, once for narrow windows; only one is visible. */
function visible(page: Page, testId: string) {
  return page.locator(`[data-testid="${testId}"]:visible`);
}

describe('the Temporal UI', { timeout: 120_000 }, () => {
  it('stops an apply on real databases from its signal dialog', async () => {
    const letGo = await theatre.hold('a');
    const apply = await theatre.apply();
    await theatre.until(apply, (status) => operation(status, 'a').waitingOn !== '');
    const { temporal } = theatre.stack;
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
    await page.goto(`${temporal.uiAddress}/namespaces/${temporal.namespace}/workflows/${encodeURIComponent(apply)}`);

    await page.getByRole('button', { name: 'More Actions' }).filter({ visible: true }).click();
    await visible(page, 'signal-button').click();
    await visible(page, 'signal-select-button').click();
    await page.getByRole('option', { name: /^stop/ }).filter({ visible: true }).click();
    await visible(page, 'confirm-modal-button').click();

    const status = await theatre.ended(apply);
    await letGo();
    expect(summary(status)).toBe('a=stopped b=stopped c=stopped');
    expect(operation(status, 'b').started).toBe(false);
    expect(await theatre.records('b')).toEqual([]);
  });
});
