import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type Page } from 'playwright-core';
import { describe } from 'vitest';

const CHROMIUM = ['chromium-headless-shell', 'chromium']
  .map((name) => `/usr/bin/${name}`)
  .find((path) => existsSync(path));

if (CHROMIUM === undefined)
  console.error(
    '\n*** SKIPPED: the tests in a browser: there is none (Debian: chromium-headless-shell) ***\n',
  );

/** Tests that need a browser. Without one they are skipped, loudly; in CI they fail instead. */
export const describeBrowser = describe.skipIf(CHROMIUM === undefined && process.env['CI'] === undefined);

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM ?? 'chromium',
    // Chromium's own sandbox refuses to start as root, which CI is; the only pages are ours.
    chromiumSandbox: process.getuid?.() !== 0,
  });
}

/** A web site: an origin of its own, with a page that holds the files given by path. */
export class Site {
  readonly #server: Server;
  #page: Page | undefined;

  constructor(files: Readonly<Record<string, string>>) {
    this.#server = createServer((request, response) => {
      const file = files[request.url ?? ''];
      if (file === undefined) {
        const scripts = Object.keys(files).map((path) => `<script type="module" src="${path}"></script>`);
        response.setHeader('content-type', 'text/html');
        response.end(`<!doctype html><link rel="icon" href="data:,">${scripts.join('')}`);
        return;
      }
      response.setHeader('content-type', 'text/javascript');
      readFile(file).then(
        (text) => response.end(text),
        () => response.destroy(),
      );
    });
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async open(browser: Browser): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#page = await browser.newPage();
    await this.#page.goto(this.origin, { waitUntil: 'load' });
    return this;
  }

  /** Has the page do one of its `actions`. */
  async act<T>(action: string, argument: Readonly<Record<string, unknown>>): Promise<T> {
    const call = `globalThis.actions[${JSON.stringify(action)}](${JSON.stringify(argument)})`;
    return (await this.#page?.evaluate<T>(call)) as T;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
